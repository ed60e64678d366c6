//! What lines of an agent's log mean: words that Cilium's sources have for it, and what to do.
//!
//! Cilium writes them as a fatal line, as an error of hive (`Start failed`), or as pflag's before
//! there is a log; so they are looked for in what a line says, whatever its form.

/// Why an agent does not start.
#[derive(Debug)]
pub(super) struct Cause {
    /// Words that tell; any of them is enough. Versions differ in upper and lower case.
    words: &'static [&'static str],
    /// The cause, in a clause.
    pub(super) clause: &'static str,
    /// The rule that looks for it.
    pub(super) code: Option<&'static str>,
    /// What to do.
    pub(super) remedy: &'static str,
}

/// The place in [`CAUSES`] of what these words tell. The first that fits counts.
pub(super) fn of(message: &str) -> Option<usize> {
    let message = message.to_lowercase();
    CAUSES.iter().position(|cause| cause.words.iter().any(|words| message.contains(words)))
}

const fn cause(
    words: &'static [&'static str],
    clause: &'static str,
    code: Option<&'static str>,
    remedy: &'static str,
) -> Cause {
    Cause { words, clause, code, remedy }
}

/// All that are known; words are in lower case.
pub(super) const CAUSES: &[Cause] = &[
    cause(
        &["auto-direct-node-routes cannot be used with tunneling"],
        "direct routes between nodes are wanted, and a tunnel too",
        Some("CFG-01"),
        "set autoDirectNodeRoutes to false, or turn the tunnel off",
    ),
    cause(
        &["native routing cidr must be configured"],
        "native routing with masquerading needs to know which network is routed without it",
        Some("CFG-02"),
        "set ipv4NativeRoutingCIDR to a network that contains all pods, or turn masquerading off where routers \
         know the pods",
    ),
    cause(
        &["invalid routing mode", "invalid tunnel protocol"],
        "the routing mode or the tunnel's protocol has a value that this version does not know",
        Some("CFG-15"),
        "give it a value that this version knows",
    ),
    cause(
        &["invalid value for --kube-proxy-replacement", "for \"--kube-proxy-replacement\" flag"],
        "kubeProxyReplacement has a value that this version does not know",
        Some("CFG-18"),
        "since 1.14 kubeProxyReplacement is true or false, before that strict, partial, probe or disabled",
    ),
    cause(
        &["with enable-ipsec"],
        "the IPAM mode does not go with IPsec in this version",
        Some("CFG-20"),
        "use another IPAM mode, or encryption.type: wireguard",
    ),
    cause(
        &["cannot specify ipam mode multi-pool"],
        "the IPAM mode multi-pool does not go with a tunnel in this version",
        Some("CFG-20"),
        "use native routing, or another IPAM mode",
    ),
    cause(
        &["cannot specify ipam mode eni"],
        "the IPAM mode eni does not go with a tunnel",
        Some("CFG-21"),
        "use native routing, or another IPAM mode",
    ),
    cause(
        &["ipv6 cannot be enabled in eni ipam mode"],
        "the IPAM mode eni has no IPv6",
        None,
        "set ipv6.enabled to false, or use another IPAM mode",
    ),
    cause(
        &["with --ipam=delegated-plugin"],
        "another plugin gives the addresses, and what Cilium then needs to be told is missing",
        None,
        "give it what the line names: local-router-ipv4 or local-router-ipv6 in extraConfig, or \
         endpointHealthChecking.enabled false",
    ),
    cause(
        &["bpf masquerade requires nodeport"],
        "masquerading in BPF needs Cilium's NodePort in this version",
        Some("CFG-07"),
        "set kubeProxyReplacement, or set bpf.masquerade to false",
    ),
    cause(
        &["bpf masquerade requires (--enable-ipv4-masquerade"],
        "BPF is to masquerade, and masquerading is off",
        Some("CFG-08"),
        "set bpf.masquerade to false, or turn masquerading on",
    ),
    cause(
        &["bpf masquerade does not allow to specify devices", "bpf masquerading to route source"],
        "masquerading in BPF does not know an option that is set",
        Some("CFG-09"),
        "remove egressMasqueradeInterfaces and the route source's option, or set bpf.masquerade to false",
    ),
    cause(
        &["ip-masq-agent requires"],
        "ip-masq-agent is on, and masquerading in BPF is not",
        Some("CFG-06"),
        "set bpf.masquerade to true, or ipMasqAgent.enabled to false",
    ),
    cause(
        &["requires bpf masquerade to be enabled"],
        "packets to other nodes are to be masqueraded too, which only BPF does",
        None,
        "set bpf.masquerade to true, or remove enable-remote-node-masquerade from extraConfig",
    ),
    cause(
        &["egress gateway requires"],
        "the egress gateway is on, and not what it needs",
        None,
        "set bpf.masquerade, enableIPv4Masquerade and kubeProxyReplacement to true, or egressGateway.enabled to \
         false",
    ),
    cause(
        &["netkit devices require"],
        "pods are to get netkit devices, and what these need is off",
        None,
        "set bpf.masquerade and kubeProxyReplacement to true on kernel 6.8 or newer, or bpf.datapathMode to veth",
    ),
    cause(
        &["requires iptables rules"],
        "an option needs rules of iptables, and none are to be written",
        Some("CFG-24"),
        "set installIptablesRules to true, or turn off what the line names",
    ),
    cause(
        &["cannot specify local-router-ipv4", "cannot specify local-router-ipv6"],
        "the router's address is given where the options do not allow it",
        Some("CFG-24"),
        "remove local-router-ipv4 from extraConfig, or use native routing with endpointRoutes.enabled and without IPsec",
    ),
    cause(
        &["is not allowed to be after ephemeral port range"],
        "ports of Services lie behind those that the kernel gives to programs",
        Some("KRN-07"),
        "set nodePort.range below the kernel's, or let net.ipv4.ip_local_port_range reach as far",
    ),
    cause(
        &["must not clash with ephemeral port range"],
        "ports of Services are given to programs too",
        Some("KRN-07"),
        "reserve them in net.ipv4.ip_local_reserved_ports, or set nodePort.autoProtectPortRange to true",
    ),
    cause(
        &["host firewall's external facing device"],
        "the agent does not find the device that the host firewall is to guard",
        Some("CFG-11"),
        "name it: devices",
    ),
    cause(
        &[
            "cannot be used with ipsec",
            "ipsec cannot be used with",
            "cannot be used with wireguard",
        ],
        "two ways of encryption are wanted, or one that does not go with another option",
        None,
        "keep one of IPsec and WireGuard, and turn off what the line names",
    ),
    cause(
        &["ipsec requires dns proxy transparent mode"],
        "IPsec needs the transparent mode of the DNS proxy",
        None,
        "set dnsProxy.enableTransparentMode to true",
    ),
    cause(
        &[
            "unable to init cluster-pool allocator",
            "cidr collides",
            "unable to initialize ipv4 allocator",
        ],
        "the cluster's pool of addresses is empty, overlaps itself or cannot be cut into blocks",
        Some("CIDR-13"),
        "mend ipam.operator.clusterPoolIPv4PodCIDRList and clusterPoolIPv4MaskSize",
    ),
    cause(
        &["unable to determine direct routing device"],
        "the agent does not find the device that leads to the other nodes",
        Some("CFG-11"),
        "name it: nodePort.directRoutingDevice, and devices",
    ),
    cause(
        &["mode cannot be used with vxlan tunneling"],
        "direct return of replies does not go with a tunnel of VXLAN",
        Some("CFG-14"),
        "use native routing or Geneve, or set loadBalancer.mode to snat",
    ),
    cause(
        &["requires the agent to run in direct routing mode"],
        "connections are to pass without conntrack, which goes with native routing only",
        Some("CFG-22"),
        "set installNoConntrackIptablesRules to false, or use native routing",
    ),
    cause(
        &["cannot be enabled when auto-direct-node-routes is not enabled"],
        "unreachable nodes are to be skipped, and no direct routes are wanted",
        Some("CFG-23"),
        "set directRoutingSkipUnreachable to false, or autoDirectNodeRoutes to true",
    ),
    cause(
        &[
            "must consist of lower case",
            "must not be more than 32",
            "cannot use default cluster name",
            "cannot use the default cluster name",
        ],
        "the cluster's name or number is not one that Cilium takes",
        Some("CFG-19"),
        "set cluster.name to lower-case letters, digits and dashes, 32 at most",
    ),
    cause(
        &["either ipv4 or ipv6 addressing must be enabled"],
        "both IPv4 and IPv6 are off",
        Some("CFG-24"),
        "set ipv4.enabled or ipv6.enabled to true",
    ),
    cause(
        &["unable to contact k8s api-server"],
        "it does not reach the API server",
        Some("API-01"),
        "where no kube-proxy runs, set k8sServiceHost and k8sServicePort to the API server's own address and port",
    ),
    cause(
        &["required ipv4 podcidr not available", "required ipv6 podcidr not available"],
        "its node has no pod CIDR, which this IPAM mode takes from the Node",
        Some("CIDR-14"),
        "give the controller manager --allocate-node-cidrs and --cluster-cidr, or set ipam.mode to cluster-pool",
    ),
    cause(
        &[
            "setting up vxlan device: address already in use",
            "cilium_vxlan: address already in use",
        ],
        "another device has the tunnel's port",
        None,
        "find it with `ip -d link show type vxlan`, and remove it or set tunnelPort",
    ),
    cause(
        &["kernel version: not ok", "needs kernel"],
        "the node's kernel is too old for what is configured",
        Some("KRN-01"),
        "update the kernel, or turn off what the line names",
    ),
    cause(
        &["address family not supported by protocol"],
        "IPv6 is on in Cilium, and off on the node",
        Some("KRN-03"),
        "set ipv6.enabled to false, or load the modules of IPv6 on the node",
    ),
    cause(
        &["table does not exist (do you need to insmod", "modprobe: fatal: module"],
        "the node's kernel lacks a module that Cilium's rules of iptables need",
        None,
        "load the module that the line names, and have it loaded at each start",
    ),
    cause(
        &["failed to create pidfile"],
        "it cannot write its files, or another agent runs on the node",
        None,
        "see whether another cilium-agent runs there, and whether /var/run/cilium can be written",
    ),
];

#[cfg(test)]
mod tests {
    use super::{CAUSES, of};
    use crate::rules::registry::RULES;

    #[test]
    fn words_are_in_lower_case_and_stand_for_one_cause() {
        for (at, cause) in CAUSES.iter().enumerate() {
            for words in cause.words {
                assert_eq!(*words, words.to_lowercase());
                assert_eq!(of(&words.to_uppercase()), Some(at), "{words}");
            }
        }
    }

    #[test]
    fn rules_that_are_named_exist() {
        for code in CAUSES.iter().filter_map(|cause| cause.code) {
            assert!(RULES.iter().any(|rule| rule.code.0 == code), "{code}");
        }
    }
}

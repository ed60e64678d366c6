//! What is old in which charts, and what takes its place. The order matters: a later row sees what
//! an earlier one has written.

use super::rename::{
    Becomes::{self, ListAt, Moved, Nothing, PatternAt, Reported, Set, TextAt},
    Literal::{Bool, Text as Word},
    Numbers, Rename,
    Takes::{Anything, Empty, Text},
    row,
};

const EVER: Numbers = (u64::MAX, 0, 0);

const fn since(minor: u64) -> (Numbers, Numbers) {
    ((1, minor, 0), EVER)
}

const fn before(minor: u64) -> (Numbers, Numbers) {
    ((0, 0, 0), (1, minor, 0))
}

const fn between(first: u64, end: u64) -> (Numbers, Numbers) {
    ((1, first, 0), (1, end, 0))
}

const KPR: &str = "kubeProxyReplacement";
const ON: Becomes = Set(&[(KPR, Bool(true))]);
const OFF: Becomes = Set(&[(KPR, Bool(false))]);

const TUNNEL: &str = "from 1.15 on the chart has `routingMode` and `tunnelProtocol` instead, and \
                      ignores `tunnel` or fails over it";
const ROUTING: &str = "charts before 1.14 know `tunnel` only, and ignore this";
const POOL: &str = "from 1.14 on the chart has the list only; 1.19 ignores the single CIDR and \
                    takes 10.0.0.0/8";
const BOOLEAN: &str = "from 1.16 on the chart takes true and false only";
const IPSEC: &str = "from 1.16 on it is a setting of `encryption.ipsec`";
const MESH_CA: &str = "from 1.15 on there is one CA for all of Cilium";
const STRICT: &str = "from 1.20 on the strict mode has a part for egress; without it traffic \
                      would leave unencrypted";
const GONE: &str = "this chart has no such setting and does nothing of it; take it out";
const REFUSED: &str = "this chart has no such setting and may fail over it; take it out";
const KPR_PART: &str = "this chart knows it only as a part of `kubeProxyReplacement: true`";
const SECRETS: &str = "from 1.20 on certificates come from Secrets made before, or from \
                       `clustermesh.apiserver.tls.auto`";

/// The table.
pub(super) const RENAMES: &[Rename] = &[
    // Routing.
    row("tunnel", Text(&["disabled"]), since(15), Set(&[("routingMode", Word("native"))]), TUNNEL),
    row(
        "tunnel",
        Text(&["vxlan"]),
        since(15),
        Set(&[("routingMode", Word("tunnel")), ("tunnelProtocol", Word("vxlan"))]),
        TUNNEL,
    ),
    row(
        "tunnel",
        Text(&["geneve"]),
        since(15),
        Set(&[("routingMode", Word("tunnel")), ("tunnelProtocol", Word("geneve"))]),
        TUNNEL,
    ),
    row("tunnel", Empty, since(15), Nothing, TUNNEL),
    row("tunnel", Anything, since(15), Reported, "it is none of vxlan, geneve and disabled"),
    row(
        "routingMode",
        Text(&["native"]),
        before(14),
        Set(&[("tunnel", Word("disabled"))]),
        ROUTING,
    ),
    row("tunnelProtocol", Text(&["vxlan", "geneve"]), before(14), Moved("tunnel"), ROUTING),
    row("routingMode", Text(&["tunnel"]), before(14), Set(&[("tunnel", Word("vxlan"))]), ROUTING),
    row("routingMode", Empty, before(14), Nothing, ROUTING),
    row("tunnelProtocol", Empty, before(14), Nothing, ROUTING),
    row("routingMode", Anything, before(14), Reported, "it is neither native nor tunnel"),
    row("tunnelProtocol", Anything, before(14), Reported, "it is neither vxlan nor geneve"),
    row(
        "nativeRoutingCIDR",
        Anything,
        since(12),
        Moved("ipv4NativeRoutingCIDR"),
        "no chart since 1.12 reads it",
    ),
    row(
        "global.nativeRoutingCIDR",
        Anything,
        since(12),
        Moved("ipv4NativeRoutingCIDR"),
        "no chart since 1.12 reads it",
    ),
    // kube-proxy.
    row(
        KPR,
        Text(&["probe"]),
        between(13, 14),
        Set(&[(KPR, Word("strict"))]),
        "from 1.13 on nothing is probed; `probe` turned on all that the kernel had",
    ),
    row(
        KPR,
        Text(&["probe"]),
        since(14),
        ON,
        "from 1.13 on nothing is probed; `probe` turned on all that the kernel had",
    ),
    row(KPR, Text(&["strict"]), since(16), ON, BOOLEAN),
    row(KPR, Text(&["disabled"]), since(16), OFF, BOOLEAN),
    row(
        KPR,
        Text(&["partial"]),
        between(16, 19),
        OFF,
        "from 1.16 on the chart takes true and false only; features turned on one by one stay on",
    ),
    row(
        KPR,
        Text(&["partial"]),
        since(19),
        Reported,
        "from 1.19 on there is all of it or nothing: say true or false",
    ),
    row(
        KPR,
        Text(&["true"]),
        before(14),
        Set(&[(KPR, Word("strict"))]),
        "charts before 1.14 take no booleans",
    ),
    row(
        KPR,
        Text(&["false"]),
        before(14),
        Set(&[(KPR, Word("disabled"))]),
        "charts before 1.14 take no booleans; say `partial` if features such as nodePort are \
         turned on one by one",
    ),
    row("hostPort.enabled", Text(&["true"]), since(18), Reported, KPR_PART),
    row("externalIPs.enabled", Text(&["true"]), since(17), Reported, KPR_PART),
    row("nodePort.enabled", Text(&["true"]), since(19), Reported, KPR_PART),
    row("sessionAffinity", Anything, since(19), Reported, GONE),
    row("svcSourceRangeCheck", Anything, since(19), Reported, GONE),
    row("enableInternalTrafficPolicy", Anything, since(19), Reported, GONE),
    row(
        "hostServices.enabled",
        Anything,
        since(12),
        Moved("socketLB.enabled"),
        "it was renamed in 1.12",
    ),
    row(
        "hostServices.hostNamespaceOnly",
        Anything,
        since(12),
        Moved("socketLB.hostNamespaceOnly"),
        "it was renamed in 1.12",
    ),
    row("hostServices", Anything, since(12), Reported, GONE),
    // IPAM.
    row("ipam.operator.clusterPoolIPv4PodCIDR", Empty, since(14), Nothing, POOL),
    row("ipam.operator.clusterPoolIPv6PodCIDR", Empty, since(14), Nothing, POOL),
    row(
        "ipam.operator.clusterPoolIPv4PodCIDR",
        Anything,
        since(14),
        ListAt("ipam.operator.clusterPoolIPv4PodCIDRList"),
        POOL,
    ),
    row(
        "ipam.operator.clusterPoolIPv6PodCIDR",
        Anything,
        since(14),
        ListAt("ipam.operator.clusterPoolIPv6PodCIDRList"),
        POOL,
    ),
    row(
        "ipam.mode",
        Text(&["cluster-pool-v2beta"]),
        since(15),
        Reported,
        "from 1.15 on there is multi-pool instead, whose pools are CiliumPodIPPool objects that \
         have to be made first",
    ),
    // The agent.
    row("sockops", Anything, since(14), Reported, GONE),
    row(
        "installIptablesRules",
        Anything,
        since(13),
        TextAt("extraConfig.install-iptables-rules"),
        "from 1.13 on the chart has no key of its own for it",
    ),
    row(
        "datapathMode",
        Anything,
        between(13, 16),
        Reported,
        "charts from 1.13 to 1.15 have no key for it",
    ),
    row(
        "datapathMode",
        Anything,
        since(16),
        Moved("bpf.datapathMode"),
        "it was renamed when 1.16 took it up again",
    ),
    row("enableK8sTerminatingEndpoint", Anything, since(18), Reported, GONE),
    row("enableRuntimeDeviceDetection", Anything, since(18), Reported, GONE),
    row("l2NeighDiscovery.refreshPeriod", Anything, since(18), Reported, GONE),
    row("highScaleIPcache", Anything, since(18), Reported, GONE),
    row("externalWorkloads", Anything, since(18), Reported, GONE),
    row(
        "enableCiliumEndpointSlice",
        Anything,
        since(18),
        Moved("ciliumEndpointSlice.enabled"),
        "it was renamed; 1.18 fails over the old key",
    ),
    row("ciliumEndpointSlice.sliceMode", Anything, since(18), Reported, REFUSED),
    row("remoteNodeIdentity", Anything, since(16), Reported, REFUSED),
    row("endpointStatus", Anything, since(16), Reported, REFUSED),
    row("containerRuntime.integration", Anything, since(16), Reported, REFUSED),
    row("etcd.managed", Anything, since(16), Reported, REFUSED),
    row("enableK8sEventHandover", Anything, since(15), Reported, REFUSED),
    row("enableCnpStatusUpdates", Anything, since(15), Reported, REFUSED),
    row(
        "proxy.prometheus.enabled",
        Anything,
        since(16),
        Moved("envoy.prometheus.enabled"),
        "it was renamed; 1.16 fails over the old key",
    ),
    row(
        "proxy.prometheus.port",
        Anything,
        since(16),
        TextAt("envoy.prometheus.port"),
        "it was renamed, and is a text; 1.16 fails over the old key",
    ),
    row(
        "bgp",
        Anything,
        since(17),
        Reported,
        "from 1.17 on MetalLB's BGP is gone; `bgpControlPlane.enabled` needs CiliumBGP objects",
    ),
    row(
        "l2podAnnouncements.interface",
        Anything,
        since(19),
        PatternAt("l2podAnnouncements.interfacePattern"),
        "from 1.19 on it is a regular expression",
    ),
    row(
        "localRedirectPolicy",
        Anything,
        since(18),
        Moved("localRedirectPolicies.enabled"),
        "it was renamed in 1.18",
    ),
    row("preflight.tofqdnsPreCache", Anything, since(20), Reported, GONE),
    row("hubble.redact.kafka.apiKey", Anything, since(20), Reported, GONE),
    // Encryption.
    row("encryption.keyFile", Anything, since(16), Moved("encryption.ipsec.keyFile"), IPSEC),
    row("encryption.mountPath", Anything, since(16), Moved("encryption.ipsec.mountPath"), IPSEC),
    row("encryption.secretName", Anything, since(16), Moved("encryption.ipsec.secretName"), IPSEC),
    row(
        "encryption.interface",
        Anything,
        between(16, 20),
        Moved("encryption.ipsec.interface"),
        IPSEC,
    ),
    row("encryption.interface", Anything, since(20), Reported, GONE),
    row("encryption.ipsec.interface", Anything, since(20), Reported, GONE),
    row("encryption.ipsec.encryptedOverlay", Anything, since(20), Reported, GONE),
    row(
        "encryption.wireguard.userspaceFallback",
        Anything,
        since(17),
        Reported,
        "from 1.17 on the kernel has to have WireGuard",
    ),
    row(
        "encryption.strictMode.enabled",
        Anything,
        since(20),
        Moved("encryption.strictMode.egress.enabled"),
        STRICT,
    ),
    row(
        "encryption.strictMode.cidr",
        Anything,
        since(20),
        Moved("encryption.strictMode.egress.cidr"),
        STRICT,
    ),
    row(
        "encryption.strictMode.allowRemoteNodeIdentities",
        Anything,
        since(20),
        Moved("encryption.strictMode.egress.allowRemoteNodeIdentities"),
        STRICT,
    ),
    // Cluster mesh.
    row("clustermesh.apiserver.tls.ca.cert", Anything, since(15), Moved("tls.ca.cert"), MESH_CA),
    row("clustermesh.apiserver.tls.ca.key", Anything, since(15), Moved("tls.ca.key"), MESH_CA),
    row(
        "clustermesh.enableMCSAPISupport",
        Anything,
        since(20),
        Moved("clustermesh.mcsapi.enabled"),
        "it was renamed in 1.19, and the old key is gone",
    ),
    row("clustermesh.apiserver.tls.server.cert", Anything, since(20), Reported, SECRETS),
    row("clustermesh.apiserver.tls.server.key", Anything, since(20), Reported, SECRETS),
    row("clustermesh.apiserver.tls.admin.cert", Anything, since(20), Reported, SECRETS),
    row("clustermesh.apiserver.tls.admin.key", Anything, since(20), Reported, SECRETS),
    row("clustermesh.apiserver.tls.remote.cert", Anything, since(20), Reported, SECRETS),
    row("clustermesh.apiserver.tls.remote.key", Anything, since(20), Reported, SECRETS),
];

#[cfg(test)]
mod tests {
    use super::*;
    use kcilium_core::chart::{Chart, Known, advice, known_versions};

    #[test]
    fn the_charts_have_what_is_written() {
        for version in known_versions() {
            for rename in RENAMES.iter().filter(|rename| rename.is_for(version)) {
                let keys: Vec<&str> = match rename.becomes {
                    Moved(key) | TextAt(key) | ListAt(key) | PatternAt(key) => vec![key],
                    Set(settings) => settings.iter().map(|(key, _)| *key).collect(),
                    Nothing | Reported => Vec::new(),
                };
                for key in keys {
                    let known = Chart::of(version).look_up(key);
                    assert!(
                        matches!(known, Known::Has(_) | Known::Within(_)),
                        "{version} {} -> {key}: {known:?}",
                        rename.old
                    );
                }
            }
        }
    }
    /// The lint and the migration speak of the same keys.
    #[test]
    fn the_lint_has_advice_for_every_key_that_is_rewritten() {
        let mut silent = Vec::new();
        for version in known_versions() {
            let rewritten = RENAMES.iter().filter(|rename| rename.is_for(version));
            for rename in rewritten.filter(|rename| !rename.is_about_values()) {
                if advice(rename.old, version).is_none() {
                    silent.push(format!("{version} {}", rename.old));
                }
            }
        }
        assert!(silent.is_empty(), "{}", silent.join("\n"));
    }
}

use super::{
    Evidence, Finding, Judgement, Remedy, Severity, finding::merged, kube_proxy_rules, premise,
    rule,
};
use crate::{
    facts::Iptables,
    view::{KubeProxy, NodeView, View},
};

rule! {
    /// ## What it checks
    /// What kube-proxy left on nodes where it does not run any more: chains for single Services
    /// (`KUBE-SVC-…`) in either kind of iptables, and the device `kube-ipvs0`. The kubelet's own
    /// chains (`KUBE-FIREWALL`, `KUBE-KUBELET-CANARY`, `KUBE-IPTABLES-HINT`, until 1.27 also
    /// `KUBE-MARK-MASQ` and `KUBE-POSTROUTING`) are none of it. Rules of kube-proxy's nftables mode
    /// are not seen. With `--local` the host's processes tell whether kube-proxy runs.
    ///
    /// ## Why it hurts
    /// `kube-ipvs0` has the addresses of all Services of that day: the node takes packets to them for
    /// its own. The chains go on to send packets to pods that are gone: to node ports, and to every
    /// address that Cilium does not turn before. Neither follows when a Service changes.
    ///
    /// ## Fix
    /// On each node: take the chains out of iptables, empty IPVS, delete the device; or reboot it.
    ///
    /// ## References
    /// - Cilium documentation, "Kubernetes Without kube-proxy", "Quick-Start"
    /// - kubernetes/kubernetes issue 119265
    "KP-03", Error, State, "kube-proxy is gone, and its rules are still there", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    if !premise::has_nodes(view, out) {
        return;
    }
    let of_cluster = view.kube_proxy();
    let mut found = Vec::new();
    for node in view.nodes() {
        // Of a host alone its processes tell.
        let is_there = match (&of_cluster, view.kube_proxy_process(node)) {
            (Ok(known), _) => *known != KubeProxy::Absent,
            (Err(_), Some(runs)) => runs,
            (Err(why), None) => {
                out.missing("kube-proxy", why);
                return;
            }
        };
        if is_there {
            out.not_applicable("kube-proxy is there, and looks after its rules");
            continue;
        }
        match node.facts.links.get() {
            Ok(_) => found.extend(kube_proxy_rules::ipvs_link(node).map(|_| device(node))),
            Err(why) => out.missing_on(node.name(), "devices", why),
        }
        match node.facts.iptables.get() {
            Ok(_) => found.extend(chains(node)),
            Err(why) => out.missing_on(node.name(), "iptables", why),
        }
    }
    merged(found).for_each(|finding| out.found(finding));
}

fn device(node: &NodeView<'_>) -> Finding {
    let link = kube_proxy_rules::IPVS_LINK;
    let addresses = node.facts.addresses.items().iter();
    let count = addresses.filter(|own| own.link.as_str() == link).count();
    Finding::about(RULE.code, Severity::Error, link)
        .saying(
            format!("{link} is still there, and takes packets to Services for the node's own"),
            "Services that had an address then cannot be reached from the node",
        )
        .seen(format!("devices of {}", node.name()), format!("{link}, with {count} addresses"))
        .on(node.name())
        .mended_by(
            Remedy::text("empty IPVS and delete the device, or reboot the node").with_commands([
                "# on each of these nodes".to_owned(),
                "ipvsadm -C".to_owned(),
                format!("ip link del {link}"),
                kube_proxy_rules::REMOVE_CHAINS.to_owned(),
            ]),
        )
}

fn chains(node: &NodeView<'_>) -> Option<Finding> {
    let kinds: Vec<&Iptables> = kube_proxy_rules::with_services(node).collect();
    let is_entered = kinds.iter().any(|kind| kind.enters_kube_proxy());
    let (severity, summary, impact) = match (kinds.is_empty(), is_entered) {
        (true, _) => return None,
        (false, true) => (
            Severity::Error,
            "rules of a kube-proxy that is gone still send packets to pods of that day",
            "node ports, and addresses that Cilium does not turn, lead to pods that may be gone",
        ),
        (false, false) => (
            Severity::Info,
            "chains of a kube-proxy that is gone are still there, and no packet gets into them",
            "none",
        ),
    };
    let evidence = kinds.iter().map(|kind| {
        let services = kind.service_chains();
        Evidence::new(
            format!("{} of {}", kind.backend, node.name()),
            format!("{services} chains KUBE-SVC-…, IP{:?}", kind.family).to_lowercase(),
        )
    });
    let mut finding =
        Finding::about(RULE.code, severity, "KUBE-SVC-*").saying(summary, impact).on(node.name());
    finding.evidence = evidence.collect();
    Some(finding.mended_by(
        Remedy::text(
            "take the chains out of iptables; the kubelet makes its own again. Or reboot the node. Where \
             Cilium does not replace kube-proxy, see KP-02 first: these rules are all that answers",
        )
        .with_commands(["# on each of these nodes", kube_proxy_rules::REMOVE_CHAINS]),
    ))
}

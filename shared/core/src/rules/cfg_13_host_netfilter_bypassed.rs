use super::{
    Finding, Judgement, Remedy, Severity,
    host_routing::{bypasses_netfilter, kernels},
    premise, rule,
};
use crate::{
    facts::{Family, NodeName},
    view::View,
};

rule! {
    /// ## What it checks
    /// Whether BPF routes packets of pods beside the netfilter of their host. It does so by itself
    /// where kube-proxy is replaced, iptables does not masquerade, and the kernel is 5.10 or later;
    /// not with `bpf.hostLegacyRouting`, nor with IPsec until 1.18. Turning masquerade off is enough
    /// to get there.
    ///
    /// ## Why it hurts
    /// It is faster, and mostly wanted. But rules of the host (a firewall, redirections to a proxy,
    /// those of NodeLocal DNSCache or Docker) no longer see packets of pods.
    ///
    /// ## Fix
    /// None is needed; `bpf.hostLegacyRouting: true` where such rules must see them.
    ///
    /// ## References
    /// - cilium/cilium issues 21504, 32489
    /// - Cilium documentation, "Tuning Guide": eBPF Host-Routing
    "CFG-13", Info, Configuration, "packets of pods bypass the host's netfilter", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::config(view, out) else { return };
    let kernels = kernels(view);
    if kernels.is_empty() && bypasses_netfilter(config, None).is_none() {
        out.unknown("kernel", "no node is known");
    }
    let mut bypassed: Vec<NodeName> = Vec::new();
    for (node, kernel) in kernels {
        let Some(config) = premise::of_node(view, node, config, out) else { continue };
        match bypasses_netfilter(&config, kernel) {
            Some(true) => bypassed.push(node.clone()),
            Some(false) => {}
            None => out.unknown_on(node, "host routing", "its kernel or its configuration decides"),
        }
    }
    if bypassed.is_empty() {
        return;
    }
    let why = if config.masquerading.bpf { "masquerade in BPF" } else { "no masquerade" };
    let subject =
        if config.masquerades(Family::V4) { "bpf.masquerade" } else { "enableIPv4Masquerade" };
    let mut finding = Finding::about(RULE.code, Severity::Info, subject)
        .saying(
            format!("with {why}, BPF routes packets of pods beside the host's netfilter"),
            "rules of the host's firewall, proxy or DNS cache no longer see packets of pods",
        )
        .seen(config.origin.clone(), format!("{why}, kube-proxy replaced, no legacy routing"))
        .mended_by(
            Remedy::text("nothing, unless such rules must see them")
                .with_values("bpf:\n  hostLegacyRouting: true\n"),
        );
    finding.nodes = bypassed;
    out.found(finding);
}

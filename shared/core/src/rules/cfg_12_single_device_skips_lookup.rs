use super::{
    Finding, Judgement, Remedy, Severity,
    devices::{attached, is_considered},
    finding::merged,
    host_routing::{bypasses_netfilter, numbers},
    premise, rule,
};
use crate::{
    facts::LinkName,
    view::{NodeView, View},
};

rule! {
    /// ## What it checks
    /// On 1.14: whether agents attach to one device only, on a node that has routes over others too,
    /// and BPF routes packets beside the host's netfilter.
    ///
    /// ## Why it hurts
    /// With one device, 1.14 looks up no route: it sends everything by that device. Nodes with
    /// another way to the internet lose it.
    ///
    /// ## Fix
    /// Upgrade; or `bpf.hostLegacyRouting: true`.
    ///
    /// ## References
    /// - cilium/cilium issue 27343
    /// - Cilium source: `ENABLE_SKIP_FIB`
    "CFG-12", Warn, Configuration, "1.14 sends everything by its only device", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::config(view, out) else { return };
    if bypasses_netfilter(config, Some((u32::MAX, 0))) == Some(false) {
        out.not_applicable("packets of pods pass the host's netfilter");
        return;
    }
    let Some(version) = premise::version(config, out) else { return };
    if (version.major(), version.minor()) != (1, 14) {
        out.not_applicable("only 1.14 does it");
        return;
    }
    premise::has_nodes(view, out);
    let mut found = Vec::new();
    for node in view.nodes() {
        let Some(config) = premise::of_node(view, node.name(), config, out) else { continue };
        let kernel = node.facts.kernel.known().and_then(numbers);
        let bypasses = bypasses_netfilter(&config, kernel);
        let (Some(bypasses), Some(attached)) = (bypasses, attached(view, node, &config)) else {
            out.unknown_on(node.name(), "devices", "too little is known of the node");
            continue;
        };
        let [only] = &attached.links[..] else { continue };
        let Some(other) = other_way(node, only).filter(|_| bypasses) else { continue };
        let finding = Finding::about(RULE.code, Severity::Warn, "devices")
            .saying(
                format!("agents of 1.14 send everything by {only}, their only device"),
                format!("pods do not reach what lies behind {other}"),
            )
            .seen(attached.source, only.as_str())
            .seen(node.name().as_str(), format!("there are routes over {other} too"))
            .mended_by(
                Remedy::text("upgrade; or let packets pass the host's stack")
                    .with_values("bpf:\n  hostLegacyRouting: true\n"),
            );
        found.push(finding.on(node.name()));
    }
    merged(found).for_each(|finding| out.found(finding));
}

/// Another device that routes of the site lead over.
fn other_way<'a>(node: &NodeView<'a>, only: &LinkName) -> Option<&'a LinkName> {
    let routes = node.facts.routes.items().iter();
    let routes = node.lan_routes().chain(routes.filter(|route| route.is_default()));
    let mut links = routes.flat_map(crate::facts::Route::links);
    links.find(|link| {
        *link != only && is_considered(link) && !link.is_other_cni() && !node.is_bridge(link)
    })
}

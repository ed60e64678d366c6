use super::{
    Finding, Judgement, Remedy, Severity,
    devices::{names, ways_out},
    finding::merged,
    premise, rule,
};
use crate::{
    facts::{CiliumConfig, Family, Link, LinkName},
    view::{NodeView, View},
};

rule! {
    /// ## What it checks
    /// Where `egressMasqueradeInterfaces` names interfaces: whether the way of each node to the
    /// internet leaves by one of them. `eth+` stands for all that begin with `eth`.
    ///
    /// ## Why it hurts
    /// Packets that leave by another interface keep the pod's address, and answers find no way back:
    /// pods reach each other, and nothing outside.
    ///
    /// ## Fix
    /// Name the interface of the default route; or none, for all.
    ///
    /// ## References
    /// - cilium/cilium issue 27900
    "CFG-10", Error, Configuration, "masquerade on interfaces that packets do not leave by", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::config(view, out) else { return };
    // In BPF no interfaces can be named: CFG-09.
    let is_limited = !config.masquerading.interfaces.is_empty();
    if !is_limited || config.masquerading.bpf || !config.masquerades(Family::V4) {
        out.not_applicable("masquerade is not limited to interfaces");
        return;
    }
    premise::has_nodes(view, out);
    let mut found = Vec::new();
    for node in view.nodes() {
        let Some(config) = premise::of_node(view, node.name(), config, out) else { continue };
        let interfaces = &config.masquerading.interfaces;
        if interfaces.is_empty() {
            continue;
        }
        let ways = ways_out(node, out);
        let missed =
            ways.iter().filter(|link| !interfaces.iter().any(|pattern| names(pattern, link)));
        found.extend(missed.map(|link| finding(&config, node, link)));
    }
    merged(found).for_each(|finding| out.found(finding));
}

fn finding(config: &CiliumConfig, node: &NodeView<'_>, link: &LinkName) -> Finding {
    let interfaces = &config.masquerading.interfaces;
    let wanted = interfaces.join(" ");
    let is_wanted = |link: &Link| interfaces.iter().any(|pattern| names(pattern, &link.name));
    let links = node.facts.links.known();
    let mut finding = Finding::about(RULE.code, Severity::Error, "egressMasqueradeInterfaces")
        .saying(
            format!("packets leave by {link}, and only {wanted} masquerades"),
            "pods reach nothing outside the cluster",
        )
        .seen(config.origin.clone(), format!("egress-masquerade-interfaces {wanted}"))
        .seen(node.name().as_str(), format!("the way to the internet leaves by {link}"))
        .mended_by(
            Remedy::text("name the interface of the default route; or none, for all")
                .with_values("egressMasqueradeInterfaces: \"\"\n"),
        );
    if links.is_some_and(|links| !links.iter().any(is_wanted)) {
        finding = finding.seen(node.name().as_str(), format!("there is no {wanted}"));
    }
    finding.on(node.name())
}

use super::{Evidence, Finding, Judgement, Remedy, Severity, finding::merged, premise, rule};
use crate::{
    facts::{Family, Iptables},
    view::{NodeView, View},
};

rule! {
    /// ## What it checks
    /// Whether Cilium's rules and kube-proxy's stand in different kinds of iptables on a node (in
    /// nftables, and in the kernel's older tables), or Cilium's own in both. Chains that no packet gets
    /// into do not count, nor do the kubelet's.
    ///
    /// ## Why it hurts
    /// The kernel asks both kinds, and neither knows of the other: what one accepts the other may
    /// still drop, and packets are translated twice. Rules of Cilium in the kind that its agent no
    /// longer uses stay as they were on that day. It comes of images that chose another kind than the
    /// host, after an update of either.
    ///
    /// ## Fix
    /// Take the rules out of the kind that is no longer used, or reboot the node, after kube-proxy and
    /// Cilium agree.
    ///
    /// ## References
    /// - kubernetes-sigs/iptables-wrappers
    /// - kubernetes/kops pull request 18179
    "KRN-04", Warn, State, "rules stand in two kinds of iptables", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    if !premise::has_nodes(view, out) {
        return;
    }
    let mut found = Vec::new();
    for node in view.nodes() {
        match node.facts.iptables.get() {
            Ok(kinds) => {
                found.extend(
                    [Family::V4, Family::V6]
                        .into_iter()
                        .filter_map(|family| split(node, kinds, family)),
                );
            }
            Err(why) => out.missing_on(node.name(), "iptables", why),
        }
    }
    merged(found).for_each(|finding| out.found(finding));
}

fn split(node: &NodeView<'_>, kinds: &[Iptables], family: Family) -> Option<Finding> {
    let of_family = |kind: &&Iptables| kind.family == family;
    let cilium: Vec<&Iptables> =
        kinds.iter().filter(of_family).filter(|kind| enters_cilium(kind)).collect();
    let (subject, summary, impact, other) = match cilium[..] {
        [] => return None,
        [own] => {
            let other = kinds.iter().filter(of_family).find(|kind| {
                kind.backend != own.backend && kind.enters_kube_proxy() && kind.service_chains() > 0
            })?;
            (
                "kube-proxy",
                format!(
                    "Cilium's rules stand in {}, kube-proxy's in {}",
                    own.backend, other.backend
                ),
                "packets are translated and filtered twice, by rules that do not know of each other",
                other,
            )
        }
        [first, second, ..] => (
            "cilium",
            format!("rules of Cilium stand in {} and in {}", first.backend, second.backend),
            "one of them is of an earlier agent, and stays as it was on that day",
            second,
        ),
    };
    let mut finding =
        Finding::about(RULE.code, Severity::Warn, subject).saying(summary, impact).on(node.name());
    finding.evidence = [cilium[0], other]
        .map(|kind| {
            let rules: u32 = kind.chains.iter().map(|count| count.rules).sum();
            Evidence::new(
                format!("{}-save of {}, {family}", kind.backend, node.name()),
                format!("{rules} rules"),
            )
        })
        .into();
    Some(finding.mended_by(
        Remedy::text(
            "drain the node and reboot it: each program writes its rules again where it now stands",
        )
        .with_commands(["iptables-nft-save | wc -l; iptables-legacy-save | wc -l   # on each of these nodes"]),
    ))
}

fn enters_cilium(kind: &Iptables) -> bool {
    kind.named("CILIUM_FORWARD").any(|count| count.jumps > 0)
}

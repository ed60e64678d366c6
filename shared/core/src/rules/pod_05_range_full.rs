use super::{
    Basis, Evidence, Finding, Judgement, Remedy, Severity,
    pods::{self, says},
    rule,
};
use crate::view::View;

rule! {
    /// ## What it checks
    /// Pods for which the agent has no address left: `range is full`, `No more IPs available`.
    ///
    /// ## Why it hurts
    /// New pods of that node wait until another pod goes. Either there are more pods than the
    /// node's block has addresses (CIDR-13), or the agent keeps addresses back because a route of
    /// the LAN overlaps the block (CIDR-02).
    ///
    /// ## Fix
    /// Give nodes larger blocks, or fewer pods (`maxPods` of the kubelet). A block keeps its size
    /// until its CiliumNode is deleted.
    ///
    /// ## References
    /// - cilium/cilium issues 9793, 10627
    "POD-05", Error, State, "no address is left for pods", judge
}

/// Whether a message says that no address is left.
pub(super) fn is_full(message: &str) -> bool {
    says(
        message,
        &["range is full", "No more IPs available", "no more IPs", "all CIDR ranges are exhausted"],
    )
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(troubles) = pods::in_trouble(view, out) else { return };
    let groups = pods::groups(troubles, |trouble| {
        trouble.sandbox_failure().filter(|message| is_full(message)).map(|message| ((), message))
    });
    for group in groups.into_values() {
        let nodes = group.nodes();
        let mut evidence = group.evidence();
        for node in nodes.iter().take(5) {
            if let Some(owner) = view.cilium_node(node) {
                let blocks: Vec<String> = owner.pod_cidrs.iter().map(ToString::to_string).collect();
                evidence.push(Evidence::new(format!("CiliumNode {node}"), blocks.join(", ")));
            }
        }
        out.found(Finding {
            code: RULE.code,
            severity: Severity::Error,
            basis: Basis::Observed,
            subject: "addresses of pods".into(),
            nodes,
            summary: group.sentence("gets no address: those of its node are used up", "get no address: those of their nodes are used up"),
            evidence,
            impact: "these pods start when others end".into(),
            remedy: Remedy::text(
                "count the pods of the node against its block (CIDR-13); where the block is not full, a route of the \
                 LAN overlaps it (CIDR-02)",
            ),
        });
    }
}

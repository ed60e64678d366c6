use super::{
    Basis, Finding, Judgement, Remedy, Severity,
    pods::{self, Trouble},
    rule,
};
use crate::view::View;

rule! {
    /// ## What it checks
    /// Pods for which the runtime finds no program of the name that the CNI file gives: `failed to
    /// find plugin "cilium-cni" in path [/opt/cni/bin]`.
    ///
    /// ## Why it hurts
    /// No pod starts on that node. Cilium puts its program into `/opt/cni/bin` of the node; on
    /// systems where that cannot be written, or where the runtime looks elsewhere, it is not there.
    ///
    /// ## Fix
    /// Set `cni.binPath` to the folder that the runtime reads. `loopback`, `portmap` and their like
    /// come with the packages of the runtime, or with `kubernetes-cni`.
    ///
    /// ## References
    /// - Cilium documentation, "Helm reference: cni.binPath"
    "CNI-06", Error, State, "a CNI plugin is not on the node", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(troubles) = pods::in_trouble(view, out) else { return };
    let groups = pods::groups(troubles, missing_plugin);
    for (plugin, group) in groups {
        let is_ciliums = plugin == "cilium-cni";
        let remedy = if is_ciliums {
            Remedy::text(
                "see where the runtime looks for plugins (`bin_dir` of containerd, `plugin_dirs` of CRI-O), and give \
                 that folder to the chart",
            )
            .with_values("cni:\n  binPath: /opt/cni/bin   # the folder that the runtime reads")
        } else {
            Remedy::text(format!(
                "install `{plugin}`: it comes with containernetworking-plugins or kubernetes-cni"
            ))
        };
        out.found(Finding {
            code: RULE.code,
            severity: Severity::Error,
            basis: Basis::Observed,
            subject: plugin.into(),
            nodes: group.nodes(),
            summary: format!(
                "the runtime does not find the CNI plugin {plugin}: {}",
                group.sentence("waits", "wait")
            ),
            evidence: group.evidence(),
            impact: "no pod starts on these nodes".into(),
            remedy,
        });
    }
}

fn missing_plugin<'a>(trouble: &Trouble<'a>) -> Option<(&'a str, &'a str)> {
    let message = trouble.sandbox_failure()?;
    let (_, rest) = message.split_once("failed to find plugin \"")?;
    let (plugin, _) = rest.split_once('"')?;
    Some((plugin, message))
}

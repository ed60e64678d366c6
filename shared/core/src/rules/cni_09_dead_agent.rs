use super::{
    Basis, Evidence, Finding, Judgement, Remedy, Severity, command::quoted, node_taints::names,
    premise, rule,
};
use crate::{facts::NodeName, view::View};

rule! {
    /// ## What it checks
    /// CNI files that name Cilium's plugin in a cluster that has no agent any more.
    ///
    /// ## Why it hurts
    /// The plugin waits for an agent that never answers: new pods hang in ContainerCreating, and
    /// pods that end hang in Terminating. The node still calls itself ready.
    ///
    /// ## Fix
    /// Install Cilium again, or move the file away and give the cluster another CNI plugin.
    ///
    /// ## References
    /// - cilium/cilium issue 27715
    "CNI-09", Error, State, "the CNI file names a Cilium that is gone", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    if !premise::has_nodes(view, out) {
        return;
    }
    let Some(agents) = premise::known(view, &view.facts.cluster.agents, "agents", out) else {
        return;
    };
    if !agents.is_empty() {
        return;
    }
    let mut found: Vec<(NodeName, &str)> = Vec::new();
    for node in view.nodes() {
        match node.facts.cni_files.get() {
            Err(why) => out.missing_on(node.name(), "CNI files", why),
            Ok(files) => {
                let file = files.iter().find(|file| file.is_cilium());
                found.extend(file.map(|file| (node.name().clone(), file.name.as_str())));
            }
        }
    }
    let Some((_, file)) = found.first() else { return };
    let mut nodes: Vec<NodeName> = found.iter().map(|(node, _)| node.clone()).collect();
    nodes.sort_unstable();
    out.found(Finding {
        code: RULE.code,
        severity: Severity::Error,
        basis: Basis::Observed,
        subject: "CNI file".into(),
        summary: format!(
            "the CNI file of {} names Cilium, and the cluster has no agent",
            names(&nodes)
        ),
        evidence: found
            .iter()
            .take(3)
            .map(|(node, file)| {
                Evidence::new(format!("CNI files of {node}"), format!("{file} names cilium-cni"))
            })
            .chain([Evidence::new("agents", "none in the cluster")])
            .collect(),
        impact: "new pods hang in ContainerCreating".into(),
        remedy: Remedy::text("install Cilium again; or, if it is to go, move the file away")
            .with_commands([
                format!("# on {}", names(&nodes)),
                format!("mv {} /root/", quoted(&format!("/etc/cni/net.d/{file}"))),
            ]),
        nodes,
    });
}

use super::{
    Basis, Evidence, Finding, Judgement, Remedy, Severity,
    node_taints::{self, NetworkTaint, names},
    premise, rule,
};
use crate::view::View;

rule! {
    /// ## What it checks
    /// Nodes that keep the taint `node.cloudprovider.kubernetes.io/uninitialized`.
    ///
    /// ## Why it hurts
    /// The controller of the cloud provider takes it away. Where that controller is not on the host's
    /// network, it waits for a CNI plugin; and where Cilium's operator does not tolerate the taint,
    /// Cilium waits for the controller.
    ///
    /// ## Fix
    /// Run the controller on the host's network, with tolerations of this taint and of nodes that are
    /// not ready. Kubelets with `--cloud-provider=external` set the taint: without a controller that
    /// flag has to go.
    ///
    /// ## References
    /// - Kubernetes documentation, "Cloud Controller Manager Administration"
    "SCH-03", Warn, State, "nodes wait for a cloud provider", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    if premise::known(view, &view.facts.cluster.nodes, "nodes", out).is_none() {
        return;
    }
    let nodes = node_taints::nodes_with(view, NetworkTaint::Uninitialized);
    if nodes.is_empty() {
        return;
    }
    let key = NetworkTaint::Uninitialized.key("");
    out.found(Finding {
        code: RULE.code,
        severity: Severity::Warn,
        basis: Basis::Observed,
        subject: key.into(),
        summary: format!("the taint of cloud providers is on {}: their controller has not taken it away", names(&nodes)),
        evidence: vec![Evidence::new("taints of nodes", format!("{key} on {}", names(&nodes)))],
        nodes,
        impact: "pods that do not tolerate the taint are not scheduled there".into(),
        remedy: Remedy::text(
            "see whether the controller runs; it must be on the host's network and tolerate this taint",
        )
        .with_commands(["kubectl get pods -A -o wide | grep -i cloud-controller"]),
    });
}

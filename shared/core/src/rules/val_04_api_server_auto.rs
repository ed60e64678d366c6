use super::{Basis, Evidence, Finding, Judgement, Remedy, Severity, premise, rule, values::nested};
use crate::view::View;

rule! {
    /// ## What it checks
    /// Whether `k8sServiceHost` is `auto`, and what this version of the chart makes of it.
    ///
    /// ## Why it hurts
    /// Charts up to 1.15 know no such word: agents look for a host called `auto`. Later ones look
    /// the address up in the ConfigMap kube-public/cluster-info while Helm renders them. `helm
    /// template`, a dry run on the client and tools that render for GitOps see no cluster: they
    /// get the word `auto` into the manifests (1.16.3 to 1.18), or an error (1.16.0 to 1.16.2, and
    /// 1.19 on). The address in that ConfigMap may also be one that only some machines can reach.
    ///
    /// ## Fix
    /// Write the address. `kubectl cilium-render` finds it, and says where.
    ///
    /// ## References
    /// - Cilium documentation, "Kubernetes Without kube-proxy": `k8sServiceHost`
    "VAL-04", Block, Configuration, "the address of the API server is left to the chart", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(values) = premise::any_chart_values(view, out) else { return };
    if !values.is("k8sServiceHost", "auto") {
        return;
    }
    let version = values.version();
    let is_at_least = |patch| version.is_at_least(patch);
    let (severity, impact) = if !is_at_least((1, 16, 0)) {
        (Severity::Block, "agents look for a host called `auto`, and do not start")
    } else if view.proposal().is_none() {
        out.not_applicable("the chart looked the address up when it was installed");
        return;
    } else if is_at_least((1, 19, 0)) {
        (
            Severity::Warn,
            "what renders without the cluster, as GitOps tools do, stops with an error",
        )
    } else if is_at_least((1, 16, 3)) {
        (
            Severity::Warn,
            "what renders without the cluster, as GitOps tools do, makes agents look for a host \
             called `auto`",
        )
    } else {
        (
            Severity::Warn,
            "what renders without the cluster, as GitOps tools do, stops with an error",
        )
    };
    out.found(Finding {
        code: RULE.code,
        severity,
        basis: Basis::Observed,
        subject: "k8sServiceHost".into(),
        nodes: Vec::new(),
        summary: match severity {
            Severity::Block => format!("chart {version} does not know `k8sServiceHost: auto`"),
            _ => "the chart looks for the API server only while Helm talks to the cluster".into(),
        },
        evidence: vec![Evidence::new("values", "k8sServiceHost: auto")],
        impact: impact.into(),
        remedy: Remedy::text("write the address of the API server, and its port").with_values(
            format!("{}{}", nested("k8sServiceHost", "ADDRESS"), nested("k8sServicePort", "6443")),
        ),
    });
}

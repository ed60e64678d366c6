use super::{Basis, Evidence, Finding, Judgement, Remedy, Severity, premise, rule, values::nested};
use crate::{chart::ChartValues, view::View};

rule! {
    /// ## What it checks
    /// Whether Helm itself makes the certificates of Hubble or of Cluster Mesh while it renders.
    ///
    /// ## Why it hurts
    /// Without the cluster, each rendering makes new ones, private keys included: GitOps tools see
    /// a change every time, and whoever reads the manifests reads the keys. `helm upgrade` makes
    /// new ones as well, and nothing renews them before they expire.
    ///
    /// ## Fix
    /// With GitOps, let a CronJob of the chart or cert-manager make them.
    ///
    /// ## References
    /// - Cilium documentation, "Configure TLS with Hubble": certificates
    "VAL-06", Info, Configuration, "Helm makes certificates while it renders", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(values) = premise::proposed_values(view, out) else { return };
    let hubble = ["hubble.enabled", "hubble.tls.enabled"];
    let of = [("hubble.tls.auto", &hubble[..]), ("clustermesh.apiserver.tls.auto", &[MESH][..])];
    for (auto, needs) in of {
        if needs.iter().all(|key| values.is_truthy(key)) && is_helm(&values, auto) {
            let method = format!("{auto}.method");
            out.found(Finding {
                code: RULE.code,
                severity: Severity::Info,
                basis: Basis::Observed,
                subject: method.clone(),
                nodes: Vec::new(),
                summary: format!("`{method}` is helm: each rendering makes new private keys"),
                evidence: vec![Evidence::new("values and chart defaults", "method helm")],
                impact: "GitOps tools see a change each time, and keys stand in what is rendered"
                    .into(),
                remedy: Remedy::text("where manifests are rendered and kept, choose a CronJob")
                    .with_values(nested(&method, "cronJob")),
            });
        }
    }
}

const MESH: &str = "clustermesh.useAPIServer";

fn is_helm(values: &ChartValues<'_>, auto: &str) -> bool {
    values.is_truthy(&format!("{auto}.enabled")) && values.is(&format!("{auto}.method"), "helm")
}

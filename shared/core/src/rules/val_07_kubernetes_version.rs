use super::{Basis, Evidence, Finding, Judgement, Remedy, Severity, premise, rule};
use crate::view::View;

rule! {
    /// ## What it checks
    /// Whether Kubernetes is at least what the chart asks for: 1.21 since chart 1.16, 1.16 before.
    /// Which versions a release was tested with is a narrower range, which is not checked.
    ///
    /// ## Why it hurts
    /// Helm refuses the chart.
    ///
    /// ## Fix
    /// Upgrade Kubernetes first, or choose an older Cilium.
    ///
    /// ## References
    /// - `kubeVersion` in `Chart.yaml` of the chart
    /// - Cilium documentation, "Kubernetes Compatibility"
    "VAL-07", Block, Configuration, "Kubernetes is too old for the chart", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(values) = premise::proposed_values(view, out) else { return };
    let chart = values.version();
    let kubernetes = match view.facts.cluster.version.get() {
        Ok(version) => version,
        Err(why) => {
            out.missing("version of Kubernetes", why);
            return;
        }
    };
    let Some((major, minor)) = numbers(&kubernetes.git_version) else {
        out.unknown("version of Kubernetes", format!("`{}` is none", kubernetes.git_version));
        return;
    };
    let least = if chart.is_at_least((1, 16, 0)) { (1, 21) } else { (1, 16) };
    if (major, minor) >= least {
        return;
    }
    out.found(Finding {
        code: RULE.code,
        severity: Severity::Block,
        basis: Basis::Observed,
        subject: "version".into(),
        nodes: Vec::new(),
        summary: format!("chart {chart} does not install on Kubernetes {major}.{minor}"),
        evidence: vec![Evidence::new("API server", kubernetes.git_version.clone())],
        impact: format!(
            "Helm refuses: the chart asks for Kubernetes {}.{} or later",
            least.0, least.1
        ),
        remedy: Remedy::text("upgrade Kubernetes first, or choose an older version of Cilium"),
    });
}

/// The first two numbers of `v1.30.4+k3s1`.
fn numbers(version: &str) -> Option<(u64, u64)> {
    let mut parts = version.strip_prefix('v').unwrap_or(version).split('.');
    let (major, minor) = (parts.next()?, parts.next()?);
    let minor = minor.split(|c: char| !c.is_ascii_digit()).next()?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

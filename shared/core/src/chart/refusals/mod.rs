//! What charts refuse to render: the `fail` calls of their templates, each with its condition, its
//! own message, and what to do.
//!
//! A condition is the template's own, and looks at what the template looks at: the value as given
//! or the chart's default, not what the agent makes of it. Read in the templates `validate.yaml`
//! and `cilium-configmap.yaml` of the charts 1.12 to 1.20.

mod agent;
mod cluster_mesh;
mod cluster_name;
mod hubble;
mod ingress;
mod ipam;
mod kube_proxy;
mod monitoring;
mod operator;
mod removed;
mod routing;

use super::{
    ChartValues,
    span::{EVER, Spans, contains, since},
};

/// One condition under which a chart does not let itself be rendered.
#[derive(Clone, Copy, Debug)]
pub struct Refusal {
    /// What the chart prints; `%s` stands for the values of `filled`, in order.
    message: &'static str,
    filled: &'static [&'static str],
    charts: Spans,
    /// The values that it looks at, the one to change first.
    keys: &'static [&'static str],
    refuses: fn(&ChartValues<'_>) -> bool,
    /// What else the chart asks, that values do not tell.
    depends: Option<&'static str>,
    fix: &'static str,
    /// Helm values to paste; empty where the right ones are the user's to choose.
    values: &'static str,
}

/// A refusal that applies to some values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What the chart prints.
    pub message: String,
    /// The value that it is about: the first of those it looks at that the user gave.
    pub key: &'static str,
    /// All values that it looks at.
    pub keys: &'static [&'static str],
    /// What it depends on besides the values; where that is, the chart need not refuse.
    pub depends: Option<&'static str>,
    /// What to do.
    pub fix: &'static str,
    /// Helm values to paste, as YAML.
    pub values: &'static str,
}

/// What the last fields are in most refusals.
const PLAIN: Refusal = Refusal {
    message: "",
    filled: &[],
    charts: ALL,
    keys: &[],
    refuses: |_| false,
    depends: None,
    fix: "",
    values: "",
};

/// The charts that are known.
const ALL: Spans = since!(12);

const GROUPS: &[&[Refusal]] = &[
    removed::REFUSALS,
    hubble::REFUSALS,
    monitoring::REFUSALS,
    ingress::REFUSALS,
    operator::REFUSALS,
    cluster_name::REFUSALS,
    cluster_mesh::REFUSALS,
    agent::REFUSALS,
    kube_proxy::REFUSALS,
    routing::REFUSALS,
    ipam::REFUSALS,
];

/// What the chart of these values refuses, in the order in which it looks; it stops at the first.
pub fn refusals(values: &ChartValues<'_>) -> Vec<Refused> {
    let all = GROUPS.iter().copied().flatten();
    all.filter(|refusal| contains(refusal.charts, values.version()) && (refusal.refuses)(values))
        .map(|refusal| refusal.refused(values))
        .collect()
}

impl Refusal {
    fn refused(&self, values: &ChartValues<'_>) -> Refused {
        let mut keys = self.keys.iter().copied();
        let given = keys.find(|key| values.given(key).is_some());
        let fill = |message: String, key: &&str| {
            message.replacen("%s", &values.text(key).unwrap_or_default(), 1)
        };
        Refused {
            message: self.filled.iter().fold(self.message.to_owned(), fill),
            key: given.or(self.keys.first().copied()).unwrap_or_default(),
            keys: self.keys,
            depends: self.depends,
            fix: self.fix,
            values: self.values,
        }
    }
}

#[cfg(test)]
mod tests;

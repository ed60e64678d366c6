//! Where the user's values contradict the cluster.

use std::{collections::BTreeSet, fmt};

use serde_json::Value as Json;

use super::{
    Subject, cidrs,
    finding::{Basis, Findings},
    kube_proxy,
};
use crate::layers::Node;

/// A value of the user's that the cluster contradicts. It is taken all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The key, as a path with dots.
    pub key: String,
    /// What the user gives, as JSON.
    pub given: String,
    /// Where the user gives it.
    pub origin: String,
    /// What the cluster shows.
    pub found: String,
    /// Where it shows it.
    pub source: String,
    /// What that means: a clause without a full stop.
    pub reason: String,
}

impl Conflict {
    pub(super) fn new(key: &str, given: &Node, found: &str, source: &str, reason: &str) -> Self {
        Self {
            key: key.to_owned(),
            given: serde_json::to_string(&given.value).unwrap_or_default(),
            origin: given.origin.to_string(),
            found: found.to_owned(),
            source: source.to_owned(),
            reason: reason.to_owned(),
        }
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, given, origin, found, source, reason } = self;
        write!(
            f,
            "{key} is {given} ({origin}), but the cluster shows otherwise: {found}, by {source}; \
             {reason}"
        )
    }
}

/// Values of the user's that say something else than what the cluster shows.
pub(super) fn with_findings(subject: &Subject<'_>, findings: &Findings) -> Vec<Conflict> {
    let shown = findings.found.iter().filter(|finding| finding.basis == Basis::Evidence);
    shown
        // The API server's address may be right in several ways.
        .filter(|finding| !finding.key.starts_with("k8sService"))
        .filter_map(|finding| {
            let node = subject.given(finding.key)?;
            let given = serde_json::to_value(node).unwrap_or_default();
            (!agree(finding.key, &given, &finding.value)).then(|| {
                let found = finding.value.to_string();
                Conflict::new(finding.key, node, &found, &finding.source, &finding.reason)
            })
        })
        .collect()
}

/// Whether two values say the same to the chart.
fn agree(key: &str, given: &Json, found: &Json) -> bool {
    if key == "kubeProxyReplacement" {
        // What is neither on nor off the chart refuses.
        let is_on = |value: &Json| kube_proxy::is_on(&text(value));
        return is_on(given).is_none_or(|on| Some(on) == is_on(found));
    }
    if key.ends_with("PodCIDRList") {
        return networks(given) == networks(found);
    }
    given == found || text(given) == text(found)
}

fn text(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The chart takes a list, or a text with commas or blanks.
fn networks(value: &Json) -> BTreeSet<String> {
    let texts: Vec<String> = match value {
        Json::Array(items) => items.iter().map(text).collect(),
        other => text(other).split([',', ' ']).map(str::to_owned).collect(),
    };
    texts.iter().flat_map(|text| cidrs::parse(text)).map(|cidr| cidr.to_string()).collect()
}

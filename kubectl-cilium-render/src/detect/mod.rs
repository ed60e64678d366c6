//! Values that the cluster itself answers.
//!
//! Facts, what the kubeconfig says, the version of the chart and the user's values → values, each
//! with its source and its reason; where the user's values contradict the cluster; and what could
//! not be told. Nothing here asks anybody.

mod api_server;
mod cidrs;
mod cluster_name;
mod conflict;
mod convention;
mod distribution;
mod endpoint;
mod family;
mod finding;
mod ipam;
mod kube_proxy;
mod node_arguments;

use kcilium_core::{
    chart::ChartVersion,
    facts::{Facts, Release},
};

use crate::layers::{Map, Value};

pub use api_server::ApiServer;
pub use conflict::Conflict;
pub use endpoint::Endpoint;

use finding::Findings;

/// What is known of the cluster beside its objects.
#[derive(Clone, Debug, Default)]
pub struct Kubeconfig {
    /// Name of the context.
    pub context: Option<String>,
    /// Name of the cluster.
    pub cluster: Option<String>,
    /// URL of the API server, as this machine reaches it.
    pub server: Option<String>,
}

/// What values are detected for.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// What is known of the cluster.
    pub facts: &'a Facts,
    /// How this machine reaches it.
    pub kubeconfig: &'a Kubeconfig,
    /// The version of the chart.
    pub version: &'a ChartVersion,
    /// The user's values, which win.
    pub given: &'a Map,
}

/// What was detected.
#[derive(Debug, Default)]
pub struct Detected {
    /// The values, to be laid below the user's.
    pub values: Map,
    /// Where the user's values contradict the cluster. They win all the same.
    pub conflicts: Vec<Conflict>,
    /// What the user ought to know: sentences without a full stop.
    pub remarks: Vec<String>,
    /// Where the API server is for agents, if that could be told.
    pub api_server: Option<Endpoint>,
}

/// Finds out what it can.
pub fn detect(subject: &Subject<'_>) -> Detected {
    let mut findings = Findings::default();
    let recognised = distribution::recognise(subject);
    cluster_name::find(subject, &recognised, &mut findings);
    convention::find(subject, &recognised, &mut findings);
    distribution::find(subject, &recognised, &mut findings);
    ipam::find(subject, &recognised, &mut findings);
    if let Some(release) = subject.forgotten_release() {
        findings.remark(format!(
            "the release {name} in {namespace} has values of its own, and none are given here: \
             `helm get values {name} --namespace {namespace}` prints them",
            name = release.name,
            namespace = release.namespace,
        ));
    }
    let api_server = api_server::choose(subject);
    let presence = kube_proxy::presence(subject.facts, &recognised);
    kube_proxy::find(subject, &presence, &api_server, &mut findings);
    family::give_way(subject, &mut findings);
    let mut conflicts = conflict::with_findings(subject, &findings);
    conflicts.extend(kube_proxy::conflict(subject, &presence));
    conflicts.extend(api_server.conflicts(subject));
    Detected {
        conflicts,
        api_server: api_server.endpoint().cloned(),
        remarks: std::mem::take(&mut findings.remarks),
        values: findings.into_values(),
    }
}

impl Subject<'_> {
    /// The running release, where it was installed with values and the user gives none.
    fn forgotten_release(&self) -> Option<&Release> {
        let mut releases = self.facts.cluster.releases.items().iter();
        let release = releases.find(|release| release.status == "deployed")?;
        let has_values = release.values.as_object().is_some_and(|values| !values.is_empty());
        (has_values && self.given.is_empty()).then_some(release)
    }

    /// What the user gives for a key, as a path with dots.
    fn given(&self, key: &str) -> Option<&crate::layers::Node> {
        let (first, rest) = key.split_once('.').unwrap_or((key, ""));
        self.given.get(first)?.at(rest.split('.').filter(|part| !part.is_empty()))
    }

    /// Whether the user gives anything for a key, if only null.
    fn gives(&self, key: &str) -> bool {
        self.given(key).is_some()
    }

    /// What the user gives for a key, as text.
    fn given_text(&self, key: &str) -> Option<String> {
        match &self.given(key)?.value {
            Value::String(text) => Some(text.clone()),
            Value::Bool(value) => Some(value.to_string()),
            Value::Number(number) => Some(number.to_yaml()),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    }
}

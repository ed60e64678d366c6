//! What is to be done, step by step.

use serde::{Deserialize, Serialize};

use super::{
    action::{Action, undo},
    catalogue::Authorship,
    guardian::Guardian,
    host::{ByHand, HostPlan, Reach},
    impact::{self, Impact},
    inventory::{Found, Inventory, Kept, Proof},
    order::rank,
};
use crate::facts::Unavailable;

/// What is to be removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// What is in the API.
    #[default]
    Cluster,
    /// What is on nodes.
    Nodes,
    /// Both.
    All,
}

impl Scope {
    /// Whether what is in the API goes.
    pub fn has_cluster(self) -> bool {
        matches!(self, Self::Cluster | Self::All)
    }

    /// Whether what is on nodes goes.
    pub fn has_nodes(self) -> bool {
        matches!(self, Self::Nodes | Self::All)
    }
}

/// What a definition's or a release's remains are to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It goes.
    #[default]
    Remove,
    /// It stays.
    Keep,
}

/// The user's wishes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// What is to be removed.
    pub scope: Scope,
    /// Definitions, and with them what people wrote.
    pub definitions: Fate,
    /// What Helm remembers of the release.
    pub history: Fate,
}

/// The order of it all. Each phase needs something that the next takes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Look, and write down what cannot be had again.
    Preflight,
    /// Put cleaners on nodes.
    Staging,
    /// What needs the pods' network to end in order.
    Dependents,
    /// What would make again what is removed.
    Operator,
    /// The release, the agents with it.
    Release,
    /// Definitions and their objects: agents make these again.
    CustomResources,
    /// The nodes themselves.
    Nodes,
    /// What is left elsewhere.
    Traces,
    /// Pods that still use the network.
    Pods,
    /// Look again.
    Proof,
}

impl Phase {
    /// Such as `P4`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Preflight => "P0",
            Self::Staging => "P1",
            Self::Dependents => "P2",
            Self::Operator => "P3",
            Self::Release => "P4",
            Self::CustomResources => "P5",
            Self::Nodes => "P6",
            Self::Traces => "P7",
            Self::Pods => "P8",
            Self::Proof => "P9",
        }
    }

    /// Why it comes where it comes.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Preflight => "what cannot be had again is written down first",
            Self::Staging => "nothing can be put on nodes once the network is gone",
            Self::Dependents => "it needs the pods' network to end in order",
            Self::Operator => "it would taint nodes and make definitions again",
            Self::Release => "in the order in which helm deletes",
            Self::CustomResources => "agents would make them again",
            Self::Nodes => "agents would put back what is taken away",
            Self::Traces => "nobody writes them any more",
            Self::Pods => "they have interfaces of a network that is gone",
            Self::Proof => "nothing counts as gone that is not seen to be",
        }
    }
}

/// A thing to do, and when.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// When.
    pub phase: Phase,
    /// What.
    #[serde(flatten)]
    pub action: Action,
    /// How it is undone.
    pub undo: &'static str,
}

impl Step {
    /// The node that it cleans.
    pub fn node(&self) -> Option<&str> {
        match &self.action {
            Action::CleanHost { node, .. } => Some(node),
            _ => None,
        }
    }
}

/// What is to be done, what breaks by it, and what stays.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// What breaks.
    pub impacts: Vec<Impact>,
    /// Who would put it back.
    pub guardians: Vec<Guardian>,
    /// What is to be done, in order.
    pub steps: Vec<Step>,
    /// What stays.
    pub kept: Vec<Kept>,
    /// Nodes that cannot be cleaned from here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub by_hand: Vec<ByHand>,
    /// What could not be looked at, and may hold more.
    pub unknown: Vec<Unavailable>,
}

impl Plan {
    /// Makes a plan of what was found in the API.
    pub fn of(inventory: &Inventory, options: Options) -> Self {
        let mut steps = Vec::new();
        let mut add = |phase, action: Action| steps.push(step(phase, action));
        if !options.scope.has_cluster() {
            return Self {
                impacts: Vec::new(),
                guardians: Vec::new(),
                steps,
                kept: Vec::new(),
                by_hand: Vec::new(),
                unknown: inventory.unknown.clone(),
            };
        }
        let mut objects: Vec<&Found> = inventory.objects.iter().collect();
        objects.sort_by_key(|found| (rank(&found.object.kind), &found.object));
        let in_phase = |phase| objects.iter().filter(move |found| phase_of(found) == phase);
        for phase in [Phase::Dependents, Phase::Operator, Phase::Release] {
            for found in in_phase(phase) {
                add(phase, Action::Delete { found: (*found).clone() });
            }
            // An earlier run may have deleted the workloads, and their pods are still ending.
            if let Some((selectors, what)) = awaited(phase)
                && (inventory.pods > 0 || in_phase(phase).any(|it| is_workload(&it.object.kind)))
            {
                let selectors = selectors.iter().map(|it| (*it).to_owned()).collect();
                let namespaces = inventory.homes.clone();
                add(phase, Action::AwaitPods { namespaces, selectors, what: what.to_owned() });
            }
        }
        for resources in &inventory.custom_resources {
            let action = match (options.definitions, resources.known().map(|it| it.authorship)) {
                (Fate::Remove, _) => Action::DeleteDefinition { resources: resources.clone() },
                (Fate::Keep, Some(Authorship::Cilium)) if resources.count != Some(0) => {
                    Action::DeleteObjects { resources: resources.clone() }
                }
                (Fate::Keep, _) => continue,
            };
            add(Phase::CustomResources, action);
        }
        for found in in_phase(Phase::Traces) {
            add(Phase::Traces, Action::Delete { found: (*found).clone() });
        }
        for marks in &inventory.nodes {
            add(Phase::Traces, Action::CleanNode { marks: marks.clone() });
        }
        if let Some(object) = &inventory.surroundings.aws_node {
            add(Phase::Traces, Action::FreeAwsNode { object: object.clone() });
        }
        for release in &inventory.releases {
            let release = release.clone();
            match options.history {
                Fate::Remove => add(Phase::Traces, Action::ForgetRelease { release }),
                Fate::Keep if release.status == "uninstalled" => {}
                Fate::Keep => add(Phase::Traces, Action::MarkUninstalled { release }),
            }
        }
        Self {
            impacts: impact::of(inventory, options),
            guardians: inventory.guardians.clone(),
            steps,
            kept: inventory.kept.clone(),
            by_hand: Vec::new(),
            unknown: inventory.unknown.clone(),
        }
    }

    /// Adds the nodes. What is put there has its objects in the namespace `staging`.
    #[must_use]
    pub fn with_hosts(mut self, hosts: Vec<HostPlan>, staging: &str) -> Self {
        let mut nodes = Vec::new();
        let mut steps = Vec::new();
        for HostPlan { node, reach } in hosts {
            match reach {
                Reach::Cleaner { plan, seen } => {
                    nodes.push(node.clone());
                    steps.push(step(Phase::Nodes, Action::CleanHost { node, plan, seen }));
                }
                Reach::NeverThere { why } => {
                    self.kept.push(Kept { what: format!("Node {node}"), why });
                }
                Reach::ByHand { why, command } => self.by_hand.push(ByHand { node, why, command }),
            }
        }
        if !nodes.is_empty() {
            let action = Action::StageCleaners { nodes, staging: staging.to_owned() };
            steps.insert(0, step(Phase::Staging, action));
        }
        self.steps.extend(steps);
        self.steps.sort_by_key(|step| step.phase);
        self
    }

    /// Adds the restart of pods: when the nodes are clean, or, without another network plugin,
    /// before that. Then containers' runtimes need Cilium's configuration to end pods: without any
    /// they leave them `Terminating`.
    #[must_use]
    pub fn with_restarts(mut self, inventory: &Inventory) -> Self {
        let others = inventory.surroundings.other_networks.as_deref().unwrap_or_default();
        let last = if others.is_empty() { Phase::CustomResources } else { Phase::Traces };
        let place = self.steps.partition_point(|step| step.phase <= last);
        self.steps.insert(place, step(Phase::Pods, Action::RestartPods));
        self
    }

    /// Whether there is nothing to do. What could not be looked at is another question.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The steps of a phase.
    pub fn phase(&self, phase: Phase) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(move |step| step.phase == phase)
    }
}

fn step(phase: Phase, action: Action) -> Step {
    let undo = undo(&action);
    Step { phase, action, undo }
}

/// The pods whose end a phase waits for.
fn awaited(phase: Phase) -> Option<(&'static [&'static str], &'static str)> {
    match phase {
        Phase::Dependents => Some((&["k8s-app in (hubble-relay,hubble-ui)"], "Hubble's pods")),
        Phase::Operator => Some((
            &["io.cilium/app=operator", "k8s-app=clustermesh-apiserver"],
            "the operator's pods",
        )),
        Phase::Release => Some((&["k8s-app in (cilium,cilium-envoy)"], "the agents' pods")),
        _ => None,
    }
}

fn is_workload(kind: &str) -> bool {
    matches!(kind, "DaemonSet" | "Deployment" | "StatefulSet")
}

fn phase_of(found: &Found) -> Phase {
    let Found { object, proof, .. } = found;
    match (&*object.kind, &*object.name) {
        ("Namespace", _) | ("Deployment", "hubble-relay" | "hubble-ui") => Phase::Dependents,
        ("Deployment", "clustermesh-apiserver") => Phase::Operator,
        ("Deployment", name) if name.ends_with("operator") => Phase::Operator,
        ("Lease" | "EndpointSlice", _) => Phase::Traces,
        ("Secret" | "Job", _) if !matches!(proof, Proof::Manifest { .. }) => Phase::Traces,
        _ => Phase::Release,
    }
}

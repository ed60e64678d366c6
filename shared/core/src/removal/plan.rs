//! What is to be done, step by step.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    catalogue::Authorship,
    guardian::Guardian,
    impact::{self, Impact},
    inventory::{CustomResources, Found, Inventory, Kept, NodeMarks, Proof, ReleaseFound},
    object::ObjectRef,
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

/// A thing to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "do", rename_all_fields = "camelCase")]
pub enum Action {
    /// Delete an object.
    Delete {
        /// The object, and how it was recognised.
        #[serde(flatten)]
        found: Found,
    },
    /// Wait until no pod in Cilium's namespaces has these labels.
    AwaitPods {
        /// Namespaces.
        namespaces: Vec<String>,
        /// Label selectors.
        selectors: Vec<String>,
        /// What they are.
        what: String,
    },
    /// Delete a definition, and with it its objects.
    DeleteDefinition {
        /// Which.
        resources: CustomResources,
    },
    /// Delete the objects of a definition that stays.
    DeleteObjects {
        /// Which.
        resources: CustomResources,
    },
    /// Take Cilium's marks off a node.
    CleanNode {
        /// What it has.
        marks: NodeMarks,
    },
    /// Let aws-node run on all nodes again.
    FreeAwsNode {
        /// The DaemonSet.
        object: ObjectRef,
    },
    /// Delete what Helm keeps of a release.
    ForgetRelease {
        /// Which.
        release: ReleaseFound,
    },
    /// Mark a release as uninstalled, as `helm uninstall --keep-history` does.
    MarkUninstalled {
        /// Which.
        release: ReleaseFound,
    },
}

/// A thing to do, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delete { found } => write!(f, "delete {}", found.object),
            Self::AwaitPods { what, .. } => write!(f, "wait until {what} are gone"),
            Self::DeleteDefinition { resources } => {
                write!(f, "delete {} with ", resources.definition)?;
                objects(f, resources.count)
            }
            Self::DeleteObjects { resources } => {
                write!(f, "delete all {}: ", resources.plural)?;
                objects(f, resources.count)
            }
            Self::CleanNode { marks } => {
                let mut parts = Vec::new();
                parts.extend(marks.taints.iter().map(|key| format!("taint {key}")));
                if marks.is_up_condition {
                    parts.push("condition NetworkUnavailable (CiliumIsUp)".to_owned());
                }
                match marks.annotations.len() {
                    0 => {}
                    1 => parts.push(format!("annotation {}", marks.annotations[0])),
                    count => parts.push(format!("{count} annotations")),
                }
                write!(f, "take off Node {}: {}", marks.name, parts.join(", "))
            }
            Self::FreeAwsNode { object } => {
                write!(f, "take nodeSelector io.cilium/aws-node-enabled off {object}")
            }
            Self::ForgetRelease { release } => write!(
                f,
                "delete what helm keeps of release {}/{}, {} revision{}",
                release.namespace,
                release.name,
                release.records.len(),
                if release.records.len() == 1 { "" } else { "s" }
            ),
            Self::MarkUninstalled { release } => {
                write!(f, "mark release {}/{} as uninstalled", release.namespace, release.name)
            }
        }
    }
}

fn objects(f: &mut fmt::Formatter<'_>, count: Option<u64>) -> fmt::Result {
    match count {
        None => f.write_str("objects that could not be counted"),
        Some(1) => f.write_str("1 object"),
        Some(count) => write!(f, "{count} objects"),
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
    /// What could not be looked at, and may hold more.
    pub unknown: Vec<Unavailable>,
}

impl Plan {
    /// Makes a plan of what was found.
    pub fn of(inventory: &Inventory, options: Options) -> Self {
        let mut steps = Vec::new();
        let mut add = |phase, action: Action| {
            let undo = undo(&action);
            steps.push(Step { phase, action, undo });
        };
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
            impacts: impact::of(inventory, options.definitions == Fate::Keep),
            guardians: inventory.guardians.clone(),
            steps,
            kept: inventory.kept.clone(),
            unknown: inventory.unknown.clone(),
        }
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

/// How a step is undone.
fn undo(action: &Action) -> &'static str {
    match action {
        Action::Delete { .. } | Action::ForgetRelease { .. } | Action::MarkUninstalled { .. } => {
            "install the release again with the values in the backup"
        }
        Action::AwaitPods { .. } => "nothing is changed",
        Action::DeleteDefinition { .. } | Action::DeleteObjects { .. } => {
            "the operator makes definitions again; `restore` brings back what people wrote"
        }
        Action::CleanNode { .. } => "agents mark nodes again; the backup lists what was there",
        Action::FreeAwsNode { .. } => "kubectl patch it back",
    }
}

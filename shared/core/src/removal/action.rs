//! What can be done.

use std::fmt;

use serde::Serialize;

use super::{
    inventory::{CustomResources, Found, NodeMarks, ReleaseFound},
    object::ObjectRef,
};
use crate::leftovers;

/// How many nodes are named in a line.
const NAMED: usize = 5;

/// A thing to do.
#[derive(Clone, Debug, PartialEq, Serialize)]
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
    /// Put a cleaner on nodes, which waits there.
    StageCleaners {
        /// The nodes.
        nodes: Vec<String>,
        /// Where its objects are: in a namespace of that name, which goes in the end.
        staging: String,
    },
    /// Clean a node.
    CleanHost {
        /// Which.
        node: String,
        /// What goes from it, where somebody looked: else all that is certainly Cilium's.
        #[serde(skip_serializing_if = "Option::is_none")]
        plan: Option<leftovers::Plan>,
        /// What of that the node's agent sees: links, routes and rules.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        seen: Vec<leftovers::Item>,
    },
    /// Delete pods that their owners make again.
    RestartPods,
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
            Self::StageCleaners { nodes, .. } => {
                write!(f, "put a cleaner on {}", named(nodes))
            }
            Self::CleanHost { node, plan: None, seen } => {
                write!(f, "clean node {node} of all that is certainly Cilium's")?;
                match seen.len() {
                    0 => Ok(()),
                    1 => f.write_str(", such as one thing that its agent sees"),
                    more => {
                        write!(f, ", such as {more} links, routes and rules that its agent sees")
                    }
                }
            }
            Self::CleanHost { node, plan: Some(plan), .. } => {
                let things = plan.items.len();
                write!(f, "clean node {node}: {things} thing{}", if things == 1 { "" } else { "s" })
            }
            Self::RestartPods => {
                f.write_str("delete the pods of these nodes that are not in the hosts' network")
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

/// Some nodes by name, and how many more there are.
fn named(nodes: &[String]) -> String {
    let names = nodes.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    let noun = if nodes.len() == 1 { "node" } else { "nodes" };
    match nodes.len().saturating_sub(NAMED) {
        0 => format!("{} {noun}: {names}", nodes.len()),
        more => format!("{} {noun}: {names} and {more} more", nodes.len()),
    }
}

/// How a step is undone.
pub(super) fn undo(action: &Action) -> &'static str {
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
        Action::StageCleaners { .. } => "it goes in the end",
        Action::CleanHost { .. } => {
            "on the node: kubectl-cilium_uninstall undo DIR --local, with the backup in \
             /var/lib/kcilium"
        }
        Action::RestartPods => "nothing is lost: their owners make them again",
    }
}

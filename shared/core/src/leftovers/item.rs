//! One thing that was left.

use serde::{Deserialize, Serialize};

use super::{Attachment, Chain, Feeder, Filter, Neighbour, Proof, Qdisc, Sysctl, Transform};
use crate::facts::{Family, LinkName, Route, RoutingRule};

/// Something that is Cilium's, or may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    /// What it is, precisely enough to find it again and to tell it from everything else.
    pub what: Leftover,
    /// What is to become of it.
    pub fate: Fate,
    /// How it was recognised.
    pub proofs: Vec<Proof>,
}

/// What is to become of an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Fate {
    /// It is Cilium's, and nobody needs it.
    Remove,
    /// It is Cilium's, and something that lives needs it: it stays.
    InUse {
        /// The pod, as `namespace/name`, or what else.
        by: String,
    },
    /// It may be somebody else's: it stays, and is no residue.
    Doubtful {
        /// What is missing for certainty.
        why: String,
    },
}

impl Fate {
    /// Something that may not be Cilium's.
    pub fn doubtful(why: impl Into<String>) -> Self {
        Self::Doubtful { why: why.into() }
    }
}

impl std::fmt::Display for Fate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Remove => f.write_str("to be removed"),
            Self::InUse { by } => write!(f, "in use by {by}"),
            Self::Doubtful { why } => f.write_str(why),
        }
    }
}

/// What Cilium leaves on a node. Paths are the host's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Leftover {
    /// The rule that asks the table `local` stands at priority 100 and no longer at 0.
    LocalRuleMoved {
        /// Family of the rule.
        family: Family,
    },
    /// No rule asks the table `local` at all: somebody deleted what stood at 100.
    LocalRuleMissing {
        /// Family of the rule.
        family: Family,
    },
    /// A policy rule.
    Rule(RoutingRule),
    /// A program on a cgroup, on an interface by tcx or netkit, or as XDP.
    Attachment(Attachment),
    /// A tc filter.
    Filter(Filter),
    /// The qdisc that tc filters of both directions hang on.
    Clsact {
        /// The interface.
        link: LinkName,
    },
    /// A rule in a chain of others that jumps to a chain of Cilium's.
    Feeder(Feeder),
    /// A chain with all its rules.
    Chain(Chain),
    /// A set of addresses (`ipset`).
    Set {
        /// Its name.
        name: String,
    },
    /// A state or a policy of IPsec.
    Transform(Transform),
    /// A route.
    Route(Route),
    /// An entry of the neighbour table.
    Neighbour(Neighbour),
    /// A network interface; a veth takes its other end along.
    Link {
        /// Its name.
        name: LinkName,
        /// Its kind (`IFLA_INFO_KIND`).
        kind: String,
    },
    /// A network namespace's name below `/run/netns`.
    NetworkNamespace {
        /// The file.
        path: String,
    },
    /// A pinned map, program or link.
    Pin {
        /// The file in a BPF file system.
        path: String,
    },
    /// A directory in a BPF file system.
    PinDirectory {
        /// The directory.
        path: String,
    },
    /// Cilium's own CNI configuration.
    CniConfiguration {
        /// The file.
        path: String,
    },
    /// A CNI configuration of others that the agent renamed.
    CniBackup {
        /// The file, which ends in `.cilium_bak`.
        path: String,
        /// What it was called.
        original: String,
    },
    /// What libcni noted about a pod's network.
    CniResult {
        /// The file.
        path: String,
    },
    /// A file system mounted by the agent.
    Mount {
        /// Where.
        path: String,
        /// Its type: `cgroup2`, `bpf`.
        filesystem: String,
    },
    /// A configuration file: sysctls, a unit, a marker.
    File {
        /// The file.
        path: String,
    },
    /// A directory with all that is in it, as far as the file system reaches.
    Directory {
        /// The directory.
        path: String,
    },
    /// A setting of the running kernel. Nobody knows who made it, so it is never taken away.
    Sysctl(Sysctl),
    /// How an interface queues packets. The same.
    Qdisc(Qdisc),
    /// A program in the CNI binary directory.
    Binary {
        /// The file.
        path: String,
    },
}

impl Leftover {
    /// The same without what changes while the thing stays the same: numbers that the kernel counts
    /// up, the state of a next hop.
    #[must_use]
    pub fn identity(&self) -> Self {
        let mut same = self.clone();
        match &mut same {
            Self::Attachment(attachment) => {
                attachment.program.id = 0;
                attachment.link_id = None;
            }
            Self::Transform(Transform::Policy(policy)) => policy.index = 0,
            Self::Filter(Filter { program: Some(program), .. }) => program.id = 0,
            Self::Route(route) => route.next_hops.iter_mut().for_each(|hop| hop.flags.clear()),
            _ => {}
        }
        same
    }

    /// How it can be had again once it is gone.
    pub fn undo(&self) -> Undo {
        match self {
            Self::Rule(_)
            | Self::Feeder(_)
            | Self::Chain(_)
            | Self::Set { .. }
            | Self::Route(_)
            | Self::CniConfiguration { .. }
            | Self::CniBackup { .. }
            | Self::CniResult { .. }
            | Self::File { .. } => Undo::Saved,
            // Every host needs the rule where it is put; an agent moves it by itself.
            Self::LocalRuleMoved { .. }
            | Self::LocalRuleMissing { .. }
            | Self::Clsact { .. }
            | Self::Neighbour(_)
            | Self::NetworkNamespace { .. }
            | Self::Mount { .. }
            | Self::PinDirectory { .. }
            | Self::Sysctl(_)
            | Self::Qdisc(_) => Undo::Needless,
            Self::Attachment(_)
            | Self::Filter(_)
            | Self::Transform(_)
            | Self::Link { .. }
            | Self::Pin { .. }
            | Self::Directory { .. }
            | Self::Binary { .. } => Undo::Reinstall,
        }
    }
}

/// How something that was taken away can be had again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Undo {
    /// It was saved, and can be put back as it was.
    Saved,
    /// A Cilium that is installed again makes it anew.
    Reinstall,
    /// Nothing but a running agent has a use for it.
    Needless,
}

impl std::fmt::Display for Undo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Saved => "put back from what was saved",
            Self::Reinstall => "made anew by Cilium when it is installed again",
            Self::Needless => "not needed without an agent, which makes it anew",
        })
    }
}

impl std::fmt::Display for Leftover {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::LocalRuleMoved { family } => {
                write!(f, "{family} rule for table local at 100 instead of 0")
            }
            Self::LocalRuleMissing { family } => write!(f, "no {family} rule for table local"),
            Self::Rule(rule) => write!(f, "{} rule {rule}", rule.family),
            Self::Attachment(attachment) => attachment.fmt(f),
            Self::Filter(filter) => filter.fmt(f),
            Self::Clsact { link } => write!(f, "qdisc clsact on {link}"),
            Self::Feeder(feeder) => feeder.fmt(f),
            Self::Chain(chain) => chain.fmt(f),
            Self::Set { name } => write!(f, "ipset {name}"),
            Self::Transform(transform) => transform.fmt(f),
            Self::Route(route) => write!(f, "route {route}"),
            Self::Neighbour(neighbour) => neighbour.fmt(f),
            Self::Link { name, kind } => write!(f, "link {name} ({kind})"),
            Self::NetworkNamespace { path } => write!(f, "network namespace {path}"),
            Self::Pin { path } => write!(f, "pin {path}"),
            Self::PinDirectory { path } => write!(f, "pin directory {path}"),
            Self::CniConfiguration { path } => write!(f, "CNI configuration {path}"),
            Self::CniBackup { path, .. } => write!(f, "renamed CNI configuration {path}"),
            Self::CniResult { path } => write!(f, "CNI result {path}"),
            Self::Mount { path, filesystem } => write!(f, "mount {path} ({filesystem})"),
            Self::File { path } => write!(f, "file {path}"),
            Self::Directory { path } => write!(f, "directory {path}"),
            Self::Sysctl(Sysctl { key, value }) => write!(f, "sysctl {key} = {value}"),
            Self::Qdisc(Qdisc { link, kind }) => write!(f, "qdisc {kind} on {link}"),
            Self::Binary { path } => write!(f, "binary {path}"),
        }
    }
}

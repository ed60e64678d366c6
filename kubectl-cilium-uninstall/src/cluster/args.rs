//! The command line of the cluster's half.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};
use kcilium_cli::{kubernetes_flags::time, live::Live, probe::NodeAgentFlags};
use kcilium_cluster::removal::Wish;
use kcilium_core::removal::{Fate, Options, Scope};

use crate::args::Format;

/// Which installation, and how long looking at it may take.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Which Cilium")]
pub(crate) struct Target {
    /// Namespace that Cilium is in, besides those where it is found
    #[arg(short, long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
    /// Only this Helm release, and what belongs to it
    #[arg(long, value_name = "NAME")]
    pub(crate) release: Option<String>,
    /// How long the whole run may take, such as 60s or 5m
    #[arg(long, value_name = "TIME", value_parser = time, default_value = "15m")]
    pub(crate) timeout: Duration,
    /// How many requests are under way at once
    #[arg(
        long,
        value_name = "NUMBER",
        value_parser = clap::value_parser!(u8).range(1..),
        default_value_t = 8
    )]
    pub(crate) concurrency: u8,
}

impl Target {
    /// What to look for.
    pub(crate) fn wish(&self, scope: Scope) -> Wish {
        Wish { namespace: self.namespace.clone(), release: self.release.clone(), scope }
    }

    /// How to look.
    pub(crate) fn live(&self) -> Live {
        Live {
            namespace: self.namespace.clone(),
            timeout: self.timeout,
            concurrency: self.concurrency,
        }
    }
}

/// What is to be removed, and how carefully.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "The cluster")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct Removal {
    /// What is removed: what is in the API (cluster), what is on nodes without an agent (nodes), or all
    /// of it, which is the default
    #[arg(
        long,
        value_enum,
        default_value_t,
        hide_possible_values = true,
        conflicts_with = "local"
    )]
    pub(crate) scope: ScopeArg,
    /// Go on where somebody else manages the installation, and may put it back
    #[arg(long, conflicts_with = "local")]
    pub(crate) force: bool,
    /// Folder for what cannot be had again
    /// [default: ./cilium-backup-CONTEXT-TIME]
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["no_backup", "local"])]
    pub(crate) backup: Option<PathBuf>,
    /// Go without a backup
    #[arg(long, conflicts_with = "local")]
    pub(crate) no_backup: bool,
    /// Leave the definitions, and with them policies and whatever else people wrote
    #[arg(long, conflicts_with = "local")]
    pub(crate) keep_crds: bool,
    /// Leave Helm's record of the release, marked as uninstalled
    #[arg(long, conflicts_with = "local")]
    pub(crate) keep_history: bool,
    /// Look at the nodes before anything is agreed on, so that the plan names all that goes from
    /// them; this puts a pod on each node for a while
    #[arg(long, conflicts_with = "local", help_heading = "The nodes")]
    pub(crate) inspect_nodes: bool,
    /// How many nodes are cleaned at once, after a first one alone
    #[arg(
        long,
        value_name = "NUMBER",
        value_parser = clap::value_parser!(u16).range(1..),
        default_value_t = 10,
        conflicts_with = "local",
        help_heading = "The nodes"
    )]
    pub(crate) parallel: u16,
    /// On nodes that are cleaned, delete pods that are not in the host's network, and are made again,
    /// so that they get new interfaces; the old ones go as well
    #[arg(long, conflicts_with = "local", help_heading = "The nodes")]
    pub(crate) restart_pods: bool,
    #[command(flatten, next_help_heading = "The nodes")]
    pub(crate) agent: NodeAgentFlags,
    #[command(flatten)]
    pub(crate) target: Target,
}

impl Removal {
    /// The wishes that make the plan.
    pub(crate) fn options(&self) -> Options {
        let fate = |keep| if keep { Fate::Keep } else { Fate::Remove };
        Options {
            scope: self.scope.into(),
            definitions: fate(self.keep_crds),
            history: fate(self.keep_history),
        }
    }
}

/// What is removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScopeArg {
    /// What is in the API.
    Cluster,
    /// What is on nodes.
    Nodes,
    /// Both.
    #[default]
    All,
}

impl From<ScopeArg> for Scope {
    fn from(scope: ScopeArg) -> Self {
        match scope {
            ScopeArg::Cluster => Self::Cluster,
            ScopeArg::Nodes => Self::Nodes,
            ScopeArg::All => Self::All,
        }
    }
}

/// Formats of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PlanFormat {
    /// A table.
    Table,
    /// A document, or an event in each line.
    Json,
    /// The same as YAML.
    Yaml,
}

impl From<Format> for PlanFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Text | Format::Wide => Self::Table,
            Format::Json => Self::Json,
            Format::Yaml => Self::Yaml,
        }
    }
}

/// What is to be brought back.
#[derive(Clone, Debug, Args)]
pub(crate) struct Restore {
    /// Folder of the backup
    pub(crate) folder: PathBuf,
    #[command(flatten)]
    pub(crate) target: Target,
}

//! The command line.

#![cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "nothing is done elsewhere"))]

use std::{net::IpAddr, path::PathBuf};

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use ipnet::IpNet;
use kcilium_cli::{Completion, KubernetesFlags, probe::NodeAgentFlags, version::Version};

use crate::cluster::{Removal, Restore, Target};

const EXIT_CODES: &str = "\
Exit codes:
  0    fine: nothing of Cilium's is left, and nothing else changed
  1    something is left, something else changed, or it was refused
  2    wrong usage, or a confirmation that nobody could give
  3    could not run, or not everything could be looked at
  130  interrupted";

/// Takes Cilium out of a cluster, and off a node, and nothing else.
///
/// Examples:
///   kubectl cilium-uninstall --dry-run            what would be done
///   kubectl cilium-uninstall                      remove Cilium everywhere
///   kubectl cilium-uninstall --scope cluster      leave the nodes as they are
///   kubectl cilium-uninstall verify               is anything left?
///   kubectl cilium-uninstall restore FOLDER       bring back policies
///   kubectl cilium-uninstall --local --dry-run    what would go from this host, and why
///   kubectl cilium-uninstall --local              show, ask, save, take away, prove
///   kubectl cilium-uninstall verify --local       is anything left here?
///   kubectl cilium-uninstall undo /var/lib/kcilium/2026-01-31T08-15-00Z --local
///
/// A removal shows its plan first, and asks. Before anything goes it writes a
/// backup, and reads it back. What it cannot take away it reports; run it again to
/// finish. While Cilium still runs, it puts a cleaner on each node, with an image
/// that is there; when the agents are gone it tells them to begin, one of them
/// first. Where nothing can be put, run the program as root with --local. What is
/// not certainly Cilium's stays.
#[derive(Debug, Parser)]
#[command(
    version,
    verbatim_doc_comment,
    args_conflicts_with_subcommands = true,
    after_help = EXIT_CODES
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) wish: Wish,
    #[command(flatten)]
    pub(crate) kubernetes: KubernetesFlags,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say what of Cilium is left, how it was recognised, and what only looks like it
    Verify(Verify),
    /// Bring back what people wrote from a backup, after Cilium was installed again
    Restore(Restore),
    /// Put back what was saved on a host before something was taken away
    Undo(Undo),
    /// Print a script that completes command lines
    Completion(Completion),
    /// Print the version, and what comes with it
    Version(Version),
}

/// What to take away, and whether to ask.
#[derive(Debug, ClapArgs)]
pub(crate) struct Wish {
    /// Clean this host, and not a cluster
    #[arg(long)]
    pub(crate) local: bool,
    #[command(flatten)]
    pub(crate) consent: Consent,
    /// Format of plan and report: `wide` names every item; `json` of a cluster's removal is an event in
    /// each line
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Format,
    #[command(flatten)]
    pub(crate) clean: Clean,
    #[command(flatten)]
    pub(crate) removal: Removal,
}

/// What to take away from this host.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "This host")]
pub(crate) struct Clean {
    #[command(flatten)]
    pub(crate) scope: Scope,
    /// Take away what living pods of Cilium's need, too: they lose their network, and have to be
    /// restarted (with --local the report has the commands for that)
    #[arg(long)]
    pub(crate) force_pods: bool,
    /// Directory on the host in which a backup is made before the first step
    #[arg(long, value_name = "DIR", default_value = "/var/lib/kcilium", requires = "local")]
    pub(crate) backup_dir: String,
}

/// What to look at.
///
/// Examples:
///   kubectl cilium-uninstall verify                    is anything left in the cluster?
///   kubectl cilium-uninstall verify --inspect-nodes    and on the nodes?
///   kubectl cilium-uninstall verify --local            is anything left here?
///   kubectl cilium-uninstall verify --local -o json    the same for programs
///
/// It changes nothing; --inspect-nodes puts a pod on each node for a while.
#[derive(Debug, ClapArgs)]
#[command(verbatim_doc_comment, after_help = EXIT_CODES)]
pub(crate) struct Verify {
    /// Look at this host, and not at the API
    #[arg(long)]
    pub(crate) local: bool,
    #[command(flatten)]
    pub(crate) scope: Scope,
    /// Format of the report: `wide` names every item
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Format,
    /// Look at all nodes, too; this puts a pod on each for a while
    #[arg(long, conflicts_with = "local", help_heading = "The nodes")]
    pub(crate) inspect_nodes: bool,
    #[command(flatten, next_help_heading = "The nodes")]
    pub(crate) agent: NodeAgentFlags,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// Puts back what was saved before something was taken away.
///
/// Examples:
///   kubectl cilium-uninstall undo /var/lib/kcilium/2026-01-31T08-15-00Z --local
///   kubectl cilium-uninstall undo DIR --local --dry-run    what would come back
///
/// Files, routing rules, routes, chains and sets come back where they are
/// lacking; what others did since stays. BPF programs, pins and links do not come
/// back: a Cilium that is installed again makes them.
#[derive(Debug, ClapArgs)]
#[command(verbatim_doc_comment, after_help = EXIT_CODES)]
pub(crate) struct Undo {
    /// The backup, as the clean called it
    #[arg(value_name = "DIR")]
    pub(crate) backup: String,
    /// Change this host
    #[arg(long, required = true)]
    pub(crate) local: bool,
    #[command(flatten)]
    pub(crate) root: Root,
    #[command(flatten)]
    pub(crate) consent: Consent,
    /// Format of the report: `wide` names every item
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Format,
}

/// Where the host is, and what is known of its cluster.
#[derive(Debug, ClapArgs)]
pub(crate) struct Scope {
    /// Pod CIDR of the cluster: routes and rules for pods are recognised by it; may be repeated, or a
    /// list with commas
    #[arg(long, value_name = "CIDR", value_delimiter = ',', requires = "local")]
    pub(crate) pod_cidr: Vec<IpNet>,
    /// Address of a node of the cluster: direct routes to its pods are recognised by it
    #[arg(long, value_name = "IP", value_delimiter = ',', requires = "local")]
    pub(crate) node_address: Vec<IpAddr>,
    #[command(flatten)]
    pub(crate) root: Root,
}

/// Where the host's files are.
#[derive(Debug, ClapArgs)]
pub(crate) struct Root {
    /// Folder where this host's files are, if not `/` (in a container: where the host's root is
    /// mounted)
    #[arg(long, value_name = "FOLDER", default_value = "/")]
    pub(crate) root: PathBuf,
}

/// Whether anything may be changed.
#[derive(Debug, ClapArgs)]
pub(crate) struct Consent {
    /// Show what would be done, and change nothing
    #[arg(long, conflicts_with = "yes")]
    pub(crate) dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,
}

/// Formats of the report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    #[default]
    #[value(alias = "table")]
    Text,
    Wide,
    Json,
    Yaml,
}

impl Format {
    /// Items of one kind that are named.
    pub(crate) fn named(self) -> usize {
        if self == Self::Text { 3 } else { usize::MAX }
    }

    pub(crate) fn is_for_machines(self) -> bool {
        matches!(self, Self::Json | Self::Yaml)
    }
}

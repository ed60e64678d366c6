//! The command line.

#![cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "nothing is done elsewhere"))]

use std::{net::IpAddr, path::PathBuf};

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use ipnet::IpNet;

const EXIT_CODES: &str = "\
Exit codes:
  0    fine: nothing of Cilium's is left, and nothing else changed
  1    something is left, something else changed, or an agent still runs
  2    wrong usage, or a confirmation that nobody could give
  3    could not run, or part of the node could not be looked at
  130  interrupted";

/// Takes away what Cilium left on a node, and nothing else.
///
/// Examples:
///   kubectl cilium-uninstall --local --dry-run    what would go, and why
///   kubectl cilium-uninstall --local              show, ask, save, take away, prove
///   kubectl cilium-uninstall --local --pod-cidr 10.0.0.0/16 --node-address 10.1.0.4
///   kubectl cilium-uninstall undo /var/lib/kcilium/2026-01-31T08-15-00Z --local
///   kubectl cilium-uninstall verify --local       is anything left here?
///
/// Copy the program to a node, and run it there as root when Cilium's agent is
/// gone. What is not certainly Cilium's stays. What can be put back is saved
/// before the first step.
#[derive(Debug, Parser)]
#[command(
    version,
    verbatim_doc_comment,
    after_help = EXIT_CODES,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) clean: Clean,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say what of Cilium is left, how it was recognised, and what only looks like it
    Verify(Verify),
    /// Put back what was saved before something was taken away
    Undo(Undo),
    /// Print the version of this program
    Version,
}

/// What to take away.
#[derive(Debug, ClapArgs)]
pub(crate) struct Clean {
    /// Clean this host
    #[arg(long, required = true)]
    pub(crate) local: bool,
    #[command(flatten)]
    pub(crate) scope: Scope,
    #[command(flatten)]
    pub(crate) consent: Consent,
    /// Take away what living pods of Cilium's need, too: they lose their network, and have to be
    /// restarted
    #[arg(long, visible_alias = "restart-pods")]
    pub(crate) force_pods: bool,
    /// Directory on the host in which a backup is made before the first step
    #[arg(long, value_name = "DIR", default_value = "/var/lib/kcilium")]
    pub(crate) backup_dir: String,
    /// Format of plan and report: `wide` names every item
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Format,
}

/// What to look at.
///
/// Examples:
///   kubectl cilium-uninstall verify --local            is anything left here?
///   kubectl cilium-uninstall verify --local -o json    the same for programs
///
/// It changes nothing.
#[derive(Debug, ClapArgs)]
#[command(verbatim_doc_comment, after_help = EXIT_CODES)]
pub(crate) struct Verify {
    /// Look at this host
    #[arg(long, required = true)]
    pub(crate) local: bool,
    #[command(flatten)]
    pub(crate) scope: Scope,
    /// Format of the report: `wide` names every item
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Format,
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
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    pub(crate) pod_cidr: Vec<IpNet>,
    /// Address of a node of the cluster: direct routes to its pods are recognised by it
    #[arg(long, value_name = "IP", value_delimiter = ',')]
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

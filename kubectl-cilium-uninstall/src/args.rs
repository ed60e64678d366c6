//! The command line.

use std::{net::IpAddr, path::PathBuf};

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use ipnet::IpNet;
use kcilium_cli::{Completion, KubernetesFlags, version::Version};

use crate::cluster::{Removal, Restore, Target};

const EXIT_CODES: &str = "\
Exit codes:
  0    fine: nothing of Cilium's is left
  1    something is left, or the removal was refused
  2    wrong usage, or a confirmation that nobody could give
  3    could not run, or not everything could be looked at
  130  interrupted";

/// Takes Cilium out of a cluster, and finds what it left on a node.
///
/// Examples:
///   kubectl cilium-uninstall --dry-run                 what would be done
///   kubectl cilium-uninstall                           remove Cilium
///   kubectl cilium-uninstall verify                    is anything left?
///   kubectl cilium-uninstall restore FOLDER            bring back policies
///   kubectl cilium-uninstall verify --local            is anything left here?
///   kubectl cilium-uninstall verify --local -o json    the same for programs
///   kubectl cilium-uninstall verify --local --pod-cidr 10.244.0.0/16
///
/// A removal shows its plan first, and asks for the name of the context. Before
/// anything is deleted it writes a backup, and reads it back. What it cannot
/// delete it reports; run it again to finish. Nodes it does not touch: for
/// `--local` copy the program to a node, and run it there as root.
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
    pub(crate) removal: Removal,
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
    /// Print a script that completes command lines
    Completion(Completion),
    /// Print the version, and what comes with it
    Version(Version),
}

/// What to look at.
#[derive(Debug, ClapArgs)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Verify {
    /// Look at this host, and not at the API
    #[arg(long)]
    pub(crate) local: bool,
    /// Pod CIDR of the cluster: routes and rules for pods are recognised by it; may be repeated, or a
    /// list with commas
    #[arg(long, value_name = "CIDR", value_delimiter = ',', requires = "local")]
    pub(crate) pod_cidr: Vec<IpNet>,
    /// Address of a node of the cluster: direct routes to its pods are recognised by it
    #[arg(long, value_name = "IP", value_delimiter = ',', requires = "local")]
    pub(crate) node_address: Vec<IpAddr>,
    /// Folder where this host's files are, if not `/` (in a container: where the host's root is
    /// mounted)
    #[arg(long, value_name = "FOLDER", default_value = "/")]
    pub(crate) root: PathBuf,
    /// Format of the report: `wide` names every item
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Format,
    #[command(flatten)]
    pub(crate) target: Target,
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

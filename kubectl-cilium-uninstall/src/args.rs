//! The command line.

use std::{net::IpAddr, path::PathBuf};

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use ipnet::IpNet;
use kcilium_cli::{Completion, version::Version};

const EXIT_CODES: &str = "\
Exit codes:
  0    fine: nothing of Cilium's is left
  1    something is left
  2    wrong usage
  3    could not run, or part of the node could not be looked at
  130  interrupted";

/// Finds what Cilium left on a node.
///
/// Examples:
///   kubectl cilium-uninstall verify --local            is anything left here?
///   kubectl cilium-uninstall verify --local -o json    the same for programs
///   kubectl cilium-uninstall verify --local --pod-cidr 10.244.0.0/16
///
/// Copy the program to a node, and run it there as root. It changes nothing.
#[derive(Debug, Parser)]
#[command(version, verbatim_doc_comment, after_help = EXIT_CODES)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say what of Cilium is left, how it was recognised, and what only looks like it
    Verify(Verify),
    /// Print a script that completes command lines
    Completion(Completion),
    /// Print the version, and what comes with it
    Version(Version),
}

/// What to look at.
#[derive(Debug, ClapArgs)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Verify {
    /// Look at this host
    #[arg(long, required = true)]
    pub(crate) local: bool,
    /// Pod CIDR of the cluster: routes and rules for pods are recognised by it; may be repeated, or a
    /// list with commas
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    pub(crate) pod_cidr: Vec<IpNet>,
    /// Address of a node of the cluster: direct routes to its pods are recognised by it
    #[arg(long, value_name = "IP", value_delimiter = ',')]
    pub(crate) node_address: Vec<IpAddr>,
    /// Folder where this host's files are, if not `/` (in a container: where the host's root is
    /// mounted)
    #[arg(long, value_name = "FOLDER", default_value = "/")]
    pub(crate) root: PathBuf,
    /// Format of the report: `wide` names every item
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Format,
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

//! The command line.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use clap::{Args as ClapArgs, Parser, Subcommand};
use clap_complete::ArgValueCompleter;
use kcilium_cli::{
    Completion, KubernetesFlags, OutputFormat,
    completion::values,
    judging::{self, Judging},
    kubernetes_flags::time,
    live::Live,
    version::Version,
};
use kcilium_core::{facts::Declared, prefix::GivenPrefix, rules::Code};

use crate::{probe::Probing, report::ReportFormat};

const EXIT_CODES: &str = "\
Exit codes:
  0    fine
  1    findings at or above --fail-on
  2    wrong usage
  3    could not run, or nothing could be judged
  130  interrupted";

/// Finds out why the network of a cluster with Cilium is broken, and how to mend it.
///
/// Examples:
///   kubectl cilium-doctor                         the current context's cluster
///   kubectl cilium-doctor --nodes node1,node2     only these nodes from inside
///   kubectl cilium-doctor --local                 this host, without API server
///   kubectl cilium-doctor snapshot facts.json.gz  take a snapshot
///   kubectl cilium-doctor --from facts.json.gz    examine it elsewhere
///   kubectl cilium-doctor --probe                 send packets from nodes and pods
///   kubectl cilium-doctor --watch --timeout 10m   wait until all is well
///   kubectl cilium-doctor explain CIDR-01         what a code means
///   kubectl cilium-doctor auth                    what you may read
///   kubectl cilium-doctor explain-log test.log    why a connectivity test failed
///
/// It reads objects, and runs one script in the agents of the nodes that reads
/// routes, rules, addresses, DNS servers and CNI files. It changes nothing. Whether
/// pods get out of their nodes only packets tell: on a terminal it asks whether to
/// put a program on the nodes that sends some, and is removed at the end; --probe
/// does it without asking, --probe=never without a word. --probe=pods creates
/// nothing, and sends fewer from the networks of pods that run already. When the
/// API server is gone too: copy the program to a node, and run it with --local.
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
    pub(crate) examine: Examine,
    #[command(flatten)]
    pub(crate) kubernetes: KubernetesFlags,
}

/// What to do instead of examining.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write what can be read to a file, to be examined elsewhere with --from
    Snapshot(Box<Snapshot>),
    /// List what the current user may read in the cluster, and what stays unknown without
    Auth {
        #[command(flatten)]
        live: Live,
        /// Format of the list
        #[arg(short, long, value_enum, default_value_t)]
        output: OutputFormat,
    },
    /// List all rules
    Rules {
        /// Format of the list
        #[arg(short, long, value_enum, default_value_t)]
        output: OutputFormat,
    },
    /// Say what a rule checks, why it hurts, and how to mend it
    Explain {
        /// Code of the rule, such as CIDR-01
        #[arg(value_parser = judging::code, add = ArgValueCompleter::new(values::codes))]
        code: Code,
        /// Format of the answer
        #[arg(short, long, value_enum, default_value_t)]
        output: OutputFormat,
    },
    /// Say what is behind the failures of a saved `cilium connectivity test`
    ///
    /// Counts only what had to succeed: what a policy has to refuse is refused by a dead network as
    /// well. Names the likely cause, what else would look like it, and the command that decides.
    /// Logs of all versions of cilium-cli are read, as a terminal or a CI system saved them.
    ///
    /// Exit code 1 if something failed, 3 if no such log is there to be read or it ends before
    /// anything is certain.
    ExplainLog {
        /// File to read; `-` is standard input
        file: PathBuf,
        /// Format of the answer
        #[arg(short, long, value_enum, default_value_t)]
        output: OutputFormat,
    },
    /// Print a script that completes command lines
    Completion(Completion),
    /// Print the version, and what comes with it
    Version(Version),
}

/// Facts to judge, and what to do with the judgement.
#[derive(Debug, ClapArgs)]
pub(crate) struct Examine {
    #[command(flatten)]
    pub(crate) source: Source,
    #[command(flatten)]
    pub(crate) judging: Judging,
    /// Look again and again until nothing is wrong, or until the time of --timeout is over (a look
    /// that was begun is finished); changes are told on standard error, the report on the last look
    /// comes at the end. Each look probes where --probe or --probe=pods says so, and removes what it
    /// creates
    #[arg(long, conflicts_with = "from", help_heading = "How to look at the cluster")]
    pub(crate) watch: bool,
    /// Pause between two looks of --watch
    #[arg(
        long,
        value_name = "TIME",
        value_parser = time,
        default_value = "10s",
        requires = "watch",
        help_heading = "How to look at the cluster"
    )]
    pub(crate) interval: Duration,
    /// Format of the report: `text` for people, on a screen; `wide` with all evidence; `short` with a
    /// line for each thing that is wrong; `json` and `yaml` for programs; `html` as one page with a
    /// map of the address space; `junit` for CI systems
    #[arg(
        short,
        long,
        value_enum,
        default_value_t,
        hide_possible_values = true,
        value_name = "text|wide|short|json|yaml|html|junit",
        help_heading = "Output"
    )]
    pub(crate) output: ReportFormat,
}

/// What to look at.
#[derive(Clone, Debug, ClapArgs)]
#[command(next_help_heading = "What to look at, if not the cluster of the current context")]
pub(crate) struct Source {
    /// Look at this host
    #[arg(
        long,
        conflicts_with_all = ["from", "nodes", "node_selector", "namespace", "probe", "target", "no_internet", "allow_policy"]
    )]
    pub(crate) local: bool,
    /// Look at a snapshot (`-` is standard input), at an archive of `cilium sysdump`, or at a folder of
    /// recorded command output
    #[arg(
        long,
        value_name = "FILE|FOLDER",
        conflicts_with_all = ["nodes", "node_selector", "namespace", "probe", "target", "no_internet", "allow_policy"]
    )]
    pub(crate) from: Option<PathBuf>,
    /// Pod CIDR, besides those that can be seen; may be repeated, or a list with commas
    #[arg(long, value_name = "CIDR", value_delimiter = ',', value_parser = cidr)]
    pub(crate) pod_cidr: Vec<String>,
    /// Service CIDR, besides those that can be seen
    #[arg(long, value_name = "CIDR", value_delimiter = ',', value_parser = cidr)]
    pub(crate) service_cidr: Vec<String>,
    /// Address that must stay reachable outside Cilium, besides gateways, DNS servers and nodes
    #[arg(long, value_name = "IP", value_delimiter = ',')]
    pub(crate) protect: Vec<IpAddr>,
    /// Folder where this host's files are, if not `/` (in a container: where the host's root is
    /// mounted)
    #[arg(long, value_name = "FOLDER", default_value = "/", requires = "local")]
    pub(crate) root: PathBuf,
    /// Name of this node in Kubernetes, if it is not the host name
    #[arg(long, value_name = "NAME", requires = "local")]
    pub(crate) node_name: Option<String>,
    #[command(flatten)]
    pub(crate) live: Live,
    /// Nodes to look at from inside: names, `all` or `none`; without, all of them up to 100, beyond
    /// that those in trouble and a sample, and probes start from 20 of them at most
    #[arg(
        long,
        value_name = "NAME|all|none",
        value_delimiter = ',',
        add = ArgValueCompleter::new(values::nodes),
        help_heading = "How to look at the cluster"
    )]
    pub(crate) nodes: Vec<String>,
    /// Look from inside only at nodes with these labels
    #[arg(long, value_name = "SELECTOR", help_heading = "How to look at the cluster")]
    pub(crate) node_selector: Option<String>,
    #[command(flatten)]
    pub(crate) probing: Probing,
}

/// Where to write a snapshot.
#[derive(Debug, ClapArgs)]
pub(crate) struct Snapshot {
    /// File to write; compressed if it ends in .gz; `-` is standard output
    pub(crate) file: PathBuf,
    /// Replace the file if it exists
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) source: Source,
}

impl Source {
    /// What the user declared.
    pub(crate) fn declared(&self) -> Declared {
        Declared {
            pod_cidrs: self.pod_cidr.clone(),
            service_cidrs: self.service_cidr.clone(),
            protect: self.protect.clone(),
        }
    }
}

/// Host bits pass: CIDR-11 judges them, and says what they mean.
fn cidr(text: &str) -> Result<String, String> {
    text.parse::<GivenPrefix>()
        .map(|given| given.text().to_owned())
        .map_err(|error| error.reason.to_owned())
}

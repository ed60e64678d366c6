//! The command line.

use std::path::PathBuf;

use clap::{ArgAction, Args as ClapArgs, Parser, Subcommand, ValueEnum};
use clap_complete::ArgValueCompleter;
use kcilium_cli::{
    Completion, KubernetesFlags, OutputFormat,
    completion::values,
    judging::{self, Judging},
    live::Live,
    version::Version,
};
use kcilium_core::{chart::ChartVersion, rules::Code};

use crate::{layers::SetFlag, upstream_flags::UpstreamFlags};

/// Assignments that keep pods off the nodes labelled `cilium.io/no-schedule=true`.
macro_rules! no_schedule {
    ($affinity:literal) => {
        no_schedule!(
            $affinity,
            ".nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0]\
             .matchExpressions[0]"
        )
    };
    ($affinity:literal, $at:literal) => {
        concat!(
            $affinity,
            $at,
            ".key=cilium.io/no-schedule,",
            $affinity,
            $at,
            ".operator=NotIn,",
            $affinity,
            $at,
            ".values[0]=true"
        )
    };
}

/// Merges Helm values for Cilium, and says where each comes from.
///
/// Examples:
///   kubectl cilium-render -f values.yaml --version 1.14.2
///   kubectl cilium-render -f base.yaml -f site.yaml --set debug.enabled=true
///   kubectl cilium-render -f values.yaml --explain >/dev/null
///   kubectl cilium-render -f values.yaml --from facts.json.gz
///   kubectl cilium-render -f values.yaml --no-detect
///   kubectl cilium-render -f values.yaml --chart-directory cilium-1.16.2.tgz
///
/// Values that the cluster answers come first: its name, the API server's address
/// where kube-proxy is absent, the pool of pod addresses. The given ones are laid
/// over them as Helm merges files and flags: files first, then --set-json, --set,
/// --set-string, --set-file and --set-literal; within a kind the later wins.
/// The cluster is only read.
///
/// The result is judged by rules, on standard error. Where one finds that it cannot
/// be installed, nothing is printed.
#[derive(Debug, Parser)]
#[command(
    version,
    verbatim_doc_comment,
    disable_version_flag = true,
    args_conflicts_with_subcommands = true
)]
pub struct Args {
    /// What to do instead of rendering
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Print the version of this program
    #[arg(short = 'V', action = ArgAction::Version)]
    pub tool_version: Option<bool>,
    /// What to render, and how
    #[command(flatten)]
    pub render: Render,
    /// Which cluster
    #[command(flatten)]
    pub kubernetes: KubernetesFlags,
}

/// What to do instead of rendering.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the rules that values are judged by
    Rules {
        /// Format of the list
        #[arg(short, long, value_enum, default_value_t)]
        output: OutputFormat,
    },
    /// Say what a rule checks, why it hurts, and how to mend it
    Explain {
        /// Code of the rule, such as VAL-02
        #[arg(value_parser = judging::code, add = ArgValueCompleter::new(values::codes))]
        code: Code,
        /// Format of the answer
        #[arg(short, long, value_enum, default_value_t)]
        output: OutputFormat,
    },
    /// Print a script that completes command lines
    Completion(Completion),
    /// Print the version, and what comes with it
    Version(Version),
}

/// What to render, and how.
#[expect(clippy::struct_excessive_bools, reason = "independent flags")]
#[derive(Debug, ClapArgs)]
pub struct Render {
    /// The values that the user gives
    #[command(flatten)]
    pub values: Values,
    /// Version of the chart, with or without `v` [default: that of the running
    /// release, else the newest known]
    #[arg(long = "version", value_name = "VERSION", help_heading = "Chart", add = ArgValueCompleter::new(values::chart_versions))]
    pub chart_version: Option<ChartVersion>,
    /// Chart on disk: its version is taken, and the values are held against its schema
    #[arg(long, value_name = "DIR|TGZ", help_heading = "Chart", conflicts_with = "repository")]
    pub chart_directory: Option<PathBuf>,
    /// Ask the `helm` on PATH, too, whether it renders that chart with the values; exit with 1 if
    /// it refuses
    #[arg(long, requires = "chart_directory", conflicts_with = "migrate", help_heading = "Chart")]
    pub helm_template: bool,
    /// API that Helm is to take for served by the cluster, such as
    /// monitoring.coreos.com/v1/ServiceMonitor; may be repeated, or a list with commas
    #[arg(long, value_name = "API", value_delimiter = ',', requires = "helm_template")]
    #[arg(help_heading = "Chart")]
    pub api_versions: Vec<String>,
    /// Print the chart versions whose keys are known here; others are taken for their nearest
    #[arg(long, help_heading = "Chart")]
    pub list_versions: bool,
    /// Print the given values, with old spellings rewritten to those of the chart version
    #[arg(long, help_heading = "Migration")]
    pub migrate: bool,
    /// Change the values files instead, and keep a copy of each
    #[arg(long, requires = "migrate", help_heading = "Migration")]
    #[arg(conflicts_with_all = ["set", "set_string", "set_file", "set_json", "set_literal"])]
    pub write: bool,
    /// What to detect values from
    #[command(flatten)]
    pub detection: Detection,
    /// How to look at the cluster
    #[command(flatten)]
    pub live: Live,
    /// What the rules are asked
    #[command(flatten)]
    pub judging: Judging,
    /// Print the values even where a finding blocks the installation
    #[arg(long, help_heading = "Judging")]
    pub force: bool,
    /// Format of the values
    #[arg(short, long, value_enum, default_value_t, help_heading = "Output")]
    pub output: Format,
    /// Say on standard error where each value comes from, and what it replaces
    #[arg(long, help_heading = "Output")]
    pub explain: bool,
    /// Keep the comments and the order of the values file, of which there must be one
    #[arg(long, conflicts_with = "output", help_heading = "Output")]
    pub keep_comments: bool,
    /// End with an empty line, as `cilium install --dry-run-helm-values` does
    #[arg(long, help_heading = "Output")]
    pub compat: bool,
    /// Say above each detected value where it comes from, as a comment
    #[arg(long, conflicts_with = "output", help_heading = "Output")]
    pub comments: bool,
    /// Say on standard error what differs from the values of the release
    #[arg(long, conflicts_with_all = ["no_detect", "migrate"], help_heading = "Output")]
    pub diff: bool,
    /// The release that the values are for
    #[command(flatten)]
    pub release: ReleaseFlags,
    /// What `cilium install` knows and this does not
    #[command(flatten)]
    pub upstream: UpstreamFlags,
}

/// The release that the values are for.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Release")]
pub struct ReleaseFlags {
    /// Name of the release
    #[arg(long, value_name = "NAME", default_value = "cilium", add = ArgValueCompleter::new(values::releases))]
    pub helm_release_name: String,
    /// Repository of the chart, `https://…` or `oci://…`, for the command that is shown at the end
    #[arg(long, value_name = "URL")]
    pub repository: Option<String>,
}

/// What to detect values from, if not the cluster of the current context.
#[derive(Debug, Default, ClapArgs)]
#[command(next_help_heading = "Detection")]
pub struct Detection {
    /// Do not look at a cluster: print the given values only
    #[arg(long, conflicts_with_all = ["from", "verify_endpoint"])]
    pub no_detect: bool,
    /// Detect from a snapshot (`-` is standard input), or from a folder of recorded command output
    #[arg(long, value_name = "FILE|FOLDER")]
    pub from: Option<PathBuf>,
    /// Connect to the API server's address that agents are given, and look at its certificate; exit
    /// with 1 if they could not use it
    #[arg(long)]
    pub verify_endpoint: bool,
}

/// The values that the user gives. The aliases are what `cilium install` called them.
#[derive(Debug, Default, ClapArgs)]
#[command(next_help_heading = "Values")]
pub struct Values {
    /// Values file, `-` is standard input; may be repeated, or a list with commas
    #[arg(short = 'f', long = "values", alias = "helm-values", value_name = "FILE")]
    #[arg(value_delimiter = ',')]
    pub files: Vec<PathBuf>,
    /// Set values: booleans, null and integers by their look, all else as text
    #[arg(long, alias = "helm-set", value_name = "KEY=VALUE", allow_hyphen_values = true)]
    pub set: Vec<String>,
    /// Set values as text
    #[arg(long, alias = "helm-set-string", value_name = "KEY=TEXT", allow_hyphen_values = true)]
    pub set_string: Vec<String>,
    /// Set values to what is in files, as text
    #[arg(long, alias = "helm-set-file", value_name = "KEY=FILE", allow_hyphen_values = true)]
    pub set_file: Vec<String>,
    /// Set values as JSON; or merge a JSON object
    #[arg(long, alias = "helm-set-json", value_name = "KEY=JSON", allow_hyphen_values = true)]
    pub set_json: Vec<String>,
    /// Set a value to exactly this text, commas and backslashes included
    #[arg(long, alias = "helm-set-literal", value_name = "KEY=TEXT", allow_hyphen_values = true)]
    pub set_literal: Vec<String>,
    /// Keep Cilium off nodes with the label cilium.io/no-schedule=true, by affinities
    #[arg(long)]
    pub nodes_without_cilium: bool,
}

/// What `cilium install` makes of `--nodes-without-cilium`: the affinities of the agent, the operator
/// and SPIRE's agent.
const NODES_WITHOUT_CILIUM: [&str; 3] = [
    no_schedule!("affinity"),
    no_schedule!("operator.affinity"),
    no_schedule!("authentication.mutual.spire.install.agent.affinity"),
];

impl Values {
    /// The arguments of a flag, in their order.
    pub(crate) fn of(&self, flag: SetFlag) -> Vec<&str> {
        let given = match flag {
            SetFlag::SetJson => &self.set_json,
            SetFlag::Set => &self.set,
            SetFlag::SetString => &self.set_string,
            SetFlag::SetFile => &self.set_file,
            SetFlag::SetLiteral => &self.set_literal,
            SetFlag::NodesWithoutCilium if self.nodes_without_cilium => {
                return NODES_WITHOUT_CILIUM.to_vec();
            }
            SetFlag::NodesWithoutCilium => return Vec::new(),
        };
        given.iter().map(String::as_str).collect()
    }
}

/// A format of the values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// As Helm writes them
    #[default]
    Yaml,
    /// Indented JSON
    Json,
}

//! The subcommand `version`.

use std::{fmt::Write as _, io::Write as _};

use clap::Args;
use kcilium_cluster::stage::Programs;
use kcilium_core::chart::known_versions;
use ring::digest::{SHA256, digest};
use serde::Serialize;

use crate::{Exit, Failure, OutputFormat, Printer, format};

/// What `make dist` was run on; nobody else sets it, so that no change of the history makes all be
/// built again.
const COMMIT: Option<&str> = option_env!("KCILIUM_COMMIT");

/// Whether a plugin brings the node agent along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeAgent {
    /// It runs it on nodes.
    Brought,
    /// It never looks at nodes from inside.
    Without,
}

/// How to say it.
#[derive(Clone, Copy, Debug, Args)]
pub struct Version {
    /// Format of the answer
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

/// What a plugin is made of.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct About<'a> {
    name: &'a str,
    version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<&'a str>,
    chart_versions: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    node_agents: Option<Vec<AgentFile>>,
}

/// A node agent that is at hand.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AgentFile {
    platform: String,
    /// Of the gzipped file, in hexadecimal digits.
    sha256: String,
    /// Of the gzipped file, bytes.
    size: usize,
}

/// Says what a plugin is made of: `name` as kubectl takes it, such as `cilium-doctor`.
///
/// # Errors
/// When it cannot be written.
pub fn print(
    name: &str,
    version: &str,
    node_agent: NodeAgent,
    wish: Version,
    printer: &mut Printer,
) -> Result<Exit, Failure> {
    let found = (node_agent == NodeAgent::Brought).then(|| Programs::find(None));
    let about = About {
        name,
        version,
        commit: COMMIT,
        chart_versions: known_versions().iter().map(ToString::to_string).collect(),
        node_agents: found.as_ref().map(|found| found.as_ref().map(agents).unwrap_or_default()),
    };
    match wish.output {
        OutputFormat::Json => format::write_json(printer, &about)?,
        OutputFormat::Yaml => format::write_yaml(printer, &about)?,
        OutputFormat::Short => writeln!(printer, "{version}")?,
        OutputFormat::Text | OutputFormat::Wide => {
            text(&about, printer)?;
            if let Some(Err(missing)) = found {
                writeln!(printer, "node agent     {missing}")?;
            }
        }
    }
    Ok(Exit::Fine)
}

fn text(about: &About<'_>, out: &mut impl std::io::Write) -> std::io::Result<()> {
    writeln!(out, "kubectl {} {}", about.name, about.version)?;
    writeln!(
        out,
        "commit         {}",
        about.commit.unwrap_or("not told (not built by make dist)")
    )?;
    let versions = &about.chart_versions;
    if let [oldest, .., newest] = &versions[..] {
        let count = versions.len();
        writeln!(out, "Cilium charts  {count} versions, from {oldest} to {newest}")?;
    }
    for agent in about.node_agents.iter().flatten() {
        let AgentFile { platform, sha256, size } = agent;
        writeln!(out, "node agent     {platform}, {size} bytes, sha256 {sha256}")?;
    }
    Ok(())
}

fn agents(programs: &Programs) -> Vec<AgentFile> {
    let file = |(architecture, program): (&str, &[u8])| AgentFile {
        platform: format!("linux-{architecture}"),
        sha256: hexadecimal(digest(&SHA256, program).as_ref()),
        size: program.len(),
    };
    programs.files().map(file).collect()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

//! `--helm-template`: what Helm itself says of the values.

use std::{
    io,
    path::Path,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use kcilium_cli::{Failure, Style, interrupt, remark::ignore_closed};
use kcilium_core::facts::Facts;
use semver::Version;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::Command,
    time::timeout,
};

use crate::next;

/// The most that is kept of what Helm says, in bytes.
const MAX_SAID: u64 = 64 << 10;

/// What stands before Helm's reason; warnings may come earlier.
const ERROR: &str = "Error: ";

/// What Helm made of a chart with values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Manifests.
    Renders,
    /// Nothing, for this reason.
    Refuses(String),
}

impl Verdict {
    /// How to paint its label.
    pub fn style(&self) -> Style {
        match self {
            Self::Renders => Style::Ok,
            Self::Refuses(_) => Style::Block,
        }
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Renders => f.write_str("renders"),
            Self::Refuses(why) => write!(f, "refuses: {why}"),
        }
    }
}

/// What Helm is asked.
pub struct Question<'a> {
    /// The chart, on disk.
    pub chart: &'a Path,
    /// Name of the release.
    pub name: &'a str,
    /// Its namespace.
    pub namespace: &'a str,
    /// The values, as YAML or JSON.
    pub values: &'a [u8],
    /// Of the cluster, whose version charts ask for.
    pub facts: Option<&'a Facts>,
    /// APIs that the cluster serves, for which charts ask too.
    pub apis: &'a [String],
}

impl Question<'_> {
    /// Runs `helm template`, which needs no network for a chart on disk, and talks to no cluster.
    ///
    /// # Errors
    /// When there is no Helm, or it does not answer in time.
    pub fn ask(&self, time: Duration) -> Result<Verdict, Failure> {
        let answer = interrupt::block_on(async { timeout(time, self.run()).await })?;
        let Ok(answer) = answer else {
            let text = format!("helm template did not answer within {} s", time.as_secs());
            return Err(Failure::could_not_run(anyhow::anyhow!(text))
                .hint("raise --timeout, or leave --helm-template out"));
        };
        let (status, said) = answer.map_err(|error| {
            Failure::could_not_run(
                anyhow::Error::new(error).context("--helm-template: cannot run helm"),
            )
            .hint("install Helm so that `helm` is on PATH, or leave --helm-template out")
        })?;
        match status.code() {
            Some(0) => Ok(Verdict::Renders),
            Some(_) => Ok(Verdict::Refuses(reason(&said))),
            None => {
                let text = format!("helm template was killed: {status}");
                Err(Failure::could_not_run(anyhow::anyhow!(text))
                    .hint("try again, or leave --helm-template out"))
            }
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new("helm");
        command.args(["template", "-n", self.namespace, "-f", "-"]);
        if let Some(version) = self.facts.and_then(kubernetes_version) {
            command.args(["--kube-version", version]);
        }
        for api in self.apis {
            command.args(["--api-versions", api]);
        }
        command.args(["--", self.name, &next::chart_on_disk(self.chart)]);
        command
    }

    /// Dropping the future kills Helm.
    async fn run(&self) -> io::Result<(ExitStatus, String)> {
        let mut child = self
            .command()
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
        let write = async {
            let Some(mut stdin) = stdin else { return Ok(()) };
            // Helm may have refused the chart before it read the values.
            ignore_closed(stdin.write_all(self.values).await)
        };
        let read = async {
            let mut said = Vec::new();
            let Some(mut stderr) = stderr else { return Ok(said) };
            (&mut stderr).take(MAX_SAID).read_to_end(&mut said).await?;
            tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await?;
            io::Result::Ok(said)
        };
        let ((), said, status) = tokio::try_join!(write, read, child.wait())?;
        Ok((status, String::from_utf8_lossy(&said).into_owned()))
    }
}

/// The cluster's version, where Helm can read it.
fn kubernetes_version(facts: &Facts) -> Option<&str> {
    let version = facts.cluster.version.known()?.git_version.as_str();
    Version::parse(version.strip_prefix('v')?).ok()?;
    Some(version)
}

fn reason(said: &str) -> String {
    let at = said.find(&format!("\n{ERROR}")).map_or(0, |at| at + 1);
    let reason = said[at..].trim();
    let reason = reason.strip_prefix(ERROR).unwrap_or(reason);
    if reason.is_empty() { "it does not say why".to_owned() } else { reason.to_owned() }
}

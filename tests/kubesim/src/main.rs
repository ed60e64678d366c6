//! `kubesim`: the API server for tests as a program.

use std::{io::Write as _, path::PathBuf};

use anyhow::{Context as _, Result};
use clap::Parser;
use kubesim::{Config, KubeSim};

/// Runs a Kubernetes API server for tests on a free loopback port until it is interrupted.
#[derive(Parser)]
struct Arguments {
    /// Where to write the administrator's kubeconfig
    #[arg(long, value_name = "FILE")]
    kubeconfig: PathBuf,
    /// YAML or JSON files of objects to begin with, stored as they are, status and all
    #[arg(long, value_name = "FILE", num_args = 1..)]
    load: Vec<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let config = Config { kubeconfig: Some(arguments.kubeconfig), ..Config::default() };
    let sim = KubeSim::start(config).await?;
    for path in &arguments.load {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
        sim.load(&text).with_context(|| format!("load {}", path.display()))?;
    }
    writeln!(std::io::stdout(), "{}", sim.url())?;
    tokio::signal::ctrl_c().await?;
    sim.stop().await;
    Ok(())
}

//! `kubesim`: the API server for tests as a program.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result};
use clap::Parser;
use kubesim::{Assets, Backend, Cluster, Config, Scenario};
use tokio::signal::unix::{SignalKind, signal};

/// Runs a Kubernetes API server for tests on a free loopback port until it is interrupted.
#[derive(Parser)]
struct Arguments {
    /// Where to write the administrator's kubeconfig
    #[arg(long, value_name = "FILE", required_unless_present_any = ["list", "show"])]
    kubeconfig: Option<PathBuf>,
    /// The state to begin with, by its name; see --list
    #[arg(long, value_name = "NAME")]
    scenario: Option<String>,
    /// YAML or JSON files of more objects to begin with, status and all
    #[arg(long, value_name = "FILE", num_args = 1..)]
    load: Vec<PathBuf>,
    /// Serve it by a real etcd and kube-apiserver, which KUBEBUILDER_ASSETS says the directory of
    #[arg(long)]
    real_apiserver: bool,
    /// List the scenarios and their stories, and exit
    #[arg(long, conflicts_with_all = ["scenario", "show"])]
    list: bool,
    /// Print what would be loaded as YAML, and exit
    #[arg(long)]
    show: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Without stderr there is nobody to tell.
            let _ = writeln!(io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<()> {
    if arguments.list {
        return list();
    }
    let scenario = scenario(arguments)?;
    match &arguments.kubeconfig {
        Some(file) if !arguments.show => serve(&scenario, file, arguments.real_apiserver).await,
        _ => print(&scenario.to_yaml()?),
    }
}

/// Prints in one piece. Who has gone after the first line did not want the rest.
fn print(text: &str) -> Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

fn list() -> Result<()> {
    let mut text = String::new();
    for scenario in Scenario::all()? {
        writeln!(text, "{:<16} {}", scenario.name, scenario.story)?;
    }
    writeln!(text, "{:<16} Generated: as many nodes and pods.", "fleet(N,M)")?;
    print(&text)
}

fn scenario(arguments: &Arguments) -> Result<Scenario> {
    let mut scenario = match &arguments.scenario {
        Some(name) => Scenario::named(name)?,
        None => Scenario::empty(),
    };
    for path in &arguments.load {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path).with_context(|| format!("read {file}"))?;
        scenario.add(&text, &file).with_context(|| format!("read {file}"))?;
    }
    Ok(scenario)
}

async fn serve(scenario: &Scenario, kubeconfig: &Path, real: bool) -> Result<()> {
    // From the beginning, so that an interrupt while it starts cleans up too.
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let interrupted = async {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    let running = async {
        let backend = if real {
            Backend::Real(Assets::from_environment()?)
        } else {
            Backend::Kubesim(Config::default())
        };
        let cluster = Cluster::start(scenario, backend).await?;
        let file = kubeconfig.display();
        cluster.write_kubeconfig(kubeconfig).with_context(|| format!("write {file}"))?;
        let (url, Scenario { name, story, .. }) = (cluster.url(), scenario);
        let text = format!("{url}\n{name}: {story}\nkubectl --kubeconfig {file} get pods -A\n");
        print(&text)?;
        anyhow::Ok(cluster)
    };
    tokio::pin!(interrupted);
    let cluster = tokio::select! {
        () = &mut interrupted => return Ok(()),
        cluster = running => cluster?,
    };
    interrupted.await;
    cluster.stop().await;
    Ok(())
}

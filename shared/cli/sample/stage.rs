//! Puts a program on nodes, and prints what it says.

use std::{io::Write as _, time::Duration};

use clap::Args;
use kcilium_cli::{
    Exit, Failure, KubernetesFlags, Printer, interrupt,
    live::{self, Live},
    probe::{Consent, ProbeFlags},
};
use kcilium_cluster::{
    Api,
    stage::{
        self, Egress, Ended, Ending, Errand, Outcome, Placement, Plan, PlanError, Purpose, Report,
        Wish,
    },
};

/// What to put where.
#[derive(Debug, Args)]
pub(crate) struct Stage {
    /// Nodes, each with where the program runs: `host`, `host-network` or `pod`
    #[arg(long, value_name = "NODE=PLACEMENT", value_parser = place, required = true)]
    on: Vec<(String, Placement)>,
    /// What the program reads
    #[arg(long, default_value = "")]
    request: String,
    /// How long the programs may take, in seconds
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// How long they may take to start, in seconds
    #[arg(long, default_value_t = 20)]
    start: u64,
    /// The program's arguments
    #[arg(last = true)]
    arguments: Vec<String>,
    #[command(flatten)]
    probe: ProbeFlags,
    #[command(flatten)]
    live: Live,
    #[command(flatten)]
    kubernetes: KubernetesFlags,
}

fn place(text: &str) -> Result<(String, Placement), String> {
    let (node, word) = text.split_once('=').ok_or("no `=`")?;
    let placements = [Placement::Host, Placement::HostNetwork, Placement::Pod];
    let placement = placements.into_iter().find(|placement| placement.word() == word);
    Ok((node.to_owned(), placement.ok_or("no such placement")?))
}

/// Does it.
pub(crate) fn run(wanted: &Stage, printer: &mut Printer) -> Result<Exit, Failure> {
    if !wanted.probe.probe.is_possible() {
        writeln!(printer, "nothing is put anywhere")?;
        return Ok(Exit::Fine);
    }
    let programs = wanted.probe.agent.programs()?;
    let connection = wanted.kubernetes.connection()?;
    let report = interrupt::block_on_steps(async {
        let plan = async {
            let api = live::connect(&connection, &wanted.live, &wanted.kubernetes).await?;
            let plan = Plan::make(&api, &programs, wanted.wish()).await.map_err(no_plan)?;
            Ok::<(Api, Plan), Failure>((api, plan))
        };
        let (api, plan) = interrupt::or_interrupted(plan).await??;
        if wanted.probe.probe.consent(&plan, None)? != Consent::Given {
            return Ok(None);
        }
        let signal = interrupt::signalled()?;
        Ok::<_, Failure>(Some(stage::run(&api, &plan, signal).await))
    })??;
    let Some(report) = report else {
        writeln!(printer, "nothing is put anywhere")?;
        return Ok(Exit::Fine);
    };
    print(&report, printer)
}

impl Stage {
    fn wish(&self) -> Wish {
        let errand = |(node, placement): &(String, Placement)| Errand {
            node: node.clone().into(),
            placement: *placement,
            arguments: self.arguments.clone(),
            request: self.request.clone().into(),
        };
        Wish {
            purpose: Purpose::Probe,
            errands: self.on.iter().map(errand).collect(),
            home: self.live.namespace.clone().unwrap_or_else(|| "kube-system".into()),
            image: self.probe.agent.node_image.clone(),
            owner: "somebody".into(),
            time: Duration::from_secs(self.seconds),
            start: Duration::from_secs(self.start),
            egress: Egress::AsItIs,
        }
    }
}

fn no_plan(error: PlanError) -> Failure {
    kcilium_cli::probe::no_plan(error, &["the role kcilium-prober of docs/rbac.yaml grants it"])
}

fn print(report: &Report, printer: &mut Printer) -> Result<Exit, Failure> {
    kcilium_cli::probe::tell_of_delivery(report)?;
    let mut exit = Exit::Fine;
    for Outcome { errand, end, printed } in &report.outcomes {
        let place = format!("{} {}", errand.node, errand.placement.word());
        match end {
            Ok(Ended { exit_code, reason, summary }) => {
                writeln!(printer, "{place}: {reason} {exit_code}: {}", summary.trim_end())?;
            }
            Err(absence) => {
                exit = Exit::Findings;
                writeln!(printer, "{place}: nothing: {absence}")?;
            }
        }
        for line in printed.iter().flat_map(|it| it.split(|byte| *byte == b'\n')) {
            if !line.is_empty() {
                writeln!(printer, "  {}", String::from_utf8_lossy(line))?;
            }
        }
    }
    for swept in &report.swept {
        writeln!(printer, "swept {} of {}", swept.namespace, swept.owner)?;
    }
    if let Some(left) = &report.left {
        writeln!(printer, "left: {left}")?;
    }
    Ok(if report.ending == Ending::Interrupted { Exit::Interrupted } else { exit })
}

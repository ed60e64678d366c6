//! Look, plan, ask, write down, remove, look again.

use std::{collections::BTreeSet, io::Write as _, path::PathBuf, time::Duration};

use kcilium_cli::{
    Exit, Failure, KubernetesFlags, Printer, control, format, interrupt,
    progress::{Spinner, Visibility},
    prompt,
};
use kcilium_cluster::{
    Api,
    kubeconfig::Connection,
    removal::{
        Cleaning, Event, Lock, LockError, Outcome, Report, Staging, Survey, backup, execute,
    },
    stage,
};
use kcilium_core::{
    leftovers::PodsInUse,
    removal::{Confirmed, Inventory, Phase, Plan, Scope, Step},
};
use serde_json::json;
use tokio::time::Instant;

use crate::args::{Consent, Wish};

use super::{
    args::{PlanFormat, Removal},
    confirm, connection, describe,
    events::Events,
    nodes::{self, Cleaners, Nodes},
};

/// How long looking again may take.
const PROOF: Duration = Duration::from_mins(2);

/// Removes Cilium from a cluster, or shows how it would be done.
pub(crate) fn run(
    wish: &Wish,
    kubernetes: &KubernetesFlags,
    printer: &mut Printer,
) -> Result<Exit, Failure> {
    let Wish { consent, output, removal, clean, .. } = wish;
    let of_nodes = [
        ("--restart-pods", removal.restart_pods),
        ("--force-pods", clean.force_pods),
        ("--inspect-nodes", removal.inspect_nodes),
    ];
    let of_nodes = of_nodes.into_iter().find(|(_, is_given)| *is_given);
    if let Some((flag, _)) = of_nodes.filter(|_| !Scope::from(removal.scope).has_nodes()) {
        return Err(Failure::usage(format!("{flag}: --scope cluster leaves the nodes")));
    }
    let target = kubernetes.connection()?;
    let takes_pods = clean.force_pods || removal.restart_pods;
    let pods = if takes_pods { PodsInUse::Take } else { PodsInUse::Leave };
    let format = PlanFormat::from(*output);
    let user = target.user.as_deref().unwrap_or("unknown");
    // Process numbers are the same in many containers.
    let holder = format!("{user}, process {}, run {}", std::process::id(), stage::run_id());
    let run = Run { wish: removal, consent, pods, format, kubernetes, target, holder };
    interrupt::block_on_steps(run.run(printer))?
}

struct Run<'a> {
    wish: &'a Removal,
    consent: &'a Consent,
    pods: PodsInUse,
    format: PlanFormat,
    kubernetes: &'a KubernetesFlags,
    target: Connection,
    /// Who removes: for whoever finds the lock taken.
    holder: String,
}

impl Run<'_> {
    async fn run(&self, printer: &mut Printer) -> Result<Exit, Failure> {
        let api = connection::connect(&self.target, &self.wish.target, self.kubernetes);
        let api = interrupt::or_interrupted(api).await??;
        let survey = self.look(&api).await?;
        let cleaners = self.cleaners(&api, &survey).await?;
        let plan = self.plan(&survey, cleaners.as_ref());
        if self.consent.dry_run || plan.is_empty() {
            self.print(&plan, &survey, printer)?;
            return Ok(if plan.is_empty() {
                // What somebody has to do by hand is not done.
                connection::exit(plan.by_hand.is_empty(), plan.unknown.is_empty())
            } else {
                Exit::Fine
            });
        }
        if !plan.guardians.is_empty() && !self.wish.force {
            self.print(&plan, &survey, printer)?;
            return Err(refused(&plan));
        }
        let confirmed = if self.consent.yes {
            if self.format == PlanFormat::Table {
                self.print(&plan, &survey, printer)?;
            }
            Some(Confirmed::waived(&plan))
        } else if self.format == PlanFormat::Table && prompt::can_ask() {
            self.print(&plan, &survey, printer)?;
            confirm::ask(&plan, &survey.inventory, &self.target)?
        } else {
            self.print(&plan, &survey, printer)?;
            return Err(Failure::usage("nobody is here to confirm the plan")
                .hint("--yes removes without asking, --dry-run shows the plan alone"));
        };
        let Some(confirmed) = confirmed else {
            return Err(Failure::new(
                Exit::Findings,
                anyhow::anyhow!("not confirmed: nothing was changed"),
            ));
        };
        // The time that the answer took is the user's.
        let api = api.until(Instant::now() + self.wish.target.timeout);
        let cleaning = cleaners.as_ref().map(|cleaners| Cleaning {
            staging: &cleaners.staging,
            words: cleaners.words.clone(),
            parallel: usize::from(self.wish.parallel),
            by_hand: cleaners.by_hand.clone(),
        });
        self.carry_out(&api, &survey, confirmed, cleaning.as_ref(), printer).await
    }

    async fn look(&self, api: &Api) -> Result<Survey, Failure> {
        let visibility = self.visibility();
        let scope = self.wish.scope.into();
        connection::look(api, &self.target, &self.wish.target, scope, visibility).await
    }

    /// Plans what is put on nodes; none where they are left as they are.
    async fn cleaners(&self, api: &Api, survey: &Survey) -> Result<Option<Cleaners>, Failure> {
        let inventory = &survey.inventory;
        let scope = Scope::from(self.wish.scope);
        if !scope.has_nodes() {
            return Ok(None);
        }
        if !scope.has_cluster() && inventory.pods > 0 {
            let error = anyhow::anyhow!("refused: agents run on nodes, and would put it all back");
            return Err(Failure::new(Exit::Findings, error)
                .hint("--scope all removes them first")
                .hint("--scope cluster removes them, and leaves the nodes for later"));
        }
        let owner = self.target.user.as_deref().unwrap_or("unknown");
        let spinner = Spinner::start("planning what is put on nodes", self.visibility());
        let known = nodes::known(api, inventory).await;
        let nodes =
            Nodes { api, inventory, flags: &self.wish.agent, pods: self.pods, owner, known };
        let found = if self.wish.inspect_nodes { Some(nodes.look(&spinner).await?) } else { None };
        let is_seen = found.is_some();
        let mut cleaners = nodes.cleaners(found, self.wish.target.timeout).await?;
        if self.consent.dry_run && !is_seen && inventory.pods > 0 {
            spinner.set_message("asking the agents of the nodes");
            nodes.ask_agents(&mut cleaners.hosts).await?;
        }
        Ok(Some(cleaners))
    }

    fn plan(&self, survey: &Survey, cleaners: Option<&Cleaners>) -> Plan {
        let plan = Plan::of(&survey.inventory, self.wish.options());
        let Some(Cleaners { staging, hosts, .. }) = cleaners else { return plan };
        let plan = plan.with_hosts(hosts.clone(), &staging.namespace());
        if self.wish.restart_pods { plan.with_restarts(&survey.inventory) } else { plan }
    }

    fn visibility(&self) -> Visibility {
        match self.format {
            PlanFormat::Table => Visibility::OnTerminal,
            PlanFormat::Json | PlanFormat::Yaml => Visibility::Never,
        }
    }

    fn print(&self, plan: &Plan, survey: &Survey, printer: &mut Printer) -> Result<(), Failure> {
        match self.format {
            PlanFormat::Json => format::write_json(printer, plan)?,
            PlanFormat::Yaml => format::write_yaml(printer, plan)?,
            PlanFormat::Table if plan.is_empty() => {
                write!(printer, "{}", describe::residue(plan))?;
                write!(printer, "{}", describe::by_hand(&plan.by_hand))?;
            }
            PlanFormat::Table => {
                write!(printer, "{}", describe::plan(plan, &survey.inventory))?;
            }
        }
        printer.flush()?;
        Ok(())
    }

    async fn carry_out(
        &self,
        api: &Api,
        survey: &Survey,
        confirmed: Confirmed<'_>,
        cleaning: Option<&Cleaning<'_>>,
        printer: &mut Printer,
    ) -> Result<Exit, Failure> {
        let spinner = Spinner::start("taking the lock", self.visibility());
        let events = Events::new(self.format, printer, &spinner);
        events.document(&json!({"event": "plan", "plan": confirmed.plan()}));
        let holder = self.holder.clone();
        let wait = |what: &str| events.say(what);
        let lock = interrupt::or_interrupted(Lock::take(api, holder, &wait)).await?;
        let lock = lock.map_err(|error| match error {
            taken @ LockError::Taken { .. } => Failure::new(Exit::Findings, taken)
                .hint("wait until it has ended, then run this again"),
            other => Failure::could_not_run(other)
                .hint("the role kcilium-uninstaller of docs/rbac.yaml grants what it takes"),
        })?;
        let outcome = self.under_lock(api, survey, confirmed, cleaning, &lock, &events).await;
        lock.release(api).await;
        let report = outcome?;
        tell_staging(&report.staging, &events);
        if report.is_interrupted {
            return Err(interrupted(&report));
        }
        spinner.set_message("looking again");
        let plan = confirmed.plan();
        // Whatever time there was is over by now, perhaps.
        let survey = self.look(&api.until(Instant::now() + PROOF)).await?;
        let left = Plan::of(&survey.inventory, self.wish.options());
        let joined = joined(plan, &survey.inventory);
        let is_done = is_done(&report, plan) && joined.is_empty();
        events.document(&json!({
            "event": "end",
            "done": report.done,
            "undone": report.undone.iter().map(|(what, outcome)| {
                json!({"what": what, "outcome": outcome})
            }).collect::<Vec<_>>(),
            "byHand": plan.by_hand,
            "joined": joined,
            "clean": left.is_empty() && left.unknown.is_empty() && is_done,
            "left": left,
        }));
        spinner.finish();
        if self.format == PlanFormat::Table {
            conclude(&report, plan, &left, self.wish.scope.into(), printer)?;
            for node in joined {
                write!(printer, "{}", describe::entry(&format!("{node} has joined meanwhile")))?;
            }
        }
        let is_empty = left.is_empty() && is_done;
        Ok(connection::exit(is_empty, left.unknown.is_empty()))
    }

    /// Writes down and removes, as long as the lock is held.
    async fn under_lock(
        &self,
        api: &Api,
        survey: &Survey,
        confirmed: Confirmed<'_>,
        cleaning: Option<&Cleaning<'_>>,
        lock: &Lock,
        events: &Events<'_>,
    ) -> Result<Report, Failure> {
        let lost = lock.hold(api);
        tokio::pin!(lost);
        tokio::select! {
            saved = interrupt::or_interrupted(self.back_up(api, survey, events)) => saved??,
            why = &mut lost => return Err(Failure::could_not_run(anyhow::anyhow!("{why}"))),
        }
        let silent = &survey.inventory.surroundings.silent_nodes;
        if cleaning.is_none() {
            // Those with cleaners of their own do it themselves.
            stage::sweep_cleaners(api).await;
        }
        let signal = interrupt::signalled()?;
        let mut is_lost = None;
        let stop = async {
            tokio::select! {
                () = signal => {}
                why = &mut lost => is_lost = Some(why),
            }
        };
        let tell = |event: &Event<'_>| events.tell(event);
        let report = execute(api, confirmed, silent, cleaning, &tell, stop).await;
        match is_lost {
            None => Ok(report),
            Some(why) => {
                tell_staging(&report.staging, events);
                let error = anyhow::anyhow!("the lock is lost, after {} steps: {why}", report.done);
                Err(Failure::could_not_run(error).hint("run the same command again to finish"))
            }
        }
    }

    /// Writes down what cannot be had again. Nothing is deleted before that has been read back.
    async fn back_up(
        &self,
        api: &Api,
        survey: &Survey,
        events: &Events<'_>,
    ) -> Result<(), Failure> {
        if self.wish.no_backup {
            return Ok(());
        }
        let folder = self.wish.backup.clone().unwrap_or_else(|| self.folder(api));
        let written = backup::write(api, &folder, survey).await;
        let backup = written.map_err(|error| {
            let context = format!("cannot write a backup to {}", folder.display());
            Failure::could_not_run(anyhow::Error::new(error).context(context)).hint(
                "nothing was deleted; --backup names another folder, --no-backup goes without",
            )
        })?;
        let place = backup.folder.display().to_string();
        events.say(&format!(
            "P0: backup in {place}: {} releases, {} objects that people wrote",
            backup.index.releases.len(),
            backup.objects()
        ));
        let index = &backup.index;
        events.document(&json!({"event": "backup", "folder": place, "index": index}));
        Ok(())
    }

    fn folder(&self, api: &Api) -> PathBuf {
        let is_plain = |it: char| it.is_ascii_alphanumeric() || matches!(it, '-' | '.');
        let name: String = connection::name(&self.target)
            .chars()
            .map(|it| if is_plain(it) { it } else { '_' })
            .collect();
        let time = api.server_time().strftime("%Y%m%dT%H%M%SZ");
        PathBuf::from(format!("cilium-backup-{name}-{time}"))
    }
}

/// Whether all of the plan is done, and everywhere.
fn is_done(report: &Report, plan: &Plan) -> bool {
    report.undone.is_empty() && plan.by_hand.is_empty() && report.staging == Staging::Gone
}

/// Nodes that the plan does not know.
fn joined(plan: &Plan, inventory: &Inventory) -> Vec<String> {
    let kept = |name: &str| plan.kept.iter().any(|kept| kept.what == format!("Node {name}"));
    let by_hand = |name: &str| plan.by_hand.iter().any(|it| it.node == name);
    let cleaned: BTreeSet<&str> = plan.phase(Phase::Nodes).filter_map(Step::node).collect();
    let hosts = inventory.hosts.iter().map(|host| host.name.as_str());
    let joined = hosts.filter(|name| !cleaned.contains(name) && !by_hand(name) && !kept(name));
    joined.map(str::to_owned).collect()
}

/// What is still there of what was put on nodes.
fn tell_staging(staging: &Staging, events: &Events<'_>) {
    let words = match staging {
        Staging::Gone => return,
        Staging::Left(left) => left.to_string(),
        Staging::Working { namespace, deadline, nodes } => format!(
            "cleaners are at work on {}, and go on by themselves; they are in namespace \
             {namespace}, until {deadline} at the latest",
            nodes.join(", ")
        ),
    };
    events.say(&control::escape(&words));
}

/// What came of it, and what is left.
fn conclude(
    report: &Report,
    plan: &Plan,
    left: &Plan,
    scope: Scope,
    printer: &mut Printer,
) -> Result<(), Failure> {
    let undone = match report.undone.len() {
        1 => "1 is not".to_owned(),
        more => format!("{more} are not"),
    };
    writeln!(printer, "\n{} steps are done, {undone}.", report.done)?;
    // Steps that were not begun for one reason stand together.
    for alike in report.undone.chunk_by(|(_, a), (_, b)| a == b) {
        let (what, outcome) = &alike[0];
        let line = match outcome {
            Outcome::Done => continue,
            Outcome::Failed { why } => format!("{what}: {why}"),
            Outcome::Skipped { why } if alike.len() == 1 => format!("{what}: not begun: {why}"),
            Outcome::Skipped { why } => {
                format!("{what}, and {} more: not begun: {why}", alike.len() - 1)
            }
        };
        write!(printer, "{}", describe::entry(&line))?;
    }
    write!(printer, "{}", describe::by_hand(&plan.by_hand))?;
    if scope.has_cluster() {
        write!(printer, "\n{}", describe::residue(left))?;
    }
    if scope.has_nodes() {
        let hosts = plan.phase(Phase::Nodes).count();
        let is_host = |(what, _): &&(String, Outcome)| {
            plan.phase(Phase::Nodes).any(|step| step.action.to_string() == *what)
        };
        let all = hosts + plan.by_hand.len();
        let clean = hosts - report.undone.iter().filter(is_host).count();
        writeln!(printer, "{clean} of {all} nodes are clean.")?;
    }
    if !left.is_empty() || !report.undone.is_empty() {
        writeln!(printer, "Run the same command again to finish.")?;
    }
    Ok(())
}

fn refused(plan: &Plan) -> Failure {
    let who: Vec<&str> = plan.guardians.iter().map(|it| it.who.as_str()).collect();
    let error = anyhow::anyhow!("refused: {} would put it back", who.join(" and "));
    let failure = Failure::new(Exit::Findings, error);
    let failure = plan.guardians.iter().fold(failure, |it, guardian| it.hint(&*guardian.remedy));
    failure.hint("--force removes it all the same")
}

fn interrupted(report: &Report) -> Failure {
    Failure::new(Exit::Interrupted, anyhow::anyhow!("interrupted after {} steps", report.done))
        .hint("run the same command again to finish")
}

//! Look, plan, ask, write down, remove, look again.

use std::{io::Write as _, path::PathBuf};

use kcilium_cli::{
    Exit, Failure, KubernetesFlags, Printer, control, format, interrupt,
    progress::{Spinner, Visibility},
    prompt,
};
use kcilium_cluster::{
    Api,
    kubeconfig::Connection,
    removal::{Lock, LockError, Outcome, Report, Survey, backup, execute},
};
use kcilium_core::removal::{Confirmed, Plan};
use serde_json::json;
use tokio::time::Instant;

use crate::args::{Consent, Wish};

use super::{
    args::{PlanFormat, Removal, ScopeArg},
    confirm, connection, describe,
    events::Events,
};

/// Removes Cilium from a cluster, or shows how it would be done.
pub(crate) fn run(
    wish: &Wish,
    kubernetes: &KubernetesFlags,
    printer: &mut Printer,
) -> Result<Exit, Failure> {
    let Wish { consent, output, removal, .. } = wish;
    if removal.scope != ScopeArg::Cluster {
        return Err(Failure::usage("--scope: nodes cannot be cleaned from here yet")
            .hint("--scope cluster removes what is in the API")
            .hint("on each node, as root: kubectl-cilium_uninstall --local"));
    }
    let target = kubernetes.connection()?;
    let run = Run { wish: removal, consent, format: PlanFormat::from(*output), kubernetes, target };
    interrupt::block_on_steps(run.run(printer))?
}

struct Run<'a> {
    wish: &'a Removal,
    consent: &'a Consent,
    format: PlanFormat,
    kubernetes: &'a KubernetesFlags,
    target: Connection,
}

impl Run<'_> {
    async fn run(&self, printer: &mut Printer) -> Result<Exit, Failure> {
        let api = connection::connect(&self.target, &self.wish.target, self.kubernetes);
        let api = interrupt::or_interrupted(api).await??;
        let survey = self.look(&api).await?;
        let plan = Plan::of(&survey.inventory, self.wish.options());
        if self.consent.dry_run || plan.is_empty() {
            self.print(&plan, &survey, printer)?;
            return Ok(if plan.is_empty() {
                connection::exit(true, plan.unknown.is_empty())
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
        self.carry_out(&api, &survey, confirmed, printer).await
    }

    async fn look(&self, api: &Api) -> Result<Survey, Failure> {
        let visibility = self.visibility();
        connection::look(api, &self.target, &self.wish.target, visibility).await
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
        printer: &mut Printer,
    ) -> Result<Exit, Failure> {
        let spinner = Spinner::start("taking the lock", self.visibility());
        let events = Events::new(self.format, printer, &spinner);
        events.document(&json!({"event": "plan", "plan": confirmed.plan()}));
        let holder = self.holder();
        let wait = |what: &str| events.say(what);
        let lock = interrupt::or_interrupted(Lock::take(api, holder, &wait)).await?;
        let lock = lock.map_err(|error| match error {
            taken @ LockError::Taken { .. } => Failure::new(Exit::Findings, taken)
                .hint("wait until it has ended, then run this again"),
            other => Failure::could_not_run(other)
                .hint("the role kcilium-uninstaller of docs/rbac.yaml grants what it takes"),
        })?;
        let outcome = self.under_lock(api, survey, confirmed, &lock, &events).await;
        lock.release(api).await;
        let report = outcome?;
        if report.is_interrupted {
            return Err(interrupted(&report));
        }
        spinner.set_message("looking again");
        let survey = self.look(api).await?;
        let left = Plan::of(&survey.inventory, self.wish.options());
        events.document(&json!({
            "event": "end",
            "done": report.done,
            "undone": report.undone.iter().map(|(what, outcome)| {
                json!({"what": what, "outcome": outcome})
            }).collect::<Vec<_>>(),
            "clean": left.is_empty() && left.unknown.is_empty(),
            "left": left,
        }));
        spinner.finish();
        if self.format == PlanFormat::Table {
            conclude(&report, &left, printer)?;
        }
        let is_empty = left.is_empty() && report.undone.is_empty();
        Ok(connection::exit(is_empty, left.unknown.is_empty()))
    }

    /// Writes down and removes, as long as the lock is held.
    async fn under_lock(
        &self,
        api: &Api,
        survey: &Survey,
        confirmed: Confirmed<'_>,
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
        let signal = interrupt::signalled()?;
        let stop = async {
            tokio::select! {
                () = signal => {}
                why = &mut lost => events.say(&format!("the lock is lost: {why}")),
            }
        };
        Ok(execute(api, confirmed, silent, &|event| events.tell(event), stop).await)
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

    /// Who removes: for whoever finds the lock taken.
    fn holder(&self) -> String {
        let user = self.target.user.as_deref().unwrap_or("unknown");
        format!("{user}, process {}", std::process::id())
    }
}

/// What came of it, and what is left.
fn conclude(report: &Report, left: &Plan, printer: &mut Printer) -> Result<(), Failure> {
    writeln!(printer, "\n{} steps are done, {} are not.", report.done, report.undone.len())?;
    for (what, outcome) in &report.undone {
        let why = match outcome {
            Outcome::Done => continue,
            Outcome::Failed { why } => why.clone(),
            Outcome::Skipped { why } => format!("not begun: {why}"),
        };
        writeln!(printer, "  {}", control::escape(&format!("{what}: {why}")))?;
    }
    write!(printer, "\n{}", describe::residue(left))?;
    if !left.is_empty() {
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

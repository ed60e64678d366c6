//! How a clean went: what was done, what is left, what else changed.

use std::io::{self, Write};

use kcilium_cli::{Exit, Style, control, format};
use kcilium_core::{
    facts::Unavailable,
    leftovers::{Comparison, Inventory, Item, Leftover, Outcome, Plan, PodsInUse, Step},
};
use serde::Serialize;

use crate::{
    args::Format,
    consequence::{Consequence, counted, users},
    report,
};

/// The document for programs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Document<'a> {
    pub(crate) host: &'a str,
    /// Names exactly this plan.
    token: String,
    pub(crate) consequences: Vec<Consequence>,
    pub(crate) plan: &'a Plan,
    /// None where nothing was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    executed: Option<Proof>,
    /// Whether nothing is left and nothing else changed; none where nothing was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    clean: Option<bool>,
}

/// What was done, and what is to be seen afterwards.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Proof {
    pub(crate) backup: String,
    /// The command that puts back what is in it.
    pub(crate) undo: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) not_saved: Vec<Unavailable>,
    pub(crate) interrupted: bool,
    pub(crate) steps: Vec<Step>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) left: Option<Inventory>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) foreign: Option<Comparison>,
}

impl Proof {
    fn exit(&self) -> Exit {
        if self.interrupted {
            return Exit::Interrupted;
        }
        let (Some(left), Some(foreign)) = (&self.left, &self.foreign) else {
            return Exit::CouldNotRun;
        };
        let failed = self.steps.iter().any(|step| matches!(step.outcome, Outcome::Failed { .. }));
        if failed || left.residue().next().is_some() || !foreign.changes.is_empty() {
            Exit::Findings
        } else if left.unknown.is_empty() && foreign.unknown.is_empty() {
            Exit::Fine
        } else {
            Exit::CouldNotRun
        }
    }
}

impl<'a> Document<'a> {
    /// What would be done.
    pub(crate) fn planned(host: &'a str, plan: &'a Plan, consequences: Vec<Consequence>) -> Self {
        Self { host, token: plan.token(), consequences, plan, executed: None, clean: None }
    }

    /// What was done.
    pub(crate) fn executed(self, proof: Proof) -> Self {
        let clean = Some(proof.exit() == Exit::Fine);
        Self { executed: Some(proof), clean, ..self }
    }

    /// How the run ends.
    pub(crate) fn exit(&self) -> Exit {
        self.executed.as_ref().map_or(Exit::Fine, Proof::exit)
    }

    /// Prints the document, or what was done in words.
    pub(crate) fn print(&self, output: Format, out: &mut impl Write) -> io::Result<()> {
        match (output, &self.executed) {
            (Format::Json, _) => format::write_json(out, self),
            (Format::Yaml, _) => format::write_yaml(out, self),
            (_, Some(proof)) => text(self.plan, proof, output, out),
            (_, None) => Ok(()),
        }
    }
}

fn text(plan: &Plan, proof: &Proof, output: Format, out: &mut impl Write) -> io::Result<()> {
    let steps = proof.steps.iter();
    let not_done: Vec<&Step> = steps.filter(|step| !step.outcome.is_gone()).collect();
    let gone = proof.steps.len() - not_done.len();
    // Some went with others before a step for them began.
    let of = plan.items.len();
    if proof.interrupted {
        writeln!(out, "{gone} of {} taken away.", counted(of, "thing"))?;
    } else {
        writeln!(out, "{} taken away.", counted(gone, "thing"))?;
    }
    writeln!(out)?;
    if !not_done.is_empty() {
        writeln!(out, "{}", Style::Error.paint("Not taken away:"))?;
        for step in not_done {
            let line = format!("{}: {}", step.item.what, step.outcome);
            writeln!(out, "  {}", control::escape(&line))?;
        }
        writeln!(out)?;
    }
    if let Some(left) = &proof.left {
        report::sections(left, output, out)?;
        outlasting(plan, left, output, out)?;
    }
    if let Some(foreign) = &proof.foreign {
        changes(foreign, out)?;
    }
    if plan.pods == PodsInUse::Take {
        restarts(plan, out)?;
    }
    let last = match (proof.exit(), &proof.left, &proof.foreign) {
        (Exit::Fine, ..) => "Nothing of Cilium's is left, and nothing else changed.".to_owned(),
        (_, Some(left), Some(foreign)) => {
            let residue = left.residue().count();
            let are = if residue == 1 { "is" } else { "are" };
            let things = match (residue, left.unknown.is_empty()) {
                (0, true) => "Nothing of Cilium's is left".to_owned(),
                (0, false) => "Nothing was found, but not everything could be looked at".to_owned(),
                (count, _) => format!("{} {are} left", counted(count, "thing")),
            };
            match (foreign.changes.len(), foreign.unknown.is_empty()) {
                (0, true) => format!("{things}; nothing else changed."),
                (0, false) => format!("{things}; not everything else could be compared."),
                (count, _) => format!("{things}; {} of something else.", counted(count, "change")),
            }
        }
        _ => return Ok(()),
    };
    writeln!(out, "{last}")?;
    writeln!(out, "To undo it: {}", control::escape(&proof.undo))
}

/// Settings of the running kernel: what told of them went, and they did not.
fn outlasting(
    plan: &Plan,
    left: &Inventory,
    output: Format,
    out: &mut impl Write,
) -> io::Result<()> {
    let is_setting = |what: &Leftover| matches!(what, Leftover::Sysctl(_) | Leftover::Qdisc(_));
    let is_told = |what: &Leftover| left.items.iter().any(|item| item.what == *what);
    let settings = plan.doubtful.iter().filter(|item| is_setting(&item.what));
    let settings: Vec<Item> = settings.filter(|item| !is_told(&item.what)).cloned().collect();
    report::staying("Still set in the running kernel", &settings, usize::MAX, output, out)
}

/// What changed though it is not in the plan.
fn changes(foreign: &Comparison, out: &mut impl Write) -> io::Result<()> {
    if !foreign.changes.is_empty() {
        let title = "Changed meanwhile, though it is not Cilium's (by others, or by a fault of \
                     this program):";
        writeln!(out, "{}", Style::Error.paint(title))?;
        for change in &foreign.changes {
            writeln!(out, "  {}", control::escape(&change.to_string()))?;
        }
        writeln!(out)?;
    }
    if !foreign.unknown.is_empty() {
        writeln!(out, "Not compared:")?;
        for why in &foreign.unknown {
            writeln!(out, "  {}", control::escape(&why.to_string()))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// How pods without a network get one.
fn restarts(plan: &Plan, out: &mut impl Write) -> io::Result<()> {
    let pods = users(&plan.items);
    let mut named = pods.iter().filter_map(|pod| pod.split_once('/')).peekable();
    if named.peek().is_none() {
        return Ok(());
    }
    writeln!(out, "These pods have no network any more; restart them when there is another CNI:")?;
    for (namespace, pod) in named {
        let line = format!("kubectl delete pod -n {namespace} {pod}");
        writeln!(out, "  {}", control::escape(&line))?;
    }
    writeln!(out)
}

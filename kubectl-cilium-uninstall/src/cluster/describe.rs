//! The plan for a person.

use std::fmt::Write as _;

use kcilium_cli::{Paragraph, Style, Table, control, terminal};
use kcilium_core::{
    facts::Unavailable,
    removal::{Action, Impact, Inventory, Kept, Plan, Weight},
};

/// The plan as text: what breaks first.
pub(super) fn plan(plan: &Plan, inventory: &Inventory) -> String {
    let mut text = String::new();
    for release in &inventory.releases {
        line(
            &mut text,
            &format!(
                "Helm release {} in {}: chart {}, revision {}, {}",
                release.name,
                release.namespace,
                release.chart_version,
                release.revision,
                release.status
            ),
        );
    }
    if inventory.releases.is_empty() && !plan.is_empty() {
        line(&mut text, "No Helm release of Cilium: its objects are known by what they say.");
    }
    impacts(&mut text, &plan.impacts);
    for guardian in &plan.guardians {
        section(&mut text, "Somebody else manages this installation, and would put it back:");
        item(&mut text, &format!("{}: {}", guardian.who, guardian.evidence));
        item(&mut text, &format!("do this first: {}", guardian.remedy));
    }
    if !plan.steps.is_empty() {
        section(&mut text, "Plan:");
        let mut table = Table::new(["phase", "what is done"]);
        for step in &plan.steps {
            table.row([
                step.phase.code().to_owned(),
                format!("{}{}", step.action, proof(&step.action)),
            ]);
        }
        text.push_str(&table.render(terminal::width()));
    }
    kept(&mut text, &plan.kept);
    unknown(&mut text, &plan.unknown);
    text
}

/// What is left after a removal, or what is there.
pub(super) fn residue(plan: &Plan) -> String {
    let mut text = String::new();
    let steps = plan.steps.iter().filter(|it| !matches!(it.action, Action::AwaitPods { .. }));
    let left: Vec<String> =
        steps.map(|step| format!("{}{}", step.action, proof(&step.action))).collect();
    if !left.is_empty() {
        section(&mut text, "Of Cilium's, in this cluster (and what is to be done about it):");
        for what in left {
            item(&mut text, &what);
        }
    } else if !plan.steps.is_empty() {
        section(&mut text, "Pods of Cilium's are still running.");
    }
    kept(&mut text, &plan.kept);
    unknown(&mut text, &plan.unknown);
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(match (plan.is_empty(), plan.unknown.is_empty()) {
        (true, true) => "Nothing of Cilium's is left in the API of this cluster.\n",
        (true, false) => "Nothing was found, but not everything could be looked at.\n",
        (false, _) => "Not all of it is gone.\n",
    });
    text
}

fn impacts(text: &mut String, impacts: &[Impact]) {
    if impacts.is_empty() {
        return;
    }
    section(text, "What this does to the cluster:");
    for impact in impacts {
        let word = match impact.weight {
            Weight::Breaks => Style::Error.paint("BREAKS").to_string(),
            Weight::Loses => Style::Warn.paint("loses").to_string(),
            Weight::Note => "note".to_owned(),
        };
        let words = match &impact.remedy {
            None => impact.what.clone(),
            Some(remedy) => format!("{} ({remedy})", impact.what),
        };
        let words = control::escape(&words).into_owned();
        let filled = Paragraph::new(terminal::width()).indent("    ").fill(&words);
        let _ = writeln!(text, "  {word}\n{filled}");
    }
}

fn proof(action: &Action) -> String {
    match action {
        Action::Delete { found } => format!(" ({})", found.proof),
        _ => String::new(),
    }
}

fn kept(text: &mut String, kept: &[Kept]) {
    if kept.is_empty() {
        return;
    }
    section(text, "Stays:");
    for Kept { what, why } in kept {
        item(text, &format!("{what}: {why}"));
    }
}

fn unknown(text: &mut String, unknown: &[Unavailable]) {
    if unknown.is_empty() {
        return;
    }
    section(text, "Not looked at, and there may be more:");
    for why in unknown {
        item(text, &why.to_string());
    }
}

fn section(text: &mut String, title: &str) {
    if !text.is_empty() {
        text.push('\n');
    }
    let _ = writeln!(text, "{}", Style::Heading.paint(title));
}

fn item(text: &mut String, words: &str) {
    let words = control::escape(words).into_owned();
    let filled = Paragraph::new(terminal::width()).hanging("  ", "    ").fill(&words);
    let _ = writeln!(text, "{filled}");
}

fn line(text: &mut String, words: &str) {
    let _ = writeln!(text, "{}", control::escape(words));
}

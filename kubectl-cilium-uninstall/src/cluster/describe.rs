//! The plan for a person.

use std::{collections::BTreeSet, fmt::Write as _};

use super::nodes::NodeState;
use kcilium_cli::{Paragraph, Style, Table, control, terminal};
use kcilium_core::{
    facts::Unavailable,
    leftovers::Item,
    removal::{Action, ByHand, Impact, Inventory, Kept, Phase, Plan, Step, Weight},
};

/// Of more steps that are alike only some are named.
const MANY: usize = 30;

/// How many are then.
const NAMED: usize = 5;

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
        for (phase, words) in rows(&plan.steps) {
            table.row([phase.code().to_owned(), words]);
        }
        text.push_str(&table.render(terminal::width()));
    }
    text.push_str(&by_hand(&plan.by_hand));
    kept(&mut text, &plan.kept);
    unknown(&mut text, &plan.unknown);
    text
}

/// Nodes that nothing can be put on, and what to do there.
pub(super) fn by_hand(nodes: &[ByHand]) -> String {
    let mut text = String::new();
    if nodes.is_empty() {
        return text;
    }
    let _ = writeln!(text, "\n{}", Style::Heading.paint("Not cleaned from here:"));
    for ByHand { node, why, .. } in nodes {
        item(&mut text, &format!("{node}: {why}"));
    }
    let commands: BTreeSet<&str> = nodes.iter().map(|node| &*node.command).collect();
    let _ = writeln!(text, "  On each of them, as root, when Cilium is gone from the cluster:");
    for command in commands {
        // Not filled: it is copied.
        let _ = writeln!(text, "    {}", control::escape(command));
    }
    text
}

/// What is on nodes, so many things of each.
pub(super) fn nodes(nodes: &[NodeState<'_>], most: usize) -> String {
    let mut text = String::new();
    let unclean: Vec<_> = nodes.iter().filter(|it| !it.is_empty() || !it.is_known()).collect();
    if !unclean.is_empty() {
        section(&mut text, "On the nodes:");
    }
    for state in &unclean {
        if let Some(why) = state.why {
            item(&mut text, &format!("{}: not known: {why}", state.node));
            continue;
        }
        let left = state.residue().count();
        let unknown = state.left.iter().flat_map(|plan| &plan.unknown);
        let unknown: Vec<String> = unknown.map(ToString::to_string).collect();
        let mut parts = Vec::new();
        if left > 0 {
            parts.push(format!("{left} left: {}", named(state.residue(), most)));
        }
        if !unknown.is_empty() {
            parts.push(format!("not looked at: {}", unknown.join("; ")));
        }
        item(&mut text, &format!("{}: {}", state.node, parts.join("; ")));
    }
    let doubtful: Vec<_> = nodes.iter().filter(|it| !it.doubtful().is_empty()).collect();
    if !doubtful.is_empty() {
        section(&mut text, "On the nodes, and may be Cilium's or somebody else's:");
    }
    for state in doubtful {
        item(&mut text, &format!("{}: {}", state.node, named(state.doubtful().iter(), most)));
    }
    if !text.is_empty() {
        text.push('\n');
    }
    let _ = writeln!(text, "{} of {} nodes are clean.", nodes.len() - unclean.len(), nodes.len());
    text
}

/// Things and why each is there, so many of them.
fn named<'a>(items: impl Iterator<Item = &'a Item>, most: usize) -> String {
    let all: Vec<String> = items.map(|it| format!("{} ({})", it.what, it.fate)).collect();
    let named = all.iter().take(most).map(String::as_str).collect::<Vec<_>>().join(", ");
    match all.len().saturating_sub(most) {
        0 => named,
        more => format!("{named}, and {more} more"),
    }
}

/// An entry of a list.
pub(super) fn entry(words: &str) -> String {
    let mut text = String::new();
    item(&mut text, words);
    text
}

/// What is left after a removal, or what is there.
pub(super) fn residue(plan: &Plan) -> String {
    let mut text = String::new();
    let steps = plan.steps.iter().filter(|it| !matches!(it.action, Action::AwaitPods { .. }));
    let steps: Vec<Step> = steps.cloned().collect();
    let left = rows(&steps);
    if !left.is_empty() {
        section(&mut text, "Of Cilium's, in this cluster (and what is to be done about it):");
        for (_, what) in left {
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

/// What is done, in words. Of many steps that are alike a few stand for all.
fn rows(steps: &[Step]) -> Vec<(Phase, String)> {
    let mut rows = Vec::new();
    for alike in steps.chunk_by(|a, b| a.phase == b.phase && kind(&a.action) == kind(&b.action)) {
        let named = if alike.len() > MANY { NAMED } else { alike.len() };
        rows.extend(
            alike
                .iter()
                .take(named)
                .map(|step| (step.phase, format!("{}{}", step.action, proof(&step.action)))),
        );
        if let more @ 1.. = alike.len() - named {
            let words = format!("… and {more} more like it (-o json names them)");
            rows.push((alike[0].phase, words));
        }
    }
    rows
}

fn kind(action: &Action) -> (std::mem::Discriminant<Action>, &str) {
    let kind = match action {
        Action::Delete { found } => found.object.kind.as_str(),
        _ => "",
    };
    (std::mem::discriminant(action), kind)
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

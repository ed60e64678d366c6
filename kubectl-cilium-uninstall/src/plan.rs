//! A plan, as somebody reads it before agreeing.

use std::io::{self, Write};

use kcilium_cli::{Paragraph, Style, Table, control, terminal};
use kcilium_core::leftovers::{Fate, Item, Plan, Undo};

use crate::args::Format;
use crate::consequence::Consequence;
use crate::report;

/// Prints what breaks, then what goes, in order.
pub(crate) fn print(
    plan: &Plan,
    consequences: &[Consequence],
    host: &str,
    output: Format,
    out: &mut impl Write,
) -> io::Result<()> {
    let width = terminal::width();
    let of = |wanted: fn(&Consequence) -> Option<&str>| {
        consequences.iter().filter_map(wanted).collect::<Vec<_>>()
    };
    told(&Style::Error.paint("This breaks:").to_string(), &of(broken), out)?;
    told("This changes:", &of(changed), out)?;
    let count = plan.items.len();
    let things = if count == 1 { "thing goes" } else { "things go" };
    writeln!(out, "{count} {things} from {}, in this order:", control::escape(host))?;
    writeln!(out)?;
    write!(out, "{}", table(plan, output.named()).render(width))?;
    writeln!(out)?;
    for (undo, word) in UNDOS {
        if plan.items.iter().any(|item| item.what.undo() == undo) {
            writeln!(out, "{word:<7} {undo}")?;
        }
    }
    writeln!(out)?;
    report::staying(
        "Stays, because it is still in use",
        &plan.in_use,
        output.named(),
        output,
        out,
    )?;
    report::staying(
        "Stays, because it may be Cilium's or somebody else's",
        &plan.doubtful,
        usize::MAX,
        output,
        out,
    )?;
    report::not_looked_at(&plan.unknown, out)
}

fn broken(consequence: &Consequence) -> Option<&str> {
    match consequence {
        Consequence::Breaks(text) => Some(text),
        Consequence::Changes(_) => None,
    }
}

fn changed(consequence: &Consequence) -> Option<&str> {
    match consequence {
        Consequence::Changes(text) => Some(text),
        Consequence::Breaks(_) => None,
    }
}

fn told(title: &str, texts: &[&str], out: &mut impl Write) -> io::Result<()> {
    if texts.is_empty() {
        return Ok(());
    }
    writeln!(out, "{title}")?;
    let paragraph = Paragraph::new(terminal::width()).hanging("  - ", "    ");
    for text in texts {
        writeln!(out, "{}", paragraph.fill(&control::escape(text)))?;
    }
    writeln!(out)
}

/// How things are had again, in one word.
const UNDOS: [(Undo, &str); 3] =
    [(Undo::Saved, "saved"), (Undo::Reinstall, "anew"), (Undo::Needless, "-")];

fn table(plan: &Plan, named: usize) -> Table<3> {
    let mut table = Table::new(["step", "undo", "what, and how it is known"]);
    let mut step = 1;
    let is_alike = |a: &Item, b: &Item| report::kind(a) == report::kind(b);
    for same in plan.items.chunk_by(is_alike) {
        for (item, step) in same.iter().take(named).zip(step..) {
            table.row([step.to_string(), word(item).to_owned(), line(item)]);
        }
        let last = step + same.len() - 1;
        if let more @ 1.. = same.len().saturating_sub(named) {
            let what = format!("… and {more} more like it (-o wide names them)");
            table.row([format!("-{last}"), String::new(), what]);
        }
        step = last + 1;
    }
    table
}

fn word(item: &Item) -> &'static str {
    let undo = item.what.undo();
    UNDOS.iter().find(|(other, _)| *other == undo).map_or("", |(_, word)| word)
}

fn line(item: &Item) -> String {
    let line = match &item.fate {
        Fate::InUse { by } => format!("{}: {}; used by {by}", item.what, report::by(&item.proofs)),
        _ => format!("{}: {}", item.what, report::by(&item.proofs)),
    };
    // What stands in backticks would stay on one line, and rules are long.
    line.replace('`', "'")
}

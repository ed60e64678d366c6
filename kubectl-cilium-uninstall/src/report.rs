//! The report.

use std::io::{self, Write};

use kcilium_cli::{Paragraph, control, format, terminal};
use kcilium_core::facts::Unavailable;
use kcilium_core::leftovers::{Fate, Inventory, Item, Proof};
use serde::Serialize;

use crate::args::Format;

/// The document for programs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    clean: bool,
    #[serde(flatten)]
    inventory: &'a Inventory,
}

/// Prints an inventory.
pub(crate) fn print(inventory: &Inventory, output: Format, out: &mut impl Write) -> io::Result<()> {
    let clean = inventory.residue().next().is_none() && inventory.unknown.is_empty();
    let document = Document { clean, inventory };
    match output {
        Format::Json => format::write_json(out, &document),
        Format::Yaml => format::write_yaml(out, &document),
        Format::Text | Format::Wide => {
            sections(inventory, output, out)?;
            text(inventory, clean, out)
        }
    }
}

/// Prints what is left, and what was not looked at.
pub(crate) fn sections(
    inventory: &Inventory,
    output: Format,
    out: &mut impl Write,
) -> io::Result<()> {
    let removable: Vec<&Item> = inventory.removable().collect();
    let in_use: Vec<&Item> =
        inventory.residue().filter(|item| matches!(item.fate, Fate::InUse { .. })).collect();
    let doubtful: Vec<&Item> = inventory.doubtful().collect();
    section("Left by Cilium", &removable, output.named(), output, out)?;
    section("Left by Cilium, and still in use", &in_use, output.named(), output, out)?;
    section("May be Cilium's or somebody else's", &doubtful, usize::MAX, output, out)?;
    not_looked_at(&inventory.unknown, out)
}

/// Prints things that stay.
pub(crate) fn staying(
    title: &str,
    items: &[Item],
    named: usize,
    output: Format,
    out: &mut impl Write,
) -> io::Result<()> {
    let items: Vec<&Item> = items.iter().collect();
    section(title, &items, named, output, out)
}

/// Prints sources that failed.
pub(crate) fn not_looked_at(unknown: &[Unavailable], out: &mut impl Write) -> io::Result<()> {
    if unknown.is_empty() {
        return Ok(());
    }
    writeln!(out, "Not looked at:")?;
    for why in unknown {
        writeln!(out, "  {}", control::escape(&why.to_string()))?;
    }
    writeln!(out)
}

fn text(inventory: &Inventory, clean: bool, out: &mut impl Write) -> io::Result<()> {
    let residue = inventory.residue().count();
    match (clean, residue) {
        (true, _) => writeln!(out, "Nothing of Cilium's is left."),
        (false, 0) => writeln!(out, "Nothing was found, but not everything could be looked at."),
        (false, 1) => writeln!(out, "1 thing is left."),
        (false, count) => writeln!(out, "{count} things are left."),
    }
}

fn section(
    title: &str,
    items: &[&Item],
    named: usize,
    output: Format,
    out: &mut impl Write,
) -> io::Result<()> {
    if items.is_empty() {
        return Ok(());
    }
    writeln!(out, "{title}:")?;
    let width = if output == Format::Wide { usize::MAX } else { terminal::width() };
    let paragraph = Paragraph::new(width).hanging("  ", "    ");
    // Items of a kind stand together: a node has dozens of pins, and one says as much as all.
    for same in items.chunk_by(|a, b| kind(a) == kind(b)) {
        for item in same.iter().take(named) {
            writeln!(out, "{}", paragraph.fill(&control::escape(&line(item))))?;
        }
        if let more @ 1.. = same.len().saturating_sub(named) {
            writeln!(out, "  … and {more} more like it (-o wide names them)")?;
        }
    }
    writeln!(out)
}

/// Items of one kind stand together.
pub(crate) fn kind(item: &Item) -> std::mem::Discriminant<kcilium_core::leftovers::Leftover> {
    std::mem::discriminant(&item.what)
}

fn line(item: &Item) -> String {
    let why = match &item.fate {
        Fate::Remove => by(&item.proofs),
        Fate::InUse { by } => format!("in use by {by}"),
        Fate::Doubtful { why } => why.clone(),
    };
    format!("{}: {why}", item.what)
}

/// How something was recognised.
pub(crate) fn by(proofs: &[Proof]) -> String {
    let proofs: Vec<String> = proofs.iter().map(ToString::to_string).collect();
    format!("known by {}", proofs.join(", "))
}

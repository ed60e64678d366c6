//! The report.

use std::io::{self, Write};

use kcilium_cli::{control, format};
use kcilium_core::leftovers::{Fate, Inventory, Item, Proof};
use serde::Serialize;

use crate::args::Format;

/// Items of one kind that are named in the short report.
const NAMED: usize = 3;

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
        Format::Text => text(inventory, clean, NAMED, out),
        Format::Wide => text(inventory, clean, usize::MAX, out),
    }
}

fn text(inventory: &Inventory, clean: bool, named: usize, out: &mut impl Write) -> io::Result<()> {
    let removable: Vec<&Item> = inventory.removable().collect();
    let in_use: Vec<&Item> =
        inventory.residue().filter(|item| matches!(item.fate, Fate::InUse { .. })).collect();
    let doubtful: Vec<&Item> = inventory.doubtful().collect();
    section("Left by Cilium", &removable, named, out)?;
    section("Left by Cilium, and still in use", &in_use, named, out)?;
    section("May be Cilium's or somebody else's", &doubtful, usize::MAX, out)?;
    if !inventory.unknown.is_empty() {
        writeln!(out, "Not looked at:")?;
        for why in &inventory.unknown {
            writeln!(out, "  {}", control::escape(&why.to_string()))?;
        }
        writeln!(out)?;
    }
    let residue = removable.len() + in_use.len();
    match (clean, residue) {
        (true, _) => writeln!(out, "Nothing of Cilium's is left."),
        (false, 0) => writeln!(out, "Nothing was found, but not everything could be looked at."),
        (false, 1) => writeln!(out, "1 thing is left."),
        (false, count) => writeln!(out, "{count} things are left."),
    }
}

fn section(title: &str, items: &[&Item], named: usize, out: &mut impl Write) -> io::Result<()> {
    if items.is_empty() {
        return Ok(());
    }
    writeln!(out, "{title}:")?;
    // Items of a kind stand together: a node has dozens of pins, and one says as much as all.
    for same in items.chunk_by(|a, b| kind(a) == kind(b)) {
        for item in same.iter().take(named) {
            writeln!(out, "  {}", control::escape(&line(item)))?;
        }
        if let more @ 1.. = same.len().saturating_sub(named) {
            writeln!(out, "  … and {more} more like it (-o wide names them)")?;
        }
    }
    writeln!(out)
}

fn kind(item: &Item) -> std::mem::Discriminant<kcilium_core::leftovers::Leftover> {
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

fn by(proofs: &[Proof]) -> String {
    let proofs: Vec<String> = proofs.iter().map(ToString::to_string).collect();
    format!("known by {}", proofs.join(", "))
}

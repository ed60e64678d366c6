//! `verify`: what is left, without touching it.

use kcilium_cli::{Exit, Failure, Printer};
use kcilium_core::leftovers::Inventory;

use crate::{args::Verify, local, report};

/// Looks, and prints what it saw.
pub(crate) fn run(wish: &Verify, printer: &mut Printer) -> Result<Exit, Failure> {
    let host = local::host(&wish.scope.root)?;
    let state = local::state(&host, local::remembered(&wish.scope))?;
    let inventory = Inventory::of(&state);
    report::print(&inventory, wish.output, printer)?;
    Ok(exit(&inventory))
}

/// What was found counts more than what could not be looked at; that nothing was found in a part of
/// the node is not enough to say that nothing is there.
pub(crate) fn exit(inventory: &Inventory) -> Exit {
    if inventory.residue().next().is_some() {
        Exit::Findings
    } else if inventory.unknown.is_empty() {
        Exit::Fine
    } else {
        Exit::CouldNotRun
    }
}

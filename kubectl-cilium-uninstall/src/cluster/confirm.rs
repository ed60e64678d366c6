//! The question.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use kcilium_cli::{Style, control};
use kcilium_cluster::kubeconfig::Connection;
use kcilium_core::removal::{Confirmed, Inventory, Plan};

use super::connection;

/// Whether somebody can read the question and answer it.
pub(super) fn is_on_terminal() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks on the terminal; the answer is what tells this cluster from others.
pub(super) fn ask<'a>(
    plan: &'a Plan,
    inventory: &Inventory,
    target: &Connection,
) -> io::Result<Option<Confirmed<'a>>> {
    let name = connection::name(target);
    let around = &inventory.surroundings;
    let number = |count: Option<String>| count.unwrap_or_else(|| "unknown".into());
    let facts = [
        ("context", target.context.clone().unwrap_or_else(|| "none".into())),
        ("server", target.server.to_string()),
        ("uid of kube-system", around.cluster_uid.clone()),
        ("nodes", number(around.nodes.map(|it| it.to_string()))),
        ("policies", number(inventory.policies().map(|it| it.to_string()))),
    ];
    let mut errors = anstream::stderr();
    writeln!(errors)?;
    for (what, value) in facts {
        writeln!(errors, "{what}: {}", control::escape(&value))?;
    }
    let question = format!("Type {} to remove Cilium from this cluster:", control::escape(&name));
    write!(errors, "{} ", Style::Heading.paint(question))?;
    errors.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(Confirmed::typed(plan, &name, &answer))
}

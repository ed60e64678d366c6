//! The question.

use std::io::{self, Write as _};

use kcilium_cli::{control, prompt};
use kcilium_cluster::kubeconfig::Connection;
use kcilium_core::removal::{Confirmed, Inventory, Plan};

use super::connection;

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
    let answer = prompt::ask(&question)?;
    Ok(Confirmed::typed(plan, &name, &answer))
}

//! Taking away what Cilium left: one file for each kind of thing.

mod refusal;

use std::ops::ControlFlow;

use kcilium_core::facts::AgentProcess;
use kcilium_core::leftovers::{Inventory, Outcome, Plan, Remembered, Step};

pub use refusal::Refusal;

use crate::files::agent_process;
use crate::host::HostRoot;
use crate::leftovers::read_leftovers;

/// Carries out as much of a plan as is still true, in order, and tells of each step when it is done.
/// What cannot be done is told like the rest, and the rest goes on. Whoever is told says whether to
/// go on; what was not begun by then has no step.
///
/// Must run on a Tokio runtime with time enabled, in the host's network namespace, with `root`
/// showing the host's mounts.
///
/// # Errors
/// When an agent lives, or may: nothing more is touched. It is asked before the first step and again
/// between steps, so some may have been told by then.
pub async fn clean(
    root: &HostRoot,
    plan: &Plan,
    remembered: Remembered,
    told: &mut dyn FnMut(&Step) -> ControlFlow<()>,
) -> Result<Vec<Step>, Refusal> {
    no_agent(root)?;
    let fresh = Inventory::of(&read_leftovers(root, remembered).await);
    let mut steps = Vec::new();
    for item in plan.within(&fresh) {
        no_agent(root)?;
        let outcome = Outcome::failed("no way to take it away is known yet");
        let step = Step { item, outcome };
        let flow = told(&step);
        steps.push(step);
        if flow.is_break() {
            break;
        }
    }
    Ok(steps)
}

fn no_agent(root: &HostRoot) -> Result<(), Refusal> {
    match agent_process(root) {
        Ok(AgentProcess::NotRunning) => Ok(()),
        Ok(AgentProcess::Running { pid }) => Err(Refusal::AgentLives { pid: pid.unwrap_or(0) }),
        Err(why) => Err(Refusal::AgentUnknown(why)),
    }
}

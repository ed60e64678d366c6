//! Taking away what Cilium left: one file for each kind of thing.
//!
//! Each step is verified: its source is read again after the act. What cannot be done is told like
//! the rest, and the rest goes on.

mod attachments;
mod directory;
mod entry;
mod files;
mod filters;
mod links;
mod mounts;
mod neighbours;
mod netfilter;
mod outcome;
mod refusal;
mod routes;
mod rules;
mod sets;
mod transforms;
mod units;

use std::ops::ControlFlow;

use kcilium_core::facts::AgentProcess;
use kcilium_core::leftovers::{Inventory, Item, Leftover, Outcome, Plan, Remembered, Step};

pub use refusal::Refusal;

use crate::files::agent_process;
use crate::host::HostRoot;
use crate::leftovers::read_leftovers;

/// Things of a kind that are acted on between two reports, where there are many of them.
const PORTION: usize = 256;

/// Carries out as much of a plan as is still true, in order, and tells of each step when it is done.
/// Whoever is told says whether to go on; what was not begun by then has no step.
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
    let items = plan.within(&fresh);
    let mut steps: Vec<Step> = Vec::with_capacity(items.len());
    let mut rest = items.as_slice();
    while let Some(first) = rest.first() {
        let (portion, others) = rest.split_at(together(rest, &first.what));
        rest = others;
        no_agent(root)?;
        let outcomes = match needed(&first.what, &steps) {
            Some(why) => portion.iter().map(|_| Outcome::kept(why.clone())).collect(),
            None => take_away(root, portion).await,
        };
        // Whoever waits for something else gets to hear of it before the next step.
        tokio::task::yield_now().await;
        let mut flow = ControlFlow::Continue(());
        for (item, outcome) in portion.iter().zip(outcomes) {
            let step = Step { item: item.clone(), outcome };
            // All of the portion is done, so all of it is told.
            if told(&step).is_break() {
                flow = ControlFlow::Break(());
            }
            steps.push(step);
        }
        if flow.is_break() {
            break;
        }
    }
    Ok(steps)
}

/// Whether nothing would put back what is taken away.
///
/// # Errors
/// When an agent lives, or may.
pub fn no_agent(root: &HostRoot) -> Result<(), Refusal> {
    match agent_process(root) {
        Ok(AgentProcess::NotRunning) => Ok(()),
        Ok(AgentProcess::Running { pid }) => Err(Refusal::AgentLives { pid }),
        Err(why) => Err(Refusal::AgentUnknown(why)),
    }
}

/// How many of the next items are acted on at once.
fn together(rest: &[Item], first: &Leftover) -> usize {
    let kind = std::mem::discriminant(first);
    let same = rest.iter().take_while(|item| std::mem::discriminant(&item.what) == kind).count();
    let most = match first {
        Leftover::Link { .. } | Leftover::Chain(_) => usize::MAX,
        Leftover::Route(_)
        | Leftover::Neighbour(_)
        | Leftover::Pin { .. }
        | Leftover::CniResult { .. } => PORTION,
        _ => 1,
    };
    same.min(most)
}

/// Why something must stay after all: pods' devices are recognised by what the agent wrote down, and
/// taken down by its plugin.
fn needed(what: &Leftover, done: &[Step]) -> Option<String> {
    let matters = match what {
        Leftover::Directory { path } => path == "/run/cilium",
        Leftover::CniResult { .. } | Leftover::Binary { .. } => true,
        _ => false,
    };
    if !matters {
        return None;
    }
    done.iter().find_map(|step| match &step.item.what {
        Leftover::Link { name, .. } if name.is_endpoint_device() && !step.outcome.is_gone() => {
            Some(format!("{name} is still there, and it may be needed for that"))
        }
        _ => None,
    })
}

/// Acts on items of one kind; an outcome for each.
async fn take_away(root: &HostRoot, items: &[Item]) -> Vec<Outcome> {
    fn all<'a, T>(items: &'a [Item], of: impl Fn(&'a Leftover) -> Option<T>) -> Vec<T> {
        items.iter().filter_map(|item| of(&item.what)).collect()
    }
    let Some(first) = items.first() else {
        return Vec::new();
    };
    match &first.what {
        Leftover::Link { .. } => {
            let wanted = all(items, |what| match what {
                Leftover::Link { name, kind } => Some((name, kind.as_str())),
                _ => None,
            });
            links::links(&wanted).await
        }
        Leftover::Chain(_) => {
            let chains = all(items, |what| match what {
                Leftover::Chain(chain) => Some(chain),
                _ => None,
            });
            netfilter::chains(root, &chains)
        }
        Leftover::Route(_) => {
            let routes = all(items, |what| match what {
                Leftover::Route(route) => Some(route),
                _ => None,
            });
            routes::routes(&routes).await
        }
        Leftover::Neighbour(_) => {
            let neighbours = all(items, |what| match what {
                Leftover::Neighbour(neighbour) => Some(neighbour),
                _ => None,
            });
            neighbours::neighbours(&neighbours).await
        }
        _ => {
            let mut outcomes = Vec::with_capacity(items.len());
            for item in items {
                outcomes.push(take_one_away(root, &item.what).await);
            }
            outcomes
        }
    }
}

async fn take_one_away(root: &HostRoot, what: &Leftover) -> Outcome {
    match what {
        Leftover::LocalRuleMoved { family } => rules::local_rule_moved(*family).await,
        Leftover::LocalRuleMissing { family } => rules::local_rule_missing(*family).await,
        Leftover::Rule(rule) => rules::rule(rule).await,
        Leftover::Attachment(attachment) => attachments::attachment(root, attachment).await,
        Leftover::Filter(filter) => filters::filter(filter).await,
        Leftover::Clsact { link } => filters::clsact(link).await,
        Leftover::Feeder(feeder) => netfilter::feeder(root, feeder),
        Leftover::Transform(transform) => transforms::transform(transform).await,
        Leftover::Set { name } => sets::set(name).await,
        Leftover::NetworkNamespace { path } => mounts::namespace(root, path),
        Leftover::Mount { path, filesystem } => mounts::mount(root, path, filesystem),
        Leftover::PinDirectory { path } => files::empty_directory(root, path),
        Leftover::CniBackup { path, original } => files::restored(root, path, original),
        Leftover::Directory { path } => directory::directory(root, path),
        Leftover::File { path } if units::is_unit(path) => units::unit(root, path),
        Leftover::Pin { path }
        | Leftover::CniConfiguration { path }
        | Leftover::CniResult { path }
        | Leftover::File { path }
        | Leftover::Binary { path } => files::file(root, path),
        // Many at once, above; the last two by nobody.
        Leftover::Link { .. }
        | Leftover::Chain(_)
        | Leftover::Route(_)
        | Leftover::Neighbour(_)
        | Leftover::Sysctl(_)
        | Leftover::Qdisc(_) => Outcome::failed("it was not acted on"),
    }
}

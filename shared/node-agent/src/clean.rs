//! `plan` and `clean`: what of Cilium would go from this node, and taking it away.

use std::cell::Cell;
use std::future::pending;
use std::ops::ControlFlow;
use std::path::Path;

use kcilium_core::leftovers::{CleaningSummary, Inventory, Plan, Remembered, Step, Told};
use kcilium_core::probe::{Ending, Namespace};
use kcilium_node::{HostRoot, clean, read_leftovers};
use tokio::time::Instant;

use crate::arguments::Arguments;
use crate::failure::Failure;
use crate::work::{Ended, deadline, listen, print_json, root};
use crate::{input, namespaces};

/// Prints the plan, and touches nothing.
pub(crate) async fn plan(arguments: &Arguments) -> Result<Ended, Failure> {
    let begin = Instant::now();
    let mut signals = listen()?;
    let planned = async {
        let order = input::order(arguments.request.as_deref()).await?;
        namespaces::enter(&namespaces::chosen(arguments, Namespace::Own), arguments)?;
        let plan = Plan::of(&inventory(&root(arguments), order.remembered).await, order.pods);
        print_json(&plan);
        Ok(Ending::Finished)
    };
    let ending = tokio::select! {
        ending = planned => ending?,
        () = signals.next() => Ending::Terminated,
        () = deadline(arguments, begin) => Ending::Deadline,
    };
    Ok(ended(&CleaningSummary::of(ending, &[], None)))
}

/// Carries a plan out, a line for each step. The step in hand is always finished: an order to end,
/// and the deadline, keep the next one from beginning.
pub(crate) async fn apply(arguments: &Arguments) -> Result<Ended, Failure> {
    let begin = Instant::now();
    let mut signals = listen()?;
    let file = arguments.apply.as_deref().filter(|file| *file != Path::new("-"));
    let order = tokio::select! {
        order = input::order(file) => order?,
        () = signals.next() => return Ok(early(Ending::Terminated)),
        () = deadline(arguments, begin) => return Ok(early(Ending::Deadline)),
    };
    let Some(plan) = order.plan else {
        return Err(Failure::usage("the order has no plan")
            .hint("put what `kcilium-node-agent plan` printed into it: {\"plan\": …}"));
    };
    namespaces::enter(&namespaces::chosen(arguments, Namespace::Own), arguments)?;

    let stop = Cell::new(None);
    let orders = async {
        stop.set(Some(tokio::select! {
            () = signals.next() => Ending::Terminated,
            () = deadline(arguments, begin) => Ending::Deadline,
        }));
        pending::<()>().await;
    };
    let mut steps: Vec<Step> = Vec::new();
    let root = root(arguments);
    let mut hear = |step: &Step| {
        print_json(&Told::Step(step.clone()));
        steps.push(step.clone());
        match stop.get() {
            Some(_) => ControlFlow::Break(()),
            None => ControlFlow::Continue(()),
        }
    };
    let cleaned = tokio::select! {
        cleaned = clean(&root, &plan, order.remembered.clone(), &mut hear) => cleaned,
        () = orders => Ok(Vec::new()),
    };
    if let Err(refusal) = cleaned {
        let why = refusal.to_string();
        let summary = CleaningSummary::of(Ending::Failed, &steps, None).because(&why);
        let failure = Failure::could_not_run(why)
            .hint("remove Cilium from the cluster first; its agent puts back what is removed here");
        return Ok(Ended { failure: Some(failure), ..ended(&summary) });
    }
    let ending = stop.get().unwrap_or(Ending::Finished);
    let left = match ending {
        Ending::Finished => Some(inventory(&root, order.remembered).await),
        _ => None,
    };
    let summary = CleaningSummary::of(ending, &steps, left.as_ref());
    if let Some(left) = left {
        print_json(&Told::Left(left));
    }
    Ok(ended(&summary))
}

async fn inventory(root: &HostRoot, remembered: Remembered) -> Inventory {
    Inventory::of(&read_leftovers(root, remembered).await)
}

fn early(ending: Ending) -> Ended {
    ended(&CleaningSummary::of(ending, &[], None))
}

fn ended(summary: &CleaningSummary) -> Ended {
    Ended { ending: summary.ending, message: summary.to_json(), failure: None }
}

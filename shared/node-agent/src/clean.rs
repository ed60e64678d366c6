//! `plan` and `clean`: what of Cilium would go from this node, and taking it away.

use std::cell::Cell;
use std::future::pending;
use std::ops::ControlFlow;
use std::path::Path;

use kcilium_core::leftovers::{
    CleaningOrder, CleaningSummary, Inventory, Plan, Remembered, Step, Told,
};
use kcilium_core::probe::{Ending, Namespace};
use kcilium_node::{HostRoot, Refusal, clean, read_leftovers};
use tokio::time::Instant;

use crate::arguments::Arguments;
use crate::failure::Failure;
use crate::signals::Signals;
use crate::work::{Ended, deadline, listen, print_json, root, unless_told};
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
    let ending = match unless_told(planned, &mut signals, arguments, begin).await {
        Ok(planned) => planned?,
        Err(ending) => ending,
    };
    Ok(ended(&CleaningSummary::of(ending, &[], None)))
}

/// Carries a plan out, a line for each step. The step in hand is always finished: an order to end,
/// and the deadline, keep the next one from beginning.
pub(crate) async fn apply(arguments: &Arguments) -> Result<Ended, Failure> {
    let begin = Instant::now();
    let mut signals = listen()?;
    let order = match unless_told(order(arguments), &mut signals, arguments, begin).await {
        Ok(order) => order?,
        Err(ending) => return Ok(early(ending)),
    };
    let Some(plan) = order.plan else {
        return Err(Failure::usage("the order has no plan")
            .hint("put what `kcilium-node-agent plan` printed into it: {\"plan\": …}"));
    };
    namespaces::enter(&namespaces::chosen(arguments, Namespace::Own), arguments)?;

    let root = root(arguments);
    let remembered = order.remembered;
    let done = carry_out(&root, &plan, remembered.clone(), arguments, signals, begin).await;
    let left = if done.is_whole() { Some(inventory(&root, remembered).await) } else { None };
    let summary = done.summary(left.as_ref());
    if let Some(left) = left {
        print_json(&Told::Left(left));
    }
    Ok(Ended { failure: done.refusal.as_ref().map(refused), ..ended(&summary) })
}

/// The order that is to be applied.
pub(crate) async fn order(arguments: &Arguments) -> Result<CleaningOrder, Failure> {
    input::order(arguments.apply.as_deref().filter(|file| *file != Path::new("-"))).await
}

/// How far a plan was carried out.
pub(crate) struct Done {
    pub(crate) steps: Vec<Step>,
    pub(crate) ending: Ending,
    /// Why nothing, or nothing more, was done.
    pub(crate) refusal: Option<Refusal>,
}

impl Done {
    /// Whether there was an outcome for each step.
    pub(crate) fn is_whole(&self) -> bool {
        self.refusal.is_none() && self.ending == Ending::Finished
    }

    pub(crate) fn summary(&self, left: Option<&Inventory>) -> CleaningSummary {
        match &self.refusal {
            None => CleaningSummary::of(self.ending, &self.steps, left),
            Some(refusal) => {
                CleaningSummary::of(Ending::Failed, &self.steps, None).because(&refusal.to_string())
            }
        }
    }
}

/// Carries a plan out until told to end.
pub(crate) async fn carry_out(
    root: &HostRoot,
    plan: &Plan,
    remembered: Remembered,
    arguments: &Arguments,
    mut signals: Signals,
    begin: Instant,
) -> Done {
    let stop = Cell::new(None);
    let orders = async {
        stop.set(Some(tokio::select! {
            () = signals.next() => Ending::Terminated,
            () = deadline(arguments, begin) => Ending::Deadline,
        }));
        pending::<()>().await;
    };
    let mut steps: Vec<Step> = Vec::new();
    let mut hear = |step: &Step| {
        print_json(&Told::Step(step.clone()));
        steps.push(step.clone());
        match stop.get() {
            Some(_) => ControlFlow::Break(()),
            None => ControlFlow::Continue(()),
        }
    };
    let cleaned = tokio::select! {
        cleaned = clean(root, plan, remembered, &mut hear) => cleaned,
        () = orders => Ok(Vec::new()),
    };
    Done { steps, ending: stop.get().unwrap_or(Ending::Finished), refusal: cleaned.err() }
}

pub(crate) fn refused(refusal: &Refusal) -> Failure {
    Failure::could_not_run(refusal.to_string())
        .hint("remove Cilium from the cluster first; its agent puts back what is removed here")
}

async fn inventory(root: &HostRoot, remembered: Remembered) -> Inventory {
    Inventory::of(&read_leftovers(root, remembered).await)
}

pub(crate) fn early(ending: Ending) -> Ended {
    ended(&CleaningSummary::of(ending, &[], None))
}

pub(crate) fn ended(summary: &CleaningSummary) -> Ended {
    Ended { ending: summary.ending, message: summary.to_json(), failure: None }
}

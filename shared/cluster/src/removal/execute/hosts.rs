//! The nodes themselves: cleaners are put there first, and told to begin when Cilium is gone.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::PoisonError,
    time::Duration,
};

use kcilium_core::{
    facts::NodeName,
    leftovers::{CleaningSummary, Told},
    removal::{Action, ObjectRef, Step},
};
use tokio::{
    sync::{RwLock, watch},
    time::{Instant, sleep},
};

use super::{Cleaning, Event, Failure, Outcome, Staging, Work};
use crate::{
    Api,
    stage::{Cleaned, Printed, Standing},
};

/// How often is looked how far cleaners are.
const PAUSE: Duration = Duration::from_secs(1);

/// How long a cleaner may take. It first waits until no agent was seen for a while, and then has
/// thousands of interfaces to take away at most.
const ONE: Duration = Duration::from_mins(5);

/// How many things are named of those that a node could not be rid of.
const NAMED: usize = 5;

/// Cleaners, and the words that they wait for.
pub(super) struct Hosts<'a> {
    cleaning: &'a Cleaning<'a>,
    standing: RwLock<Standing<'a>>,
    /// Nodes that were told to begin, and have not ended.
    working: std::sync::Mutex<BTreeSet<NodeName>>,
}

impl<'a> Hosts<'a> {
    pub(super) fn new(
        api: &Api,
        cleaning: &'a Cleaning<'a>,
        stopped: watch::Receiver<bool>,
    ) -> Self {
        let standing = RwLock::new(Standing::new(api, cleaning.staging, stopped));
        Self { cleaning, standing, working: std::sync::Mutex::default() }
    }

    fn note(&self, change: impl FnOnce(&mut BTreeSet<NodeName>)) {
        change(&mut self.working.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Removes what was put on nodes, unless a cleaner is at work: half-clean nodes are finished.
    pub(super) async fn end(self) -> Staging {
        let standing = self.standing.into_inner();
        let working = self.working.into_inner().unwrap_or_else(PoisonError::into_inner);
        if !working.is_empty() {
            return Staging::Working {
                namespace: standing.namespace().to_owned(),
                deadline: standing.deadline(),
                nodes: working.iter().map(ToString::to_string).collect(),
            };
        }
        match standing.remove().await {
            Ok(()) => Staging::Gone,
            Err(left) => Staging::Left(left),
        }
    }
}

/// A cleaner that was told to begin.
struct Begun<'a> {
    step: &'a Step,
    at: Instant,
}

impl Work<'_> {
    /// Puts cleaners on nodes. That some have none is told with the step that cleans them; without a
    /// single one nothing is to be done.
    pub(super) async fn stage(&self, nodes: &[String]) -> Result<(), Failure> {
        let Some(hosts) = &self.hosts else {
            return Err("nothing can be put on nodes".into());
        };
        let mut standing = hosts.standing.write().await;
        let what = format!("cleaners on {} nodes", nodes.len());
        (self.tell)(&Event::Waiting { what });
        for swept in standing.stand().await {
            let what = format!("the end of {}, which an earlier run left", swept.namespace);
            (self.tell)(&Event::Waiting { what });
        }
        if standing.ready().next().is_some() {
            return Ok(());
        }
        let whys: Vec<String> =
            standing.absent().iter().map(|(node, why)| format!("{node}: {why}")).collect();
        Err(whys.join("; "))
    }

    /// Cleans nodes: one first, and the others if that went well.
    pub(super) async fn hosts(&self, hosts: &Hosts<'_>, steps: &[Step]) {
        let standing = hosts.standing.read().await;
        let ready: BTreeSet<&NodeName> = standing.ready().collect();
        let mut waiting = VecDeque::new();
        for step in steps {
            let Action::CleanHost { node, .. } = &step.action else { continue };
            let node = NodeName::from(node.as_str());
            if ready.contains(&node) {
                waiting.push_back((node, step));
                continue;
            }
            let why = standing.absent().get(&node);
            let why = why.map_or("no cleaner stands there".to_owned(), ToString::to_string);
            self.over(step, Outcome::Skipped { why });
        }
        if let Some(why) = self.agents_left().await {
            for (_, step) in waiting {
                self.over(step, Outcome::Skipped { why: why.clone() });
            }
            return;
        }
        let canary = waiting.pop_front();
        let first: VecDeque<_> = canary.iter().cloned().collect();
        let went_well = self.clean(hosts, &standing, first, 1).await;
        let why = match (&canary, went_well) {
            _ if self.is_stopped() => "interrupted".to_owned(),
            (Some((node, _)), false) => format!("{node}, the first one, did not go well"),
            _ => {
                self.clean(hosts, &standing, waiting, hosts.cleaning.parallel.max(1)).await;
                return;
            }
        };
        for (_, step) in waiting {
            self.over(step, Outcome::Skipped { why: why.clone() });
        }
    }

    /// Why no cleaner may begin: DaemonSets of agents that are still there, or may be.
    async fn agents_left(&self) -> Option<String> {
        let agents = self.plan.steps.iter().filter_map(|step| match &step.action {
            Action::Delete { found } if found.object.kind == "DaemonSet" => Some(&found.object),
            _ => None,
        });
        for agent in agents {
            if !self.is_gone(agent).await {
                return Some(format!("{agent} was not seen to be gone"));
            }
        }
        None
    }

    async fn is_gone(&self, object: &ObjectRef) -> bool {
        use kcilium_core::removal::Meta;
        let reader = super::Reader { api: self.api };
        let found = reader.one::<Meta>(&object.path(), crate::Form::Metadata).await;
        found.is_ok_and(|found| found.is_none_or(|meta| meta.uid != object.uid))
    }

    /// Tells cleaners to begin, so many at once, and waits for their ends; whether all went well.
    async fn clean<'s>(
        &self,
        hosts: &Hosts<'_>,
        standing: &Standing<'_>,
        mut waiting: VecDeque<(NodeName, &'s Step)>,
        parallel: usize,
    ) -> bool {
        let mut begun: BTreeMap<NodeName, Begun<'s>> = BTreeMap::new();
        let mut went_well = true;
        loop {
            while begun.len() < parallel && !self.is_stopped() {
                let Some((node, step)) = waiting.pop_front() else { break };
                let word = hosts.cleaning.words.get(&node).map_or("", String::as_str);
                // Whether it came there is seen by what it does.
                hosts.note(|working| _ = working.insert(node.clone()));
                if let Err(error) = standing.release(&node, word).await {
                    tracing::debug!(%node, %error, "the word may not have come to the cleaner");
                }
                begun.insert(node, Begun { step, at: Instant::now() });
            }
            if begun.is_empty() {
                break;
            }
            let far = standing.look().await.unwrap_or_default();
            let is_over = Instant::now() >= self.api.deadline();
            let mut ended = Vec::new();
            for (node, Begun { step, at }) in &begun {
                let outcome = match far.get(node) {
                    Some(Cleaned::Ended(summary)) => {
                        let node = &node.to_string();
                        (self.tell)(&Event::Host { node, summary });
                        went_well &= is_well(summary);
                        hosts.note(|working| _ = working.remove(&NodeName::from(node.as_str())));
                        outcome(summary)
                    }
                    Some(Cleaned::Lost { why }) => {
                        went_well = false;
                        hosts.note(|working| _ = working.remove(node));
                        Outcome::Failed { why: format!("its cleaner is lost: {why}") }
                    }
                    _ if self.is_stopped() => Outcome::Failed {
                        why: "interrupted; its cleaner goes on by itself".to_owned(),
                    },
                    _ if is_over || at.elapsed() > ONE => {
                        went_well = false;
                        Outcome::Failed { why: waits(&standing.printed(node).await) }
                    }
                    _ => continue,
                };
                self.over(step, outcome);
                ended.push(node.clone());
            }
            begun.retain(|node, _| !ended.contains(node));
            let (left, at_work) = (waiting.len(), begun.len());
            let what = format!("{at_work} nodes that are being cleaned, {left} before them");
            (self.tell)(&Event::Waiting { what });
            if !begun.is_empty() {
                sleep(PAUSE).await;
            }
        }
        for (_, step) in waiting {
            self.over(step, Outcome::Skipped { why: "interrupted".into() });
        }
        went_well
    }
}

/// Why a cleaner that was told to begin has not ended, by what it printed last.
fn waits(printed: &Printed) -> String {
    let told = |line: &[u8]| serde_json::from_slice::<Told>(line).ok();
    let lines = printed.iter().flat_map(|printed| printed.rsplit(|byte| *byte == b'\n'));
    match lines.into_iter().find_map(told) {
        Some(Told::Waiting(what)) => format!("its cleaner goes on by itself; it waits for: {what}"),
        Some(_) => "its cleaner is at work, and goes on by itself".to_owned(),
        None => "nothing was heard of its cleaner; it goes on by itself".to_owned(),
    }
}

/// Whether other nodes may be cleaned the same way: what pods need stays everywhere.
fn is_well(summary: &CleaningSummary) -> bool {
    summary.error.is_none() && summary.foreign == 0 && !summary.outcomes.contains_key("failed")
}

/// What a cleaner tells, in words.
fn outcome(summary: &CleaningSummary) -> Outcome {
    if summary.is_clean() {
        return Outcome::Done;
    }
    let mut parts: Vec<String> = summary.error.iter().cloned().collect();
    if let Some(left @ 1..) = summary.left {
        parts.push(format!("{left} thing{} left", if left == 1 { " is" } else { "s are" }));
    }
    let stuck = summary.stuck.iter().take(NAMED).map(|(what, why)| format!("{what}: {why}"));
    parts.extend(stuck);
    let named = summary.stuck.len().min(NAMED);
    if let more @ 1.. = summary.stuck.len() - named + summary.omitted {
        parts.push(format!("and {more} more"));
    }
    if summary.unknown > 0 {
        parts.push(format!("{} sources could not be read", summary.unknown));
    }
    if let Some(keepsake) = &summary.keepsake {
        parts.push(format!("backup on the node: {keepsake}"));
    }
    Outcome::Failed { why: parts.join("; ") }
}

//! The nodes themselves: cleaners are put there first, and told to begin when Cilium is gone.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use kcilium_core::{
    facts::NodeName,
    leftovers::{CleaningSummary, Told},
    removal::{Action, Step},
};
use tokio::{
    sync::{RwLock, watch},
    time::{Instant, sleep},
};

use super::{Cleaning, Event, Failure, Outcome, Reader, Staging, Work, locked};
use crate::{
    Api, ApiError,
    collect::Resource,
    stage::{Cleaned, Leftover, Printed, Standing},
};

/// How often is looked how far cleaners are.
const PAUSE: Duration = Duration::from_secs(1);

/// How long a cleaner may take. It first waits until no agent was seen for a while, and then has
/// thousands of interfaces to take away at most.
const ONE: Duration = Duration::from_mins(5);

/// Labels of agents, and of their DaemonSets, in all charts.
const AGENTS: &str = "k8s-app=cilium";

/// How many things are named of those that a node could not be rid of.
const NAMED: usize = 5;

/// Cleaners, and the words that they wait for.
pub(super) struct Hosts<'a> {
    cleaning: &'a Cleaning<'a>,
    standing: RwLock<Standing<'a>>,
    /// Nodes that were told to begin, and have not ended.
    working: Mutex<BTreeSet<NodeName>>,
    /// Nodes that are clean.
    clean: Mutex<BTreeSet<NodeName>>,
    /// What of earlier runs could not be removed.
    unswept: Mutex<Vec<Leftover>>,
}

impl<'a> Hosts<'a> {
    pub(super) fn new(
        api: &Api,
        cleaning: &'a Cleaning<'a>,
        stopped: watch::Receiver<bool>,
    ) -> Self {
        let standing = RwLock::new(Standing::new(api, cleaning.staging, stopped));
        Self {
            cleaning,
            standing,
            working: Mutex::default(),
            clean: Mutex::default(),
            unswept: Mutex::default(),
        }
    }

    fn note(&self, change: impl FnOnce(&mut BTreeSet<NodeName>)) {
        change(&mut locked(&self.working));
    }

    /// Nodes whose pods may be deleted: those that are clean, or, before that, those that will be.
    pub(super) async fn of_pods(&self) -> BTreeSet<NodeName> {
        let clean = locked(&self.clean).clone();
        if !clean.is_empty() {
            return clean;
        }
        self.standing.read().await.ready().cloned().collect()
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
        let unswept = self.unswept.into_inner().unwrap_or_else(PoisonError::into_inner);
        match (standing.remove().await, unswept.into_iter().next()) {
            (Err(left), _) | (Ok(()), Some(left)) => Staging::Left(left),
            (Ok(()), None) => Staging::Gone,
        }
    }
}

/// A cleaner that was told to begin.
struct Begun<'a> {
    step: &'a Step,
    at: Instant,
    /// Whether the API server has taken the word.
    is_told: bool,
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
        let swept = standing.stand().await;
        let unswept = swept.into_iter().filter_map(|swept| swept.left);
        locked(&hosts.unswept).extend(unswept);
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
            let why = format!("{why}; to be run there, as root: {}", hosts.cleaning.by_hand);
            self.over(step, Outcome::Skipped { why });
        }
        let canary = waiting.pop_front();
        let first: VecDeque<_> = canary.iter().cloned().collect();
        let went_well = self.clean(hosts, &standing, first, 1).await;
        let why = match (&canary, went_well) {
            _ if self.is_stopped() => "interrupted".to_owned(),
            (Some((node, _)), Verdict::Bad) => format!("{node}, the first one, did not go well"),
            _ => {
                self.clean(hosts, &standing, waiting, hosts.cleaning.parallel.max(1)).await;
                return;
            }
        };
        for (_, step) in waiting {
            self.over(step, Outcome::Skipped { why: why.clone() });
        }
    }

    /// Why no cleaner may begin: agents that are there, of whatever installation. That it is not known
    /// is an error.
    async fn agents(&self) -> Result<Option<String>, ApiError> {
        let reader = Reader { api: self.api };
        let path = Resource::DAEMON_SETS.path(None);
        let sets = reader.metas(&path, AGENTS).await?;
        if let Some(set) = sets.first() {
            let (namespace, name) = (&set.namespace, &set.name);
            return Ok(Some(format!("there is a DaemonSet {namespace}/{name} of agents")));
        }
        let mut pods = Vec::new();
        for namespace in self.homes() {
            pods.extend(self.pods(&namespace, AGENTS).await?);
        }
        let alive = pods.into_iter().find(|(_, node)| !self.silent_nodes.contains(node));
        Ok(alive.map(|(pod, node)| format!("there is an agent, {pod} on {node}")))
    }

    /// Namespaces that agents were in.
    fn homes(&self) -> BTreeSet<String> {
        let homes = self.plan.steps.iter().filter_map(|step| match &step.action {
            Action::AwaitPods { namespaces, .. } => Some(namespaces.clone()),
            _ => None,
        });
        homes.flatten().chain(["kube-system".to_owned()]).collect()
    }

    /// Tells cleaners to begin, so many at once, and waits for their ends.
    async fn clean<'s>(
        &self,
        hosts: &Hosts<'_>,
        standing: &Standing<'_>,
        mut waiting: VecDeque<(NodeName, &'s Step)>,
        parallel: usize,
    ) -> Verdict {
        let mut begun: BTreeMap<NodeName, Begun<'s>> = BTreeMap::new();
        let mut verdict = Verdict::Good;
        let mut told = String::new();
        let why_not = loop {
            let is_over = Instant::now() >= self.api.deadline();
            let why_not = self.why_not(is_over, &waiting, begun.len() < parallel).await;
            while begun.len() < parallel && why_not == WhyNot::Begin {
                let Some((node, step)) = waiting.pop_front() else { break };
                // Whether the word came there is seen by what it does.
                hosts.note(|working| _ = working.insert(node.clone()));
                begun.insert(node, Begun { step, at: Instant::now(), is_told: false });
            }
            for (node, begun) in begun.iter_mut().filter(|(_, begun)| !begun.is_told) {
                let word = hosts.cleaning.words.get(node).map_or("", String::as_str);
                match standing.release(node, word).await {
                    Ok(()) => begun.is_told = true,
                    Err(error) => tracing::debug!(%node, %error, "to be told once more"),
                }
            }
            if begun.is_empty()
                && let WhyNot::Never(why) = why_not
            {
                break why;
            }
            if begun.is_empty() && waiting.is_empty() {
                return verdict;
            }
            let asked = Instant::now();
            let far = standing.look().await.unwrap_or_default();
            // The more there are, the less often they are asked after.
            let pause = PAUSE.max(asked.elapsed() * 3);
            let mut ended = Vec::new();
            for (node, Begun { step, at, .. }) in &begun {
                let outcome = match far.get(node) {
                    Some(Cleaned::Ended(summary)) => {
                        (self.tell)(&Event::Host { node: node.as_str(), summary });
                        hosts.note(|working| _ = working.remove(node));
                        if summary.is_clean() {
                            locked(&hosts.clean).insert(node.clone());
                        }
                        verdict = verdict.and(is_well(summary));
                        outcome(summary)
                    }
                    Some(Cleaned::Lost { why }) => {
                        hosts.note(|working| _ = working.remove(node));
                        verdict = Verdict::Bad;
                        Outcome::Failed { why: format!("its cleaner is lost: {why}") }
                    }
                    _ if self.is_stopped() => Outcome::Failed {
                        why: "interrupted; its cleaner goes on by itself".to_owned(),
                    },
                    _ if is_over || at.elapsed() > ONE => {
                        verdict = Verdict::Bad;
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
            if what != told {
                (self.tell)(&Event::Waiting { what: what.clone() });
                told = what;
            }
            if !begun.is_empty() || !waiting.is_empty() {
                sleep(pause).await;
            }
        };
        for (_, step) in waiting {
            self.over(step, Outcome::Skipped { why: why_not.clone() });
        }
        Verdict::Bad
    }

    /// Why no more nodes are told to begin.
    async fn why_not<T>(&self, is_over: bool, waiting: &VecDeque<T>, has_room: bool) -> WhyNot {
        if self.is_stopped() {
            return WhyNot::Never("interrupted".into());
        }
        if is_over {
            return WhyNot::Never("the time was over (--timeout)".into());
        }
        if waiting.is_empty() || !has_room {
            return WhyNot::NotNow;
        }
        match self.agents().await {
            Ok(None) => WhyNot::Begin,
            Ok(Some(why)) => WhyNot::Never(why),
            // Nobody knows, and that may pass.
            Err(_) => WhyNot::NotNow,
        }
    }
}

/// Whether nodes are told to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
enum WhyNot {
    /// They are.
    Begin,
    /// Not at the moment.
    NotNow,
    /// Not any more.
    Never(String),
}

/// How nodes went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// Others may be cleaned the same way.
    Good,
    /// They may not.
    Bad,
}

impl Verdict {
    fn and(self, is_well: bool) -> Self {
        if is_well { self } else { Self::Bad }
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

/// Whether other nodes may be cleaned the same way. What pods need stays everywhere; and what others
/// change meanwhile is told, but no reason to stop: where kube-proxy runs its chains change whenever
/// endpoints do.
fn is_well(summary: &CleaningSummary) -> bool {
    summary.error.is_none() && !summary.outcomes.contains_key("failed")
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

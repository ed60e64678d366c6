//! Carrying a plan out.
//!
//! Phase by phase; within one, kind by kind, and the objects of a kind at once. Each step is what a
//! second run may do again: what is gone is done. One that fails is told and the rest goes on, but
//! for what would be made again by what is still there.

mod definitions;
mod hosts;
mod nodes;
mod pods;
mod records;
mod restarts;

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{DeleteOptions, Preconditions};
use kcilium_core::{
    facts::NodeName,
    leftovers::CleaningSummary,
    removal::{Action, Confirmed, ObjectRef, Phase, Plan, Step},
};
use serde::Serialize;
use serde_json::json;
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};

use super::read::Reader;
use crate::{
    Api, ApiError, Form, Patch,
    stage::{self, Leftover},
};
use hosts::Hosts;

/// How many steps are under way at once.
const AT_ONCE: usize = 8;

/// How long requests that are under way have to end when a run is interrupted.
const LAST_REQUESTS: Duration = Duration::from_secs(3);

/// How often is looked whether something is gone.
const PAUSE: Duration = Duration::from_millis(300);

/// How long namespaces have to end, after all else is done.
const NAMESPACES: Duration = Duration::from_secs(20);

/// What happens meanwhile.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase", tag = "event", rename_all_fields = "camelCase")]
pub enum Event<'a> {
    /// A phase begins.
    Phase {
        /// Which.
        phase: Phase,
        /// How many steps it has.
        steps: usize,
    },
    /// Something is waited for.
    Waiting {
        /// For what.
        what: String,
    },
    /// A cleaner on a node has ended.
    Host {
        /// The node.
        node: &'a str,
        /// What it tells.
        summary: &'a CleaningSummary,
    },
    /// A step is over.
    Step {
        /// Which.
        step: &'a Step,
        /// In words.
        what: String,
        /// What came of it.
        #[serde(flatten)]
        outcome: Outcome,
    },
}

/// What came of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
pub enum Outcome {
    /// It is done.
    Done,
    /// It is not.
    Failed {
        /// Why.
        why: String,
    },
    /// It was not begun.
    Skipped {
        /// Why.
        why: String,
    },
}

/// What came of a plan.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// How many steps are done.
    pub done: usize,
    /// Steps that are not, in words, with what came of them.
    pub undone: Vec<(String, Outcome)>,
    /// Whether an object of a release is not gone.
    needs_release: bool,
    /// Whether it was interrupted.
    pub is_interrupted: bool,
    /// What became of what was put on nodes.
    pub staging: Staging,
}

/// What became of the objects by which nodes are cleaned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Staging {
    /// None is there.
    #[default]
    Gone,
    /// They could not be removed.
    Left(Leftover),
    /// They stay, because cleaners are at it that were told to begin.
    Working {
        /// Their namespace.
        namespace: String,
        /// Until when they may be there.
        deadline: Timestamp,
        /// The nodes.
        nodes: Vec<String>,
    },
}

/// How nodes are cleaned.
#[derive(Clone, Debug)]
pub struct Cleaning<'a> {
    /// What is put on nodes.
    pub staging: &'a stage::Plan,
    /// The word for each node, which its cleaner waits for.
    pub words: BTreeMap<NodeName, String>,
    /// How many nodes are cleaned at once, after the first one.
    pub parallel: usize,
    /// What somebody runs on a node that cannot be reached.
    pub by_hand: String,
}

/// Carries out what was consented to. The future must not be dropped before its end; `interrupt` ends
/// it in order: nothing new is begun, and what is under way is waited for.
pub async fn execute(
    api: &Api,
    confirmed: Confirmed<'_>,
    silent_nodes: &[String],
    cleaning: Option<&Cleaning<'_>>,
    tell: &(dyn Fn(&Event<'_>) + Sync),
    interrupt: impl Future<Output = ()>,
) -> Report {
    let (stop, stopped) = watch::channel(false);
    let work = Work {
        api,
        plan: confirmed.plan(),
        silent_nodes,
        hosts: cleaning.map(|cleaning| Hosts::new(api, cleaning, stopped.clone())),
        tell,
        stopped,
        begun: api.server_time(),
        report: Mutex::new(Report::default()),
    };
    let mut running = Box::pin(work.carry_out());
    let is_interrupted = tokio::select! {
        biased;
        () = &mut running => false,
        () = interrupt => {
            // Nobody listens any more if it is over just now.
            let _ = stop.send(true);
            // What has not ended by then is told as not done.
            let _ = timeout(LAST_REQUESTS, &mut running).await;
            true
        }
    };
    drop(running);
    let staging = match work.hosts {
        Some(hosts) => hosts.end().await,
        None => Staging::Gone,
    };
    let report = work.report.into_inner();
    Report { is_interrupted, staging, ..report.unwrap_or_else(PoisonError::into_inner) }
}

struct Work<'a> {
    api: &'a Api,
    plan: &'a Plan,
    silent_nodes: &'a [String],
    hosts: Option<Hosts<'a>>,
    tell: &'a (dyn Fn(&Event<'_>) + Sync),
    stopped: watch::Receiver<bool>,
    /// By the server's clock.
    begun: Timestamp,
    report: Mutex<Report>,
}

/// What a step that panicked has left is as good as before.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Why others are not begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Obstacle {
    /// Something is alive that would make it again.
    Alive,
    /// Nothing could be put on nodes, and all else would make that harder.
    Nowhere,
}

/// Why a step is not done, in words.
type Failure = String;

impl Work<'_> {
    async fn carry_out(&self) {
        let mut obstacle: Option<Obstacle> = None;
        for steps in self.plan.steps.chunk_by(|a, b| a.phase == b.phase) {
            let phase = steps[0].phase;
            (self.tell)(&Event::Phase { phase, steps: steps.len() });
            for alike in steps.chunk_by(|a, b| group(a) == group(b)) {
                let why = match (&obstacle, alike[0].phase) {
                    _ if *self.stopped.borrow() => Some("interrupted".to_owned()),
                    (
                        Some(Obstacle::Alive),
                        Phase::CustomResources | Phase::Nodes | Phase::Pods,
                    ) => Some("what would make them again still runs".to_owned()),
                    (Some(Obstacle::Nowhere), _) => {
                        Some("no cleaner could be put on any node".to_owned())
                    }
                    _ => None,
                };
                if let Some(why) = why {
                    for step in alike {
                        self.over(step, Outcome::Skipped { why: why.clone() });
                    }
                    continue;
                }
                if let (Phase::Nodes, Some(hosts)) = (phase, &self.hosts) {
                    self.hosts(hosts, alike).await;
                    continue;
                }
                let ended = stream::iter(alike).map(|step| self.step(step));
                let ended: Vec<bool> = ended.buffer_unordered(AT_ONCE).collect().await;
                let is_wait = matches!(alike[0].action, Action::AwaitPods { .. });
                if is_wait && ended.contains(&false) && phase != Phase::Dependents {
                    obstacle = Some(Obstacle::Alive);
                }
                if phase == Phase::Staging && ended.contains(&false) {
                    obstacle = Some(Obstacle::Nowhere);
                }
            }
        }
        self.namespaces().await;
    }

    /// Does a step; says whether it is done.
    async fn step(&self, step: &Step) -> bool {
        let outcome = match &step.action {
            Action::Delete { found } => self.delete(&found.object).await,
            Action::AwaitPods { namespaces, selectors, what } => {
                self.await_pods(namespaces, selectors, what).await
            }
            Action::DeleteDefinition { resources } => self.definition(resources).await,
            Action::DeleteObjects { resources } => self.objects(resources).await,
            Action::CleanNode { marks } => self.node(marks).await,
            Action::FreeAwsNode { object } => self.free_aws_node(object).await,
            Action::ForgetRelease { release } => self.forget(release).await,
            Action::MarkUninstalled { release } => self.mark_uninstalled(release).await,
            Action::StageCleaners { nodes, .. } => self.stage(nodes).await,
            Action::RestartPods => self.restart_pods().await,
            Action::CleanHost { .. } => Err("nothing can be put on nodes".into()),
        };
        let outcome = outcome.map_or_else(|why| Outcome::Failed { why }, |()| Outcome::Done);
        self.over(step, outcome)
    }

    fn over(&self, step: &Step, outcome: Outcome) -> bool {
        let what = step.action.to_string();
        let is_done = outcome == Outcome::Done;
        {
            let mut report = locked(&self.report);
            if is_done {
                report.done += 1;
            } else {
                let of_release = Phase::Dependents..=Phase::CustomResources;
                report.needs_release |= of_release.contains(&step.phase);
                report.undone.push((what.clone(), outcome.clone()));
            }
        }
        (self.tell)(&Event::Step { step, what, outcome });
        is_done
    }

    /// Whether an object of a release is not gone: what Helm keeps of it is needed then.
    fn has_failed(&self) -> bool {
        let report = locked(&self.report);
        report.needs_release
    }

    fn is_stopped(&self) -> bool {
        *self.stopped.borrow()
    }

    async fn delete(&self, object: &ObjectRef) -> Result<(), Failure> {
        let options = options(Some(object.uid.clone()), None);
        self.api.delete(&object.path(), &options).await.map_err(|error| words(&error))
    }

    /// Takes off what Cilium's command line put on.
    async fn free_aws_node(&self, object: &ObjectRef) -> Result<(), Failure> {
        let selector = json!({"io.cilium/aws-node-enabled": null});
        let patch = json!({"spec": {"template": {"spec": {"nodeSelector": selector}}}});
        match self.api.patch(&object.path(), Patch::Merge, &patch).await {
            Ok(_) | Err(ApiError::NotFound { .. }) => Ok(()),
            Err(error) => Err(words(&error)),
        }
    }

    /// Waits for namespaces that end on their own time. Those that do not are seen when it is looked
    /// again, with what they say of themselves.
    async fn namespaces(&self) {
        let namespaces: Vec<&ObjectRef> = (self.plan.steps.iter())
            .filter_map(|step| match &step.action {
                Action::Delete { found } if found.object.kind == "Namespace" => Some(&found.object),
                _ => None,
            })
            .collect();
        let until = Instant::now() + NAMESPACES;
        for namespace in namespaces {
            while !self.is_stopped() && Instant::now() < until && self.is_there(namespace).await {
                (self.tell)(&Event::Waiting { what: format!("the end of {namespace}") });
                sleep(PAUSE).await;
            }
        }
    }

    async fn is_there(&self, object: &ObjectRef) -> bool {
        use kcilium_core::removal::Meta;
        let reader = Reader { api: self.api };
        let found = reader.one::<Meta>(&object.path(), Form::Metadata).await;
        // What cannot be seen is not waited for.
        found.is_ok_and(|found| found.is_some_and(|meta| meta.uid == object.uid))
    }
}

/// Steps of a phase that are taken at once.
fn group(step: &Step) -> (std::mem::Discriminant<Action>, &str) {
    let kind = match &step.action {
        Action::Delete { found } => found.object.kind.as_str(),
        _ => "",
    };
    (std::mem::discriminant(&step.action), kind)
}

/// How objects are deleted: that one and no other of its name, and what belongs to it behind it.
pub(super) fn options(uid: Option<String>, resource_version: Option<String>) -> DeleteOptions {
    let uid = uid.filter(|uid| !uid.is_empty());
    let has_conditions = uid.is_some() || resource_version.is_some();
    DeleteOptions {
        api_version: Some("v1".to_owned()),
        kind: Some("DeleteOptions".to_owned()),
        preconditions: has_conditions.then_some(Preconditions { uid, resource_version }),
        propagation_policy: Some("Background".to_owned()),
        ..DeleteOptions::default()
    }
}

/// An error for the report.
fn words(error: &ApiError) -> Failure {
    match error {
        ApiError::OutOfTime => "the time was over (--timeout)".into(),
        error => error.to_string(),
    }
}

//! Cleaners on nodes: put there while all still works, told to begin when Cilium is gone.
//!
//! What lets one begin is an annotation of its pod. Its kubelet has to hear of it and to tell how it
//! ended; nothing else is needed any more, neither exec nor DNS nor the pods' network.

use std::{collections::BTreeMap, time::Duration};

use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kcilium_core::{
    facts::NodeName,
    leftovers::{CleaningOrder, CleaningSummary},
};
use serde_json::json;
use tokio::{sync::watch, time::Instant};

use super::{
    absence::Absence,
    identity::Purpose,
    object::{CONTAINER, GO},
    outcome::{Leftover, Printed, Swept},
    plan::Plan,
    progress::{Progress, said},
    removal::{self, Runs},
    survey::list,
    work::Work,
};
use crate::{Api, ApiError, Patch, collect::Resource};

/// How much longer than it may take in the end the staging is there: for cleaners that began late.
pub(super) const FINISH: Duration = Duration::from_mins(10);

/// How long reading a log may take: kubelets may not be reached any more.
const LOG: Duration = Duration::from_secs(10);

/// How often a cleaner has to have ended in trouble before that is its last word.
const TRIES: i32 = 3;

/// How far a cleaner is that was told to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cleaned {
    /// It is at it.
    Working,
    /// It has ended, and tells this.
    Ended(Box<CleaningSummary>),
    /// It will not end, or nobody knows how it did.
    Lost {
        /// Why.
        why: String,
    },
}

/// Cleaners that stand on nodes. Must be told to go with [`remove`](Self::remove).
pub struct Standing<'a> {
    api: Api,
    work: Work<'a>,
    plan: &'a Plan,
    ready: BTreeMap<NodeName, String>,
    absent: BTreeMap<NodeName, Absence>,
}

impl<'a> Standing<'a> {
    /// None stands yet. `stopped` keeps more from being put on nodes.
    pub fn new(api: &Api, plan: &'a Plan, stopped: watch::Receiver<bool>) -> Self {
        let run = plan.run.begun(api.server_time(), plan.time + FINISH);
        let work = Work::new(api.until(Instant::now() + plan.time), plan, run, stopped);
        let absent = plan.absent.iter().cloned();
        let absent = absent.map(|(errand, absence)| (errand.node, absence)).collect();
        Self { api: api.clone(), work, plan, ready: BTreeMap::new(), absent }
    }

    /// Removes what other runs have left, and puts cleaners on nodes. Must be done under the lock.
    pub async fn stand(&mut self) -> Vec<Swept> {
        let swept = removal::sweep(&self.api, Purpose::Clean, Runs::All).await;
        let mut ends = BTreeMap::new();
        if !self.plan.pods.is_empty() {
            match self.work.prepare().await {
                Ok(()) => self.work.pods(&mut ends, &ready).await,
                Err(absence) => {
                    let all = 0..self.plan.pods.len();
                    ends.extend(all.map(|number| (number, Err(absence.clone()))));
                }
            }
            self.work.explain(&mut ends).await;
        }
        for (number, end) in ends {
            let pod = &self.plan.pods[number];
            let node = pod.errand.node.clone();
            match end {
                Ok(()) => _ = self.ready.insert(node, pod.name.clone()),
                Err(Absence::Late) => {
                    let why = "its cleaner did not stand by in time".to_owned();
                    self.absent.insert(node, Absence::Failed { why });
                }
                Err(absence) => _ = self.absent.insert(node, absence),
            }
        }
        swept
    }

    /// Nodes with a cleaner.
    pub fn ready(&self) -> impl Iterator<Item = &NodeName> {
        self.ready.keys()
    }

    /// Nodes without one, and why.
    pub fn absent(&self) -> &BTreeMap<NodeName, Absence> {
        &self.absent
    }

    /// Where they are.
    pub fn namespace(&self) -> &str {
        self.work.namespace()
    }

    /// Until when they may be there, by the API server's clock.
    pub fn deadline(&self) -> jiff::Timestamp {
        self.work.run().deadline()
    }

    /// Tells the cleaner of a node to begin.
    ///
    /// # Errors
    /// When the API server does not take it. It may have come there all the same.
    pub async fn release(&self, node: &NodeName, word: &str) -> Result<(), ApiError> {
        let Some(pod) = self.ready.get(node) else { return Ok(()) };
        let path = format!("{}/{pod}", Resource::PODS.path(Some(self.namespace())));
        let change = json!({"metadata": {"annotations": {GO: word}}});
        self.api.patch(&path, Patch::Merge, &change).await.map(drop)
    }

    /// How far all cleaners are.
    ///
    /// # Errors
    /// When the API server does not say.
    pub async fn look(&self) -> Result<BTreeMap<NodeName, Cleaned>, ApiError> {
        let pods = self.work.all_pods(&self.api).await?;
        let found: BTreeMap<&str, &Pod> =
            pods.iter().filter_map(|pod| Some((pod.metadata.name.as_deref()?, pod))).collect();
        let gone = || Cleaned::Lost { why: "somebody deleted its pod".to_owned() };
        let far = |(node, name): (&NodeName, &String)| {
            let cleaned = found.get(name.as_str()).map_or_else(gone, |pod| cleaned(pod));
            (node.clone(), cleaned)
        };
        Ok(self.ready.iter().map(far).collect())
    }

    /// What the cleaner of a node printed.
    pub async fn printed(&self, node: &NodeName) -> Printed {
        let pod = self.ready.get(node).map_or("", String::as_str);
        let api = self.api.until(Instant::now() + LOG);
        self.work.log(&api, pod).await
    }

    /// Removes all of it.
    ///
    /// # Errors
    /// What is still there, and why.
    pub async fn remove(self) -> Result<(), Leftover> {
        if self.work.has_begun() {
            removal::remove(&self.api, self.work.run(), self.plan.egress).await
        } else {
            Ok(())
        }
    }
}

fn ready(progress: &Progress) -> Option<()> {
    (*progress == Progress::Ready).then_some(())
}

/// How far a cleaner is, by its pod.
fn cleaned(pod: &Pod) -> Cleaned {
    let Some(status) = &pod.status else { return Cleaned::Working };
    let statuses = status.container_statuses.iter().flatten();
    let container = statuses.into_iter().find(|container| container.name == CONTAINER);
    let terminated = container.and_then(|it| {
        let now = it.state.as_ref().and_then(|state| state.terminated.as_ref());
        now.or_else(|| it.last_state.as_ref().and_then(|state| state.terminated.as_ref()))
    });
    let summary = terminated.and_then(|end| CleaningSummary::parse(end.message.as_deref()?));
    let why = || {
        let end = terminated.map(|end| {
            let reason = end.reason.as_deref().unwrap_or_default();
            said(reason, end.message.as_deref().unwrap_or_default())
        });
        let of_pod = said(
            status.reason.as_deref().unwrap_or_default(),
            status.message.as_deref().unwrap_or_default(),
        );
        end.filter(|_| of_pod.is_empty()).unwrap_or(of_pod)
    };
    let tries = container.map_or(0, |it| it.restart_count);
    let runs = container.and_then(|it| it.state.as_ref()?.running.as_ref()).is_some();
    match (status.phase.as_deref(), summary) {
        (Some("Succeeded"), Some(summary)) => Cleaned::Ended(Box::new(summary)),
        (Some("Succeeded" | "Failed"), _) => Cleaned::Lost { why: why() },
        // It was started again.
        _ if runs => Cleaned::Working,
        // It will be, but that is not waited for for ever.
        (_, Some(summary)) if tries >= TRIES => Cleaned::Ended(Box::new(summary)),
        (_, None) if tries >= TRIES => Cleaned::Lost { why: why() },
        _ => Cleaned::Working,
    }
}

/// Removes cleaners of runs whose time is over.
pub async fn sweep_cleaners(api: &Api) -> Vec<Swept> {
    removal::sweep(api, Purpose::Clean, Runs::Overdue).await
}

/// What cleaners of earlier runs were told that are still there. A cluster whose definitions are gone
/// does not know its pods' addresses any more, and they do.
pub async fn earlier_orders(api: &Api) -> Vec<CleaningOrder> {
    let mut orders = Vec::new();
    for (_, run) in removal::others(api, Purpose::Clean).await {
        let namespace = run.namespace();
        let selector = [("labelSelector", run.selector())];
        let maps = list::<ConfigMap>(api, Resource::CONFIG_MAPS, Some(&namespace), &selector).await;
        for map in maps.unwrap_or_default() {
            let data = map.binary_data.into_iter().flatten();
            let texts = data.filter_map(|(_, data)| String::from_utf8(data.0).ok());
            orders.extend(texts.filter_map(|text| CleaningOrder::parse(&text).ok()));
        }
    }
    orders
}

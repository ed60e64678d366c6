//! Pods that have interfaces of a network that is gone.

use std::{collections::BTreeSet, time::Duration};

use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;
use kcilium_core::{facts::NodeName, removal::ObjectRef};
use serde::Deserialize;
use tokio::time::{Instant, sleep};

use super::{AT_ONCE, Event, Failure, PAUSE, Work, words};
use crate::{ApiError, Form, PageSize, Pages, collect::Resource};

/// How many are named that were not restarted.
const NAMED: usize = 5;

/// How long deleted pods are waited for: most have 30 s of grace.
const ENDS: Duration = Duration::from_mins(1);

/// A pod, as far as it matters here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pod {
    metadata: Metadata,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    namespace: String,
    name: String,
    uid: String,
    #[serde(default)]
    creation_timestamp: Option<Timestamp>,
    #[serde(default)]
    deletion_timestamp: Option<Timestamp>,
    #[serde(default)]
    owner_references: Vec<Owner>,
}

#[derive(Deserialize)]
struct Owner {
    kind: String,
    #[serde(default)]
    controller: bool,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    host_network: bool,
    node_name: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    phase: String,
}

impl Pod {
    /// Whether it lives in the pods' network since before that time.
    fn uses_the_network(&self, before: Timestamp) -> bool {
        let Self { metadata, spec, status } = self;
        !spec.host_network
            && metadata.creation_timestamp.is_none_or(|created| created < before)
            && !matches!(&*status.phase, "Succeeded" | "Failed")
    }

    /// Whether somebody makes it again. A kubelet does that with its own, which it reads from files.
    fn is_made_again(&self) -> bool {
        self.metadata.owner_references.iter().any(|it| it.controller && it.kind != "Node")
    }

    fn object(&self) -> ObjectRef {
        ObjectRef {
            api_version: "v1".to_owned(),
            kind: "Pod".to_owned(),
            plural: "pods".to_owned(),
            namespace: self.metadata.namespace.clone(),
            name: self.metadata.name.clone(),
            uid: self.metadata.uid.clone(),
        }
    }
}

impl Work<'_> {
    /// Deletes pods of the pods' network that are made again, on nodes that are cleaned, and waits for
    /// their ends. What nobody makes again stays.
    pub(super) async fn restart_pods(&self) -> Result<(), Failure> {
        let nodes = match &self.hosts {
            Some(hosts) => hosts.of_pods().await,
            None => BTreeSet::new(),
        };
        let pods = self.pods_of_the_network(&nodes).await.map_err(|error| words(&error))?;
        let (made_again, others): (Vec<&Pod>, Vec<&Pod>) =
            pods.iter().partition(|pod| pod.is_made_again());
        let what = format!("the deletion of {} pods", made_again.len());
        (self.tell)(&Event::Waiting { what });
        let deleted = stream::iter(made_again).map(|pod| async {
            if pod.metadata.deletion_timestamp.is_some() {
                return None;
            }
            if self.is_stopped() {
                return Some("interrupted".to_owned());
            }
            let object = pod.object();
            self.delete(&object).await.err().map(|why| format!("{object}: {why}"))
        });
        let failed: Vec<String> =
            deleted.buffer_unordered(AT_ONCE).filter_map(std::future::ready).collect().await;
        self.await_ends(&nodes, &pods).await;
        let stay = "nobody makes it again, so it was left";
        let others = others.into_iter().map(|pod| format!("{}: {stay}", pod.object()));
        let all: Vec<String> = failed.into_iter().chain(others).collect();
        match all.len().saturating_sub(NAMED) {
            _ if all.is_empty() => Ok(()),
            0 => Err(all.join("; ")),
            more => Err(format!("{}; and {more} more", all[..NAMED].join("; "))),
        }
    }

    /// Waits until pods are gone: a runtime that has no CNI configuration any more cannot end them.
    async fn await_ends(&self, nodes: &BTreeSet<NodeName>, pods: &[Pod]) {
        let until = Instant::now() + ENDS;
        let uids: BTreeSet<&str> =
            pods.iter().filter(|pod| pod.is_made_again()).map(|pod| &*pod.metadata.uid).collect();
        while !self.is_stopped() && Instant::now() < until {
            let left = self.pods_of_the_network(nodes).await;
            let left = left
                .map(|left| left.iter().filter(|pod| uids.contains(&*pod.metadata.uid)).count());
            match left {
                Ok(0) => return,
                Ok(left) => {
                    let what = format!("the ends of {left} pods");
                    (self.tell)(&Event::Waiting { what });
                }
                Err(_) => {}
            }
            sleep(PAUSE * 5).await;
        }
    }

    async fn pods_of_the_network(&self, nodes: &BTreeSet<NodeName>) -> Result<Vec<Pod>, ApiError> {
        #[derive(Deserialize)]
        struct List {
            #[serde(default)]
            metadata: ListMetadata,
            items: Vec<Pod>,
        }
        #[derive(Default, Deserialize)]
        struct ListMetadata {
            #[serde(rename = "continue", default)]
            resume: Option<String>,
        }
        let path = Resource::PODS.path(None);
        let pages = Pages { path: &path, query: &[], form: Form::Json, size: PageSize::Objects };
        let before = self.begun;
        self.api
            .list(&pages, |json| match serde_json::from_slice::<List>(json) {
                Ok(List { metadata, mut items }) => {
                    items.retain(|pod| {
                        pod.uses_the_network(before)
                            && nodes.contains(&NodeName::from(pod.spec.node_name.as_str()))
                    });
                    Ok((items, metadata.resume))
                }
                Err(error) => Err(ApiError::Unreadable { reason: error.to_string() }),
            })
            .await
    }
}

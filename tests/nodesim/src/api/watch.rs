//! Following the pods of a node: a list, and then its changes, through everything that may happen
//! to the server and the connection.

use std::time::Duration;

use futures_util::{StreamExt as _, pin_mut};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api,
    api::{ListParams, WatchEvent, WatchParams},
};
use tokio::time::timeout;

use super::{PATIENCE, Pause, within};

/// What happened to the pods.
#[derive(Debug)]
pub(crate) enum Change {
    /// These are all.
    Listed(Vec<Pod>),
    /// A pod is new or has changed.
    Applied(Pod),
    /// A pod is gone.
    Deleted(Pod),
}

/// How long the server may keep a watch open, in seconds; and then nothing may come of it either.
const WATCH: u32 = 290;

/// Tells of the pods bound to that node, for ever.
pub(crate) async fn follow(api: &Api<Pod>, node: &str, mut tell: impl FnMut(Change)) {
    let fields = format!("spec.nodeName={node}");
    let list = ListParams::default().fields(&fields);
    let mut pause = Pause::new();
    loop {
        let Ok(pods) = within(api.list(&list)).await else {
            pause.wait().await;
            continue;
        };
        let mut version = pods.metadata.resource_version.unwrap_or_default();
        tell(Change::Listed(pods.items));
        pause = Pause::new();
        // Until the version is too old to go on from, and a new list is needed.
        while let Broken { gone: false, quiet } = watch(api, &fields, &mut version, &mut tell).await
        {
            if quiet {
                pause.wait().await;
            } else {
                pause = Pause::new();
            }
        }
        pause.wait().await;
    }
}

/// How a watch ended.
struct Broken {
    /// The server does not know that version any more.
    gone: bool,
    /// Nothing had come before.
    quiet: bool,
}

async fn watch(
    api: &Api<Pod>,
    fields: &str,
    version: &mut String,
    tell: &mut impl FnMut(Change),
) -> Broken {
    let mut broken = Broken { gone: false, quiet: true };
    let params = WatchParams::default().fields(fields).timeout(WATCH);
    let events = match timeout(PATIENCE, api.watch(&params, version)).await {
        Ok(Ok(events)) => events,
        Ok(Err(kube::Error::Api(status))) => {
            broken.gone = status.code == 410;
            return broken;
        }
        Ok(Err(_)) | Err(_) => return broken,
    };
    pin_mut!(events);
    let limit = Duration::from_secs(u64::from(WATCH)) + PATIENCE;
    while let Ok(Some(Ok(event))) = timeout(limit, events.next()).await {
        let change = match event {
            WatchEvent::Added(pod) | WatchEvent::Modified(pod) => Change::Applied(pod),
            WatchEvent::Deleted(pod) => Change::Deleted(pod),
            WatchEvent::Bookmark(mark) => {
                *version = mark.metadata.resource_version;
                continue;
            }
            WatchEvent::Error(status) => {
                broken.gone = status.code == 410;
                return broken;
            }
        };
        broken.quiet = false;
        if let Change::Applied(pod) | Change::Deleted(pod) = &change
            && let Some(new) = &pod.metadata.resource_version
        {
            version.clone_from(new);
        }
        tell(change);
    }
    broken
}

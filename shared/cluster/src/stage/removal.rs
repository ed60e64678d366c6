//! Removing what was staged: by this run at its end, and by later ones if it could not.
//!
//! Object by object, and then the namespace: its own deletion waits for every API group to answer,
//! and where the network is broken the groups that pods serve do not.

use std::{collections::BTreeMap, time::Duration};

use k8s_openapi::{
    api::core::v1::{Namespace, Pod},
    apimachinery::pkg::apis::meta::v1::{DeleteOptions, Preconditions},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::time::{Instant, sleep};

use super::{
    identity::{Purpose, Run},
    outcome::{Leftover, Swept},
    plan::Egress,
    survey::list,
};
use crate::{Api, ApiError, collect::Resource};

/// How long programs have to end: that long in seconds to finish the step in hand, and that long
/// until kubelets confirm it. Those that are silent never do.
fn patience(purpose: Purpose) -> (i64, Duration) {
    match purpose {
        Purpose::Probe => (2, Duration::from_secs(6)),
        Purpose::Clean => (30, Duration::from_secs(40)),
    }
}

/// How long the namespace may take to go.
const NAMESPACE: Duration = Duration::from_secs(10);

/// How long removing may take, all in all.
const REMOVAL: Duration = Duration::from_secs(90);

/// How often is looked whether something is gone.
const PAUSE: Duration = Duration::from_millis(200);

/// Removes what belongs to this run.
pub(super) async fn remove(api: &Api, run: &Run, egress: Egress) -> Result<(), Leftover> {
    let api = &api.until(Instant::now() + REMOVAL);
    remove_until(api, run, egress, None).await
}

/// Until the client's deadline. With the namespace's uid no other of the same name is deleted.
async fn remove_until(
    api: &Api,
    run: &Run,
    egress: Egress,
    uid: Option<String>,
) -> Result<(), Leftover> {
    let namespace = run.namespace();
    // That these can be deleted one by one is not needed where the namespace goes.
    pods(api, run, &namespace).await;
    tokio::join!(
        collection(api, run, Resource::CONFIG_MAPS, &namespace, None),
        collection(api, run, Resource::SECRETS, &namespace, None),
        collection(api, run, Resource::SERVICE_ACCOUNTS, &namespace, None),
        async {
            if egress == Egress::Allowed {
                collection(api, run, Resource::CILIUM_POLICIES, &namespace, None).await;
            }
        },
    );
    let path = format!("{}/{namespace}", Resource::NAMESPACES.path(None));
    let preconditions = uid.map(|uid| Preconditions { uid: Some(uid), resource_version: None });
    let why = match api.delete(&path, &DeleteOptions { preconditions, ..options() }).await {
        Ok(()) => match await_end(api, &namespace).await {
            None => return Ok(()),
            Some(why) => why,
        },
        Err(error) => error.to_string(),
    };
    Err(Leftover { namespace, why, deadline: run.deadline() })
}

/// Deletes pods, and forces those that nobody ends.
async fn pods(api: &Api, run: &Run, namespace: &str) {
    let (grace, time) = patience(run.purpose());
    collection(api, run, Resource::PODS, namespace, Some(grace)).await;
    let until = Instant::now() + time;
    loop {
        let selector = [("labelSelector", run.selector())];
        match list::<Pod>(api, Resource::PODS, Some(namespace), &selector).await {
            Ok(left) if left.is_empty() => return,
            Ok(_) if Instant::now() < until => sleep(PAUSE).await,
            _ => break,
        }
    }
    collection(api, run, Resource::PODS, namespace, Some(0)).await;
}

/// Deletes a run's objects of a kind.
async fn collection(
    api: &Api,
    run: &Run,
    resource: Resource,
    namespace: &str,
    grace_period_seconds: Option<i64>,
) {
    let selector = run.selector();
    let selector = utf8_percent_encode(&selector, NON_ALPHANUMERIC);
    let path = format!("{}?labelSelector={selector}", resource.path(Some(namespace)));
    let options = DeleteOptions { grace_period_seconds, ..options() };
    if let Err(error) = api.delete(&path, &options).await {
        tracing::debug!(path, %error, "left to the namespace's deletion");
    }
}

fn options() -> DeleteOptions {
    DeleteOptions {
        api_version: Some("v1".to_owned()),
        kind: Some("DeleteOptions".to_owned()),
        propagation_policy: Some("Background".to_owned()),
        ..DeleteOptions::default()
    }
}

/// Waits until the namespace is gone; else why it is not.
async fn await_end(api: &Api, namespace: &str) -> Option<String> {
    let until = Instant::now() + NAMESPACE;
    loop {
        let selector = [("fieldSelector", format!("metadata.name={namespace}"))];
        match list::<Namespace>(api, Resource::NAMESPACES, None, &selector).await {
            Ok(found) => match found.first() {
                None => return None,
                Some(left) if Instant::now() >= until => return Some(terminating(left)),
                Some(_) => sleep(PAUSE).await,
            },
            // It was told to go, and whether it has cannot be seen.
            Err(ApiError::Forbidden { .. }) => return None,
            Err(error) if Instant::now() >= until => return Some(error.to_string()),
            Err(_) => sleep(PAUSE).await,
        }
    }
}

/// What a namespace says of its own end.
fn terminating(namespace: &Namespace) -> String {
    let conditions = namespace.status.iter().filter_map(|status| status.conditions.as_ref());
    let obstacles: Vec<&str> = conditions
        .flatten()
        .filter(|condition| condition.status == "True")
        .filter_map(|condition| condition.message.as_deref())
        .collect();
    match obstacles[..] {
        [] => "it is Terminating, and nothing says why it stays".into(),
        _ => format!("it is Terminating ({})", obstacles.join("; ")),
    }
}

/// Whose runs are removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Runs {
    /// Those whose own time is over. Those of others that still have time are left alone, and so is
    /// whatever does not say when its time is over.
    Overdue,
    /// All: whoever holds the lock knows that none is alive.
    All,
}

/// Removes what is left of other runs.
pub(super) async fn sweep(api: &Api, purpose: Purpose, runs: Runs) -> Vec<Swept> {
    let api = &api.until(Instant::now() + REMOVAL);
    let now = api.server_time();
    let mut swept = Vec::new();
    for (namespace, run) in others(api, purpose).await {
        let is_going = namespace.metadata.deletion_timestamp.is_some();
        if runs == Runs::Overdue && (is_going || run.deadline() >= now) {
            continue;
        }
        let name = run.namespace();
        // Nobody knows whether it had a policy.
        let left = remove_until(api, &run, Egress::Allowed, namespace.metadata.uid).await.err();
        swept.push(Swept { namespace: name, owner: run.owner().to_owned(), left });
    }
    swept
}

/// Runs that are there, with their namespaces.
pub(super) async fn others(api: &Api, purpose: Purpose) -> Vec<(Namespace, Run)> {
    let selector = [("labelSelector", Run::all(purpose))];
    let found = match list::<Namespace>(api, Resource::NAMESPACES, None, &selector).await {
        Ok(found) => found,
        Err(error) => {
            tracing::debug!(%error, "cannot look for what other runs have left");
            return Vec::new();
        }
    };
    let run = |namespace: Namespace| {
        let labels: BTreeMap<_, _> = namespace.metadata.labels.clone().unwrap_or_default();
        let name = namespace.metadata.name.clone().unwrap_or_default();
        Some((namespace, Run::of_namespace(&name, &labels)?))
    };
    found.into_iter().filter_map(run).collect()
}

//! The node as a client of the API server.

mod event;
mod watch;

pub(crate) use event::{Events, Kind};
pub(crate) use watch::{Change, follow};

use std::{path::Path, time::Duration};

use anyhow::{Context as _, Result};
use k8s_openapi::api::core::v1::{Node, NodeAddress, Pod};
use kube::{
    Api, Client, Config,
    api::{DeleteParams, Patch, PatchParams, Preconditions},
    config::{KubeConfigOptions, Kubeconfig},
};
use serde_json::{Value, json};
use tokio::time::{error::Elapsed, sleep, timeout};

/// How long a request may take; watches are another matter.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A client after that kubeconfig.
pub(crate) async fn client(kubeconfig: &Path) -> Result<Client> {
    let file = Kubeconfig::read_from(kubeconfig)
        .with_context(|| format!("read {}", kubeconfig.display()))?;
    let mut config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await?;
    // kube's own policy waits for up to a quarter of an hour; we have a loop of our own.
    config.default_retry = false;
    // The API servers that tests start are local, whatever the environment says of proxies.
    config.proxy_url = None;
    Client::try_from(config).context("make a client")
}

/// Why a request brought nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestError {
    #[error(transparent)]
    Kube(#[from] kube::Error),
    #[error("the API server does not answer")]
    Timeout(#[from] Elapsed),
}

impl RequestError {
    /// Whether the object does not exist.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Kube(kube::Error::Api(status)) if status.code == 404)
    }

    /// Whether the object is another one by now.
    fn is_conflict(&self) -> bool {
        matches!(self, Self::Kube(kube::Error::Api(status)) if status.code == 409)
    }

    /// The text, as a kubelet would quote it.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::Kube(kube::Error::Api(status)) => status.message.clone(),
            other => other.to_string(),
        }
    }
}

/// Waits that get longer with every failure.
#[derive(Debug)]
pub(crate) struct Pause(Duration);

impl Pause {
    pub(crate) fn new() -> Self {
        Self(Duration::from_millis(100))
    }

    pub(crate) async fn wait(&mut self) {
        sleep(self.0).await;
        self.0 = (self.0 * 2).min(Duration::from_secs(5));
    }
}

/// Makes a request with a deadline.
pub(crate) async fn within<T>(
    request: impl Future<Output = kube::Result<T>>,
) -> Result<T, RequestError> {
    Ok(timeout(PATIENCE, request).await??)
}

/// Reports a pod's status until the server has it; in vain if the pod is gone.
pub(crate) async fn report(api: &Api<Pod>, name: &str, uid: &str, status: &Value) {
    let patch = Patch::Strategic(json!({"metadata": {"uid": uid}, "status": status}));
    let params = PatchParams::default();
    let mut pause = Pause::new();
    loop {
        match within(api.patch_status(name, &params, &patch)).await {
            Ok(_) => return,
            Err(error) if error.is_not_found() || error.is_conflict() => return,
            Err(_) => pause.wait().await,
        }
    }
}

/// Removes a pod for good, once nothing of it runs any more.
pub(crate) async fn remove(api: &Api<Pod>, name: &str, uid: &str) {
    let preconditions = Preconditions { uid: Some(uid.to_owned()), resource_version: None };
    let mut how = DeleteParams::default().grace_period(0);
    how.preconditions = Some(preconditions);
    let mut pause = Pause::new();
    loop {
        match within(api.delete(name, &how)).await {
            Ok(_) => return,
            Err(error) if error.is_not_found() || error.is_conflict() => return,
            Err(_) => pause.wait().await,
        }
    }
}

/// Says in the Node object where the kubelet is reached.
///
/// The node's own address is one of its network namespace, where the API server is not. So there is
/// another one, of a type that API servers started with
/// `--kubelet-preferred-address-types=ExternalDNS` take first.
pub(crate) async fn announce(api: &Api<Node>, name: &str, port: u16) -> Result<()> {
    let node = within(api.get(name)).await.with_context(|| format!("get node {name}"))?;
    let status = node.status.unwrap_or_default();
    let mut addresses = status.addresses.unwrap_or_default();
    addresses.retain(|address| address.type_ != "ExternalDNS");
    let local = NodeAddress { type_: "ExternalDNS".to_owned(), address: "127.0.0.1".to_owned() };
    addresses.push(local);
    let patch = Patch::Merge(json!({"status": {
        "addresses": addresses,
        "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
    }}));
    within(api.patch_status(name, &PatchParams::default(), &patch))
        .await
        .with_context(|| format!("announce the kubelet of {name}"))?;
    Ok(())
}

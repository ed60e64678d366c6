//! A node that runs: the machine, and the tasks that serve it.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::{Api, Client};
use tokio::task::JoinSet;

use crate::{
    api::{self, Change, Events},
    config::NodeConfig,
    endpoint::Endpoint,
    kubelet::Kubelet,
    machine::Machine,
    pod::Worker,
    runtime::{ContainerRef, Exec, LogOptions, Logs, Process, Runtime, RuntimeError},
};

/// A running node. Dropping it kills whatever runs on it.
pub struct NodeSim {
    kubelet: Arc<Kubelet>,
    endpoint: Endpoint,
    /// Dropped with the node, which ends them.
    tasks: JoinSet<()>,
}

impl NodeSim {
    /// Boots a node, and begins to run the pods that are bound to it. Its Node object has to be
    /// there: the node writes into it where its kubelet endpoint is, on this machine's loopback.
    ///
    /// That becomes an address of the type `ExternalDNS`, besides the others: the node's own lies in
    /// its network namespace, where the API server cannot reach it. A real kube-apiserver takes it
    /// with `--kubelet-preferred-address-types=ExternalDNS`.
    pub async fn start(config: NodeConfig) -> Result<Self> {
        let client = api::client(&config.kubeconfig).await?;
        let (name, netns, root) = (config.name.clone(), config.netns.clone(), config.root.clone());
        let machine =
            tokio::task::spawn_blocking(move || Machine::boot(&name, &netns, &root)).await??;
        let (events, sending) = Events::new(client.clone(), &config.name);
        let kubelet = Arc::new(Kubelet::new(config, client, machine, events)?);
        let endpoint = Endpoint::start(Arc::new(Containers(Arc::clone(&kubelet)))).await?;
        let nodes: Api<Node> = Api::all(kubelet.client.clone());
        api::announce(&nodes, &kubelet.config.name, endpoint.port()).await?;
        let mut tasks = JoinSet::new();
        tasks.spawn(sending);
        tasks.spawn(serve(Arc::clone(&kubelet)));
        Ok(Self { kubelet, endpoint, tasks })
    }

    /// The containers, past the kubelet endpoint.
    pub fn containers(&self) -> Containers {
        Containers(Arc::clone(&self.kubelet))
    }

    /// The port of the kubelet endpoint.
    pub fn port(&self) -> u16 {
        self.endpoint.port()
    }

    /// Kills whatever runs on the node, and waits until it is gone.
    pub async fn stop(mut self) -> Result<()> {
        self.tasks.shutdown().await;
        let kubelet = Arc::clone(&self.kubelet);
        tokio::task::spawn_blocking(move || kubelet.machine.shutdown())
            .await
            .context("stop the node")
    }
}

impl Drop for NodeSim {
    fn drop(&mut self) {
        self.tasks.abort_all();
        self.kubelet.machine.shutdown();
    }
}

/// Gives each pod a task of its own.
async fn serve(kubelet: Arc<Kubelet>) {
    let client: Client = kubelet.client.clone();
    let api: Api<Pod> = Api::all(client);
    let mut workers = JoinSet::new();
    let name = kubelet.config.name.clone();
    api::follow(&api, &name, |change| {
        // Forgets those that have ended.
        while workers.try_join_next().is_some() {}
        match change {
            Change::Applied(pod) => apply(&kubelet, pod, &mut workers),
            Change::Deleted(pod) => gone(&kubelet, pod.metadata.uid.as_deref(), Some(pod.clone())),
            Change::Listed(pods) => {
                let uids: Vec<_> = pods.iter().map(|pod| pod.metadata.uid.clone()).collect();
                let known: Vec<_> = kubelet.pods.lock().keys().cloned().collect();
                for uid in known.into_iter().filter(|uid| !uids.contains(&Some(uid.clone()))) {
                    gone(&kubelet, Some(&uid), None);
                }
                for pod in pods {
                    apply(&kubelet, pod, &mut workers);
                }
            }
        }
    })
    .await;
}

fn apply(kubelet: &Arc<Kubelet>, pod: Pod, workers: &mut JoinSet<()>) {
    let Some(uid) = pod.metadata.uid.clone() else { return };
    let mut pods = kubelet.pods.lock();
    if let Some(worker) = pods.get(&uid) {
        worker.update(pod);
        return;
    }
    let worker = Arc::new(Worker::new(Arc::clone(kubelet), pod));
    pods.insert(uid.clone(), Arc::clone(&worker));
    let kubelet = Arc::clone(kubelet);
    workers.spawn(async move {
        worker.run().await;
        kubelet.pods.lock().remove(&uid);
    });
}

fn gone(kubelet: &Kubelet, uid: Option<&str>, last: Option<Pod>) {
    let pods = kubelet.pods.lock();
    if let Some(worker) = uid.and_then(|uid| pods.get(uid)) {
        worker.gone(last);
    }
}

/// The containers of a node.
#[derive(Clone)]
pub struct Containers(Arc<Kubelet>);

impl Containers {
    fn pod(&self, container: &ContainerRef) -> Option<Arc<Worker>> {
        self.0.pods.named(&container.namespace, &container.pod)
    }
}

impl Runtime for Containers {
    async fn exec(&self, container: &ContainerRef, exec: Exec) -> Result<Process, RuntimeError> {
        let missing = || RuntimeError::NotFound("pod does not exist".to_owned());
        let pod = self.pod(container).ok_or_else(missing)?;
        pod.exec(&container.container, exec).await
    }

    async fn logs(
        &self,
        container: &ContainerRef,
        options: LogOptions,
    ) -> Result<Logs, RuntimeError> {
        let missing =
            || RuntimeError::NotFound(format!("pod {:?} does not exist\n", container.pod));
        let pod = self.pod(container).ok_or_else(missing)?;
        pod.logs(&container.container, &options)
    }
}

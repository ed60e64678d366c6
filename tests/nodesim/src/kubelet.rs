//! What all pods of a node share.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::Ipv4Addr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::{Context as _, Result};
use k8s_openapi::api::core::v1::Node;
use kube::{Api, Client};

use crate::{
    api::{Events, within},
    config::NodeConfig,
    image::{self, Present, Runs},
    machine::Machine,
    pod::Worker,
};

/// The node behind its pods.
pub(crate) struct Kubelet {
    /// How the node was started.
    pub(crate) config: NodeConfig,
    /// The way to the API server.
    pub(crate) client: Client,
    /// What pods run on.
    pub(crate) machine: Machine,
    /// Where events go.
    pub(crate) events: Events,
    /// The pods by their UID.
    pub(crate) pods: Pods,
    images: BTreeMap<String, StoredImage>,
    plain: String,
    node: Mutex<Option<Node>>,
    addresses: Mutex<BTreeSet<Ipv4Addr>>,
}

/// An image on the node.
#[derive(Clone, Debug)]
pub(crate) struct StoredImage {
    /// Where it lies there.
    pub(crate) dir: String,
    /// What it runs by itself.
    pub(crate) command: Vec<String>,
    /// Whether it runs what pods ask for.
    pub(crate) runs: Runs,
}

/// The pods by their UID.
#[derive(Default)]
pub(crate) struct Pods(Mutex<HashMap<String, Arc<Worker>>>);

impl Pods {
    /// The map itself; hold it shortly.
    pub(crate) fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Worker>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The pod of that name; of two, one of which is ending, the newer one.
    pub(crate) fn named(&self, namespace: &str, name: &str) -> Option<Arc<Worker>> {
        let pods = self.lock();
        let named = pods.values().filter(|pod| pod.is(namespace, name));
        named.max_by_key(|pod| pod.created()).cloned()
    }
}

impl Kubelet {
    /// A kubelet of that machine, with the images put there.
    pub(crate) fn new(
        config: NodeConfig,
        client: Client,
        machine: Machine,
        events: Events,
    ) -> Result<Self> {
        let mut images = BTreeMap::new();
        for (number, (name, image)) in config.images.0.iter().enumerate() {
            let files = image.files.iter();
            let files = files.map(|(path, (content, mode))| (&**path, &**content, *mode));
            let dir = machine.image(number, files).with_context(|| format!("image {name}"))?;
            images.insert(
                name.clone(),
                StoredImage { dir, command: image.command.clone(), runs: image.runs },
            );
        }
        let plain = machine.image(images.len(), std::iter::empty())?;
        Ok(Self {
            config,
            client,
            machine,
            events,
            pods: Pods::default(),
            images,
            plain,
            node: Mutex::default(),
            addresses: Mutex::default(),
        })
    }

    /// The Node object, or while the server does not answer the one seen last.
    pub(crate) async fn node(&self) -> Node {
        let api: Api<Node> = Api::all(self.client.clone());
        let new = within(api.get(&self.config.name)).await.ok();
        let mut node = self.node.lock().unwrap_or_else(PoisonError::into_inner);
        if new.is_some() {
            *node = new;
        }
        node.clone().unwrap_or_default()
    }

    /// The node's own address.
    pub(crate) async fn host_ip(&self) -> String {
        let status = self.node().await.status.unwrap_or_default();
        let addresses = status.addresses.unwrap_or_default();
        let internal = addresses.into_iter().find(|address| address.type_ == "InternalIP");
        internal.map(|address| address.address).unwrap_or_default()
    }

    /// Whether the node has the image.
    pub(crate) async fn image(&self, name: &str) -> Option<Present> {
        let status = self.node().await.status.unwrap_or_default();
        image::find(&status.images.unwrap_or_default(), name)
    }

    /// What is in an image that the node has.
    pub(crate) fn content(&self, image: &Present) -> StoredImage {
        let known = image.names.iter().find_map(|name| self.images.get(name));
        let plain =
            || StoredImage { dir: self.plain.clone(), command: Vec::new(), runs: Runs::AsAsked };
        known.cloned().unwrap_or_else(plain)
    }

    /// A free address for a pod: the one that it had before the node was started, if it had one.
    pub(crate) fn take_address(&self, before: Option<Ipv4Addr>) -> Result<Ipv4Addr> {
        let mut taken = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        // The first one is the gateway's by custom.
        let others = self.config.pod_cidr.hosts().skip(1);
        let free = before.into_iter().chain(others).find(|address| !taken.contains(address));
        let free = free.context("no IP addresses available in range set")?;
        taken.insert(free);
        Ok(free)
    }

    /// The address is free again.
    pub(crate) fn return_address(&self, address: Ipv4Addr) {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner).remove(&address);
    }
}

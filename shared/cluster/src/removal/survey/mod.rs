//! Finding what of Cilium is in the API.
//!
//! Everything can fail alone, and is then unknown: what could not be looked at is never taken for
//! gone.

mod definitions;
mod manifest;
mod namespaces;
mod objects;
mod releases;
mod surroundings;

use kcilium_core::{
    decode::kubernetes::ReleaseContents,
    facts::{CiliumNode, Unavailable},
    removal::{Guardian, Inventory, KINDS, Meta, NODE_TAINT, NodeFound, Owners, Scope},
};

use super::{
    discovery::Discovery,
    read::{Reader, unavailable},
};
use crate::{Api, ApiError, Form, collect::Resource};

/// What to look for.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// Cilium's namespace, besides those that are found.
    pub namespace: Option<String>,
    /// Only this release.
    pub release: Option<String>,
    /// What of it is to be removed: nodes are told by what Cilium keeps of them.
    pub scope: Scope,
}

/// What was found.
pub struct Survey {
    /// All of it.
    pub inventory: Inventory,
    /// The releases with all that is in them.
    pub contents: Vec<ReleaseContents>,
}

/// Pods of Cilium's.
const PODS: [&str; 2] = [
    "k8s-app in (cilium,cilium-envoy,hubble-relay,hubble-ui,clustermesh-apiserver)",
    "io.cilium/app=operator",
];

/// Looks at a cluster. `progress` is told what is being done.
///
/// # Errors
/// When the API server cannot be reached, or accepts no request at all.
pub async fn survey(
    api: &Api,
    wish: &Wish,
    progress: &(dyn Fn(&str) + Sync),
) -> Result<Survey, ApiError> {
    let reader = Reader { api };
    let mut surveyor = Surveyor {
        reader,
        discovery: Discovery::new(api),
        wish,
        inventory: Inventory::default(),
        owners: Owners::default(),
    };
    let system = format!("{}/kube-system", Resource::NAMESPACES.path(None));
    match reader.one::<Meta>(&system, Form::Metadata).await {
        Ok(Some(system)) => surveyor.inventory.surroundings.cluster_uid = system.uid,
        Ok(None) => {}
        Err(error) if error.concerns_all_requests() => return Err(error),
        Err(error) => surveyor.unknown(unavailable(&error, "kube-system", "get", "namespaces")),
    }
    progress("looking for releases");
    let contents = surveyor.releases().await;
    surveyor.homes(&contents).await;
    progress("looking for objects of releases");
    surveyor.manifests(&contents).await;
    progress("looking for other objects");
    for kind in &KINDS {
        surveyor.kind(kind).await;
    }
    surveyor.slices().await;
    surveyor.namespaces().await;
    progress("looking for custom resources");
    surveyor.definitions().await;
    progress("looking at the rest of the cluster");
    surveyor.surroundings().await;
    surveyor.nodes().await;
    surveyor.cilium_nodes().await;
    surveyor.pods().await;
    surveyor.talos();
    Ok(Survey { inventory: surveyor.inventory, contents })
}

struct Surveyor<'a> {
    reader: Reader<'a>,
    discovery: Discovery<'a>,
    wish: &'a Wish,
    inventory: Inventory,
    owners: Owners,
}

impl Surveyor<'_> {
    fn unknown(&mut self, why: Unavailable) {
        self.inventory.unknown.push(why);
    }

    /// The metadata of a collection; what cannot be read is unknown.
    async fn metas(
        &mut self,
        resource: Resource,
        namespace: Option<&str>,
        selector: &str,
    ) -> Option<Vec<Meta>> {
        match self.reader.metas(&resource.path(namespace), selector).await {
            Ok(metas) => Some(metas),
            Err(error) => {
                let need = resource.need("list", namespace);
                self.unknown(error.unavailable(&resource.qualified(), &need));
                None
            }
        }
    }

    /// Namespaces that Cilium is in. Nearly all installations are in kube-system, and older ones of
    /// the same cluster may have left something there.
    async fn homes(&mut self, contents: &[ReleaseContents]) {
        let mut homes = vec!["kube-system".to_owned()];
        homes.extend(self.wish.namespace.clone());
        homes.extend(contents.iter().map(|it| it.release.namespace.clone()));
        if let Some(agents) = self.metas(Resource::DAEMON_SETS, None, "k8s-app=cilium").await {
            for agent in agents.iter().filter(|agent| agent.name == "cilium") {
                homes.push(agent.namespace.clone());
                // Its record may be lost, or may not be read.
                if let Some((namespace, name)) = agent.release() {
                    let release = (namespace.to_owned(), name.to_owned());
                    if !self.owners.others.contains(&release) {
                        self.owners.cilium.push(release);
                    }
                }
            }
        }
        homes.sort();
        homes.dedup();
        self.owners.homes.clone_from(&homes);
        self.inventory.homes = homes;
    }

    /// What Cilium wrote on nodes, and which are silent.
    async fn nodes(&mut self) {
        let path = Resource::NODES.path(None);
        let nodes = match self.reader.list::<NodeFound>(&path, Form::Json, &[]).await {
            Ok(nodes) => nodes,
            Err(error) => {
                return self.unknown(unavailable(&error, "nodes", "list", "nodes"));
            }
        };
        let around = &mut self.inventory.surroundings;
        around.nodes = Some(nodes.len());
        let own = around.node_taint.clone();
        for NodeFound { marks: mut node, host } in nodes {
            if self.wish.scope.has_nodes() {
                self.inventory.hosts.push(host);
            }
            node.taints.retain(|key| key == NODE_TAINT || own.as_ref() == Some(key));
            if node.is_silent {
                self.inventory.surroundings.silent_nodes.push(node.name.clone());
            }
            self.inventory.surroundings.is_talos |= node.is_talos;
            if node.is_marked() {
                self.inventory.nodes.push(node);
            }
        }
    }

    /// What Cilium gave to its nodes. Definitions that are gone know nothing of them any more.
    async fn cilium_nodes(&mut self) {
        if !self.wish.scope.has_nodes() {
            return;
        }
        let path = Resource::CILIUM_NODES.path(None);
        match self.reader.list::<CiliumNode>(&path, Form::Json, &[]).await {
            Ok(found) => self.inventory.add_cilium_nodes(found),
            Err(ApiError::NotFound { .. }) => {}
            Err(error) => self.unknown(unavailable(&error, "CiliumNodes", "list", "ciliumnodes")),
        }
    }

    /// Talos applies the manifests in its machine configuration again: at boots and upgrades. Helm's
    /// releases it does not know.
    fn talos(&mut self) {
        let has_agents = self.inventory.objects.iter().any(|it| it.object.kind == "DaemonSet");
        let is_applied = has_agents && self.inventory.releases.is_empty();
        if is_applied && self.inventory.surroundings.is_talos {
            self.inventory.guardians.push(Guardian::new(
                "Talos",
                "nodes run Talos, and no Helm release has the agents",
                "talosctl edit machineconfig: take Cilium out of cluster.inlineManifests and \
                 cluster.extraManifests",
            ));
        }
    }

    /// How many of Cilium's pods there are.
    async fn pods(&mut self) {
        for home in self.inventory.homes.clone() {
            for selector in PODS {
                let pods = self.metas(Resource::PODS, Some(&home), selector).await;
                self.inventory.pods += pods.map_or(0, |pods| pods.len());
            }
        }
    }
}

//! Casting a fleet's objects from their moulds.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use anyhow::Result;
use serde_json::{Value, json};

use super::{
    Fleet,
    layout::{Layout, Node, PAIR, Workload},
    pod::{self, Owner, State},
    serial::{Use, hex, letters, suffix, uid},
    shape::{self, CiliumObjects, Replicas},
};
use crate::{
    load,
    packed::{Mould, Object},
    resource::GroupResource,
    store::{Key, Store},
};

/// When the Deployments were rolled out, in turns.
const ROLLOUTS: [&str; 5] = [
    "2025-03-04T08:20:41Z",
    "2025-03-06T13:02:09Z",
    "2025-03-11T09:47:55Z",
    "2025-03-17T16:31:18Z",
    "2025-03-18T09:58:02Z",
];
const SYSTEM: &str = "kube-system";
/// The identity of the cluster DNS; the lower ones are reserved. Those of workloads follow.
const DNS_IDENTITY: usize = 256;

/// A kind and a mould of it.
#[derive(Clone)]
struct Cast {
    id: GroupResource,
    mould: Arc<Mould>,
}

impl Cast {
    fn new(group: &str, plural: &str, value: Value, gaps: &[&str]) -> Result<Self> {
        let id = GroupResource::new(group, plural);
        Ok(Self { id, mould: Arc::new(Mould::new(value, gaps)?) })
    }

    fn put(&self, store: &mut Store, namespace: &str, name: &str, fillings: &[&str]) {
        let object = Object::cast(&self.mould, fillings);
        store.put_packed(&self.id, &Key::new(namespace, name), &object);
    }
}

/// What the pods of one workload have in common.
struct Pods<'a> {
    namespace: &'a str,
    app: &'a str,
    /// The ReplicaSet or DaemonSet.
    owner: &'a str,
    owner_uid: &'a str,
    hash: &'a str,
}

/// Which of the pods with an address of their own one is.
struct Networked {
    number: usize,
    identity: usize,
    /// Which of the rollouts it is from.
    age: usize,
}

/// Puts a fleet's objects into a store.
pub(super) struct Caster<'a> {
    store: &'a mut Store,
    layout: &'a Layout,
    template: Value,
    cilium_node: Cast,
    identity: Cast,
    /// By rollout.
    endpoints: Vec<Cast>,
    /// By rollout and state.
    pods: HashMap<(usize, State), Cast>,
    /// By rollout; Deployment and ReplicaSet.
    workloads: HashMap<(usize, Replicas), (Cast, Cast)>,
    /// How many pods there are so far.
    count: usize,
}

impl<'a> Caster<'a> {
    pub(super) fn new(store: &'a mut Store, layout: &'a Layout) -> Result<Self> {
        let objects = CiliumObjects::read()?;
        let cilium = |plural, value, gaps| Cast::new("cilium.io", plural, value, gaps);
        let endpoints = ROLLOUTS.iter().map(|created| {
            cilium("ciliumendpoints", objects.endpoint(created), shape::ENDPOINT_GAPS)
        });
        Ok(Self {
            store,
            layout,
            template: shape::workload()?,
            endpoints: endpoints.collect::<Result<_>>()?,
            cilium_node: cilium("ciliumnodes", objects.node, shape::CILIUM_NODE_GAPS)?,
            identity: cilium("ciliumidentities", objects.identity, shape::IDENTITY_GAPS)?,
            pods: HashMap::new(),
            workloads: HashMap::new(),
            count: 0,
        })
    }

    /// The Nodes and CiliumNodes.
    pub(super) fn nodes(&mut self) -> Result<()> {
        let kind = Cast::new("", "nodes", shape::node()?, shape::NODE_GAPS)?;
        for node in &self.layout.nodes {
            let zone = format!("zone-{}", node.index % 3);
            let (ip, cidr) = (node.ip.to_string(), node.cidr.to_string());
            let (internal, health) = (node.pod_ip(2).to_string(), node.pod_ip(3).to_string());
            let boot = uid(Use::Boot, node.index);
            let machine = hex(Use::Machine, node.index, 32);
            let (name, own) = (&node.name, uid(Use::CiliumNode, node.index));
            let fillings =
                [name, &node.uid, &zone, &ip, &cidr, &internal, &health, &boot, &machine];
            kind.put(self.store, "", name, &fillings.map(String::as_str));
            let fillings = [name, &own, &node.uid, &zone, &ip, &cidr, &internal, &health];
            self.cilium_node.put(self.store, "", name, &fillings.map(String::as_str));
        }
        Ok(())
    }

    /// Cilium, the cluster DNS, and what kubeadm leaves.
    pub(super) fn system(&mut self, fleet: &Fleet) -> Result<()> {
        let [cilium, operator, dns] = [0, 1, 2].map(|n| uid(Use::System, n));
        let objects = shape::cluster(&[
            ("api_server", &self.layout.nodes[0].ip.to_string()),
            ("pod_network", &fleet.pod_network.to_string()),
            ("nodes", &fleet.nodes.to_string()),
            ("cilium_uid", &cilium),
            ("operator_uid", &operator),
            ("dns_uid", &dns),
        ])?;
        for object in objects {
            match object["kind"].as_str() {
                Some("DaemonSet") => self.agents(&object)?,
                Some("Deployment") => self.pair(&object)?,
                _ => {}
            }
            load::load(self.store, object)?;
        }
        Ok(())
    }

    /// The pods of a DaemonSet on every node's own network.
    fn agents(&mut self, set: &Value) -> Result<()> {
        let value =
            pod::pod(&set["spec"]["template"], Owner::DaemonSet, State::Running, ROLLOUTS[0]);
        let kind = Cast::new("", "pods", value, pod::GAPS)?;
        let owner_uid = set["metadata"]["uid"].as_str().unwrap_or_default();
        let hash = letters(Use::System, 0, 10);
        let pods = Pods { namespace: SYSTEM, app: "", owner: "cilium", owner_uid, hash: &hash };
        for node in &self.layout.nodes {
            self.pod(&kind, &pods, node, &node.ip.to_string());
        }
        Ok(())
    }

    /// The ReplicaSet and the two pods of a Deployment of the system.
    fn pair(&mut self, deployment: &Value) -> Result<()> {
        let of = |field: &str| deployment["metadata"][field].as_str().unwrap_or_default();
        let (app, deployment_uid) = (of("name"), of("uid"));
        let set = shape::replica_set(deployment, Replicas { wanted: PAIR, ready: PAIR });
        let set = Cast::new("apps", "replicasets", set, shape::REPLICA_SET_GAPS)?;
        let (hash, owner_uid) =
            (letters(Use::System, self.count, 10), uid(Use::System, self.count));
        let owner = format!("{app}-{hash}");
        set.put(self.store, SYSTEM, &owner, &[app, SYSTEM, &owner_uid, deployment_uid, &hash]);
        let template = &deployment["spec"]["template"];
        let value = pod::pod(template, Owner::ReplicaSet, State::Running, ROLLOUTS[0]);
        let kind = Cast::new("", "pods", value, pod::GAPS)?;
        let (owner, owner_uid) = (owner.as_str(), owner_uid.as_str());
        let pods = Pods { namespace: SYSTEM, app, owner, owner_uid, hash: &hash };
        let host_network = template["spec"]["hostNetwork"] == json!(true);
        for number in 0..PAIR {
            if host_network {
                let node = &self.layout.nodes[number % self.layout.nodes.len()];
                self.pod(&kind, &pods, node, &node.ip.to_string());
            } else {
                let which = Networked { number, identity: DNS_IDENTITY, age: 0 };
                self.networked(&kind, &pods, &which);
            }
        }
        if !host_network {
            self.put_identity(DNS_IDENTITY, SYSTEM, app);
        }
        Ok(())
    }

    /// A Deployment, its ReplicaSet and pods, and what Cilium makes for them.
    ///
    /// The first pods of the fleet are the ones that hang.
    pub(super) fn workload(&mut self, workload: &Workload, pulling: usize) -> Result<()> {
        let age = workload.index % ROLLOUTS.len();
        let running = (PAIR + pulling).clamp(workload.pods.start, workload.pods.end);
        let replicas = Replicas { wanted: workload.pods.len(), ready: workload.pods.end - running };
        let (deployment, set) = self.shapes(age, replicas)?;
        let (namespace, app) = (workload.namespace.as_str(), workload.app.as_str());
        let deployment_uid = uid(Use::Deployment, workload.index);
        deployment.put(self.store, namespace, app, &[app, namespace, &deployment_uid]);
        let hash = letters(Use::TemplateHash, workload.index, 10);
        let (owner, owner_uid) = (format!("{app}-{hash}"), uid(Use::ReplicaSet, workload.index));
        let fillings = [app, namespace, &owner_uid, &deployment_uid, &hash];
        set.put(self.store, namespace, &owner, &fillings);
        self.identity(workload.index, namespace, app);
        let pods = Pods { namespace, app, owner: &owner, owner_uid: &owner_uid, hash: &hash };
        for number in workload.pods.clone() {
            let state = if number < running { State::Pulling } else { State::Running };
            let kind = self.pod_shape(age, state)?;
            let identity = DNS_IDENTITY + 1 + workload.index;
            self.networked(&kind, &pods, &Networked { number, identity, age });
        }
        // The history of all this would be as large as the objects.
        self.store.compact();
        Ok(())
    }

    fn shapes(&mut self, age: usize, replicas: Replicas) -> Result<(Cast, Cast)> {
        Ok(match self.workloads.entry((age, replicas)) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(place) => {
                let value = shape::deployment(&self.template, replicas, ROLLOUTS[age]);
                let set = shape::replica_set(&value, replicas);
                let set = Cast::new("apps", "replicasets", set, shape::REPLICA_SET_GAPS)?;
                let gaps = &["app", "namespace", "uid"];
                place.insert((Cast::new("apps", "deployments", value, gaps)?, set)).clone()
            }
        })
    }

    fn pod_shape(&mut self, age: usize, state: State) -> Result<Cast> {
        Ok(match self.pods.entry((age, state)) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(place) => {
                let template = &self.template["spec"]["template"];
                let value = pod::pod(template, Owner::ReplicaSet, state, ROLLOUTS[age]);
                place.insert(Cast::new("", "pods", value, pod::GAPS)?).clone()
            }
        })
    }

    /// The identity of the workload with that number.
    pub(super) fn identity(&mut self, index: usize, namespace: &str, app: &str) {
        self.put_identity(DNS_IDENTITY + 1 + index, namespace, app);
    }

    fn put_identity(&mut self, number: usize, namespace: &str, app: &str) {
        let (name, uid) = (number.to_string(), uid(Use::Identity, number));
        self.identity.put(self.store, "", &name, &[&name, &uid, namespace, app]);
    }

    /// A pod with an address of its own, and its endpoint.
    fn networked(&mut self, kind: &Cast, pods: &Pods<'_>, which: &Networked) {
        let (node, ip) = self.layout.place(which.number);
        let ip = ip.to_string();
        let (name, pod_uid, id) = self.pod(kind, pods, node, &ip);
        let endpoint_uid = uid(Use::Endpoint, which.number);
        let endpoint = (which.number / self.layout.nodes.len() + 10).to_string();
        let (identity, host) = (which.identity.to_string(), node.ip.to_string());
        let fillings = [
            &name,
            pods.namespace,
            &endpoint_uid,
            &pod_uid,
            pods.app,
            pods.hash,
            &id,
            &endpoint,
            &identity,
            &ip,
            &host,
        ];
        self.endpoints[which.age].put(self.store, pods.namespace, &name, &fillings);
    }

    /// A pod; gives its name, its uid and what its container IDs begin with.
    fn pod(
        &mut self,
        kind: &Cast,
        pods: &Pods<'_>,
        node: &Node,
        ip: &str,
    ) -> (String, String, String) {
        let number = self.count;
        self.count += 1;
        let name = format!("{}-{}", pods.owner, suffix(number));
        let (uid, id) = (uid(Use::Pod, number), hex(Use::Container, number, 62));
        let (token, host) = (letters(Use::Token, number, 5), node.ip.to_string());
        let fillings = [
            &name,
            pods.namespace,
            &uid,
            &node.name,
            &host,
            ip,
            pods.owner,
            pods.owner_uid,
            pods.hash,
            &token,
            &id,
            pods.app,
        ];
        kind.put(self.store, pods.namespace, &name, &fillings);
        (name, uid, id)
    }
}

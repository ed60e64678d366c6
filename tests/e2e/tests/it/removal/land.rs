//! A cluster that something is removed from: with a kubelet that lets pods end, and without nodes.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

use kubesim::{Backend, Cluster, Config, KubeSim, Scenario};
use serde_json::Value;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::{doctor::Run, program};

/// Objects by what they are called: `plural.group namespace/name`.
pub(super) type Objects = BTreeMap<String, Value>;

pub(super) struct Land {
    kubelet: JoinHandle<()>,
    cluster: Arc<Cluster>,
    folder: TempDir,
}

impl Drop for Land {
    fn drop(&mut self) {
        self.kubelet.abort();
    }
}

impl Land {
    /// A scenario, and more objects.
    pub(super) async fn new(scenario: &str, more: &str) -> Self {
        let scenario = match scenario {
            "empty" => Scenario::empty(),
            name => Scenario::named(name).unwrap(),
        };
        let cluster = Cluster::start(&scenario, Backend::Kubesim(Config::default())).await.unwrap();
        let cluster = Arc::new(cluster);
        cluster.sim().unwrap().load(more).unwrap();
        let kubelet = tokio::spawn(kubelet(Arc::clone(&cluster)));
        Self { kubelet, cluster, folder: TempDir::new().unwrap() }
    }

    pub(super) fn sim(&self) -> &KubeSim {
        self.cluster.sim().unwrap()
    }

    pub(super) fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    pub(super) fn kubeconfig(&self) -> PathBuf {
        self.cluster.kubeconfig()
    }

    /// Where the program runs.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The program, to be started. Nodes are left as they are: there are none behind the objects.
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program::uninstall());
        if arguments.first().is_none_or(|first| first.starts_with('-')) {
            command.args(["--scope", "cluster"]);
        }
        command.args(arguments).arg("--kubeconfig").arg(self.kubeconfig());
        command.current_dir(self.folder());
        command
    }

    /// Runs the program.
    pub(super) async fn run(&self, arguments: &[&str]) -> Run {
        let mut command = self.command(arguments);
        tokio::task::spawn_blocking(move || Run::of(&mut command)).await.unwrap()
    }

    /// All that is stored, without what the server counts.
    pub(super) fn objects(&self) -> Objects {
        let store = self.sim().store();
        let mut objects = Objects::new();
        for resource in store.registry.all().iter().filter(|it| it.stored()) {
            for (key, object) in store.all(&resource.id) {
                let mut value = object.value();
                for field in ["resourceVersion", "managedFields", "generation"] {
                    value["metadata"].as_object_mut().unwrap().remove(field);
                }
                let id = &resource.id;
                let name = format!("{}.{} {}/{}", id.plural, id.group, key.namespace, key.name);
                objects.insert(name, value);
            }
        }
        objects
    }

    /// Requests that change something, since the start.
    pub(super) fn writes(&self) -> Vec<String> {
        let entries = self.sim().journal().entries();
        let writes = entries.into_iter().filter(|entry| entry.method != "GET");
        writes.map(|entry| format!("{} {}", entry.method, entry.route)).collect()
    }

    /// See [`forget_lock`].
    pub(super) fn forget_lock(&self) {
        forget_lock(self.sim());
    }
}

/// As if the time of a lock of a killed run were over.
pub(super) fn forget_lock(sim: &KubeSim) {
    let id = kubesim::GroupResource::new("coordination.k8s.io", "leases");
    let key = kubesim::Key::new("kube-system", "kubectl-cilium-uninstall");
    sim.store().remove(&id, &key);
}

/// Lets pods that were told to go be gone.
async fn kubelet(cluster: Arc<Cluster>) {
    loop {
        tokio::time::sleep(Duration::from_millis(10)).await;
        let mut store = cluster.sim().unwrap().store();
        for (id, key) in store.dying() {
            if &*id.plural == "pods" && id.group.is_empty() {
                store.remove(&id, &key);
            }
        }
    }
}

/// Names that are in one and not in the other.
pub(super) fn gone(before: &Objects, after: &Objects) -> BTreeSet<String> {
    before.keys().filter(|name| !after.contains_key(*name)).cloned().collect()
}

/// What a plan in JSON deletes, in the same names.
pub(super) fn planned(plan: &Value) -> BTreeSet<String> {
    let name = |object: &Value| {
        let text = |field: &str| object[field].as_str().unwrap_or_default().to_owned();
        let version = text("apiVersion");
        let group = version.rsplit_once('/').map_or("", |(group, _)| group);
        format!("{}.{group} {}/{}", text("plural"), text("namespace"), text("name"))
    };
    let mut names = BTreeSet::new();
    for step in plan["steps"].as_array().unwrap() {
        match step["do"].as_str().unwrap() {
            "delete" => _ = names.insert(name(&step["object"])),
            "delete-definition" => _ = names.insert(name(&step["resources"]["definition"])),
            "forget-release" => {
                names.extend(step["release"]["records"].as_array().unwrap().iter().map(name));
            }
            _ => {}
        }
    }
    names
}

/// What people have beside Cilium, and what only looks like a part of it.
pub(super) const PEOPLES: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: cilium-testing-prod}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: client, namespace: cilium-testing-prod}
spec:
  selector: {matchLabels: {app: client}}
  template: {metadata: {labels: {app: client}}, spec: {containers: [{name: a, image: 'a:1'}]}}
---
apiVersion: v1
kind: Secret
metadata: {name: cilium-ipsec-keys, namespace: kube-system}
data: {keys: Yg==}
---
apiVersion: v1
kind: Secret
metadata: {name: my-tls, namespace: kube-system, labels: {app.kubernetes.io/part-of: cilium}}
data: {keys: Yg==}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: ip-masq-agent, namespace: kube-system}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: mine, namespace: default}
spec: {podSelector: {}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: tracingpolicies.cilium.io}
spec:
  group: cilium.io
  scope: Cluster
  names: {kind: TracingPolicy, plural: tracingpolicies, singular: tracingpolicy, listKind: TracingPolicyList}
  versions:
  - {name: v1alpha1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gateways.gateway.networking.k8s.io}
spec:
  group: gateway.networking.k8s.io
  scope: Namespaced
  names: {kind: Gateway, plural: gateways, singular: gateway, listKind: GatewayList}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}
";

/// What of Cilium no release has.
pub(super) const REMAINS: &str = "
apiVersion: v1
kind: Secret
metadata: {name: hubble-server-certs, namespace: kube-system}
data: {keys: Yg==}
---
apiVersion: v1
kind: Namespace
metadata: {name: cilium-test-1, labels: {app.kubernetes.io/name: cilium-cli}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: far
  namespace: default
  labels: {endpointslice.kubernetes.io/managed-by: endpointslice-mesh-controller.cilium.io}
addressType: IPv4
endpoints: []
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: allow
  namespace: default
  annotations: {note: 'yes'}
spec: {endpointSelector: {}, description: 'on'}
";

/// Marks that agents leave on a node.
pub(super) fn mark_node(land: &Land, name: &str) {
    let id = kubesim::GroupResource::new("", "nodes");
    let key = kubesim::Key::new("", name);
    let mut store = land.sim().store();
    let mut node = store.get(&id, &key).unwrap().value();
    node["metadata"]["annotations"]["network.cilium.io/ipv4-pod-cidr"] = "10.244.0.0/24".into();
    node["metadata"]["annotations"]["mine"] = "x".into();
    let mut taints = node["spec"]["taints"].as_array().cloned().unwrap_or_default();
    taints
        .push(serde_json::json!({"key": "node.cilium.io/agent-not-ready", "effect": "NoSchedule"}));
    taints.push(serde_json::json!({"key": "mine", "effect": "NoSchedule"}));
    node["spec"]["taints"] = taints.into();
    store.put(&id, &key, &node);
}

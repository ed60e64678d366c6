//! Nodes with kubelets behind an API server, and a small program to put on them.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use flate2::{Compression, write::GzEncoder};
use kubesim::{Backend, Cluster, Config, GroupResource, Key, KubeSim, Scenario, User};
use netlab::Lab;
use nodesim::{Images, NodeConfig, NodeSim};
use serde_json::{Value, json};

use crate::{doctor::Run, program};

/// Cilium's image, by digest.
pub(crate) const AGENT: &str =
    "quay.io/cilium/cilium@sha256:6263f3a3d5d63b267b538298dbeb5ae87da3efacf09a2c620446c873ba807d35";

/// Another image with a shell.
pub(crate) const BUSYBOX: &str = "docker.io/library/busybox:1.36";

/// What all namespaces of runs are called.
const PREFIX: &str = "kcilium-probe-";

/// Tells what it was asked and how it came about; or stays until it is told to go.
const PROGRAM: &str = r#"#!/bin/sh
request=$(cat)
echo "{\"asked\":\"$request\",\"arguments\":\"$*\"}"
if [ "$request" = stay ]; then
    trap 'printf "cut short" >/dev/termination-log; exit 0' TERM
    sleep 100 &
    wait
fi
printf 'done: %s' "$request" >/dev/termination-log
exit 0
"#;

/// An API server, and nodes of which some have a kubelet.
pub(crate) struct Site {
    // In the order in which they are to end.
    nodes: Vec<NodeSim>,
    cluster: Cluster,
    lab: Lab,
}

impl Site {
    /// Nodes by name, with a kubelet, and with an agent whose image they have.
    pub(crate) async fn with(label: &str, names: &[&str]) -> Self {
        let mut site = Self::empty(label).await;
        for name in names {
            site.add_node(name, &[AGENT, "quay.io/cilium/cilium:v1.14.2"]).await;
            site.load(&agent(name));
        }
        for name in names {
            site.await_agent(name).await;
        }
        site
    }

    /// No nodes yet.
    pub(crate) async fn empty(label: &str) -> Self {
        let backend = Backend::Kubesim(Config::default());
        let site = Self {
            cluster: Cluster::start(&Scenario::empty(), backend).await.unwrap(),
            nodes: Vec::new(),
            lab: Lab::new(label).unwrap(),
        };
        fs::write(site.program(), gzipped(PROGRAM.as_bytes())).unwrap();
        site
    }

    /// A node with a kubelet and these images.
    pub(crate) async fn add_node(&mut self, name: &str, images: &[&str]) {
        self.load(&node(name, images, "True"));
        let namespace = self.lab.namespace(name).unwrap();
        namespace.ip_batch("link set lo up\n").unwrap();
        let root = self.lab.dir().join(name);
        fs::create_dir_all(root.join("etc")).unwrap();
        fs::write(root.join("etc/resolv.conf"), "nameserver 10.0.0.1\n").unwrap();
        let netns = Path::new("/run/netns").join(namespace.name());
        let mut config = NodeConfig::new(name, &netns, &root, &self.cluster.kubeconfig());
        config.images = Images::new();
        config.backoff = Duration::from_millis(300);
        self.nodes.push(NodeSim::start(config).await.unwrap());
    }

    /// Until the kubelet has told which image the agent has.
    async fn await_agent(&self, name: &str) {
        let key = Key::new("kube-system", &format!("cilium-{name}"));
        let begun = Instant::now();
        loop {
            let pod =
                self.sim().store().get(&GroupResource::new("", "pods"), &key).unwrap().value();
            let state = &pod["status"]["containerStatuses"][0]["state"]["running"];
            if state.is_object() {
                return;
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "{}", pod["status"]);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) fn sim(&self) -> &KubeSim {
        self.cluster.sim().unwrap()
    }

    pub(crate) fn load(&self, object: &Value) {
        self.sim().load(&object.to_string()).unwrap();
    }

    /// The file of the program.
    pub(crate) fn program(&self) -> PathBuf {
        self.cluster.directory().join("program.gz")
    }

    /// The command that puts the program on nodes, after `stage`.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.command_as(&self.cluster.kubeconfig(), arguments)
    }

    fn command_as(&self, kubeconfig: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program::sample());
        command.args(["stage", "--kubeconfig"]).arg(kubeconfig);
        command.arg("--node-agent").arg(self.program());
        command.args(["--seconds", "300", "--timeout", "120s"]).args(arguments);
        command.stdin(Stdio::null());
        command
    }

    /// Puts the program on nodes without asking.
    pub(crate) async fn stage(&self, arguments: &[&str]) -> Run {
        Self::ended(self.command(&[&["--probe=always"], arguments].concat())).await
    }

    /// The same as that user.
    pub(crate) async fn stage_as(&self, user: &User, arguments: &[&str]) -> Run {
        let path = self.cluster.directory().join(format!("{}.kubeconfig", user.name));
        fs::write(&path, self.cluster.certificate_kubeconfig(user).unwrap()).unwrap();
        Self::ended(self.command_as(&path, &[&["--probe=always"], arguments].concat())).await
    }

    async fn ended(mut command: Command) -> Run {
        tokio::task::spawn_blocking(move || Run::of(&mut command)).await.unwrap()
    }

    /// Begins to put the program on nodes, where it stays, and waits until it runs.
    pub(crate) async fn staying(&self, arguments: &[&str]) -> Child {
        let stay = ["--probe=always", "--request", "stay"];
        let mut command = self.command(&[&stay, arguments].concat());
        command.env("NO_COLOR", "1").stdout(Stdio::piped()).stderr(Stdio::piped());
        let wanted = arguments.iter().filter(|word| **word == "--on").count();
        let before = self.running();
        let child = command.spawn().unwrap();
        let begun = Instant::now();
        while self.running() < before + wanted {
            assert!(begun.elapsed() < Duration::from_secs(30), "{:#?}", self.staged("pods"));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        child
    }

    /// How many programs run.
    fn running(&self) -> usize {
        let pods = self.staged("pods");
        let is_running =
            |pod: &&Value| pod["status"]["containerStatuses"][0]["state"]["running"].is_object();
        pods.iter().filter(is_running).count()
    }

    /// What is staged of a kind.
    pub(crate) fn staged(&self, plural: &str) -> Vec<Value> {
        let store = self.sim().store();
        let id = GroupResource::new("", plural);
        let is_staged =
            |key: &Key| key.namespace.starts_with(PREFIX) || key.name.starts_with(PREFIX);
        let staged = store.all(&id).filter(|(key, _)| is_staged(key));
        staged.map(|(_, object)| object.value()).collect()
    }

    /// The namespaces of runs.
    pub(crate) fn namespaces(&self) -> Vec<String> {
        let namespaces = self.staged("namespaces");
        let name = |it: &Value| it["metadata"]["name"].as_str().unwrap().to_owned();
        namespaces.iter().map(name).collect()
    }

    /// Nothing is left of any run.
    pub(crate) fn assert_empty(&self) {
        for plural in ["namespaces", "pods", "configmaps", "secrets", "serviceaccounts", "events"] {
            let left = self.staged(plural);
            assert!(left.is_empty(), "{plural}: {left:#?}");
        }
    }

    /// Changes an object as it is stored.
    pub(crate) fn change(&self, plural: &str, key: &Key, change: impl FnOnce(&mut Value)) {
        let id = GroupResource::new("", plural);
        let mut store = self.sim().store();
        let mut object = store.get(&id, key).unwrap().value();
        change(&mut object);
        store.put(&id, key, &object);
    }
}

/// The text gzipped.
pub(crate) fn gzipped(program: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(program).unwrap();
    encoder.finish().unwrap()
}

/// The program with so many bytes behind it that no compression helps against.
pub(crate) fn large_program(size: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let noise = (0..size).map(|_| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    });
    gzipped(&PROGRAM.bytes().chain(noise).collect::<Vec<u8>>())
}

/// A node; `ready` is the status of its condition.
pub(crate) fn node(name: &str, images: &[&str], ready: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name},
        "status": {
            "nodeInfo": {"architecture": "amd64", "operatingSystem": "linux"},
            "addresses": [{"type": "InternalIP", "address": "10.0.0.124"}],
            "conditions": [{"type": "Ready", "status": ready,
                "reason": "NodeStatusUnknown", "message": "Kubelet stopped posting node status."}],
            "images": [{"names": images}],
        },
    })
}

/// The agent of a node.
pub(crate) fn agent(node: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": format!("cilium-{node}"), "namespace": "kube-system",
            "labels": {"k8s-app": "cilium"}},
        "spec": {
            "nodeName": node,
            "hostNetwork": true,
            "containers": [{
                "name": "cilium-agent",
                "image": "quay.io/cilium/cilium:v1.14.2",
                "command": ["sleep", "1000"],
            }],
        },
    })
}

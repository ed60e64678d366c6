//! An API server with one node.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use kubesim::{Backend, Cluster, Config, KubeSim, Scenario};
use netlab::Lab;
use nodesim::{Containers, Image, Images, NodeConfig, NodeSim};
use tokio::process::Command;

/// The image that the node has.
pub(crate) const IMAGE: &str = "quay.io/cilium/cilium:v1.14.2";

fn tools() -> PathBuf {
    let home = |name: &str| std::env::var_os(name).map(PathBuf::from);
    home("KCILIUM_TOOLS").unwrap_or_else(|| {
        let cache = home("XDG_CACHE_HOME")
            .or_else(|| home("HOME").map(|home| home.join(".cache")))
            .expect("a home directory");
        cache.join("kcilium/tools")
    })
}

/// A server and a node, `node1` with the address 10.0.0.124.
pub(crate) struct Bed {
    // In the order in which they are to end.
    pub(crate) node: NodeSim,
    cluster: Cluster,
    pub(crate) root: PathBuf,
    pub(crate) namespace: netlab::Namespace,
    _lab: Lab,
}

impl Bed {
    pub(crate) async fn new(label: &str) -> Self {
        Self::with(label, |_| {}).await
    }

    pub(crate) async fn with(label: &str, change: impl FnOnce(&mut NodeConfig)) -> Self {
        let kubesim = Backend::Kubesim(Config::default());
        Self::build(label, kubesim, change).await.expect("a server and a node")
    }

    /// The same, behind a server of either kind.
    pub(crate) async fn behind(backend: Backend, label: &str) -> Self {
        Self::build(label, backend, |_| {}).await.expect("a server and a node")
    }

    async fn build(
        label: &str,
        backend: Backend,
        change: impl FnOnce(&mut NodeConfig),
    ) -> anyhow::Result<Self> {
        let lab = Lab::new(label)?;
        let namespace = lab.namespace("node1")?;
        namespace.ip_batch(
            "\
link add eth0 type veth peer name lan
link set eth0 up
link set lan up
addr add 10.0.0.124/16 dev eth0
",
        )?;
        let root = lab.dir().join("node1");
        std::fs::create_dir_all(root.join("etc/cni/net.d"))?;
        std::fs::write(root.join("etc/cni/net.d/05-cilium.conflist"), "{}\n")?;
        std::fs::write(root.join("etc/resolv.conf"), "nameserver 10.0.0.1\n")?;
        let mut scenario = Scenario::empty();
        scenario.add(
            &format!(
                "{{apiVersion: v1, kind: Node, metadata: {{name: node1}}, status: {{
                addresses: [{{type: InternalIP, address: 10.0.0.124}}],
                images: [{{names: ['quay.io/cilium/cilium@sha256:6263f3a3d5d63b267b538298dbeb5ae87da3efacf09a2c620446c873ba807d35', '{IMAGE}']}}]}}}}"
            ),
            "the node of a bed",
        )?;
        let cluster = Cluster::start(&scenario, backend).await?;
        let netns = PathBuf::from("/run/netns").join(namespace.name());
        let mut config = NodeConfig::new("node1", &netns, &root, &cluster.kubeconfig());
        let agent = Image::new()
            .program("/usr/bin/cilium", "#!/bin/sh\necho \"KVStore: Disabled ($*)\"\n")
            .file("/etc/agent", "recorded\n")
            .command(&["cilium", "by", "default"]);
        config.images = Images::new().with(IMAGE, agent);
        config.backoff = Duration::from_millis(300);
        change(&mut config);
        let node = NodeSim::start(config).await?;
        Ok(Self { node, cluster, root, namespace, _lab: lab })
    }

    /// The simulator, for faults.
    pub(crate) fn sim(&self) -> &KubeSim {
        self.cluster.sim().expect("no other server is asked for it")
    }

    pub(crate) fn containers(&self) -> Containers {
        self.node.containers()
    }

    /// Creates a pod of one container `c` with that command of the shell, and more of a spec.
    pub(crate) async fn pod(&self, name: &str, script: &str, spec: &str) {
        self.pod_of(name, &format!("command: [sh, -c, {script:?}]"), spec).await;
    }

    /// Creates a pod of one container `c`, which is made of these fields.
    pub(crate) async fn pod_of(&self, name: &str, container: &str, spec: &str) {
        let text = format!(
            "{{apiVersion: v1, kind: Pod, metadata: {{name: {name}, namespace: default, labels: {{app: x}}}},
            spec: {{nodeName: node1, containers: [{{name: c, image: '{IMAGE}', {container}}}], {spec}}}}}"
        );
        self.create(&text).await;
    }

    /// Creates the objects of that text.
    pub(crate) async fn create(&self, text: &str) {
        let file = self.cluster.directory().join(format!("{}.yaml", uuid::Uuid::new_v4()));
        std::fs::write(&file, text).expect("a file");
        self.ok(&format!("create -f {}", file.display())).await;
    }

    async fn kubectl(&self, arguments: &str) -> std::process::Output {
        Command::new(tools().join("kubectl-1.35/kubectl"))
            .arg("--kubeconfig")
            .arg(self.cluster.kubeconfig())
            .arg("--cache-dir")
            .arg(self.cluster.directory().join("cache"))
            .args(arguments.split_whitespace())
            .env_remove("KUBECONFIG")
            .output()
            .await
            .expect("kubectl; has tests/setup run?")
    }

    /// What kubectl prints to standard error when it fails.
    pub(crate) async fn fails(&self, arguments: &str) -> String {
        let output = self.kubectl(arguments).await;
        assert!(!output.status.success(), "kubectl {arguments} did not fail");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// What kubectl prints when all is well.
    pub(crate) async fn ok(&self, arguments: &str) -> String {
        let output = self.kubectl(arguments).await;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            let errors = String::from_utf8_lossy(&output.stderr);
            // For those who wonder why a test fails.
            let pods = self.kubectl("get pods -o jsonpath={.items[*].status}").await.stdout;
            panic!("kubectl {arguments}: {text}{errors}\npods: {}", String::from_utf8_lossy(&pods));
        }
        text
    }

    /// A field of a pod.
    pub(crate) async fn field(&self, pod: &str, path: &str) -> String {
        self.ok(&format!("get pod {pod} -o jsonpath={path}")).await
    }

    /// Waits until that field of the pod has that value.
    pub(crate) async fn until(&self, pod: &str, path: &str, value: &str) {
        self.ok(&format!("wait pod/{pod} --for=jsonpath={path}={value} --timeout=20s")).await;
    }

    /// The pod's phase at its end.
    pub(crate) async fn ends(&self, pod: &str, phase: &str) {
        self.until(pod, "{.status.phase}", phase).await;
    }

    /// Waits until kubectl shows that in the pod's STATUS column.
    pub(crate) async fn shows(&self, pod: &str, status: &str) {
        let mut last = String::new();
        for _ in 0..100 {
            last = self.ok(&format!("get pod {pod} --no-headers")).await;
            if last.split_whitespace().nth(2) == Some(status) {
                return;
            }
            // kubectl cannot wait for what it prints.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("not {status}: {last}");
    }

    /// The termination message of a pod that ends well.
    pub(crate) async fn says(&self, pod: &str) -> String {
        self.ends(pod, "Succeeded").await;
        self.field(pod, "{.status.containerStatuses[0].state.terminated.message}").await
    }
}

/// The processes whose command line has that word.
pub(crate) fn processes(word: &str) -> usize {
    let entries = std::fs::read_dir("/proc").expect("processes").flatten();
    let lines = entries.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines.filter(|line| line.split(|byte| *byte == 0).any(|w| w == word.as_bytes())).count()
}

/// Waits for what gives no notice.
pub(crate) fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < deadline, "{what}: not within 10 s");
        std::thread::sleep(Duration::from_millis(50));
    }
}

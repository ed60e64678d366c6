//! A scenario on stage: its objects in an API server, its nodes as netlab's, its pods as processes.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use kubesim::{Backend, Cilium, Cluster, Config, GroupResource, Key, KubeSim, Scenario, User};
use netlab::{CiliumState, Homelab, Namespace, Node, homelab};
use nodesim::{ContainerRef, Exec, Image, Images, NodeConfig, NodeSim, Runtime as _};
use serde_json::Value;

use crate::doctor::Run;
use crate::program;
use crate::report::Report;

/// A running scenario. It ends in the order of its fields.
pub(crate) struct Stage {
    nodes: Vec<NodeSim>,
    cluster: Cluster,
    /// The namespaces; none where there are objects only.
    home: Option<Homelab>,
}

impl Stage {
    /// The scenario with its API server alone: agents are in its objects, and cannot be reached.
    pub(crate) async fn of_objects(scenario: &str) -> Self {
        let scenario = Scenario::named(scenario).unwrap();
        let cluster = Cluster::start(&scenario, Backend::Kubesim(Config::default())).await.unwrap();
        let stage = Self { nodes: Vec::new(), cluster, home: None };
        stage.renew_lease();
        stage
    }

    /// What the operator would do every few seconds; nobody runs it here.
    pub(crate) fn renew_lease(&self) {
        const LEASE: &str = "cilium-operator-resource-lock";
        let id = GroupResource::new("coordination.k8s.io", "leases");
        let is_there = self.sim().store().get(&id, &Key::new("kube-system", LEASE)).is_some();
        if is_there {
            self.change("coordination.k8s.io", "leases", LEASE, |lease| {
                lease["spec"]["renewTime"] = jiff::Timestamp::now().to_string().into();
            });
        }
    }

    /// No registry is there. What a healthy node would pull again and again, it has.
    fn spare_pulls(&self, scenario: &Scenario) {
        let id = GroupResource::new("", "pods");
        let pods = scenario.objects.iter().map(|item| &item.object);
        for pod in pods.filter(|object| object["kind"] == "Pod") {
            let name = |field: &str| pod["metadata"][field].as_str().unwrap();
            let key = Key::new(name("namespace"), name("name"));
            let mut store = self.sim().store();
            let mut stored = store.get(&id, &key).unwrap().value();
            for container in stored["spec"]["containers"].as_array_mut().unwrap() {
                container["imagePullPolicy"] = "IfNotPresent".into();
            }
            store.put(&id, &key, &stored);
        }
    }

    /// Changes an object of `kube-system` as it is stored.
    pub(crate) fn change(
        &self,
        group: &str,
        plural: &str,
        name: &str,
        change: impl Fn(&mut Value),
    ) {
        self.change_at(&GroupResource::new(group, plural), &Key::new("kube-system", name), change);
    }

    /// Changes an object of no namespace, of the core's group, as it is stored.
    pub(crate) fn change_cluster_wide(
        &self,
        plural: &str,
        name: &str,
        change: impl Fn(&mut Value),
    ) {
        self.change_at(&GroupResource::new("", plural), &Key::new("", name), change);
    }

    fn change_at(&self, id: &GroupResource, key: &Key, change: impl Fn(&mut Value)) {
        let mut store = self.sim().store();
        let mut object = store.get(id, key).unwrap_or_else(|| panic!("{id:?} {key:?}")).value();
        change(&mut object);
        store.put(id, key, &object);
    }

    /// The scenario with its nodes; the agents' containers run.
    pub(crate) async fn with_nodes(scenario: &str) -> Self {
        let scenario = Scenario::named(scenario).unwrap();
        let cilium = match scenario
            .network
            .as_ref()
            .expect("the scenario says what its network is")
            .cilium
        {
            Cilium::None => CiliumState::None,
            Cilium::Healthy => CiliumState::Healthy,
            Cilium::Clash => CiliumState::Clash,
            Cilium::NativeRouting => CiliumState::NativeRouting,
            Cilium::Leftovers => CiliumState::Leftovers,
        };
        let home = homelab(&scenario.name, cilium).unwrap();
        Self::at(home, &scenario, |config| config).await
    }

    /// The scenario at a place; `adapt` says what its nodes are like.
    pub(crate) async fn at(
        home: Homelab,
        scenario: &Scenario,
        adapt: impl Fn(NodeConfig) -> NodeConfig,
    ) -> Self {
        Self::prepared(home, scenario, adapt, |_| {}).await
    }

    /// The same, with objects that `prepare` changes before any node is there.
    pub(crate) async fn prepared(
        home: Homelab,
        scenario: &Scenario,
        adapt: impl Fn(NodeConfig) -> NodeConfig,
        prepare: impl Fn(&Self),
    ) -> Self {
        let mut stage = Self::of_objects(&scenario.name).await;
        prepare(&stage);
        let cilium = scenario.network.as_ref().map(|network| network.cilium);
        if matches!(cilium, Some(Cilium::Healthy | Cilium::NativeRouting)) {
            stage.spare_pulls(scenario);
        }
        for node in home.nodes() {
            let mut config = NodeConfig::of(node, &stage.cluster.kubeconfig());
            config.images = images(scenario);
            let node = NodeSim::start(adapt(config)).await.unwrap();
            stage.nodes.push(node);
        }
        stage.home = Some(home);
        stage.await_agents(scenario).await;
        stage
    }

    /// What the objects say of the agents is older than their containers.
    async fn await_agents(&self, scenario: &Scenario) {
        let agents = scenario.objects.iter().map(|item| &item.object).filter(|object| {
            object["kind"] == "Pod" && object["metadata"]["labels"]["k8s-app"] == "cilium"
        });
        for agent in agents {
            let agent = ContainerRef {
                namespace: agent["metadata"]["namespace"].as_str().unwrap().to_owned(),
                pod: agent["metadata"]["name"].as_str().unwrap().to_owned(),
                container: "cilium-agent".to_owned(),
            };
            let mut tries = 0;
            while !(self.runs(&agent).await && self.is_ready(&agent)) {
                tries += 1;
                assert!(tries < 600, "{agent:?} does not run");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }

    fn is_ready(&self, agent: &ContainerRef) -> bool {
        let id = GroupResource::new("", "pods");
        let store = self.sim().store();
        let Some(pod) = store.get(&id, &Key::new(&agent.namespace, &agent.pod)) else {
            return false;
        };
        let pod = pod.value();
        let statuses = pod["status"]["containerStatuses"].as_array().into_iter().flatten();
        statuses.map(|status| &status["ready"]).all(|ready| ready == true)
    }

    async fn runs(&self, agent: &ContainerRef) -> bool {
        for node in &self.nodes {
            let exec = Exec { command: vec!["true".to_owned()], stdin: false };
            if let Ok(mut process) = node.containers().exec(agent, exec).await {
                return process.child.wait().await.unwrap().success();
            }
        }
        false
    }

    /// The network.
    pub(crate) fn home(&self) -> &Homelab {
        self.home.as_ref().expect("the scenario has nodes")
    }

    /// A node.
    pub(crate) fn host(&self, name: &str) -> &Node {
        self.home().node(name).unwrap()
    }

    /// The network of a node.
    pub(crate) fn node(&self, name: &str) -> &Namespace {
        self.host(name).namespace()
    }

    pub(crate) fn sim(&self) -> &KubeSim {
        self.cluster.sim().unwrap()
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.cluster.kubeconfig()
    }

    /// A file with that text, for as long as the stage is.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.cluster.directory().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// A kubeconfig for that user.
    pub(crate) fn kubeconfig_of(&self, user: &User) -> PathBuf {
        let text = self.cluster.certificate_kubeconfig(user).unwrap();
        self.write(&format!("{}.kubeconfig", user.name), &text)
    }

    /// Runs the doctor on the cluster.
    pub(crate) async fn doctor(&self, arguments: &[&str]) -> Run {
        self.doctor_as(&self.kubeconfig(), arguments).await
    }

    /// The doctor on the cluster, to be started.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        command(&self.kubeconfig(), arguments)
    }

    /// Runs the doctor with that kubeconfig.
    pub(crate) async fn doctor_as(&self, kubeconfig: &Path, arguments: &[&str]) -> Run {
        let mut command = command(kubeconfig, arguments);
        tokio::task::spawn_blocking(move || Run::of(&mut command)).await.unwrap()
    }

    /// Runs the doctor with that kubeconfig; with the most memory it had, in bytes.
    pub(crate) async fn measured_doctor_as(
        &self,
        kubeconfig: &Path,
        arguments: &[&str],
    ) -> (Run, u64) {
        let mut command = command(kubeconfig, arguments);
        tokio::task::spawn_blocking(move || Run::measured(&mut command)).await.unwrap()
    }

    /// The doctor's report.
    pub(crate) async fn report(&self, arguments: &[&str]) -> Report {
        let run = self.doctor(&[&["-o", "json"], arguments].concat()).await;
        assert!(!run.stdout.is_empty(), "{}", run.stderr);
        Report::parse(&run.stdout, run.code)
    }
}

fn command(kubeconfig: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program::doctor());
    command.args(arguments).arg("--kubeconfig").arg(kubeconfig).current_dir(program::workspace());
    command
}

/// What the images of a scenario hold. Programs other than the recorded ones cannot be had here, so
/// containers are idle.
fn images(scenario: &Scenario) -> Images {
    let listed = scenario
        .objects
        .iter()
        .filter(|item| item.object["kind"] == "Node")
        .flat_map(|node| node.object["status"]["images"].as_array().unwrap())
        .flat_map(|image| image["names"].as_array().unwrap())
        .map(|name| name.as_str().unwrap().to_owned())
        .collect::<BTreeSet<_>>();
    let images = listed.iter().filter(|name| !scenario.images.contains_key(*name));
    let images =
        images.fold(Images::new(), |images, name| images.with(name, Image::new().stand_in()));
    scenario.images.iter().fold(images, |images, (name, root)| {
        images.with(name, Image::new().directory(root).unwrap().stand_in())
    })
}

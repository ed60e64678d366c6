//! Cilium off the nodes, from the cluster: cleaners that stand there, and begin when it is gone.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use kubesim::{Fault, GroupResource, Key, Kind, User};
use netlab::{require_programs, require_root_netns};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::land::forget_lock;
use crate::{doctor::Run, packets, program, stage::Stage};

const NODES: [&str; 3] = ["node1", "node2", "node3"];

/// A cluster with nodes, and the program that takes Cilium out of it.
struct Nodes {
    stage: Stage,
    agent: PathBuf,
    folder: TempDir,
}

impl Nodes {
    /// `None` where this machine has no such nodes.
    async fn healthy() -> Option<Self> {
        if !require_root_netns() || !require_programs(&["iptables"]) {
            return None;
        }
        let stage = Stage::with_nodes("homelab-healthy").await;
        let agent = packets::agent(&stage);
        Some(Self { stage, agent, folder: TempDir::new().unwrap() })
    }

    fn command(&self, arguments: &[&str]) -> Command {
        self.command_as(&self.stage.kubeconfig(), arguments)
    }

    fn command_as(&self, kubeconfig: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program::uninstall());
        command.args(arguments).arg("--kubeconfig").arg(kubeconfig);
        command.arg("--node-agent").arg(&self.agent).current_dir(self.folder.path());
        command
    }

    /// Somebody who has these roles of docs/rbac.yaml and no other; their kubeconfig.
    fn user_with(&self, roles: &[&str]) -> PathBuf {
        let all = fs::read_to_string(program::workspace().join("docs/rbac.yaml")).unwrap();
        self.stage.sim().load(&all).unwrap();
        for role in roles {
            let binding = format!(
                "{{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, \
                 metadata: {{name: {role}}}, roleRef: {{apiGroup: rbac.authorization.k8s.io, \
                 kind: ClusterRole, name: {role}}}, subjects: \
                 [{{apiGroup: rbac.authorization.k8s.io, kind: User, name: remover}}]}}"
            );
            self.stage.sim().load(&binding).unwrap();
        }
        self.stage.kubeconfig_of(&User::new("remover", &[]))
    }

    async fn run(&self, arguments: &[&str]) -> Run {
        self.run_as(&self.stage.kubeconfig(), arguments).await
    }

    async fn run_as(&self, kubeconfig: &Path, arguments: &[&str]) -> Run {
        let mut command = self.command_as(kubeconfig, arguments);
        tokio::task::spawn_blocking(move || Run::of(&mut command)).await.unwrap()
    }

    /// A removal that nobody waits for.
    fn begin(&self) -> Child {
        let mut command = self.command(&["--yes", "--backup", "saved"]);
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// What of Cilium a node has in its network and its files.
    fn traces(&self, node: &str) -> Vec<String> {
        let network = self.stage.node(node);
        let links = network.ip(&["-o", "link"]).unwrap();
        let chains = network.iptables("-S").unwrap();
        let all = links.lines().chain(chains.lines());
        let is_ciliums = |line: &&str| line.contains(": cilium_") || line.contains("CILIUM");
        let mut traces: Vec<String> = all.filter(is_ciliums).map(str::to_owned).collect();
        for file in ["etc/cni/net.d/05-cilium.conflist", "run/cilium", "opt/cni/bin/cilium-cni"] {
            let path = self.stage.host(node).root().join(file);
            traces.extend(path.exists().then(|| file.to_owned()));
        }
        traces
    }

    fn assert_clean(&self) {
        for node in NODES {
            assert_eq!(self.traces(node), Vec::<String>::new(), "{node}");
        }
        assert_eq!(self.staged(), Vec::<String>::new());
    }

    /// Namespaces of what was put on nodes.
    fn staged(&self) -> Vec<String> {
        let id = GroupResource::new("", "namespaces");
        let store = self.stage.sim().store();
        let names = store.all(&id).map(|(key, _)| key.name.clone());
        names.filter(|name| name.starts_with("kcilium-")).collect()
    }

    /// Names of all pods.
    fn pods(&self) -> Vec<String> {
        let id = GroupResource::new("", "pods");
        let store = self.stage.sim().store();
        store.all(&id).map(|(key, _)| key.name.clone()).collect()
    }

    /// Requests that changed something, since the journal was cleared.
    fn writes(&self) -> usize {
        let entries = self.stage.sim().journal().entries();
        // Kubelets of the nodes write, too: status and events.
        let is_ours = |route: &str| !route.ends_with("/status") && !route.contains("/events");
        entries.iter().filter(|it| it.method != "GET" && is_ours(&it.route)).count()
    }

    async fn wait_for(&self, what: &str, is_so: impl Fn() -> bool) {
        let begun = Instant::now();
        while !is_so() {
            assert!(begun.elapsed() < Duration::from_secs(90), "{what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_command_takes_it_out_of_the_cluster_and_off_all_nodes() {
    let Some(cluster) = Nodes::healthy().await else { return };
    // Nothing can be run in agents, and nothing can be pulled, which nodesim never can.
    cluster.stage.sim().faults().add(Fault::new("*/pods/exec", Kind::Reset));
    for node in NODES {
        assert!(cluster.traces(node).len() > 5, "{:?}", cluster.traces(node));
    }
    let run = cluster.run(&["--yes", "--backup", "saved", "-o", "json"]).await;
    assert_eq!(run.code, Some(0), "{} {}", run.stdout, run.stderr);
    cluster.assert_clean();
    let events: Vec<Value> =
        run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let hosts: Vec<&Value> = events.iter().filter(|it| it["event"] == "host").collect();
    // The control plane's node is not the one that is tried.
    let order: Vec<&str> = hosts.iter().map(|it| it["node"].as_str().unwrap()).collect();
    assert_eq!((order[0], order.len()), ("node2", 3), "{order:?}");
    for host in hosts {
        assert_eq!(host["summary"]["left"], 0, "{host}");
        assert!(host["summary"]["doubtful"].as_u64() >= Some(2), "{host}");
        let keepsake = host["summary"]["keepsake"].as_str().unwrap();
        let node = cluster.stage.host(host["node"].as_str().unwrap());
        assert!(node.root().join(&keepsake[1..]).join("done").exists(), "{keepsake}");
    }
    assert_eq!(events.last().unwrap()["clean"], true);
    // It is gone for the node's own eyes, too, and for another run.
    let verified = cluster.run(&["verify", "--inspect-nodes"]).await;
    assert_eq!(verified.code, Some(0), "{} {}", verified.stdout, verified.stderr);
    assert!(verified.stdout.contains("3 of 3 nodes are clean."), "{}", verified.stdout);
    // A pod's device that bears no sign of Cilium's but its name.
    let (_, doubtful) = verified
        .stdout
        .split_once("On the nodes, and may be Cilium's or somebody else's:")
        .expect("a section");
    assert!(doubtful.contains("node3: link lxc"), "{doubtful}");
    cluster.assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_of_inspected_nodes_is_what_goes() {
    let Some(cluster) = Nodes::healthy().await else { return };
    let unseen = cluster.run(&["--dry-run"]).await;
    // Agents tell what they see, and nothing is created for it.
    let told = unseen.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let words = "clean node node1 of all that is certainly Cilium's, such as 7 links, routes and rules \
                 that its agent sees";
    assert!(told.contains(words), "{told}");
    let before = cluster.traces("node1");
    let plan = cluster.run(&["--dry-run", "--inspect-nodes", "-o", "json"]).await;
    let plan: Value = serde_json::from_str(&plan.stdout).unwrap();
    let steps = plan["steps"].as_array().unwrap();
    let clean = steps.iter().find(|it| it["do"] == "clean-host" && it["node"] == "node1").unwrap();
    let items = clean["plan"]["items"].as_array().unwrap();
    assert!(items.len() >= 8, "{items:#?}");
    assert!(items.iter().any(|item| item["what"]["link"]["name"] == "cilium_vxlan"), "{items:#?}");
    assert_eq!((cluster.traces("node1"), cluster.staged()), (before, vec![]));
    // The roles that docs/rbac.yaml has for it are enough, and both are needed.
    let wanted = ["kcilium-uninstaller", "kcilium-prober"];
    let kubeconfig = cluster.user_with(&wanted[..1]);
    let run = cluster.run_as(&kubeconfig, &["--yes", "--no-backup"]).await;
    assert_eq!(run.code, Some(3), "{} {}", run.stdout, run.stderr);
    assert!(
        run.stderr.contains("the roles kcilium-uninstaller and kcilium-prober"),
        "{}",
        run.stderr
    );
    let kubeconfig = cluster.user_with(&wanted);
    let run = cluster.run_as(&kubeconfig, &["--yes", "--inspect-nodes", "--no-backup"]).await;
    assert_eq!(run.code, Some(0), "{} {}", run.stdout, run.stderr);
    cluster.assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pods_that_are_made_again_are_deleted_before_a_node_without_another_network_is_clean() {
    let Some(cluster) = Nodes::healthy().await else { return };
    let bare = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "bare", "namespace": "default"},
        "spec": {"nodeName": "node2", "containers": [{"name": "a", "image": "a:1"}]},
    });
    cluster.stage.sim().load(&bare.to_string()).unwrap();
    let of_dns = |cluster: &Nodes| {
        let names = cluster.pods();
        names.into_iter().filter(|name| name.starts_with("coredns")).count()
    };
    assert_eq!(of_dns(&cluster), 2);
    let run = cluster.run(&["--yes", "--no-backup", "--restart-pods"]).await;
    // What nobody makes again stays, and is named.
    assert_eq!(run.code, Some(1), "{} {}", run.stdout, run.stderr);
    assert!(run.stdout.contains("default/bare: nobody makes it again"), "{}", run.stdout);
    assert!(run.stdout.contains("3 of 3 nodes are clean."), "{}", run.stdout);
    let (pods, nodes) = (run.stderr.find("P8:").unwrap(), run.stderr.find("P6:").unwrap());
    assert!(pods < nodes, "{pods} {nodes}");
    assert_eq!(of_dns(&cluster), 0);
    assert!(cluster.pods().iter().any(|name| name == "bare"));
    cluster.assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_goes_by_itself_lets_nothing_begin() {
    let Some(cluster) = Nodes::healthy().await else { return };
    let before: Vec<_> = NODES.map(|node| cluster.traces(node)).into();
    // The agents' pods never end: the run waits for them, with cleaners on all nodes.
    cluster
        .stage
        .sim()
        .faults()
        .add(Fault::new("*/daemonsets/cilium", Kind::Status { code: 403, retry_after: None }));
    let run = cluster.run(&["--yes", "--no-backup", "--timeout", "150s"]).await;
    assert_eq!(run.code, Some(1), "{} {}", run.stdout, run.stderr);
    assert!(run.stdout.contains("0 of 3 nodes are clean."), "{}", run.stdout);
    let after: Vec<_> = NODES.map(|node| cluster.traces(node)).into();
    assert_eq!((after, cluster.staged()), (before, vec![]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupt_before_the_nodes_leaves_nothing_there() {
    let Some(cluster) = Nodes::healthy().await else { return };
    let before: Vec<_> = NODES.map(|node| cluster.traces(node)).into();
    let mut run = cluster.begin();
    cluster.wait_for("cleaners", || !cluster.staged().is_empty()).await;
    crate::staging::send("INT", &run);
    assert_eq!(run.wait().unwrap().code(), Some(130));
    let after: Vec<_> = NODES.map(|node| cluster.traces(node)).into();
    assert_eq!((after, cluster.staged()), (before, vec![]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupt_among_the_nodes_lets_the_begun_one_end() {
    let Some(cluster) = Nodes::healthy().await else { return };
    let mut run = cluster.begin();
    let is_released = || {
        let id = GroupResource::new("", "pods");
        let store = cluster.stage.sim().store();
        let annotations = |(_, pod): (&Key, &kubesim::Object)| {
            pod.value()["metadata"]["annotations"]["kcilium/go"].is_string()
        };
        store.all(&id).any(annotations)
    };
    cluster.wait_for("the word", is_released).await;
    crate::staging::send("INT", &run);
    assert_eq!(run.wait().unwrap().code(), Some(130));
    // It ends by itself, and is kept so that it can.
    cluster.wait_for("a clean node", || cluster.traces("node2").is_empty()).await;
    assert!(!cluster.traces("node3").is_empty());
    assert_eq!(cluster.staged().len(), 1);
    let again = cluster.run(&["--yes", "--backup", "saved"]).await;
    assert_eq!(again.code, Some(0), "{} {}", again.stdout, again.stderr);
    cluster.assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_killed_here_and_there_is_finished_by_others() {
    let Some(cluster) = Nodes::healthy().await else { return };
    // After the namespace, in the middle of the objects, the release, and the nodes.
    for writes in [3, 9, 20, 36, 44] {
        cluster.stage.sim().journal().clear();
        let mut run = cluster.begin();
        while cluster.writes() < writes && run.try_wait().unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        run.kill().unwrap();
        if run.wait().unwrap().code() == Some(0) {
            break;
        }
        forget_lock(cluster.stage.sim());
    }
    let last = cluster.run(&["--yes", "--backup", "saved"]).await;
    assert_eq!(last.code, Some(0), "{} {}", last.stdout, last.stderr);
    cluster.assert_clean();
}

//! A cluster in which packets of pods really get somewhere, or really do not, and the doctor that
//! sends some.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddrV4},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use kubesim::{Cilium, GroupResource, Scenario};
use netlab::{CiliumState, Homelab, homelab, require_programs, require_root_netns};
use nodesim::{Image, NodeConfig, PodNetwork};

use crate::{
    doctor::Run,
    program,
    report::Report,
    site::{AGENT, gzipped},
    stage::Stage,
};

/// What CoreDNS runs from.
const COREDNS: &str = "registry.k8s.io/coredns/coredns:v1.10.1";

/// Whether this machine can do it.
pub(crate) fn possible() -> bool {
    require_root_netns() && require_programs(&["iptables"])
}

/// A cluster with packets.
pub(crate) struct Traffic {
    stage: Stage,
    agent: PathBuf,
    router_dns: Child,
    health: Vec<Child>,
}

impl Traffic {
    /// The scenario: pods have networks, Services lead somewhere, DNS answers.
    pub(crate) async fn of(scenario: &str) -> Self {
        Self::with(scenario, |_| {}).await
    }

    /// The same, with objects that `prepare` changes before any node is there.
    pub(crate) async fn with(scenario: &str, prepare: impl Fn(&Stage)) -> Self {
        let scenario = Scenario::named(scenario).unwrap();
        let cilium = match scenario.network.as_ref().unwrap().cilium {
            Cilium::NativeRouting => CiliumState::NativeRouting,
            Cilium::Clash => CiliumState::Clash,
            _ => CiliumState::Healthy,
        };
        let home = homelab(&scenario.name, cilium).unwrap();
        home.carry_packets().unwrap();
        services(&home);
        let router_dns = home.router().command(program::names().to_str().unwrap()).spawn().unwrap();
        let hello = program::hello().to_str().unwrap();
        let health = home.health_endpoints().iter();
        let health = health.map(|endpoint| endpoint.command(hello).spawn().unwrap()).collect();
        let networks: Vec<_> = home
            .nodes()
            .iter()
            .map(|node| {
                let (cidr, gateway) = home.pod_network(node.name()).unwrap();
                (node.name().to_owned(), cidr.parse().unwrap(), gateway)
            })
            .collect();
        let dns = fs::read(program::names()).unwrap();
        let dns = Image::new().program("/names", dns).command(&[
            "/names",
            "--forward",
            "kubernetes.default.svc.cluster.local=10.96.0.1",
        ]);
        let adapt = |mut config: NodeConfig| {
            let (_, cidr, gateway) =
                networks.iter().find(|(name, ..)| *name == config.name).unwrap();
            config.pod_cidr = *cidr;
            config.pod_network = PodNetwork::Veth { gateway: *gateway, mtu: 1450 };
            config.images = config.images.with(COREDNS, dns.clone());
            // Pods name the agent's image by its digest.
            for root in scenario.images.values() {
                let agent = Image::new().directory(root).unwrap().stand_in();
                config.images = config.images.with(AGENT, agent);
            }
            config
        };
        let stage = Stage::prepared(home, &scenario, adapt, prepare).await;
        let agent = agent(&stage);
        Self { stage, agent, router_dns, health }
    }

    /// The network.
    pub(crate) fn home(&self) -> &Homelab {
        self.stage.home()
    }

    /// The objects.
    pub(crate) fn stage(&self) -> &Stage {
        &self.stage
    }

    /// Runs `iptables` on every node.
    pub(crate) fn on_nodes(&self, arguments: &str) {
        for node in self.home().nodes() {
            node.namespace().iptables(arguments).unwrap();
        }
    }

    /// Stops the DNS server of the LAN.
    pub(crate) fn silence_dns(&mut self) {
        self.router_dns.kill().unwrap();
        self.router_dns.wait().unwrap();
        // Silence, not a refusal.
        self.home().router().iptables("-A INPUT -p udp --dport 53 -j DROP").unwrap();
        self.home().router().iptables("-A INPUT -p tcp --dport 53 -j DROP").unwrap();
    }

    /// The doctor, which may send packets from nodes.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.stage.command(arguments);
        command.arg("--probe=always").arg("--node-agent").arg(&self.agent).stdin(Stdio::null());
        command
    }

    /// What the doctor says; nothing is left of what it did.
    pub(crate) async fn report(&self, arguments: &[&str]) -> Report {
        let before = self.objects();
        let mut command = self.command(&[&["-o", "json"], arguments].concat());
        let run = tokio::task::spawn_blocking(move || Run::of(&mut command)).await.unwrap();
        assert!(!run.stdout.is_empty(), "{}", run.stderr);
        assert_eq!(self.objects(), before, "{}", run.stderr);
        Report::parse(&run.stdout, run.code)
    }

    /// What the doctor says that creates nothing, and what it says besides.
    pub(crate) async fn report_of_pods(&self, arguments: &[&str]) -> (Report, String) {
        let mut command =
            self.stage.command(&[&["-o", "json", "--probe=pods"], arguments].concat());
        command.stdin(Stdio::null());
        let run = tokio::task::spawn_blocking(move || Run::of(&mut command)).await.unwrap();
        assert!(!run.stdout.is_empty(), "{}", run.stderr);
        (Report::parse(&run.stdout, run.code), run.stderr)
    }

    /// The verdicts, and how the run ends.
    pub(crate) async fn assert(&self, arguments: &[&str], verdicts: &[&str], code: i32) {
        let report = self.report(arguments).await;
        assert_eq!((report.verdicts(), report.code), (words(verdicts), Some(code)), "{report:#?}");
    }

    /// Lets the time of all runs be over.
    pub(crate) fn expire(&self) {
        let id = GroupResource::new("", "namespaces");
        let mut store = self.stage.sim().store();
        let runs: Vec<_> = store
            .all(&id)
            .filter(|(key, _)| key.name.starts_with("kcilium-probe-"))
            .map(|(key, object)| (key.clone(), object.value()))
            .collect();
        for (key, mut namespace) in runs {
            namespace["metadata"]["labels"]["kcilium/deadline"] = "1700000000".into();
            store.put(&id, &key, &namespace);
        }
    }

    /// The names of all objects that the doctor might make or remove.
    pub(crate) fn objects(&self) -> Vec<String> {
        let store = self.stage.sim().store();
        let core = ["namespaces", "pods", "configmaps", "secrets", "serviceaccounts"];
        let kinds = core.into_iter().map(|plural| GroupResource::new("", plural));
        let of_kind = |id: GroupResource| {
            let all = store.all(&id).map(|(key, _)| format!("{} {key:?}", id.plural));
            all.collect::<Vec<_>>()
        };
        kinds.chain([policies()]).flat_map(of_kind).collect()
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        for server in self.health.iter_mut().chain([&mut self.router_dns]) {
            // It may have ended before.
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

/// CiliumNetworkPolicies.
pub(crate) fn policies() -> GroupResource {
    GroupResource::new("cilium.io", "ciliumnetworkpolicies")
}

fn words(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// What Cilium does in place of kube-proxy.
fn services(home: &Homelab) {
    let at = |octets: [u8; 4], port| SocketAddrV4::new(Ipv4Addr::from(octets), port);
    home.service(at([10, 96, 0, 10], 53), at([10, 244, 1, 17], 53)).unwrap();
    home.service(at([10, 96, 0, 1], 443), at([10, 24, 0, 2], 6443)).unwrap();
}

/// The node agent as releases have it: without what debuggers read, which is most of it.
pub(crate) fn agent(stage: &Stage) -> PathBuf {
    let bare = stage.write("agent", "");
    let status = Command::new("strip").arg("-o").arg(&bare).arg(program::agent()).status();
    assert!(status.unwrap().success());
    let path = stage.write("agent.gz", "");
    fs::write(&path, gzipped(&fs::read(&bare).unwrap())).unwrap();
    path
}

//! Detection on clusters of many kinds, through snapshots.

use insta::assert_snapshot;
use kcilium_core::{
    chart::{Chart, Known, known_versions},
    facts::{Facts, snapshot},
};
use kubectl_cilium_render::{
    detect::{self, Kubeconfig, Subject},
    layers::{Map, Value as LayerValue},
};
use serde_json::{Value, json};

use crate::{
    render::Run,
    vectors::{HOMELAB, SEED, Snapshot, kube_proxy, without},
};

const VERSION: [&str; 2] = ["--version", "1.14.2"];

impl Snapshot {
    fn api_servers(self, addresses: &[&str]) -> Self {
        self.with("apiServers", json!(addresses))
    }
}

/// What is chosen for the API server: `host:port`, and what is said.
fn api_server(snapshot: &Snapshot) -> (String, String) {
    let run = snapshot.run(HOMELAB, &VERSION);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let value = |key: &str| {
        let line = run.stdout.lines().find_map(|line| line.strip_prefix(&format!("{key}: ")));
        line.unwrap_or_default().to_owned()
    };
    (format!("{}:{}", value("k8sServiceHost"), value("k8sServicePort")), run.stderr)
}

fn said(run: &Run) -> String {
    run.stderr.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn without_values_nothing_clashes_and_everything_is_explained() {
    let run = Snapshot::homelab().run("", &[&VERSION[..], &["--explain"]].concat());
    assert_eq!(run.code, Some(0));
    assert_snapshot!("without_values", format!("{}---\n{}", run.stdout, run.stderr));
}

#[test]
fn a_tunnel_is_seen_through() {
    for server in [
        "https://127.0.0.1:6443",
        "https://127.0.0.1:41235",
        "https://localhost:6443",
        "https://[::1]:6443",
        "https://0.0.0.0:6443",
        "http://10.24.0.9:8001",
        "https://rancher.example.org/k8s/clusters/c-x",
        "https://10.96.0.1",
        "https://10.244.1.7:6443",
    ] {
        let tunnelled = Snapshot::homelab().reached("kubernetes", server);
        assert_eq!(tunnelled.run(HOMELAB, &VERSION).printed(), SEED, "{server}");
        // Nor without kubeadm's traces.
        let tunnelled = tunnelled.without_kubeadm().with("pods", json!([]));
        assert_eq!(api_server(&tunnelled), ("10.24.0.2:6443".into(), String::new()), "{server}");
    }
    let tunnelled = Snapshot::homelab().reached("kubernetes", "https://127.0.0.1:41235");
    let run = tunnelled.run(HOMELAB, &[&VERSION[..], &["--explain"]].concat());
    let why = "because it is what the cluster tells nodes that join it; EndpointSlice \
               default/kubernetes and node node1 say the same; the kubeconfig's \
               https://127.0.0.1:41235 is a loopback address, the end of a tunnel or of a port \
               forwarded to this machine";
    assert!(said(&run).contains(why), "{}", run.stderr);
}

#[test]
fn what_stands_before_all_servers_is_better_than_one_of_them() {
    let three = ["10.24.0.2", "10.24.0.4", "10.24.0.5"];
    let highly_available = Snapshot::homelab().without_kubeadm().api_servers(&three);
    let virtual_address = highly_available.clone().reached("k", "https://10.24.0.100:8443");
    let (chosen, said) = api_server(&virtual_address);
    assert_eq!(chosen, "10.24.0.100:8443");
    assert!(said.contains("of which only the kubeconfig knows"), "{said}");

    let member = highly_available.reached("k", "https://10.24.0.4:6443");
    let (chosen, said) = api_server(&member);
    assert_eq!(chosen, "10.24.0.4:6443");
    assert!(said.contains("one of 3 API servers"), "{said}");

    // kubeadm's endpoint counts whatever the kubeconfig says.
    let kubeadm = json!({"podSubnet": "10.244.0.0/16", "controlPlaneEndpoint": "10.24.0.101"});
    let chosen = api_server(&member.with("kubeadm", kubeadm));
    assert_eq!(chosen, ("10.24.0.101:6443".into(), String::new()));
}

#[test]
fn an_address_beyond_nat_is_not_for_nodes() {
    let k3s = Snapshot::homelab().without_kubeadm().reached("k", "https://203.0.113.7:6443");
    assert_eq!(api_server(&k3s).0, "10.24.0.2:6443");
    // Unless nothing else is known.
    let alone = k3s.forbidden("apiServers").forbidden("nodes");
    assert_eq!(api_server(&alone).0, "203.0.113.7:6443");
}

#[test]
fn ports_and_ipv6() {
    let other = Snapshot::homelab()
        .without_kubeadm()
        .with("apiServerPort", json!(16443))
        .reached("k", "https://127.0.0.1:6443");
    assert_eq!(api_server(&other).0, "10.24.0.2:16443");
    let six = Snapshot::homelab()
        .with("clusterInfo", json!({"server": "https://[fd00:24::2]:6443"}))
        .api_servers(&["fd00:24::2"]);
    assert_eq!(api_server(&six), ("fd00:24::2:6443".into(), String::new()));
}

#[test]
fn without_an_address_nothing_is_replaced() {
    let nowhere = Snapshot::homelab()
        .without_kubeadm()
        .forbidden("apiServers")
        .forbidden("nodes")
        .reached("kubernetes", "https://127.0.0.1:6443");
    let run = nowhere.run(HOMELAB, &VERSION);
    let keys = ["k8sServiceHost", "k8sServicePort", "kubeProxyReplacement"];
    assert_eq!(run.stdout, without(SEED, &keys));
    let why = "https://127.0.0.1:6443 (kubeconfig) is a loopback address";
    assert!(said(&run).contains(why), "{}", run.stderr);
}

#[test]
fn what_is_not_known_is_not_absent() {
    let keys = ["k8sServiceHost", "k8sServicePort", "kubeProxyReplacement"];
    let unread = [
        Snapshot::homelab().forbidden("daemonSets"),
        Snapshot::homelab().without_kubeadm().forbidden("pods"),
        // RKE2's kube-proxy is a static pod, which no DaemonSet shows.
        Snapshot::homelab().without_kubeadm().nodes(|node| {
            node["info"]["kubeletVersion"] = json!("v1.28.2+rke2r1");
        }),
    ];
    for snapshot in unread {
        let run = snapshot.run(HOMELAB, &VERSION);
        assert_eq!(run.stdout, without(SEED, &keys), "{}", run.stderr);
        assert!(run.stderr.contains("note: whether kube-proxy runs is not known"));
    }
    // kubeadm's always has its label: a list of DaemonSets is enough.
    let kubeadm = Snapshot::homelab().forbidden("pods");
    assert_eq!(kubeadm.run(HOMELAB, &VERSION).printed(), SEED);
}

#[test]
fn kube_proxy_is_found_in_any_form() {
    let keys = ["k8sServiceHost", "k8sServicePort", "kubeProxyReplacement"];
    let pod = json!([{
        "namespace": "kube-system",
        "name": "kube-proxy-node1",
        "status": "Running",
        "ready": 1,
        "containers": 1,
    }]);
    let forms = [
        Snapshot::homelab().with("pods", pod.clone()),
        Snapshot::homelab().without_kubeadm().with("kubeProxyPods", pod),
        Snapshot::homelab().nodes(|node| {
            node["labels"]["microk8s.io/cluster"] = json!("true");
        }),
    ];
    for snapshot in forms {
        let rendered = snapshot.rendered(&VERSION);
        for key in keys {
            assert!(!rendered.contains(key), "{rendered}");
        }
    }
    // That of Windows nodes serves them only.
    let mut windows = kube_proxy();
    windows[0]["name"] = json!("kube-proxy-windows");
    let windows = Snapshot::homelab().with("daemonSets", windows);
    assert_eq!(windows.run(HOMELAB, &VERSION).printed(), SEED);
}

#[test]
fn contradictions_are_named_and_the_user_wins() {
    let values = "\
ipam:
  operator:
    clusterPoolIPv4PodCIDRList: [10.1.0.0/16]
k8sServiceHost: 127.0.0.1
k8sServicePort: 6443
kubeProxyReplacement: disabled
";
    let run = Snapshot::homelab().run(values, &[&VERSION[..], &["--explain"]].concat());
    assert_eq!(run.code, Some(0));
    assert_snapshot!("contradictions", format!("{}---\n{}", run.stdout, run.stderr));

    let both = Snapshot::homelab().with("daemonSets", kube_proxy());
    let run = both.run("kubeProxyReplacement: strict\n", &VERSION);
    assert!(run.stderr.contains("warning: kubeProxyReplacement is \"strict\""), "{}", run.stderr);

    // The same in other words is no contradiction; nor is a load balancer's name.
    let values = "\
ipam: {operator: {clusterPoolIPv4PodCIDRList: '10.244.0.0/16'}}
k8sServiceHost: lb.example
k8sServicePort: '443'
kubeProxyReplacement: 'true'
";
    assert_eq!(Snapshot::homelab().run(values, &VERSION).stderr, "");
}

#[test]
fn references_take_the_place_of_the_address() {
    let rendered = |values: &str| {
        let run = Snapshot::homelab().run(values, &["--version", "1.18.12"]);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        run.stdout
    };
    let by_reference = rendered("k8sServiceHostRef: {name: a, key: b}\n");
    assert!(!by_reference.contains("k8sServiceHost:"), "{by_reference}");
    assert!(by_reference.contains("k8sServicePort: 6443"), "{by_reference}");
    let by_urls = rendered("k8s: {apiServerURLs: 'https://10.24.0.2:6443'}\n");
    assert!(!by_urls.contains("k8sService"), "{by_urls}");
}

#[test]
fn the_running_release_says_for_which_chart() {
    let release = json!([{
        "namespace": "kube-system",
        "name": "cilium",
        "revision": 2,
        "status": "deployed",
        "chart": "cilium",
        "chartVersion": "1.15.7",
    }]);
    let run = Snapshot::homelab().with("releases", release).run(HOMELAB, &[]);
    assert!(run.stdout.contains("kubeProxyReplacement: true\n"), "{}", run.stdout);
    let note = "note: for chart 1.15.7, as the release cilium in kube-system";
    assert!(run.stderr.starts_with(note), "{}", run.stderr);
}

#[test]
fn what_runs_now_is_not_changed_silently() {
    let release = json!([{
        "namespace": "kube-system",
        "name": "cilium",
        "status": "deployed",
        "chart": "cilium",
        "chartVersion": "1.15.7",
        "values": {"routingMode": "native"},
    }]);
    let config = json!({
        "origin": "ConfigMap kube-system/cilium-config",
        "namespace": "kube-system",
        "ipam": "kubernetes",
        "nodeMaskV4": 24,
        "nodeMaskV6": 120,
        "routing": "native",
        "ipv4": true,
    });
    let names = json!({"namespace": "kube-system", "data": {"cluster-name": "default"}});
    let running = Snapshot::homelab()
        .with("releases", release)
        .with("config", config)
        .with("configData", names);
    let run = running.run("", &[]);
    assert_eq!(run.code, Some(0));
    assert!(run.stdout.contains("cluster:\n  name: default\n"), "{}", run.stdout);
    for words in [
        "Cilium runs with routing mode native, and these values change it to a VXLAN tunnel",
        "`helm get values cilium --namespace kube-system` prints them",
    ] {
        assert!(said(&run).contains(words), "{words} is not in: {}", run.stderr);
    }
    let values = "cluster: {name: default}\nroutingMode: native\n";
    let run = running.run(values, &["--version", "1.15.7"]);
    assert_eq!(run.printed().lines().filter(|line| line.contains("tunnel")).count(), 0);
}

#[test]
fn pools() {
    let pool = |snapshot: &Snapshot| {
        let run = snapshot.run("", &["--version", "1.16.19", "-o", "json"]);
        let document: Value = serde_json::from_str(&run.stdout).unwrap();
        (document, run.stderr)
    };
    // Dual stack, with blocks as long as Kubernetes'.
    let dual = Snapshot::homelab()
        .with("kubeadm", json!({"podSubnet": "10.244.0.0/16,fd00:10:244::/56"}))
        .nodes(|node| node["podCidrs"] = json!(["10.244.1.0/25", "fd00:10:244:1::/64"]));
    let (document, said) = pool(&dual);
    assert_eq!(
        document["ipam"]["operator"],
        json!({
            "clusterPoolIPv4MaskSize": 25,
            "clusterPoolIPv4PodCIDRList": ["10.244.0.0/16"],
            "clusterPoolIPv6MaskSize": 64,
            "clusterPoolIPv6PodCIDRList": ["fd00:10:244::/56"],
        })
    );
    assert_eq!((&document["ipv6"]["enabled"], &document["ipv4"]), (&json!(true), &Value::Null));
    assert_eq!(said, "");
    // A pod subnet that lies over the nodes is nobody's pool.
    let clash = Snapshot::homelab().with("kubeadm", json!({"podSubnet": "10.0.0.0/8"}));
    let (document, said) = pool(&clash);
    assert_eq!(document.get("ipam"), None);
    assert!(said.contains("overlaps the Service CIDR 10.96.0.0/12"), "{said}");
    // Without any word, nodes' blocks are taken as they are; without these, the default is judged.
    let silent = Snapshot::homelab().without_kubeadm();
    assert_eq!(pool(&silent).0["ipam"], json!({"mode": "kubernetes"}));
    let nothing = silent.nodes(|node| node["podCidrs"] = json!([]));
    let (document, said) = pool(&nothing);
    assert_eq!(document.get("ipam"), None);
    assert!(said.contains("default pool 10.0.0.0/8 is used, which overlaps"), "{said}");
}

#[test]
fn a_running_pool_is_kept_unless_nobody_chose_it() {
    let config = |pool: &str, mode: &str| {
        let mut config = json!({
            "origin": "ConfigMap kube-system/cilium-config",
            "namespace": "kube-system",
            "ipam": mode,
            "nodeMaskV4": 26,
            "nodeMaskV6": 120,
            "routing": {"tunnel": "vxlan"},
            "ipv4": true,
        });
        config["poolV4"] = json!([pool]);
        Snapshot::homelab().with("config", config)
    };
    let ipam = |snapshot: Snapshot| {
        let run = snapshot.run("", &["--version", "1.16.19", "-o", "json"]);
        serde_json::from_str::<Value>(&run.stdout).unwrap()["ipam"].clone()
    };
    assert_eq!(
        ipam(config("10.200.0.0/16", "cluster-pool")),
        json!({"operator": {
            "clusterPoolIPv4MaskSize": 26,
            "clusterPoolIPv4PodCIDRList": ["10.200.0.0/16"],
        }})
    );
    let of_kubeadm = json!({"clusterPoolIPv4PodCIDRList": ["10.244.0.0/16"]});
    assert_eq!(ipam(config("10.0.0.0/8", "cluster-pool")), json!({"operator": of_kubeadm}));
    assert_eq!(ipam(config("10.24.0.0/16", "cluster-pool")), json!({"operator": of_kubeadm}));
    // Kubernetes gives the addresses then, and a pool has no effect.
    assert_eq!(ipam(config("10.0.0.0/8", "kubernetes")), json!({"mode": "kubernetes"}));
}

/// A change to each node that makes it one of a distribution's.
type Mark = (&'static str, fn(&mut Value));

const MARKS: [Mark; 9] = [
    ("kind", |node| node["providerId"] = json!("kind://docker/a/b")),
    ("k3s", |node| node["info"]["kubeletVersion"] = json!("v1.30.4+k3s1")),
    ("rke2", |node| node["info"]["kubeletVersion"] = json!("v1.30.4+rke2r1")),
    ("microk8s", |node| node["labels"]["microk8s.io/cluster"] = json!("true")),
    ("rancher-desktop", |node| node["name"] = json!("lima-rancher-desktop")),
    ("talos", |node| node["info"]["osImage"] = json!("Talos (v1.7.6)")),
    ("gke", |node| node["labels"]["cloud.google.com/gke-nodepool"] = json!("a")),
    ("aks", |node| node["labels"]["kubernetes.azure.com/cluster"] = json!("a")),
    ("eks", |node| node["labels"]["eks.amazonaws.com/nodegroup"] = json!("a")),
];

#[test]
fn distributions_get_what_they_need() {
    let mut text = String::new();
    for (name, mark) in MARKS {
        for version in ["1.14.2", "1.18.12"] {
            let cluster =
                Snapshot::homelab().without_kubeadm().with("daemonSets", kube_proxy()).nodes(mark);
            let run = cluster.run("", &["--version", version]);
            assert_eq!(run.code, Some(0), "{}", run.stderr);
            text.extend([format!("# {name} {version}\n"), run.stdout, run.stderr]);
        }
    }
    assert_snapshot!("distributions", text);
}

#[test]
fn every_chart_has_the_keys_that_are_set() {
    for (name, mark) in MARKS.into_iter().chain([("kubeadm", (|_| {}) as fn(&mut Value))]) {
        let dual = json!({"podSubnet": "10.244.0.0/16,fd00:10:244::/48"});
        let cluster = Snapshot::homelab().with("kubeadm", dual).nodes(mark);
        let facts: Facts = snapshot::decode(&serde_json::to_vec(&cluster.0).unwrap()).unwrap();
        for version in known_versions() {
            let kubeconfig = Kubeconfig { cluster: Some("a".into()), ..Kubeconfig::default() };
            let given = Map::new();
            let subject =
                Subject { facts: &facts, kubeconfig: &kubeconfig, version, given: &given };
            let mut keys = Vec::new();
            leaves("", &detect::detect(&subject).values, &mut keys);
            assert!(keys.len() > 3, "{name} {version}");
            for key in keys {
                let known = Chart::of(version).look_up(&key);
                assert!(matches!(known, Known::Has(_)), "{name} {version} {key}: {known:?}");
            }
        }
    }
}

fn leaves(prefix: &str, map: &Map, keys: &mut Vec<String>) {
    for (name, node) in map {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match &node.value {
            LayerValue::Map(inner) => leaves(&key, inner, keys),
            _ => keys.push(key),
        }
    }
}

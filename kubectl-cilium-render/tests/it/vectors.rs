//! What `cilium install --dry-run-helm-values` printed for known clusters, and where we differ from
//! it on purpose.

use serde_json::{Value, json};

use crate::render::{Folder, Run, UNJUDGED, finish};

/// The values of a homelab whose kubeadm was given the same pod subnet.
pub(crate) const HOMELAB: &str = "\
hubble:
  relay:
    enabled: true
  ui:
    enabled: true
ipam:
  mode: 'kubernetes'
  operator:
    clusterPoolIPv4PodCIDRList: '10.244.0.0/16'
ipv4NativeRoutingCIDR: '10.244.0.0/16'
enableIPv4Masquerade: true
enableIPv6Masquerade: true
";

/// What cilium-cli 0.15.8 made of them for chart 1.14.2.
pub(crate) const SEED: &str = "\
cluster:
  name: kubernetes
enableIPv4Masquerade: true
enableIPv6Masquerade: true
hubble:
  relay:
    enabled: true
  ui:
    enabled: true
ipam:
  mode: kubernetes
  operator:
    clusterPoolIPv4PodCIDRList: 10.244.0.0/16
ipv4NativeRoutingCIDR: 10.244.0.0/16
k8sServiceHost: 10.24.0.2
k8sServicePort: 6443
kubeProxyReplacement: strict
operator:
  replicas: 1
serviceAccounts:
  cilium:
    name: cilium
  operator:
    name: cilium-operator
tunnel: vxlan
";

/// A snapshot to detect values from.
#[derive(Clone)]
pub(crate) struct Snapshot(pub(crate) Value);

impl Snapshot {
    /// Three nodes by kubeadm, with the pod subnet 10.244.0.0/16 and without kube-proxy.
    pub(crate) fn homelab() -> Self {
        let node = |name: &str, address: &str, number: u8| {
            let role = if number == 0 { "control-plane" } else { "worker" };
            json!({
                "name": name,
                "podCidrs": [format!("10.244.{number}.0/24")],
                "addresses": [{"kind": "InternalIP", "address": address}],
                "labels": {format!("node-role.kubernetes.io/{role}"): ""},
                "info": {"kubeletVersion": "v1.28.2", "osImage": "Debian GNU/Linux 12 (bookworm)"},
            })
        };
        Self(json!({
            "schemaVersion": "1.1",
            "origin": {"source": "cluster", "cluster": {
                "context": "kubernetes-admin@kubernetes",
                "cluster": "kubernetes",
                "server": "https://10.24.0.2:6443",
                "nodes": 3,
                "nodesChosen": 0,
            }},
            "cluster": {
                "nodes": {"known": [
                    node("node1", "10.24.0.2", 0),
                    node("node2", "10.24.0.4", 1),
                    node("node3", "10.24.0.5", 2),
                ]},
                "daemonSets": {"known": []},
                "pods": {"known": []},
                "kubeadm": {"known": {
                    "podSubnet": "10.244.0.0/16",
                    "serviceSubnet": "10.96.0.0/12",
                    "clusterName": "kubernetes",
                }},
                "clusterInfo": {"known": {"server": "https://10.24.0.2:6443"}},
                "apiServers": {"known": ["10.24.0.2"]},
                "apiServerPort": {"known": 6443},
                "serviceCidrs": {"known": ["10.96.0.0/12"]},
            },
            "nodes": [],
        }))
    }

    /// With another fact.
    pub(crate) fn with(mut self, fact: &str, value: Value) -> Self {
        self.0["cluster"][fact] =
            Value::Object([("known".to_owned(), value)].into_iter().collect());
        self
    }

    /// Without a fact, which nobody may read.
    pub(crate) fn forbidden(mut self, fact: &str) -> Self {
        let why = json!({"what": fact, "why": "needs list", "kind": "forbidden"});
        self.0["cluster"][fact] = json!({"unavailable": why});
        self
    }

    /// Without facts that only kubeadm leaves behind.
    pub(crate) fn without_kubeadm(mut self) -> Self {
        for fact in ["kubeadm", "clusterInfo"] {
            let why = json!({"what": fact, "why": "not found", "kind": "absent"});
            self.0["cluster"][fact] = json!({"unavailable": why});
        }
        self
    }

    /// With another kubeconfig.
    pub(crate) fn reached(mut self, cluster: &str, server: &str) -> Self {
        self.0["origin"]["cluster"]["cluster"] = json!(cluster);
        self.0["origin"]["cluster"]["context"] = json!(cluster);
        self.0["origin"]["cluster"]["server"] = json!(server);
        self
    }

    /// With a change to each node.
    pub(crate) fn nodes(mut self, change: impl Fn(&mut Value)) -> Self {
        let nodes = self.0["cluster"]["nodes"]["known"].as_array_mut().unwrap();
        nodes.iter_mut().for_each(change);
        self
    }

    /// Runs the program on it, without a judgement.
    pub(crate) fn run(&self, values: &str, arguments: &[&str]) -> Run {
        let facts = serde_json::to_vec(&self.0).unwrap();
        let folder = Folder::with(&[("facts.json", &facts), ("values.yaml", values.as_bytes())]);
        let from = ["--from", "facts.json", "-f", "values.yaml"];
        let all = [&from, &UNJUDGED[..], arguments].concat();
        finish(&mut folder.command(&all))
    }

    /// Runs it on the homelab's values.
    pub(crate) fn rendered(&self, arguments: &[&str]) -> String {
        let run = self.run(HOMELAB, arguments);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        run.stdout
    }
}

/// kube-proxy as kubeadm installs it.
pub(crate) fn kube_proxy() -> Value {
    json!([{
        "kind": "DaemonSet",
        "component": "kube-proxy",
        "namespace": "kube-system",
        "name": "kube-proxy",
        "labels": {"k8s-app": "kube-proxy"},
        "pods": {"desired": 3, "ready": 3},
    }])
}

/// A text without the lines of these keys.
pub(crate) fn without(text: &str, keys: &[&str]) -> String {
    let is_of = |line: &&str| !keys.iter().any(|key| line.starts_with(&format!("{key}:")));
    text.split_inclusive('\n').filter(is_of).collect()
}

const REPLACEMENT: [&str; 3] = ["k8sServiceHost", "k8sServicePort", "kubeProxyReplacement"];

#[test]
fn v1_the_homelab() {
    let run = Snapshot::homelab().run(HOMELAB, &["--version", "1.14.2"]);
    assert_eq!(run.printed(), SEED);
    let compat = Snapshot::homelab().run(HOMELAB, &["--version", "v1.14.2", "--compat"]);
    assert_eq!(compat.printed(), format!("{SEED}\n"));
}

#[test]
fn v2_a_name_for_the_control_plane() {
    let snapshot = Snapshot::homelab()
        .reached("kubernetes", "https://lb.kubesphere.local:6443")
        .with("clusterInfo", json!({"server": "https://lb.kubesphere.local:6443"}));
    let expected = SEED.replace("10.24.0.2", "lb.kubesphere.local");
    assert_eq!(snapshot.rendered(&["--version", "1.14.2"]), expected);
    // kubeadm's own word is enough, whatever this machine uses.
    let kubeadm = json!({
        "podSubnet": "10.244.0.0/16",
        "controlPlaneEndpoint": "lb.kubesphere.local:6443",
    });
    let snapshot = Snapshot::homelab().with("kubeadm", kubeadm);
    assert_eq!(snapshot.rendered(&["--version", "1.14.2"]), expected);
    // And so is the kubeconfig's, where nothing else is known.
    let snapshot = Snapshot::homelab()
        .without_kubeadm()
        .reached("kubernetes", "https://lb.kubesphere.local:6443");
    assert_eq!(snapshot.rendered(&["--version", "1.14.2"]), expected);
}

#[test]
fn v3_kind_with_kube_proxy() {
    let snapshot = Snapshot::homelab()
        .reached("kind-michi", "https://127.0.0.1:41235")
        .nodes(|node| {
            let id = format!("kind://docker/michi/{}", node["name"].as_str().unwrap());
            node["providerId"] = json!(id);
        })
        .with("daemonSets", kube_proxy());
    let arguments = ["--version", "1.14.2", "--set", "cluster.name=michi", "--compat"];
    assert_eq!(
        snapshot.run("", &arguments).printed(),
        "\
cluster:
  name: michi
ipam:
  mode: kubernetes
operator:
  replicas: 1
serviceAccounts:
  cilium:
    name: cilium
  operator:
    name: cilium-operator
tunnel: vxlan

"
    );
}

#[test]
fn v4_kube_proxy_is_there() {
    let expected = without(SEED, &REPLACEMENT);
    let snapshot = Snapshot::homelab().with("daemonSets", kube_proxy());
    assert_eq!(snapshot.rendered(&["--version", "1.14.2"]), expected);
    // A DaemonSet whose pods no node wants is none.
    let mut idle = kube_proxy();
    idle[0]["pods"] = json!({"desired": 0});
    let snapshot = Snapshot::homelab().with("daemonSets", idle);
    assert_eq!(snapshot.rendered(&["--version", "1.14.2"]), SEED);
}

#[test]
fn v5_the_user_leaves_the_replacement_off() {
    let arguments = ["--version", "1.16.19", "--set", "kubeProxyReplacement=false"];
    let run = Snapshot::homelab().run(HOMELAB, &arguments);
    assert_eq!(run.code, Some(0));
    assert!(run.stdout.contains("kubeProxyReplacement: false\n"), "{}", run.stdout);
    assert!(run.stdout.contains("k8sServiceHost: 10.24.0.2\nk8sServicePort: 6443\n"));
    assert!(
        run.stderr.contains("warning: kubeProxyReplacement is false (--set)"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("note: k8sServiceHost and k8sServicePort are set although"));
}

#[test]
fn v6_one_spelling_of_the_tunnel() {
    let arguments = ["--version", "1.14.19", "--set", "tunnel=disabled"];
    let expected = SEED.replace("tunnel: vxlan", "tunnel: disabled");
    assert_eq!(Snapshot::homelab().rendered(&arguments), expected);
    let rendered = Snapshot::homelab().rendered(&["--version", "1.14.19"]);
    assert!(rendered.ends_with("tunnelProtocol: vxlan\n"), "{rendered}");
    let arguments = ["--version", "1.14.2", "--set", "routingMode=native"];
    let rendered = Snapshot::homelab().rendered(&arguments);
    assert!(!rendered.contains("tunnel"), "{rendered}");
}

#[test]
fn v7_a_newer_chart() {
    let rendered = Snapshot::homelab().rendered(&["--version", "1.16.1"]);
    assert_eq!(
        rendered,
        "\
cluster:
  name: kubernetes
enableIPv4Masquerade: true
enableIPv6Masquerade: true
hubble:
  relay:
    enabled: true
  ui:
    enabled: true
ipam:
  mode: kubernetes
  operator:
    clusterPoolIPv4PodCIDRList: 10.244.0.0/16
ipv4NativeRoutingCIDR: 10.244.0.0/16
k8sServiceHost: 10.24.0.2
k8sServicePort: 6443
kubeProxyReplacement: true
operator:
  replicas: 1
routingMode: tunnel
tunnelProtocol: vxlan
"
    );
}

#[test]
fn v8_amazons_names() {
    let name = "arn:aws:eks:eu-west-1:123:cluster/Prod_A";
    let snapshot = Snapshot::homelab().reached(name, "https://10.24.0.2:6443");
    let run = snapshot.run(HOMELAB, &["--version", "1.16.1"]);
    assert!(run.stdout.starts_with("cluster:\n  name: prod-a\n"), "{}", run.stdout);
    assert!(run.stderr.contains(&format!("cluster.name is `prod-a`, made of `{name}`")));
}

#[test]
fn v9_a_server_without_a_port() {
    let snapshot =
        Snapshot::homelab().without_kubeadm().reached("kubernetes", "https://k8s.example.org");
    let expected = SEED.replace("10.24.0.2", "k8s.example.org").replace("Port: 6443", "Port: 443");
    assert_eq!(snapshot.rendered(&["--version", "1.14.2"]), expected);
}

#[test]
fn v10_k3s() {
    let k3s = Snapshot::homelab().without_kubeadm().nodes(|node| {
        node["labels"]["node-role.kubernetes.io/master"] = json!("true");
        node["labels"]["node.kubernetes.io/instance-type"] = json!("k3s");
    });
    // As upstream, which never looks further.
    let run = k3s.run(HOMELAB, &["--version", "1.14.2"]);
    assert_eq!(run.stdout, without(SEED, &REPLACEMENT));
    assert!(run.stderr.contains("note: whether kube-proxy runs is not known"), "{}", run.stderr);
    let arguments = |words: Value| {
        let words = words.to_string();
        k3s.clone().nodes(move |node| node["annotations"] = json!({"k3s.io/node-args": words}))
    };
    let built_in = arguments(json!(["server", "--flannel-backend", "none"]));
    assert_eq!(
        built_in.run(HOMELAB, &["--version", "1.14.2"]).printed(),
        without(SEED, &REPLACEMENT)
    );
    for words in [
        json!(["server", "--disable-kube-proxy"]),
        json!(["server", "--disable-kube-proxy=true"]),
        json!(["server", "--disable-kube-proxy", "true", "--x"]),
    ] {
        assert_eq!(arguments(words).run(HOMELAB, &["--version", "1.14.2"]).printed(), SEED);
    }
}

#[test]
fn v11_a_name_of_digits() {
    let snapshot = Snapshot::homelab().reached("123", "https://10.24.0.2:6443");
    let expected = SEED.replace("name: kubernetes", "name: \"123\"");
    assert_eq!(snapshot.rendered(&["--version", "1.14.2"]), expected);
}

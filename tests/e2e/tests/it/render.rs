//! The renderer on live clusters, and on snapshots of them.

use std::{path::PathBuf, process::Command};

use kubesim::{Fault, Kind};
use serde_json::{Value, json};

use crate::doctor::Run;
use crate::kubectl::{Installation, VERSIONS};
use crate::program;
use crate::relay::{Greeting, Relay};
use crate::stage::Stage;

/// The article's values.
const VALUES: &str = "\
hubble: {relay: {enabled: true}, ui: {enabled: true}}
ipam:
  mode: 'kubernetes'
  operator:
    clusterPoolIPv4PodCIDRList: '10.244.0.0/16'
ipv4NativeRoutingCIDR: '10.244.0.0/16'
enableIPv4Masquerade: true
enableIPv6Masquerade: true
";

/// What the article got, without what its author wrote beside it.
const SEED: &str = "\
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

/// A kubeconfig as kubeadm writes it, changed.
fn kubeconfig(stage: &Stage, change: impl Fn(&mut Value)) -> PathBuf {
    let text = stage.sim().access().unwrap().kubeconfig();
    let mut config: Value = serde_json::from_str(&text).unwrap();
    config["clusters"][0]["name"] = json!("kubernetes");
    config["contexts"][0]["context"]["cluster"] = json!("kubernetes");
    change(&mut config["clusters"][0]["cluster"]);
    stage.write("render.kubeconfig", &config.to_string())
}

fn render(stage: &Stage, kubeconfig: &PathBuf, arguments: &[&str]) -> Run {
    let values = stage.write("values.yaml", VALUES);
    let mut command = Command::new(program::render());
    command.arg("--kubeconfig").arg(kubeconfig).arg("-f").arg(values).args(arguments);
    Run::of(&mut command)
}

/// Blocks, while the server goes on.
fn blocking<T>(work: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(work)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_article_s_values_come_out_through_kubectl_and_from_a_snapshot() {
    let stage = Stage::of_objects("homelab-healthy").await;
    let server = stage.sim().url();
    let server = server.strip_prefix("https://").unwrap();
    let relay = Relay::at("127.0.0.1", Greeting::Connect, server).await;
    let direct = kubeconfig(&stage, |cluster| {
        cluster["server"] = json!("https://10.24.0.2:6443");
        cluster["proxy-url"] = json!(format!("http://127.0.0.1:{}", relay.port()));
        cluster["tls-server-name"] = json!("localhost");
    });
    let values = stage.write("values.yaml", VALUES);
    let values = values.to_str().unwrap();
    let snapshot = stage.write("facts.json", "");
    let snapshot = snapshot.to_str().unwrap();
    blocking(|| {
        let installation = Installation::of(program::render());
        for version in VERSIONS {
            let arguments = ["cilium-render", "-f", values, "--version", "1.14.2"];
            let run = installation.run_with(version, &direct, &arguments);
            assert_eq!((run.code, &*run.stdout), (Some(0), SEED), "{version}");
            assert!(has_no_complaint(&run.stderr), "{}", run.stderr);
        }
        let mut doctor = Command::new(program::doctor());
        doctor.args(["snapshot", snapshot, "--force", "--nodes", "none"]);
        let taken = Run::of(doctor.arg("--kubeconfig").arg(&direct));
        assert_eq!((taken.code, &*taken.stderr), (Some(0), ""));
        let mut render = Command::new(program::render());
        let run = Run::of(render.args(["--from", snapshot, "-f", values, "--version", "1.14.2"]));
        assert_eq!((run.code, &*run.stdout), (Some(0), SEED));
        assert!(has_no_complaint(&run.stderr), "{}", run.stderr);
        // Without --version the running release says for which chart.
        let mut render = Command::new(program::render());
        let run = Run::of(render.args(["--from", snapshot, "-f", values]));
        assert_eq!((run.code, &*run.stdout), (Some(0), SEED));
        assert!(run.stderr.starts_with("note: for chart 1.14.2, as the release cilium"));
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tunnel_does_not_become_the_agents_address() {
    let stage = Stage::of_objects("homelab-healthy").await;
    let tunnel = kubeconfig(&stage, |_| {});
    let run = blocking(|| render(&stage, &tunnel, &["--explain"]));
    assert_eq!((run.code, &*run.stdout), (Some(0), SEED));
    let said = run.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "note: for chart 1.14.2, as the release cilium in kube-system",
        "k8sServiceHost: 10.24.0.2 from ConfigMap kube-public/cluster-info because",
        &format!("the kubeconfig's {} is a loopback address", stage.sim().url()),
    ] {
        assert!(said.contains(words), "{words} is not in: {said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn few_requests_are_enough() {
    let stage = Stage::of_objects("homelab-healthy").await;
    let kubeconfig = kubeconfig(&stage, |_| {});
    let before = stage.sim().journal().entries().len();
    let run = blocking(|| render(&stage, &kubeconfig, &["--version", "1.14.2"]));
    assert_eq!((run.code, &*run.stdout), (Some(0), SEED));
    assert!(has_no_complaint(&run.stderr), "{}", run.stderr);
    let asked = stage.sim().journal().entries().len() - before;
    assert!((8..=14).contains(&asked), "{asked} requests");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_scenario_gets_what_it_needs() {
    for (scenario, words, absent) in [
        // One process has all of it, kube-proxy too, which was turned off.
        ("k3s", &["k8sServiceHost: 10.24.0.2\n", "kubeProxyReplacement: strict\n"][..], None),
        ("rke2", &["k8sServiceHost: 10.24.0.2\n", "kubeProxyReplacement: strict\n"], None),
        ("kube-proxy", &["tunnel: vxlan\n"], Some("k8sService")),
        ("homelab-clash", &["    - 10.244.0.0/16\n", "kubeProxyReplacement: strict\n"], None),
        ("leftovers", &["    - 10.244.0.0/16\n"], None),
    ] {
        let stage = Stage::of_objects(scenario).await;
        let mut command = Command::new(program::render());
        command.arg("--kubeconfig").arg(stage.kubeconfig()).args(["--version", "1.14.2"]);
        let run = blocking(|| Run::of(&mut command));
        assert_eq!(run.code, Some(0), "{scenario}: {}", run.stderr);
        for words in words {
            assert!(run.stdout.contains(words), "{scenario}: {words} is not in {}", run.stdout);
        }
        let has = |key: &str| run.stdout.contains(key);
        assert!(!absent.is_some_and(has), "{scenario}: {}", run.stdout);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_cannot_be_read_is_said_and_not_guessed() {
    let stage = Stage::of_objects("homelab-healthy").await;
    let kubeconfig = kubeconfig(&stage, |_| {});
    stage.sim().faults().add(Fault::new("*/daemonsets*", Kind::Forbidden));
    let run = blocking(|| render(&stage, &kubeconfig, &["--version", "1.14.2"]));
    assert_eq!(run.code, Some(0));
    assert!(!run.stdout.contains("kubeProxyReplacement"), "{}", run.stdout);
    assert!(
        run.stderr.contains("note: whether kube-proxy runs is not known: DaemonSets could not")
    );

    stage.sim().faults().clear();
    stage.sim().faults().add(Fault::new("*", Kind::Reset));
    let run = blocking(|| render(&stage, &kubeconfig, &["--version", "1.14.2", "--timeout", "2s"]));
    assert_eq!((run.code, &*run.stdout), (Some(3), ""));
    assert!(run.stderr.contains("answers no request"), "{}", run.stderr);
    assert!(run.stderr.contains("add --no-detect, or --from FILE"), "{}", run.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_endpoint_is_verified_by_its_certificate() {
    let stage = Stage::of_objects("homelab-healthy").await;
    let kubeconfig = kubeconfig(&stage, |_| {});
    let server = stage.sim().url();
    let server = server.strip_prefix("https://").unwrap();
    let relay = Relay::at("127.0.0.2", Greeting::None, server).await;
    let verify = |host: &str, port: &str| {
        let set = format!("k8sServiceHost={host},k8sServicePort={port}");
        blocking(|| {
            // The only addresses here are loopbacks.
            let arguments = ["--version", "1.14.2", "--verify-endpoint", "--ignore", "API-02"];
            render(&stage, &kubeconfig, &[&arguments[..], &["--set", &set]].concat())
        })
    };
    let (_, port) = server.split_once(':').unwrap();
    let good = verify("127.0.0.1", port);
    assert_eq!(good.code, Some(0), "{}", good.stderr);
    let words = format!("note: 127.0.0.1:{port} answers with a certificate of this cluster, for");
    assert!(good.stderr.contains(&words), "{}", good.stderr);

    let port = relay.port().to_string();
    let wrong = verify("127.0.0.2", &port);
    assert_eq!(wrong.code, Some(1));
    let words = format!("error: the certificate at 127.0.0.2:{port} is not for that host");
    assert!(wrong.stderr.contains(&words), "{}", wrong.stderr);
    // Before anybody connects there, the rules know what the server's certificate is for.
    let name = "api.homelab.example";
    let unnamed = blocking(|| {
        let set = format!("k8sServiceHost={name},k8sServicePort=6443");
        render(&stage, &kubeconfig, &["--version", "1.14.2", "--only", "API-04", "--set", &set])
    });
    let words = "API-04    the API server's certificate is not for api.homelab.example";
    assert!(unnamed.stderr.contains(words), "{}", unnamed.stderr);
    // The values are there all the same.
    assert!(wrong.stdout.contains("k8sServiceHost: 127.0.0.2\n"), "{}", wrong.stdout);

    drop(relay);
    let silent = verify("127.0.0.2", &port);
    assert_eq!(silent.code, Some(1));
    assert!(silent.stderr.contains("is no API server seen from here"), "{}", silent.stderr);
}

/// Whether nothing worse than a warning was said, and last what to type next. The article's pool has
/// no effect in its IPAM mode, of which CIDR-09 warns.
fn has_no_complaint(stderr: &str) -> bool {
    let is_bad =
        |line: &str| ["  block ", "  error ", "error:"].iter().any(|it| line.starts_with(it));
    let last = stderr.lines().last();
    !stderr.lines().any(is_bad) && last.is_some_and(|line| line.starts_with("next: helm "))
}

//! Every scenario on kubesim, and the same on a real kube-apiserver where there is one.

use std::collections::BTreeMap;

use kubesim::{Backend, Config, Scenario, require_real_apiserver};
use serde_json::{Map, Value};

use crate::{
    running::{Running, over_rest},
    tool::VERSIONS,
};

/// The cases: what is to be shown, and on which scenario.
macro_rules! cases {
    ($($case:ident($scenario:literal);)*) => {
        mod on_kubesim {
            use super::*;
            $(#[test] fn $case() {
                super::$case(&Running::start($scenario, Backend::Kubesim(Config::default())));
            })*
        }

        mod on_a_real_apiserver {
            use super::*;
            $(#[test] fn $case() {
                let Some(assets) = require_real_apiserver() else { return };
                super::$case(&Running::start($scenario, Backend::Real(assets)));
            })*
        }
    };
}

cases! {
    the_clash_is_served("homelab-clash");
    the_healthy_homelab_is_served("homelab-healthy");
    the_homelab_without_masquerade_is_served("homelab-nomasq");
    a_dns_that_asks_itself_is_served("dns-loop");
    no_kube_proxy_is_served("no-kube-proxy");
    k3s_is_served("k3s");
    kube_proxy_is_served("kube-proxy");
    leftovers_are_served("leftovers");
    rke2_is_served("rke2");
    unmanaged_pods_are_served("unmanaged-pods");
    helm_reads_the_release("homelab-healthy");
    helm_uninstalls_all_but_the_definitions("homelab-healthy");
    waiting_ends_when_all_is_well("homelab-healthy");
    waiting_ends_when_time_is_up("homelab-clash");
}

/// How each helm is asked for releases in whatever state: helm 4 shows all without being told to.
const ALL_RELEASES: [(u8, &str); 2] = [(3, "list -A --all"), (4, "list -A")];

/// The minor version: 28 of `v1.28.2`.
fn minor(version: &str) -> u32 {
    version.split('.').nth(1).and_then(|minor| minor.parse().ok()).unwrap_or_default()
}

/// What the server holds says all that the files say.
fn holds_what_the_files_say(running: &Running) {
    let version = running.kubectl("1.35").ok("get --raw /version");
    let version: Value = serde_json::from_str(&version).expect("a version");
    let version = version["gitVersion"].as_str().unwrap_or_default();
    let older = minor(version) < minor(&running.scenario.kubernetes);
    let mut kinds: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for item in &running.scenario.objects {
        let text = |field: &str| item.object[field].as_str().unwrap_or_default();
        let group = text("apiVersion").rsplit_once('/').map_or("", |(group, _)| group);
        let dot = if group.is_empty() { "" } else { "." };
        let kind = format!("{}{dot}{group}", text("kind").to_lowercase());
        kinds.entry(kind).or_default().push(&item.object);
    }
    for (kind, objects) in kinds {
        let list = running.kubectl("1.35").ok(&format!("get {kind} -A -o json"));
        let list: Value = serde_json::from_str(&list).expect("a list");
        for object in objects {
            let id = |object: &Value, field: &str| object["metadata"][field].clone();
            let same = |found: &&Value| {
                ["namespace", "name"].iter().all(|&field| id(found, field) == id(object, field))
            };
            let found = list["items"].as_array().into_iter().flatten().find(same);
            let name = format!("{kind} {}/{}", id(object, "namespace"), id(object, "name"));
            let found = found.unwrap_or_else(|| panic!("there is no {name}"));
            for field in ["spec", "data", "status", "rules", "roleRef", "security-labels"] {
                if kind != "customresourcedefinition.apiextensions.k8s.io" || field == "spec" {
                    said(&object[field], &found[field], &format!("{name}: {field}"), older);
                }
            }
            for field in ["labels", "annotations", "finalizers"] {
                said(&id(object, field), &id(found, field), &format!("{name}: {field}"), older);
            }
            owned(object, found, &name);
        }
    }
}

/// Owners are named, and by the uids that they have on this server.
fn owned(object: &Value, found: &Value, name: &str) {
    let owners = |object: &Value| object["metadata"]["ownerReferences"].clone();
    let (wanted, found) = (owners(object), owners(found));
    let count = |owners: &Value| owners.as_array().map_or(0, Vec::len);
    assert_eq!(count(&wanted), count(&found), "{name}: owners");
}

/// All that is in `wanted` is in `found`.
fn said(wanted: &Value, found: &Value, place: &str, older: bool) {
    match (wanted, found) {
        (Value::Null, _) => {}
        // What it does not know a server drops.
        (_, Value::Null) if older => {}
        (Value::Object(wanted), found) => {
            let none = Map::new();
            let found = found.as_object().unwrap_or(&none);
            for (field, value) in wanted {
                let found = found.get(field).unwrap_or(&Value::Null);
                if *value != Value::Object(Map::new()) {
                    said(value, found, &format!("{place}.{field}"), older);
                }
            }
        }
        (Value::Array(wanted), Value::Array(found)) => {
            assert_eq!(wanted.len(), found.len(), "{place}: {wanted:?} {found:?}");
            for (wanted, found) in wanted.iter().zip(found) {
                said(wanted, found, place, older);
            }
        }
        _ => assert_eq!(wanted, found, "{place}"),
    }
}

fn statuses(running: &Running) -> BTreeMap<String, String> {
    let pods = running.kubectl("1.35").ok("get pods -A --no-headers");
    pods.lines()
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            (words[1].to_owned(), words[3].to_owned())
        })
        .filter(|(_, status)| status != "Running")
        .collect()
}

fn not_running(running: &Running, expected: &[(&str, &str)]) {
    let expected: BTreeMap<_, _> =
        expected.iter().map(|(name, status)| ((*name).to_owned(), (*status).to_owned())).collect();
    assert_eq!(statuses(running), expected);
}

fn pools(running: &Running) -> String {
    running.kubectl("1.28").ok(
        "get ciliumnodes -o jsonpath={range.items[*]}{.metadata.name}={.spec.ipam.podCIDRs[0]}|{end}",
    )
}

fn the_clash_is_served(running: &Running) {
    holds_what_the_files_say(running);
    assert_eq!(pools(running), "node1=10.0.1.0/24|node2=10.0.0.0/24|node3=10.0.2.0/24|");
    not_running(
        running,
        &[
            ("backend-77d565485d-5sjvj", "Error"),
            ("config-puller-856bdb8fdf-ghbbl", "Error"),
            ("redis-77bc69bf56-nq4j4", "ErrImagePull"),
        ],
    );
    for version in VERSIONS {
        let described = running.kubectl(version).ok("describe pod redis-77bc69bf56-nq4j4");
        assert!(described.contains("lookup mirror.lan on 10.0.0.1:53"), "{described}");
        assert!(described.contains("Back-off pulling image"), "events are found: {described}");
    }
}

fn the_healthy_homelab_is_served(running: &Running) {
    holds_what_the_files_say(running);
    assert_eq!(pools(running), "node1=10.244.0.0/24|node2=10.244.1.0/24|node3=10.244.2.0/24|");
    not_running(running, &[]);
    let kubectl = running.kubectl("1.35");
    // Owned objects go with their owners here as on a real server, so they have to be whose they
    // say they are.
    let uid = |what: &str, path: &str| kubectl.ok(&format!("get {what} -o jsonpath={{{path}}}"));
    let owner = ".metadata.ownerReferences[0].uid";
    assert_eq!(uid("pod client-g5stv", owner), uid("daemonset client", ".metadata.uid"));
    assert_eq!(uid("cep client-g5stv", owner), uid("pod client-g5stv", ".metadata.uid"));
    assert_eq!(
        kubectl.ok(
            "get endpointslice kubernetes -o jsonpath={.endpoints[0].addresses[0]}:{.ports[0].port}"
        ),
        "10.24.0.2:6443"
    );
}

fn the_homelab_without_masquerade_is_served(running: &Running) {
    holds_what_the_files_say(running);
    not_running(running, &[("config-puller-856bdb8fdf-ghbbl", "CrashLoopBackOff")]);
}

fn k3s_is_served(running: &Running) {
    holds_what_the_files_say(running);
    not_running(running, &[]);
    let kubectl = running.kubectl("1.35");
    assert_eq!(kubectl.ok("get service kubernetes -o jsonpath={.spec.clusterIP}"), "10.43.0.1");
    assert!(kubectl.ok("get nodes").contains("+k3s1"));
    kubectl.fails("get configmap kubeadm-config -n kube-system");
}

fn kube_proxy_is_served(running: &Running) {
    holds_what_the_files_say(running);
    not_running(running, &[]);
}

fn no_kube_proxy_is_served(running: &Running) {
    holds_what_the_files_say(running);
    not_running(running, &[]);
}

fn a_dns_that_asks_itself_is_served(running: &Running) {
    holds_what_the_files_say(running);
    not_running(
        running,
        &[
            ("coredns-5dd5756b68-4nqzt", "CrashLoopBackOff"),
            ("coredns-5dd5756b68-x7vjk", "CrashLoopBackOff"),
        ],
    );
}

fn leftovers_are_served(running: &Running) {
    holds_what_the_files_say(running);
    not_running(running, &[("late", "ContainerCreating")]);
    for (major, all) in ALL_RELEASES {
        assert_eq!(running.helm(major).ok(all).lines().count(), 1, "nothing but the heading");
    }
}

fn rke2_is_served(running: &Running) {
    holds_what_the_files_say(running);
    not_running(running, &[]);
    for (major, all) in ALL_RELEASES {
        let list = running.helm(major).ok(all);
        let words: Vec<&str> = list.lines().nth(1).unwrap_or_default().split_whitespace().collect();
        assert_eq!((words[0], words[words.len() - 2]), ("rke2-cilium", "rke2-cilium-1.14.200"));
    }
    assert_eq!(
        running.kubectl("1.35").ok("get helmcharts -A --no-headers").split_whitespace().nth(1),
        Some("rke2-cilium")
    );
}

fn unmanaged_pods_are_served(running: &Running) {
    holds_what_the_files_say(running);
    not_running(running, &[]);
}

fn helm_reads_the_release(running: &Running) {
    for (major, all) in ALL_RELEASES {
        let helm = running.helm(major);
        assert_eq!(
            helm.ok(all),
            "NAME  \tNAMESPACE  \tREVISION\tUPDATED                      \tSTATUS  \tCHART        \tAPP VERSION\n\
             cilium\tkube-system\t1       \t2023-10-08 11:25:10 +0000 UTC\tdeployed\tcilium-1.14.2\t1.14.2     \n"
        );
        let status = helm.ok("status cilium -n kube-system");
        assert!(status.contains("STATUS: deployed\nREVISION: 1\n"), "{status}");
        assert!(status.contains("Your release version is 1.14.2."), "{status}");
        let values = helm.ok("get values cilium -n kube-system");
        assert!(values.contains("k8sServiceHost: 10.24.0.2\nk8sServicePort: 6443\n"), "{values}");
        let manifest = helm.ok("get manifest cilium -n kube-system");
        assert!(manifest.contains("kind: DaemonSet"), "{manifest}");
        assert!(!manifest.contains("CustomResourceDefinition"), "no chart of Cilium has any");
    }
}

fn helm_uninstalls_all_but_the_definitions(running: &Running) {
    let kubectl = running.kubectl("1.35");
    let gone = running.helm(4).ok("uninstall cilium -n kube-system");
    assert_eq!(gone.trim(), "release \"cilium\" uninstalled");
    let left = kubectl.ok(
        "get sa,cm,clusterroles,clusterrolebindings,roles,rolebindings,svc,ds,deploy,secrets -n kube-system -o name",
    );
    let left: Vec<&str> = left.lines().filter(|name| name.contains("cilium")).collect();
    assert_eq!(left, Vec::<&str>::new());
    let definitions = kubectl.ok("get crds -o name");
    assert_eq!(definitions.matches("cilium.io").count(), 11, "{definitions}");
    assert_eq!(kubectl.ok("get ciliumnodes -o name").lines().count(), 3);
}

fn waiting_ends_when_all_is_well(running: &Running) {
    for version in VERSIONS {
        let kubectl = running.kubectl(version);
        assert_eq!(
            kubectl.ok("wait --for=condition=Ready nodes --all --timeout=10s"),
            "node/node1 condition met\nnode/node2 condition met\nnode/node3 condition met\n"
        );
        assert_eq!(
            kubectl.ok("rollout status daemonset/cilium -n kube-system --timeout=10s"),
            "daemon set \"cilium\" successfully rolled out\n"
        );
    }
}

fn waiting_ends_when_time_is_up(running: &Running) {
    for version in VERSIONS {
        let error = running
            .kubectl(version)
            .fails("wait --for=condition=Ready pod -l app=redis --timeout=1s");
        assert_eq!(
            error,
            "error: timed out waiting for the condition on pods/redis-77bc69bf56-nq4j4"
        );
    }
}

#[test]
fn the_rest_loader_loads_every_scenario() {
    for scenario in Scenario::all().unwrap() {
        holds_what_the_files_say(&over_rest(&scenario.name));
    }
}

#[test]
fn a_complaint_names_scenario_file_and_object() {
    let mut scenario = Scenario::named("leftovers").unwrap();
    scenario.add("{apiVersion: v1, kind: Service, metadata: {name: Wrong}}", "wrong.yaml").unwrap();
    let backend = Backend::Kubesim(Config::default());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let started = runtime.block_on(kubesim::Cluster::start(&scenario, backend));
    let error = format!("{:#}", started.err().unwrap());
    assert!(
        error.starts_with(
            "scenario leftovers: wrong.yaml: Service default/Wrong: Service \"Wrong\" is invalid"
        ),
        "{error}"
    );
}

//! A small fleet, as kubectl shows it.

use std::collections::BTreeSet;

use kubesim::{Fleet, GroupResource};

use crate::tool::{Cluster, Kubectl};

const NODES: usize = 50;
const PODS: usize = 1_500;
const PULLING: usize = 40;

fn fleet() -> (Cluster, Kubectl) {
    let cluster = Cluster::new();
    let fleet = Fleet { pulling: PULLING, identities: 200, ..Fleet::new(NODES, PODS) };
    cluster.sim().load_fleet(&fleet).expect("a fleet");
    let kubectl = cluster.kubectl("1.35");
    (cluster, kubectl)
}

/// The words of each line but the first.
fn rows(text: &str) -> Vec<Vec<&str>> {
    text.lines().skip(1).map(|line| line.split_whitespace().collect()).collect()
}

#[test]
fn objects_are_as_large_as_real_ones() {
    let (cluster, _) = fleet();
    let store = cluster.sim().store();
    for (group, plural, sizes) in [
        ("", "pods", 6_000..6_800),
        ("", "nodes", 10_000..12_000),
        ("cilium.io", "ciliumnodes", 600..1_000),
        ("cilium.io", "ciliumendpoints", 1_000..1_500),
        ("cilium.io", "ciliumidentities", 500..900),
    ] {
        let id = GroupResource::new(group, plural);
        let found = store.all(&id).filter(|(key, _)| key.namespace != "kube-system").last();
        let size = found.unwrap().1.value().to_string().len();
        assert!(sizes.contains(&size), "{plural}: {size} bytes");
    }
}

#[test]
fn pods_are_listed_in_chunks() {
    let (cluster, kubectl) = fleet();
    let text = kubectl.ok("get pods -A -o wide --chunk-size=500");
    let pods = rows(&text);
    assert_eq!(pods.len(), PODS);
    let entries = cluster.sim().journal().entries();
    let pages = entries.iter().filter(|entry| entry.route.starts_with("/api/v1/pods?")).count();
    assert_eq!(pages, 3);
    // NAMESPACE NAME READY STATUS RESTARTS AGE IP NODE ...
    let hanging = pods.iter().filter(|pod| pod[3] == "ImagePullBackOff" && pod[2] == "1/2");
    assert_eq!(hanging.count(), PULLING);
    let running = pods.iter().filter(|pod| pod[3] == "Running" && pod[2] == "2/2").count();
    assert_eq!(running, PODS - PULLING - NODES - 4);
    let agents: BTreeSet<_> =
        pods.iter().filter(|pod| pod[1].starts_with("cilium-") && pod[2] == "1/1").collect();
    assert_eq!(agents.len(), NODES + 2);
    let addresses: BTreeSet<_> = pods.iter().map(|pod| pod[6]).collect();
    assert_eq!(addresses.len(), PODS - 2, "only the operator shares its address with an agent");
}

#[test]
fn nodes_and_what_cilium_keeps_of_them_agree() {
    let (_cluster, kubectl) = fleet();
    let nodes = kubectl.ok("get nodes");
    let nodes = rows(&nodes);
    assert_eq!(nodes.len(), NODES);
    assert!(nodes.iter().all(|node| node[1] == "Ready" && node[4] == "v1.35.0"), "{nodes:?}");
    let cilium = kubectl.ok("get ciliumnodes");
    let addresses = kubectl.ok("get nodes -o wide");
    for (node, cilium) in rows(&addresses).iter().zip(rows(&cilium)) {
        assert_eq!((node[0], node[5]), (cilium[0], cilium[2]));
    }
    let endpoints = kubectl.ok("get ciliumendpoints -A");
    let endpoints = rows(&endpoints);
    assert_eq!(endpoints.len(), PODS - NODES - 2);
    assert!(endpoints.iter().all(|endpoint| endpoint.contains(&"ready")));
    let workloads = (PODS - NODES - 4).div_ceil(30);
    assert!(workloads < 200);
    assert_eq!(rows(&kubectl.ok("get ciliumidentities")).len(), 201);
    let controllers = kubectl.ok("get deployments,replicasets -A -o name");
    assert_eq!(controllers.lines().count(), 2 * (workloads + 2));
    let set = kubectl.ok("get daemonset cilium -n kube-system");
    assert_eq!(rows(&set)[0][1..4], ["50", "50", "50"]);
}

#[test]
fn selectors_find_what_is_asked_for() {
    let (_cluster, kubectl) = fleet();
    let count = |arguments: &str| rows(&kubectl.ok(&format!("get pods -A {arguments}"))).len();
    assert_eq!(count("-l k8s-app=cilium"), NODES);
    assert_eq!(count("--field-selector status.phase!=Running"), PULLING);
    assert_eq!(
        count("--field-selector spec.nodeName=node-0007,status.phase=Running -l k8s-app=cilium"),
        1
    );
    let here = kubectl.ok("get pods -A -o wide --field-selector spec.nodeName=node-0007");
    assert!(
        rows(&here).len() > 20 && rows(&here).iter().all(|pod| pod[7] == "node-0007"),
        "{here}"
    );
}

#[test]
fn a_pod_of_a_fleet_can_be_described_changed_and_deleted() {
    let (_cluster, kubectl) = fleet();
    let pods = kubectl.ok("get pods -n team-03 -o name");
    let pod = pods.lines().next().unwrap();
    let described = kubectl.ok(&format!("describe -n team-03 {pod}"));
    assert!(described.contains("Controlled By:  ReplicaSet/"), "{described}");
    kubectl.ok(&format!("label -n team-03 {pod} seen=yes"));
    assert_eq!(kubectl.ok("get pods -n team-03 -l seen=yes -o name").trim(), pod);
    kubectl.ok(&format!("delete -n team-03 {pod} --grace-period=0 --force"));
    let left = kubectl.ok("get pods -n team-03 -o name");
    assert_eq!(left.lines().count() + 1, pods.lines().count());
    let endpoint = pod.replace("pod/", "ciliumendpoint/");
    kubectl.ok(&format!("wait -n team-03 {endpoint} --for=delete --timeout=10s"));
}

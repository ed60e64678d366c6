//! What goes over the wire, as bare requests show it.

use crate::tool::Cluster;

fn config_map(name: &str) -> String {
    format!("{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}, namespace: default}}}}")
}

#[test]
fn pages_are_of_one_version() {
    let cluster = Cluster::new();
    for name in ["a", "b", "c"] {
        cluster.sim().load(&config_map(name)).unwrap();
    }
    let kubectl = cluster.kubectl("1.35");
    let route = "/api/v1/namespaces/default/configmaps?limit=2";
    let first = kubectl.ok(&format!("get --raw {route}"));
    assert!(first.contains("\"remainingItemCount\":1"), "{first}");
    let token = first.split("\"continue\":\"").nth(1).and_then(|rest| rest.split('"').next());
    // What comes and goes after the first page is not in the second.
    cluster.sim().load(&config_map("d")).unwrap();
    kubectl.ok("delete configmap c");
    let second = kubectl.ok(&format!("get --raw {route}&continue={}", token.unwrap()));
    assert!(second.contains("\"name\":\"c\"") && !second.contains("\"name\":\"d\""), "{second}");
    assert!(!second.contains("\"continue\""), "{second}");
}

#[test]
fn watches_send_what_is_there_then_a_bookmark() {
    let cluster = Cluster::new();
    cluster.sim().load(&config_map("a")).unwrap();
    let kubectl = cluster.kubectl("1.35");
    let watched = kubectl.ok(
        "get --raw /api/v1/namespaces/default/configmaps?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=1",
    );
    let lines: Vec<&str> = watched.lines().collect();
    assert_eq!(lines.len(), 2, "{watched}");
    assert!(lines[0].contains("\"type\":\"ADDED\""), "{watched}");
    assert!(lines[1].contains("\"k8s.io/initial-events-end\":\"true\""), "{watched}");
    cluster.sim().store().compact();
    let watched =
        kubectl.ok("get --raw /api/v1/configmaps?watch=1&resourceVersion=1&timeoutSeconds=1");
    assert!(
        watched.contains("\"type\":\"ERROR\"") && watched.contains("too old resource version: 1 ("),
        "{watched}"
    );
}

#[test]
fn requests_are_recorded() {
    let cluster = Cluster::new();
    let kubectl = cluster.kubectl("1.35");
    kubectl.ok("get configmaps");
    let entries = cluster.sim().journal().entries();
    let list = entries
        .iter()
        .find(|entry| entry.route == "/api/v1/namespaces/default/configmaps?limit=500")
        .unwrap();
    assert_eq!((list.user.as_str(), list.code), ("kubernetes-admin", 200));
    assert!(list.accept.starts_with("application/json;as=Table;v=v1;g=meta.k8s.io"));
}

//! The configuration of the agents, and of each node's.

use kcilium_core::{
    facts::{
        ApiServer, CiliumConfig, CiliumNodeConfig, Container, Fact, Facts, NodeName, RoutingMode,
        Unavailable,
    },
    view::View,
};
use serde_json::json;

use crate::fixture::{Fixture, decoded, recording};

/// A healthy cluster of three nodes, `node1` to `node3`, the last of which is labelled.
fn cluster() -> Facts {
    let mut facts = Fixture::of_rules("base.txt").facts();
    let Fact::Known(nodes) = &mut facts.cluster.nodes else { panic!("no nodes") };
    nodes[2].labels.insert("role".into(), "edge".into());
    facts
}

/// A CiliumNodeConfig of a name, a selector as in the API, and one key.
fn other(name: &str, selector: &serde_json::Value, key: &str, value: &str) -> CiliumNodeConfig {
    serde_json::from_value(json!({
        "namespace": "kube-system",
        "name": name,
        "nodes": selector,
        "defaults": {key: value},
    }))
    .unwrap()
}

fn set(facts: &mut Facts, configs: Vec<CiliumNodeConfig>) {
    facts.cluster.cilium_node_configs = Fact::Known(configs);
}

fn of_node(facts: &Facts, node: &str) -> Result<CiliumConfig, Unavailable> {
    View::new(facts).node_config(&NodeName::from(node))
}

/// Gives the agents an init container `config` that is told something.
fn tell(facts: &mut Facts, argument: &str) {
    let Fact::Known(daemon_sets) = &mut facts.cluster.daemon_sets else { panic!("no DaemonSets") };
    daemon_sets[0].init_containers.push(Container {
        name: "config".into(),
        command: ["cilium", "build-config", argument].map(str::to_owned).into(),
        ..Container::default()
    });
}

#[test]
fn the_environment_of_the_agents_says_where_the_api_server_is() {
    let server = |dump| {
        let facts = decoded(&recording(dump));
        facts.cluster.config.get().unwrap().api_server.clone()
    };
    let expected = ApiServer { host: "10.24.0.2".into(), port: "6443".into(), from: None };
    assert_eq!(server("dumps/clash"), Some(expected.clone()));
    assert_eq!(
        of_node(&decoded(&recording("dumps/clash")), "node1").unwrap().api_server,
        Some(expected)
    );
    let without = Fixture::of_rules("API-01.sick.txt").facts();
    assert_eq!(without.cluster.config.get().unwrap().api_server, None);
}

#[test]
fn an_address_that_is_taken_from_elsewhere_is_one() {
    let fixture = |environment: &str| {
        let mut files = recording("dumps/clash");
        let daemon_sets = files.get_mut("api/daemonsets.json").unwrap();
        let old = r#"{"name":"KUBERNETES_SERVICE_HOST","value":"10.24.0.2"}"#;
        assert!(daemon_sets.contains(old));
        *daemon_sets = daemon_sets.replace(old, environment);
        decoded(&files).cluster.config.get().unwrap().api_server.clone()
    };
    let reference = r#"{"name":"KUBERNETES_SERVICE_HOST","valueFrom":
        {"configMapKeyRef":{"name":"api","key":"host"}}}"#;
    let server = fixture(reference).unwrap();
    assert_eq!(
        (server.host.as_str(), server.from.as_deref()),
        ("", Some("ConfigMap api key host"))
    );
    assert_eq!(fixture(r#"{"name":"OTHER","value":"10.24.0.2"}"#), None);
}

#[test]
fn without_other_configurations_a_node_has_that_of_the_cluster() {
    let facts = cluster();
    assert_eq!(of_node(&facts, "node1").as_ref(), facts.cluster.config.get());
}

#[test]
fn nodes_that_are_selected_differ_and_the_last_name_wins() {
    let edge = json!({"matchLabels": {"role": "edge"}});
    let mut facts = cluster();
    set(
        &mut facts,
        vec![
            other("b", &edge, "routing-mode", "native"),
            other("a", &edge, "routing-mode", "tunnel"),
            other("c", &json!({}), "enable-ipv4-masquerade", "false"),
            other("d", &json!(null), "enable-ipv6-masquerade", "false"),
        ],
    );
    let (first, third) = (of_node(&facts, "node1").unwrap(), of_node(&facts, "node3").unwrap());
    assert!(matches!(first.routing, RoutingMode::Tunnel(_)));
    assert_eq!(third.routing, RoutingMode::Native);
    // An empty selector selects all, and none at all selects nothing.
    assert!(!first.masquerade_v4 && first.masquerade_v6);
    assert_eq!(
        third.origin,
        "ConfigMap kube-system/cilium-config, CiliumNodeConfig a, CiliumNodeConfig b, \
         CiliumNodeConfig c"
    );
    // Those of other namespaces are not read.
    let mut elsewhere = other("z", &json!({}), "routing-mode", "native");
    "default".clone_into(&mut elsewhere.namespace);
    set(&mut facts, vec![elsewhere]);
    assert!(matches!(of_node(&facts, "node3").unwrap().routing, RoutingMode::Tunnel(_)));
}

#[test]
fn some_keys_may_not_be_overridden() {
    let native = || vec![other("a", &json!({}), "routing-mode", "native")];
    for (argument, is_native) in [
        ("--allow-config-keys=debug,routing-mode", true),
        ("--allow-config-keys=debug", false),
        ("--deny-config-keys=routing-mode", false),
        ("--deny-config-keys=debug", true),
        ("--source=config-map:kube-system/cilium-config", false),
        ("--source=config-map:kube-system/cilium-config,cilium-node-config:kube-system", true),
    ] {
        let mut facts = cluster();
        set(&mut facts, native());
        tell(&mut facts, argument);
        let routing = of_node(&facts, "node1").unwrap().routing;
        assert_eq!(routing == RoutingMode::Native, is_native, "{argument}");
    }
    let mut facts = cluster();
    tell(&mut facts, "--source=config-map:a/b,node:node1");
    let error = of_node(&facts, "node1").unwrap_err().to_string();
    assert!(error.contains("annotations of Nodes"), "{error}");
}

#[test]
fn arguments_win_over_everything() {
    let mut files = recording("dumps/clash");
    let daemon_sets = files.get_mut("api/daemonsets.json").unwrap();
    let old = r#""--config-dir=/tmp/cilium/config-map""#;
    assert!(daemon_sets.contains(old));
    *daemon_sets = daemon_sets
        .replace(old, r#""--config-dir=/tmp/cilium/config-map","--enable-ipv6-masquerade=false""#);
    let mut facts = decoded(&files);
    assert!(!facts.cluster.config.get().unwrap().masquerade_v6);
    set(&mut facts, vec![other("a", &json!({}), "enable-ipv6-masquerade", "true")]);
    assert!(!of_node(&facts, "node1").unwrap().masquerade_v6);
}

#[test]
fn what_is_not_known_is_said() {
    let edge = json!({"matchLabels": {"role": "edge"}});
    let mut facts = cluster();
    set(&mut facts, vec![other("a", &edge, "routing-mode", "native")]);
    let error = of_node(&facts, "node9").unwrap_err().to_string();
    assert_eq!(error, "CiliumNodeConfig a: nobody knows whether it selects node node9");
    set(&mut facts, vec![other("a", &json!({}), "enable-ipv4", "perhaps")]);
    let error = of_node(&facts, "node1").unwrap_err().to_string();
    assert_eq!(
        error,
        "configuration of node node1: key `enable-ipv4`: `perhaps` is neither true nor false"
    );
    facts.cluster.cilium_node_configs = Fact::Unavailable(Unavailable::forbidden("x", "no"));
    assert!(of_node(&facts, "node1").is_err());
    facts.cluster.cilium_node_configs = Fact::Unavailable(Unavailable::absent("x", "no"));
    assert!(of_node(&facts, "node1").is_ok());
    facts.cluster.config_data = Fact::default();
    assert!(of_node(&facts, "node1").is_err());
}

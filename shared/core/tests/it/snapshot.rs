//! Snapshots from elsewhere: of newer tools, cut short, or hostile.

use kcilium_core::facts::{
    Facts, ResolverKind, RouteKind, Source,
    snapshot::{SchemaVersion, SnapshotError, decode, encode},
};
use serde_json::{Value, json};

use crate::fixture::Fixture;

fn facts() -> Facts {
    Fixture::whole("seed/clash.txt").facts()
}

fn refused(document: &Value) -> String {
    decode(document.to_string().as_bytes()).unwrap_err().to_string()
}

#[test]
fn what_was_written_is_read_again() {
    let facts = facts();
    let json = encode(&facts).unwrap();
    assert_eq!(decode(&json).unwrap(), facts);
    assert_eq!(json.last(), Some(&b'\n'));
}

#[test]
fn an_empty_snapshot_is_one_in_which_nothing_is_known() {
    assert_eq!(decode(br#"{"schemaVersion":"1.1"}"#).unwrap(), Facts::default());
    // Before there was anything of the API but nodes and configuration.
    let older = decode(br#"{"schemaVersion":"1.0"}"#).unwrap();
    assert_eq!(older.cluster, Facts::default().cluster);
}

#[test]
fn a_newer_major_version_is_refused_before_anything_else_is_read() {
    let document = json!({"schemaVersion": "2.0", "nodes": "not a list any more"});
    let error = decode(document.to_string().as_bytes()).unwrap_err();
    let SnapshotError::TooNew { found } = &error else { panic!("{error:?}") };
    assert_eq!(*found, SchemaVersion { major: 2, minor: 0 });
    assert_eq!(error.to_string(), "the snapshot has schema version 2.0, this tool reads up to 1.x");
}

#[test]
fn a_newer_minor_version_is_read_and_its_new_fields_are_ignored() {
    let document = json!({
        "schemaVersion": "1.99",
        "weather": {"sunny": true},
        "origin": {"source": "satellite", "orbit": [1, 2, 3]},
        "nodes": [{
            "name": "node1",
            "moons": 2,
            "routes": {"known": [
                {"destination": "10.0.0.0/8", "kind": "wormhole", "color": "red",
                 "nextHops": [{"link": "eth0", "flags": ["quantum"], "age": 3}]},
            ]},
            "resolvers": {"known": [
                {"address": "10.0.0.1", "file": "/etc/resolv.conf", "kind": "telepathic"},
            ]},
        }],
    });
    let facts = decode(document.to_string().as_bytes()).unwrap();
    assert_eq!(facts.schema_version, SchemaVersion { major: 1, minor: 99 });
    assert_eq!(facts.origin.source, Source::Unknown);
    let node = &facts.nodes[0];
    let route = &node.routes.get().unwrap()[0];
    assert_eq!((route.kind, route.next_hops.len()), (RouteKind::Other, 1));
    assert_eq!(node.resolvers.get().unwrap()[0].kind, ResolverKind::BehindStub);
}

#[test]
fn a_document_without_a_version_is_no_snapshot() {
    for document in [json!({}), json!({"nodes": []}), json!({"schemaVersion": null})] {
        assert_eq!(
            refused(&document),
            "not a snapshot: the field `schemaVersion` is missing",
            "{document}"
        );
    }
}

#[test]
fn a_version_that_is_none_is_refused() {
    for version in [json!("1"), json!("1.x"), json!("one.two"), json!(""), json!(1), json!([1, 0])]
    {
        let error = refused(&json!({"schemaVersion": version}));
        assert!(error.starts_with("not a snapshot: "), "{version}: {error}");
    }
    let error = refused(&json!({"schemaVersion": "new"}));
    assert!(error.contains("`new` is not a schema version such as `1.0`"), "{error}");
}

#[test]
fn other_documents_are_no_snapshots() {
    for text in
        ["", "null", "[]", "42", "\"1.0\"", "<html>", "\u{feff}{}", "{\"schemaVersion\":\"1.0\"} x"]
    {
        let error = decode(text.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with("not a snapshot: "), "{text:?}: {error}");
    }
    assert!(decode(b"\xff\xfe").is_err());
}

#[test]
fn a_snapshot_that_was_cut_short_is_refused_wherever_it_was_cut() {
    let json = encode(&facts()).unwrap();
    // Without the newline and the last brace; every place, in steps that no structure shares.
    for length in (0..json.len() - 1).step_by(37) {
        assert!(decode(&json[..length]).is_err(), "cut at byte {length}");
    }
}

#[test]
fn depth_does_not_exhaust_the_stack() {
    let deep = 1_000_000;
    for opening in ["[", "{\"a\":"] {
        assert!(decode(opening.repeat(deep).as_bytes()).is_err());
        let in_unknown_field =
            format!("{{\"schemaVersion\":\"1.0\",\"x\":{}", opening.repeat(deep));
        assert!(decode(in_unknown_field.as_bytes()).is_err());
        let in_known_field =
            format!("{{\"schemaVersion\":\"1.0\",\"nodes\":{}", opening.repeat(deep));
        assert!(decode(in_known_field.as_bytes()).is_err());
    }
}

#[test]
fn values_that_are_no_addresses_or_prefixes_are_refused() {
    let with_route = |route: Value| {
        refused(&json!({"schemaVersion": "1.0",
            "nodes": [{"name": "n", "routes": {"known": [route]}}]}))
    };
    for route in [
        json!({"destination": "10.0.0.0/33"}),
        json!({"destination": "10.0.0.0"}),
        json!({"destination": "10.0.0.0/8", "metric": -1}),
        json!({"destination": "10.0.0.0/8", "tos": 256}),
        json!({"destination": "10.0.0.0/8", "protocol": "999"}),
        json!({"kind": "blackhole"}),
    ] {
        let error = with_route(route.clone());
        assert!(
            error.starts_with("not a snapshot: ") && error.contains("line 1"),
            "{route}: {error}"
        );
    }
}

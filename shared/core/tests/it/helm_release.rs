//! Helm's releases in the forms in which Helm keeps them.

use std::io::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use flate2::{Compression, write::GzEncoder};
use kcilium_core::{decode::kubernetes::page, facts::Release};
use serde_json::{Value, json};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn release() -> Value {
    json!({
        "name": "cilium", "namespace": "kube-system", "version": 3,
        "info": {"first_deployed": "2026-11-23T01:12:30.8Z",
            "last_deployed": "2026-11-23T02:00:00Z", "deleted": "",
            "description": "Upgrade \"cilium\" failed: Get \"https://u:hunter2@api\"",
            "status": "failed", "notes": "You have successfully installed Cilium"},
        "chart": {"metadata": {"name": "cilium", "version": "1.14.2", "appVersion": "1.14.2"},
            "lock": null, "templates": [{"name": "templates/a.yaml", "data": "e30="}],
            "values": {"tunnel": ""}, "schema": null, "files": null},
        "config": {"routingMode": "tunnel", "operator": {"replicas": 1},
            "hubble": {"tls": {"server": {"key": "c2VjcmV0"}}}},
        "manifest": "---\nkind: Secret\n", "hooks": [],
    })
}

fn secret(payload: &[u8]) -> String {
    let data = STANDARD.encode(STANDARD.encode(payload));
    json!({"metadata": {"name": "sh.helm.release.v1.cilium.v3", "namespace": "kube-system",
        "labels": {"owner": "helm", "name": "cilium"}},
        "type": "helm.sh/release.v1", "data": {"release": data}})
    .to_string()
}

fn read(json: &str) -> Result<Vec<Release>, String> {
    page(json.as_bytes()).map(|page| page.items).map_err(|error| error.to_string())
}

#[test]
fn a_release_is_read_from_a_secret_or_a_config_map() {
    let bytes = release().to_string().into_bytes();
    let config_map = json!({"metadata": {"name": "cilium.v3", "namespace": "kube-system",
        "labels": {"owner": "helm"}}, "data": {"release": STANDARD.encode(gzip(&bytes))}});
    for json in [secret(&gzip(&bytes)), secret(&bytes), config_map.to_string()] {
        let releases = read(&json).unwrap();
        let [found] = &releases[..] else { panic!("{releases:?}") };
        assert_eq!((found.name.as_str(), found.revision), ("cilium", 3));
        assert_eq!((found.chart.as_str(), found.chart_version.as_str()), ("cilium", "1.14.2"));
        assert_eq!((found.status.as_str(), found.app_version.as_str()), ("failed", "1.14.2"));
        assert_eq!(found.deployed.as_deref(), Some("2026-11-23T02:00:00Z"));
        assert_eq!(found.description, "Upgrade \"cilium\" failed: Get \"https://(redacted)@api\"");
        assert_eq!(
            found.values,
            json!({"routingMode": "tunnel", "operator": {"replicas": 1},
                "hubble": {"tls": {"server": {"key": "(redacted)"}}}})
        );
    }
}

#[test]
fn a_release_without_values_is_one() {
    let mut release = release();
    release["config"] = Value::Null;
    let releases = read(&secret(&gzip(release.to_string().as_bytes()))).unwrap();
    assert_eq!(releases[0].values, Value::Null);
}

#[test]
fn other_secrets_and_config_maps_are_left_alone() {
    for json in [
        json!({"metadata": {"name": "a"}, "type": "Opaque", "data": {"release": "eA=="}}),
        json!({"metadata": {"name": "a"}, "type": "Opaque", "data": null}),
        json!({"metadata": {"name": "a"}, "data": {"release": "1.2"}}),
    ] {
        assert_eq!(read(&json.to_string()).unwrap(), []);
    }
}

#[test]
fn broken_releases_are_named() {
    let whole = gzip(release().to_string().as_bytes());
    let inner = |text: &str| {
        json!({"metadata": {"name": "r", "namespace": "n"}, "type": "helm.sh/release.v1",
            "data": {"release": text}})
        .to_string()
    };
    for (json, why) in [
        (inner("%%%"), "not base64"),
        (inner(&STANDARD.encode("%%%")), "not base64"),
        (inner(""), "EOF"),
        (inner(&STANDARD.encode(STANDARD.encode("no JSON"))), "expected"),
        (inner(&STANDARD.encode(STANDARD.encode(&whole[..whole.len() / 2]))), "data.release: "),
        (inner(&STANDARD.encode(STANDARD.encode("{}"))), "missing field `name`"),
    ] {
        let error = read(&json).unwrap_err();
        assert!(error.starts_with("Helm release in n/r: data.release: "), "{error}");
        assert!(error.contains(why), "{why}: {error}");
    }
    let missing = json!({"metadata": {"name": "r"}, "type": "helm.sh/release.v1"}).to_string();
    assert_eq!(read(&missing).unwrap_err(), "Helm release in r: data.release is missing");
}

#[test]
fn a_release_that_inflates_without_end_is_given_up() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(br#"{"name":"cilium","manifest":""#).unwrap();
    let spaces = vec![b' '; 1 << 20];
    for _ in 0..70 {
        encoder.write_all(&spaces).unwrap();
    }
    encoder.write_all(br#""}"#).unwrap();
    let error = read(&secret(&encoder.finish().unwrap())).unwrap_err();
    assert!(error.ends_with("data.release: it has more than 64 MiB"), "{error}");
}

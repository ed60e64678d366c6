//! Secrets that are planted among facts, and looked for afterwards.

use std::collections::BTreeMap;

use kcilium_core::redaction::{self, REDACTED};
use proptest::{prelude::*, sample::select};
use serde_json::{Value, json};

/// Names under which a secret is one, whatever it looks like.
const NAMES: [&str; 17] = [
    "password",
    "PASSWORD",
    "adminPassword",
    "db-passwd",
    "clientSecret",
    "etcd.secret",
    "apiToken",
    "X-API-Key",
    "ACCESS_KEY_ID",
    "privateKey",
    "tls.key",
    "tls.crt",
    "caCert",
    "certs",
    "credentials",
    "dockerconfigjson",
    "auth",
];

/// A text that nobody writes by chance.
fn secret() -> impl Strategy<Value = String> {
    "[A-Za-z][A-Za-z0-9]{11,20}"
}

/// Texts in which a secret stands by its own form.
fn with_secret(secret: &str) -> impl Strategy<Value = String> + use<> {
    select(vec![
        format!("http://user:{secret}@proxy.lan:3128"),
        format!("socks5://{secret}@10.0.0.9:1080/"),
        format!("https://u:ab/{secret}@proxy.lan"),
        format!("a http://b https://user:{secret}@c/d e"),
        format!("-----BEGIN RSA PRIVATE KEY-----\n{secret}\n-----END RSA PRIVATE KEY-----\n"),
        format!("ca: |\n  -----BEGIN CERTIFICATE-----\n  {secret}"),
        format!("LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t{secret}"),
        format!("token eyJhbGciOiJSUzI1NiJ9.{secret}.c2lnbmF0dXJl rejected"),
        format!("Authorization: Bearer {secret}{secret}"),
        format!("https://registry.lan/v2/token?scope=pull&access_token={secret}&x=1"),
        format!("--password={secret}"),
        format!("{{\"password\":\"x\",\"secret={secret}\"}}"),
    ])
}

/// A tree of values with a secret somewhere in it.
fn tree(secret: &str) -> impl Strategy<Value = Value> + use<> {
    let text = secret.to_owned();
    let below = prop_oneof![
        Just(json!(secret)),
        Just(json!([1, secret])),
        Just(json!({"a": {"b": secret}})),
        Just(json!([{"c": [secret]}])),
    ];
    let named = (select(NAMES.to_vec()), below).prop_map(|(name, below)| json!({name: below}));
    let variable = select(vec!["FOO", "DB_PASSWORD", "CILIUM_ETCD_PASSWORD", "PATH"])
        .prop_map(move |name| json!({"name": name, "value": text}));
    let proxy = json!({"name": "https_proxy", "value": format!("user:{secret}@proxy.lan:3128")});
    let own_form = with_secret(secret).prop_map(|text| json!({"note": text}));
    prop_oneof![named, variable, Just(proxy), own_form].prop_recursive(4, 16, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|it| json!([true, it])),
            inner.clone().prop_map(|it| json!({"operator": it, "replicas": 2})),
            inner.prop_map(|it| json!({"name": "x", "extra": it})),
        ]
    })
}

proptest! {
    #[test]
    fn no_planted_secret_survives_in_a_tree(
        (secret, mut tree) in secret().prop_flat_map(|it| (Just(it.clone()), tree(&it))),
    ) {
        redaction::tree(&mut tree);
        prop_assert!(!tree.to_string().contains(&secret), "{tree}");
    }

    #[test]
    fn no_planted_secret_survives_in_prose(
        (secret, text) in secret().prop_flat_map(|it| (Just(it.clone()), with_secret(&it))),
        before in "[a-z (\"]{0,12}",
    ) {
        let text = redaction::prose(&format!("{before} {text}"));
        prop_assert!(!text.contains(&secret), "{text}");
        prop_assert!(text.contains(REDACTED), "{text}");
    }

    #[test]
    fn no_planted_secret_survives_in_logs(
        secret in secret(),
        name in select(vec!["password", "client_secret", "apiToken", "X-API-Key", "Authorization"]),
        before in "[a-z (\"\\\\=:]{0,12}",
    ) {
        for text in [
            format!("{name}={secret}"),
            format!("{name}=\"a {secret}\" x"),
            format!("{name}: {secret} x"),
            format!("{name}: 'a {secret}'"),
            format!("{{\"{name}\": \"{secret}\", \"n\": 1}}"),
            format!("\"{{\\\"{name}\\\":\\\"a {secret}\\\"}}\""),
        ] {
            let shown = redaction::log(&format!("{before} {text}\n"));
            prop_assert!(!shown.contains(&secret), "{shown}");
            prop_assert_eq!(redaction::log(&shown), shown);
        }
    }

    #[test]
    fn no_planted_secret_survives_in_maps_commands_and_directives(
        secret in secret(),
        name in select(NAMES.to_vec()),
    ) {
        let mut map = BTreeMap::from([(name.to_owned(), secret.clone())]);
        redaction::map(&mut map);
        prop_assert_eq!(&map[name], REDACTED);
        for words in [
            vec![format!("--{name}={secret}")],
            vec![format!("--{name}"), secret.clone()],
            vec!["sh".into(), "-c".into(), format!("curl http://a:{secret}@b")],
        ] {
            let shown = redaction::command(&words).join(" ");
            prop_assert!(!shown.contains(&secret), "{shown}");
        }
        let corefile = format!(".:53 {{\n    route53 a:b {{\n        aws_access_key ID {secret}\n    }}\n}}\n");
        let shown = redaction::directives(&corefile);
        prop_assert!(!shown.contains(&secret), "{shown}");
        prop_assert_eq!(shown.lines().count(), corefile.lines().count());
    }

    /// Whatever is redacted once stays as it is, and nothing panics on any text.
    #[test]
    fn redacting_twice_changes_nothing(text in "\\PC{0,60}") {
        let once = redaction::prose(&text);
        prop_assert_eq!(redaction::prose(&once), once);
    }
}

#[test]
fn what_is_no_secret_stays() {
    for (name, text) in [
        ("cluster-pool-ipv4-cidr", "10.0.0.0/8"),
        ("enable-ipsec-key-watcher", "true"),
        ("mesh-auth-enabled", "true"),
        ("bpf-auth-map-max", "524288"),
        ("monkey", "banana"),
        ("https_proxy", "http://proxy.lan:3128"),
        ("image", "quay.io/cilium/cilium:v1.14.2@sha256:0123"),
        ("server", "https://10.24.0.2:6443"),
        ("kubeProxyReplacement", "strict"),
        ("agent-not-ready-taint-key", "node.cilium.io/agent-not-ready"),
        ("agentNotReadyTaintKey", "node.cilium.io/agent-not-ready"),
    ] {
        assert_eq!(redaction::named(name, text), text, "{name}");
    }
    let mut values = json!({
        "hubble": {"tls": {"auto": {"certValidityDuration": 365, "enabled": true}}},
        "tls": {"secretSync": {"enabled": false}},
        "operator": {"replicas": 1, "tolerations": [
            {"key": "node-role.kubernetes.io/control-plane", "operator": "Exists"}]},
        "extraEnv": [{"name": "KUBERNETES_SERVICE_HOST", "value": "10.24.0.2"}],
    });
    let before = values.clone();
    redaction::tree(&mut values);
    assert_eq!(values, before);
    let message = "Failed to pull image \"docker.io/library/redis:7.2\": failed to do request: Head \"http://mirror.lan:5000/v2/library/redis/manifests/7.2?ns=docker.io\": dial tcp: lookup mirror.lan on 10.0.0.1:53: read udp 10.0.0.200:50876->10.0.0.1:53: i/o timeout";
    assert_eq!(redaction::prose(message), message);
}

#[test]
fn of_a_url_the_host_stays() {
    assert_eq!(
        redaction::named("HTTP_PROXY", "http://user:pa@ss@proxy.lan:3128/"),
        "http://(redacted)@proxy.lan:3128/"
    );
    assert_eq!(redaction::named("http_proxy", "user:pw@proxy:3128"), "(redacted)@proxy:3128");
    assert_eq!(
        redaction::environment("KUBERNETES_SERVICE_HOST", "10.24.0.2").as_deref(),
        Some("10.24.0.2")
    );
    assert_eq!(redaction::environment("CILIUM_DB_PASSWORD", "hunter2"), None);
    assert_eq!(redaction::environment("PATH", "/bin"), None);
}

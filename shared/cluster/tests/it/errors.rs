//! What people get to read when something is wrong, and that it never is a secret.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use kcilium_cluster::{
    Api, ConnectError,
    kubeconfig::{Connection, ConnectionFlags, Environment, Impersonation, KubeconfigError},
};
use proptest::prelude::*;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::tool::{Folder, PAIRS, few, full_text, limits};

/// Puts a mistake into a good scene.
type Mistake = fn(&Folder, &mut Value, &mut ConnectionFlags);

const MISTAKES: &[(&str, Mistake)] = &[
    ("no file at all", |folder, _, flags| {
        flags.kubeconfig = None;
        std::fs::remove_file(folder.path("config")).unwrap();
    }),
    ("--kubeconfig without a file", |folder, _, flags| {
        flags.kubeconfig = Some(folder.path("nowhere"));
    }),
    ("--kubeconfig is a folder", |folder, _, flags| {
        flags.kubeconfig = Some(folder.path(""));
    }),
    ("an empty file", |_, config, _| *config = json!({})),
    ("no context is current", |_, config, _| config["current-context"] = json!("")),
    ("the current context is not there", |_, config, _| config["current-context"] = json!("gone")),
    ("--context that is not there", |_, _, flags| flags.context = Some("prod".into())),
    ("--cluster that is not there", |_, _, flags| flags.cluster = Some("prod".into())),
    ("--user that is not there", |_, _, flags| flags.user = Some("prod".into())),
    ("the context's cluster is not there", |_, config, _| config["clusters"] = json!([])),
    ("the context's user is not there", |_, config, _| config["users"] = json!([])),
    ("the context names no cluster", |_, config, _| {
        config["contexts"][0]["context"] = json!({"user": "jane"});
    }),
    ("two users of one name", |_, config, _| {
        config["users"] = json!([{"name": "jane"}, {"name": "jane"}]);
    }),
    ("a value of the wrong kind", |_, config, _| {
        config["users"][0]["user"]["token"] = json!(["a"]);
    }),
    ("another kind of object", |_, config, _| config["kind"] = json!("Secret")),
    ("no server", |_, config, _| config["clusters"][0]["cluster"] = json!({})),
    ("a server that is no URL", |_, config, _| {
        config["clusters"][0]["cluster"]["server"] = json!("https://a b");
    }),
    ("a server with a login", |_, config, _| {
        config["clusters"][0]["cluster"]["server"] = json!("https://me:s3cret@k8s:6443");
    }),
    ("--server of another kind", |_, _, flags| flags.server = Some("ftp://k8s".into())),
    ("a proxy of another kind", |_, config, _| {
        config["clusters"][0]["cluster"]["proxy-url"] = json!("ftp://me:s3cret@proxy");
    }),
    ("an authority file that is not there", |_, config, _| {
        config["clusters"][0]["cluster"]["certificate-authority"] = json!("ca.pem");
    }),
    ("an authority that is no PEM", |folder, config, _| {
        folder.write("ca.pem", "hello");
        config["clusters"][0]["cluster"]["certificate-authority"] = json!("ca.pem");
    }),
    ("an authority that is a key", |folder, _, flags| {
        flags.certificate_authority = Some(folder.write("ca.pem", &PAIRS[0].key));
    }),
    ("an authority that is broken", |folder, _, flags| {
        let text = "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";
        flags.certificate_authority = Some(folder.write("ca.pem", text));
    }),
    ("an authority that is no base64", |_, config, _| {
        config["clusters"][0]["cluster"]["certificate-authority-data"] = json!("?");
    }),
    ("an authority twice", |_, config, _| {
        let cluster = &mut config["clusters"][0]["cluster"];
        cluster["certificate-authority-data"] = json!("aGVsbG8=");
        cluster["certificate-authority"] = json!("ca.pem");
    }),
    ("an authority, and no wish to check", |_, config, _| {
        let cluster = &mut config["clusters"][0]["cluster"];
        cluster["certificate-authority-data"] = json!(STANDARD.encode(&PAIRS[0].certificate));
        cluster["insecure-skip-tls-verify"] = json!(true);
    }),
    ("both flags for that", |folder, _, flags| {
        flags.certificate_authority = Some(folder.write("ca.pem", &PAIRS[0].certificate));
        flags.insecure_skip_tls_verify = true;
    }),
    ("--tls-server-name that is no name", |_, _, flags| {
        flags.tls_server_name = Some("not a name".into());
    }),
    ("a certificate without its key", |_, config, _| {
        config["users"][0]["user"] =
            json!({"client-certificate-data": STANDARD.encode(&PAIRS[0].certificate)});
    }),
    ("--client-certificate that is not there", |folder, _, flags| {
        flags.client_certificate = Some(folder.path("me.pem"));
    }),
    ("--client-key that is no key", |folder, _, flags| {
        flags.client_certificate = Some(folder.write("me.pem", &PAIRS[0].certificate));
        flags.client_key = Some(folder.write("key.pem", &PAIRS[0].certificate));
    }),
    ("the key of another certificate", |folder, _, flags| {
        flags.client_certificate = Some(folder.write("me.pem", &PAIRS[0].certificate));
        flags.client_key = Some(folder.write("key.pem", &PAIRS[1].key));
    }),
    ("a password and a token", |_, config, _| {
        config["users"][0]["user"] = json!({"username": "jane", "password": "p", "token": "t"});
    }),
    ("--as-group alone", |_, _, flags| {
        flags.impersonation =
            Impersonation { groups: vec!["dev".into()], ..Impersonation::default() };
    }),
    ("as-uid alone", |_, config, _| config["users"][0]["user"]["as-uid"] = json!("7")),
    ("a plugin without a command", |_, config, _| {
        config["users"][0]["user"] =
            json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1"}});
    }),
    ("a plugin of an old version", |_, config, _| {
        config["users"][0]["user"] = json!({"exec": {
            "apiVersion": "client.authentication.k8s.io/v1alpha1", "command": "x",
        }});
    }),
    ("a plugin that does not say whether it asks", |_, config, _| {
        config["users"][0]["user"] = json!({"exec": {
            "apiVersion": "client.authentication.k8s.io/v1", "command": "x",
        }});
    }),
    ("a plugin that is not installed", |_, config, _| {
        config["users"][0]["user"] = json!({"exec": {
            "apiVersion": "client.authentication.k8s.io/v1", "command": "no-such-plugin",
            "interactiveMode": "Never", "installHint": "apt install no-such-plugin",
        }});
    }),
    ("a plugin that fails", |_, config, _| {
        config["users"][0]["user"] = json!({"exec": {
            "apiVersion": "client.authentication.k8s.io/v1", "command": "false",
            "interactiveMode": "Never",
        }});
    }),
    ("a plugin that prints nothing", |_, config, _| {
        config["users"][0]["user"] = json!({"exec": {
            "apiVersion": "client.authentication.k8s.io/v1", "command": "true",
            "interactiveMode": "Never",
        }});
    }),
    ("a provider that is no more", |_, config, _| {
        config["users"][0]["user"] = json!({"auth-provider": {
            "name": "azure", "config": {"access-token": "s3cret"},
        }});
    }),
    ("a token over two lines", |_, config, _| {
        config["users"][0]["user"]["token"] = json!("s3cret\ns3cret");
    }),
    ("a token file that is not there", |_, config, _| {
        config["users"][0]["user"] = json!({"tokenFile": "token"});
    }),
    ("nobody at that port", |_, _, _| {}),
];

/// A good scene, but for the server: nobody listens on port 1.
fn scene() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Config",
        "clusters": [{"name": "home", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "jane", "user": {"token": "t"}}],
        "contexts": [{"name": "jane@home", "context": {"cluster": "home", "user": "jane"}}],
        "current-context": "jane@home",
    })
}

/// Goes as far as it goes: the error with its causes, the hint, and how both are debugged.
async fn failure(flags: &ConnectionFlags, environment: &Environment) -> (String, String) {
    let with_hint = |text: String, hint: Option<&str>| match hint {
        Some(hint) => format!("{text}\n    hint: {hint}"),
        None => text,
    };
    let connection = match Connection::resolve(flags, environment) {
        Ok(connection) => connection,
        Err(error) => return (with_hint(full_text(&error), error.hint()), format!("{error:?}")),
    };
    let api = match Api::connect(&connection, limits()).await {
        Ok(api) => api,
        Err(error) => {
            let hint = match &error {
                ConnectError::Plugin(error) => error.install_hint(),
                _ => None,
            };
            let debugged = format!("{error:?} {connection:?}");
            return (with_hint(full_text(&error), hint), debugged);
        }
    };
    match api.get("/api", kcilium_cluster::Form::Json).await {
        Ok(_) => ("no error".into(), String::new()),
        Err(error) => (full_text(&error), format!("{error:?} {connection:?}")),
    }
}

#[tokio::test]
async fn every_mistake_is_told_with_its_place() {
    let mut table = String::new();
    for (title, mistake) in MISTAKES {
        let folder = Folder::new();
        let mut config = scene();
        let path = folder.write("config", "");
        let mut flags = ConnectionFlags { kubeconfig: Some(path), ..ConnectionFlags::default() };
        mistake(&folder, &mut config, &mut flags);
        if folder.path("config").exists() {
            folder.write("config", &format!("{config:#}"));
        }
        let list = folder.path("config").into_os_string();
        let environment = Environment { kubeconfig: Some(list), ..Environment::default() };
        let (text, debugged) = failure(&flags, &environment).await;
        assert!(!text.contains("s3cret") && !debugged.contains("s3cret"), "{text} {debugged}");
        let root = folder.path("").display().to_string();
        let text = text.replace(&root, "DIR/").replace("DIR//", "DIR/");
        writeln!(table, "{title}\n    {text}\n").unwrap();
    }
    insta::assert_snapshot!(table);
}

const SECRET: &str = "hunter2";

/// A kubeconfig with secrets in all places that may hold some.
fn secrets(kind: usize) -> Value {
    let secret = |name: &str| format!("{name}-{SECRET}-{SECRET}");
    let mut config = scene();
    config["users"][0]["user"] = match kind {
        0 => json!({"token": secret("token")}),
        1 => json!({"username": "jane", "password": secret("password")}),
        2 => json!({
            "client-certificate-data": STANDARD.encode(&PAIRS[0].certificate),
            "client-key-data": STANDARD.encode(secret("key")),
        }),
        3 => json!({"auth-provider": {"name": "oidc", "config": {
            "id-token": secret("id"), "refresh-token": secret("refresh"),
            "client-secret": secret("client"), "idp-issuer-url": "https://127.0.0.1:1",
            "client-id": "x",
        }}}),
        4 => json!({"exec": {
            "apiVersion": "client.authentication.k8s.io/v1", "command": "echo",
            "args": [secret("argument")], "interactiveMode": "Never",
            "env": [{"name": "PASSWORD", "value": secret("environment")}],
        }}),
        _ => json!({"token": format!("{SECRET}\n{SECRET}")}),
    };
    config["clusters"][0]["cluster"]["proxy-url"] =
        json!(format!("http://me:{SECRET}@127.0.0.1:1"));
    config
}

proptest! {
    #![proptest_config(few(64))]

    #[test]
    fn no_secret_is_told_whatever_is_broken(
        kind in 0..6_usize,
        breaks in prop::collection::vec((any::<prop::sample::Index>(), "[ \\]\\[{}\":,\n\t'a&*!|>-]?"), 0..4),
        in_yaml in any::<bool>(),
        token in any::<bool>(),
    ) {
        let folder = Folder::new();
        let config = secrets(kind);
        let mut text = if in_yaml { serde_saphyr::to_string(&config).unwrap() } else { format!("{config:#}") };
        for (at, with) in breaks {
            // ASCII all of it.
            let at = at.index(text.len());
            text.replace_range(at..=at, &with);
        }
        let path = folder.write("config", &text);
        let flags = ConnectionFlags {
            kubeconfig: Some(path),
            token: token.then(|| SecretString::from(format!("{SECRET}\n"))),
            ..ConnectionFlags::default()
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (shown, debugged) = runtime.block_on(failure(&flags, &Environment::default()));
        prop_assert!(!shown.contains(SECRET), "{shown}");
        prop_assert!(!debugged.contains(SECRET), "{debugged}");
    }
}

#[test]
fn a_broken_kubeconfig_is_an_error_of_its_own() {
    let folder = Folder::new();
    let path = folder.write("config", "users: [");
    let flags = ConnectionFlags { kubeconfig: Some(path), ..ConnectionFlags::default() };
    let error = Connection::resolve(&flags, &Environment::default()).unwrap_err();
    assert!(matches!(error, KubeconfigError::Malformed { .. }), "{error}");
}

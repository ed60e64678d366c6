//! Lists of kubeconfig files, read by us and by kubectl.

use std::{collections::BTreeMap, path::PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use kcilium_cluster::kubeconfig::{
    Connection, ConnectionFlags, Credential, Environment, KubeconfigError,
};
use proptest::prelude::*;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::tool::{Folder, Kubectl, PAIRS, few};

/// Few names, so that files overlap and miss each other's entries.
fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "c"]).prop_map(str::to_owned)
}

#[derive(Clone, Debug)]
struct File {
    is_there: bool,
    current: Option<String>,
    contexts: BTreeMap<String, (String, String)>,
    clusters: BTreeMap<String, Trust>,
    users: BTreeMap<String, User>,
}

#[derive(Clone, Copy, Debug)]
enum Trust {
    System,
    Nobody,
    Data,
    File,
    Name,
}

#[derive(Clone, Copy, Debug)]
enum User {
    Nobody,
    Token,
    TokenFile,
    Password,
    CertificateData,
    CertificateFile,
    Plugin,
    PluginNearby,
    Impersonator,
}

fn file() -> impl Strategy<Value = File> {
    let current = prop::option::of(prop_oneof![3 => name(), 1 => Just(String::new())]);
    let user_name = prop_oneof![6 => name(), 1 => Just(String::new())];
    let contexts = prop::collection::btree_map(name(), (name(), user_name), 0..3);
    let trust = prop::sample::select(vec![
        Trust::System,
        Trust::Nobody,
        Trust::Data,
        Trust::File,
        Trust::Name,
    ]);
    let user = prop::sample::select(vec![
        User::Nobody,
        User::Token,
        User::TokenFile,
        User::Password,
        User::CertificateData,
        User::CertificateFile,
        User::Plugin,
        User::PluginNearby,
        User::Impersonator,
    ]);
    let clusters = prop::collection::btree_map(name(), trust, 0..4);
    let users = prop::collection::btree_map(name(), user, 0..4);
    (prop::bool::weighted(0.85), current, contexts, clusters, users).prop_map(
        |(is_there, current, contexts, clusters, users)| File {
            is_there,
            current,
            contexts,
            clusters,
            users,
        },
    )
}

/// The file's text; `index` tells entries of one name apart.
fn text(file: &File, index: usize) -> String {
    let pair = &PAIRS[index % 2];
    let clusters: Vec<Value> = file
        .clusters
        .iter()
        .map(|(name, trust)| {
            let mut cluster = json!({"server": format!("https://127.0.0.1:1/{index}/{name}")});
            match trust {
                Trust::System => {}
                Trust::Nobody => cluster["insecure-skip-tls-verify"] = json!(true),
                Trust::Data => {
                    cluster["certificate-authority-data"] =
                        json!(STANDARD.encode(&pair.certificate));
                }
                Trust::File => cluster["certificate-authority"] = json!("pki/cert.pem"),
                Trust::Name => cluster["tls-server-name"] = json!(format!("name-{index}")),
            }
            json!({"name": name, "cluster": cluster})
        })
        .collect();
    let exec = |command: &str| {
        json!({"exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": command,
            "args": ["token"],
            "interactiveMode": "Never",
        }})
    };
    let users: Vec<Value> = file
        .users
        .iter()
        .map(|(name, user)| {
            let user = match user {
                User::Nobody => json!({}),
                User::Token => json!({"token": format!("token-{index}")}),
                User::TokenFile => json!({"tokenFile": "pki/token"}),
                User::Password => json!({"username": name, "password": format!("word-{index}")}),
                User::CertificateData => json!({
                    "client-certificate-data": STANDARD.encode(&pair.certificate),
                    "client-key-data": STANDARD.encode(&pair.key),
                }),
                User::CertificateFile => json!({
                    "client-certificate": "pki/cert.pem",
                    "client-key": "pki/key.pem",
                }),
                User::Plugin => exec("some-plugin"),
                User::PluginNearby => exec("./bin/some-plugin"),
                User::Impersonator => json!({
                    "token": "t", "as": "jane", "as-uid": "7", "as-groups": ["x", "y"],
                    "as-user-extra": {"reason": ["r1", "r2"]},
                }),
            };
            json!({"name": name, "user": user})
        })
        .collect();
    let contexts: Vec<Value> = file
        .contexts
        .iter()
        .map(|(name, (cluster, user))| {
            json!({"name": name, "context": {"cluster": cluster, "user": user}})
        })
        .collect();
    let mut config = json!({
        "apiVersion": "v1", "kind": "Config",
        "clusters": clusters, "users": users, "contexts": contexts,
    });
    if let Some(current) = &file.current {
        config["current-context"] = json!(current);
    }
    config.to_string()
}

/// What we resolve, in the words of a kubeconfig.
fn ours(connection: &Connection) -> Value {
    let encode = |text: &[u8]| STANDARD.encode(text);
    let mut cluster = json!({"server": connection.server.to_string()});
    if let Some(authority) = connection.authority() {
        cluster["certificate-authority-data"] = json!(encode(authority));
    }
    if connection.is_insecure() {
        cluster["insecure-skip-tls-verify"] = json!(true);
    }
    if let Some(name) = connection.tls_server_name() {
        cluster["tls-server-name"] = json!(name);
    }
    let mut user = match &connection.credential {
        Credential::None => json!({}),
        Credential::Token { token, .. } => json!({"token": token.expose_secret()}),
        // These paths kubectl resolves as well, but shows them as they are written.
        Credential::TokenFile { path, .. } => {
            assert!(path.is_absolute());
            let (folder, name) = (path.parent().unwrap(), path.file_name().unwrap());
            json!({"tokenFile": PathBuf::from(folder.file_name().unwrap()).join(name)})
        }
        Credential::Basic { user, password, .. } => {
            json!({"username": user, "password": password.expose_secret()})
        }
        Credential::Plugin(plugin) => {
            let nearby = plugin.command.ends_with("/bin/some-plugin");
            let command = if nearby { "./bin/some-plugin" } else { &plugin.command };
            json!({"command": command, "args": plugin.args})
        }
        Credential::Provider { .. } => json!({"provider": true}),
    };
    if let Some(pair) = &connection.certificate {
        user["client-certificate-data"] = json!(encode(&pair.certificate));
        user["client-key-data"] = json!(encode(pair.key.expose_secret().as_bytes()));
    }
    let acting = &connection.impersonation;
    if acting.user.is_some() {
        user["as"] = json!(acting.user);
        user["as-uid"] = json!(acting.uid);
        user["as-groups"] = json!(acting.groups);
        user["as-user-extra"] = json!(acting.extra);
    }
    json!({
        "context": connection.context,
        "cluster": {"name": connection.cluster, "cluster": cluster},
        "user": connection.user.as_ref().map(|name| json!({"name": name, "user": user})),
    })
}

/// What kubectl resolves, in the same words.
fn theirs(view: &Value) -> Value {
    let mut user = view["users"][0].clone();
    if let Some(exec) = user.pointer("/user/exec").cloned() {
        user["user"] = json!({"command": exec["command"], "args": exec["args"]});
    }
    json!({
        "context": view["current-context"],
        "cluster": view["clusters"][0],
        "user": user,
    })
}

fn names_who_is_at_fault(error: &KubeconfigError) -> bool {
    match error {
        KubeconfigError::NoSuchContext { name, known, .. } => !known.contains(name),
        KubeconfigError::NoSuchCluster { asked_by, .. }
        | KubeconfigError::NoSuchUser { asked_by, .. } => asked_by.starts_with("context "),
        KubeconfigError::NoCurrentContext { known, .. } => !known.is_empty(),
        KubeconfigError::NoConfiguration { .. } | KubeconfigError::Empty { .. } => true,
        _ => false,
    }
}

proptest! {
    #![proptest_config(few(64))]

    #[test]
    fn lists_of_files_lead_where_kubectl_goes(
        files in prop::collection::vec(file(), 1..=3),
        context in prop::option::weighted(0.3, name()),
    ) {
        let folder = Folder::new();
        let mut list = Vec::new();
        for (index, file) in files.iter().enumerate() {
            let pair = &PAIRS[index % 2];
            folder.write(&format!("{index}/pki/cert.pem"), &pair.certificate);
            folder.write(&format!("{index}/pki/key.pem"), &pair.key);
            folder.write(&format!("{index}/pki/token"), "t");
            if file.is_there {
                folder.write(&format!("{index}/config"), &text(file, index));
            }
            list.push(folder.path(&format!("{index}/config")).display().to_string());
        }
        let list = list.join(":");
        let mut arguments: Vec<String> =
            "config view --minify --flatten --raw -o json".split(' ').map(str::to_owned).collect();
        arguments.extend(context.iter().map(|name| format!("--context={name}")));
        let output = Kubectl::new().run(&list, &arguments);
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();

        let flags = ConnectionFlags { context, ..ConnectionFlags::default() };
        let environment = Environment { kubeconfig: Some(list.into()), ..Environment::default() };
        match Connection::resolve(&flags, &environment) {
            Ok(connection) => {
                prop_assert!(output.status.success(), "{complaint}");
                let view: Value = serde_json::from_slice(&output.stdout).unwrap();
                prop_assert_eq!(ours(&connection), theirs(&view));
            }
            Err(error) => {
                prop_assert!(!output.status.success(), "{error}");
                prop_assert!(names_who_is_at_fault(&error), "{error} / {complaint}");
            }
        }
    }
}

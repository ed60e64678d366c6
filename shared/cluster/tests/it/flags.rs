//! Flags over kubeconfigs: where kubectl knocks, with what in its hands, and where it gives up.

use std::collections::BTreeSet;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use kcilium_cluster::kubeconfig::{
    Connection, ConnectionFlags, Credential, Environment, Impersonation,
};
use proptest::prelude::*;
use secrecy::SecretString;
use serde_json::json;

use crate::tool::{Folder, Kubectl, PAIRS, few, kubeconfig};

/// Whatever an entry can say. Nobody listens on port 1.
fn config(folder: &Folder) -> String {
    let pair = &PAIRS[0];
    let plugin =
        folder.script("plugin", &format!("touch {}; exit 1", folder.path("ran").display()));
    let entry =
        |kind: &str, name: &str, value: serde_json::Value| json!({"name": name, kind: value});
    let server = |name: &str| format!("https://127.0.0.1:1/{name}");
    let authority = STANDARD.encode(&pair.certificate);
    let exec = json!({
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": plugin,
        "interactiveMode": "Never",
    });
    let certificate = json!({
        "client-certificate-data": STANDARD.encode(&pair.certificate),
        "client-key-data": STANDARD.encode(&pair.key),
    });
    let mut certified_plugin = certificate.clone();
    certified_plugin["exec"] = exec.clone();
    let clusters = [
        entry("cluster", "plain", json!({"server": server("plain")})),
        entry(
            "cluster",
            "trusting",
            json!({"server": server("t"), "certificate-authority-data": authority}),
        ),
        entry(
            "cluster",
            "careless",
            json!({"server": server("c"), "insecure-skip-tls-verify": true}),
        ),
        entry("cluster", "named", json!({"server": server("n"), "tls-server-name": "x"})),
        entry(
            "cluster",
            "torn",
            json!({
                "server": server("torn"), "certificate-authority-data": authority,
                "certificate-authority": "cert.pem",
            }),
        ),
        entry("cluster", "http", json!({"server": "http://127.0.0.1:1/http"})),
        entry(
            "cluster",
            "bare",
            json!({"server": "127.0.0.1:1", "certificate-authority-data": authority}),
        ),
        entry("cluster", "nowhere", json!({"insecure-skip-tls-verify": true})),
    ];
    let users = [
        entry("user", "nobody", json!({})),
        entry("user", "token", json!({"token": "t"})),
        entry("user", "file", json!({"tokenFile": "token"})),
        entry("user", "both", json!({"token": "t", "tokenFile": "token"})),
        entry("user", "password", json!({"username": "u", "password": "p"})),
        entry("user", "certificate", certificate.clone()),
        entry("user", "exec", json!({"exec": exec})),
        entry("user", "exec-certificate", certified_plugin),
        entry("user", "key", json!({"token": "t", "client-key-data": "YQ=="})),
        entry("user", "keyless", json!({"client-certificate": "cert.pem"})),
        entry("user", "acting", json!({"token": "t", "as": "jane", "as-groups": ["g"]})),
        entry("user", "groups", json!({"token": "t", "as-groups": ["g"]})),
        entry("user", "torn", json!({"token": "t", "username": "u"})),
        entry(
            "user",
            "modeless",
            json!({"exec": {
                "apiVersion": "client.authentication.k8s.io/v1", "command": "x",
            }}),
        ),
    ];
    let context = |cluster: &str, user: &str| {
        entry("context", &format!("{cluster}/{user}"), json!({"cluster": cluster, "user": user}))
    };
    let contexts = [
        context("plain", "token"),
        context("trusting", "exec"),
        context("missing", "token"),
        context("careless", "missing"),
        context("http", "missing"),
    ];
    json!({
        "clusters": clusters, "users": users, "contexts": contexts,
        "current-context": "plain/token",
    })
    .to_string()
}

fn one_of(names: &[&str]) -> impl Strategy<Value = Option<String>> + use<> {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    prop::option::of(prop::sample::select(names))
}

/// Flags that are there or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Other {
    Authority,
    Insecure,
    Token,
    Certificate,
    Key,
}

#[derive(Clone, Debug)]
struct Flags {
    context: Option<String>,
    cluster: Option<String>,
    user: Option<String>,
    server: Option<String>,
    others: BTreeSet<Other>,
    acting: Option<String>,
    group: Option<String>,
}

fn flags() -> impl Strategy<Value = Flags> {
    let entries = (
        one_of(&[
            "plain/token",
            "trusting/exec",
            "missing/token",
            "careless/missing",
            "http/missing",
            "nope",
        ]),
        one_of(&[
            "plain", "trusting", "careless", "named", "torn", "http", "bare", "nowhere", "nope",
        ]),
        one_of(&[
            "nobody",
            "token",
            "file",
            "both",
            "password",
            "certificate",
            "exec",
            "exec-certificate",
            "key",
            "keyless",
            "acting",
            "groups",
            "torn",
            "modeless",
            "nope",
        ]),
        prop_oneof![
            3 => Just(None),
            1 => one_of(&["https://127.0.0.1:1/s", "127.0.0.1:1", "http://127.0.0.1:1/x"]),
        ],
    );
    let others = prop::sample::select(vec![
        Other::Authority,
        Other::Insecure,
        Other::Token,
        Other::Certificate,
        Other::Key,
    ]);
    let rest = (
        prop::collection::btree_set(others, 0..3),
        prop_oneof![4 => Just(None), 1 => one_of(&["joe"])],
        prop_oneof![6 => Just(None), 1 => one_of(&["h"])],
    );
    (entries, rest).prop_map(|((context, cluster, user, server), (others, acting, group))| Flags {
        context,
        cluster,
        user,
        server,
        others,
        acting,
        group,
    })
}

impl Flags {
    fn has(&self, other: Other) -> bool {
        self.others.contains(&other)
    }

    fn ours(&self, folder: &Folder) -> ConnectionFlags {
        let flags = self.clone();
        let file = |other, name: &str| self.has(other).then(|| folder.path(name));
        ConnectionFlags {
            context: flags.context,
            cluster: flags.cluster,
            user: flags.user,
            server: flags.server,
            certificate_authority: file(Other::Authority, "cert.pem"),
            insecure_skip_tls_verify: self.has(Other::Insecure),
            token: self.has(Other::Token).then(|| SecretString::from("flag")),
            client_certificate: file(Other::Certificate, "cert.pem"),
            client_key: file(Other::Key, "key.pem"),
            impersonation: Impersonation {
                user: flags.acting,
                groups: flags.group.into_iter().collect(),
                ..Impersonation::default()
            },
            ..kubeconfig(&folder.path("config"))
        }
    }

    fn theirs(&self, folder: &Folder) -> Vec<String> {
        let mut words: Vec<String> =
            ["get", "--raw", "/probe", "-v=8"].iter().map(|&word| word.to_owned()).collect();
        let mut add = |flag: &str, value: Option<String>| {
            words.extend(value.map(|value| format!("--{flag}={value}")));
        };
        let file = |given: bool, name: &str| given.then(|| folder.path(name).display().to_string());
        let text = |given: bool, text: &str| given.then(|| text.to_owned());
        add("kubeconfig", file(true, "config"));
        add("context", self.context.clone());
        add("cluster", self.cluster.clone());
        add("user", self.user.clone());
        add("server", self.server.clone());
        add("certificate-authority", file(self.has(Other::Authority), "cert.pem"));
        add("insecure-skip-tls-verify", text(self.has(Other::Insecure), "true"));
        add("token", text(self.has(Other::Token), "flag"));
        add("client-certificate", file(self.has(Other::Certificate), "cert.pem"));
        add("client-key", file(self.has(Other::Key), "key.pem"));
        add("as", self.acting.clone());
        add("as-group", self.group.clone());
        words
    }
}

/// Where somebody goes, and what shows of who it is.
#[derive(Debug, PartialEq)]
struct Visit {
    server: String,
    header: &'static str,
    runs_plugin: bool,
    acts_as: Vec<String>,
}

impl Visit {
    fn of(connection: &Connection) -> Self {
        let acting = &connection.impersonation;
        Self {
            server: connection.server.to_string(),
            header: match connection.credential {
                Credential::Token { .. } | Credential::TokenFile { .. } => "Bearer",
                Credential::Basic { .. } => "Basic",
                _ => "",
            },
            runs_plugin: matches!(connection.credential, Credential::Plugin(_)),
            acts_as: acting.groups.iter().chain(&acting.user).cloned().collect(),
        }
    }

    /// Out of kubectl's log.
    fn read(log: &str, ran: bool) -> Option<Self> {
        let url = log.split("url=\"").nth(1)?.split('"').next()?;
        let mut acts_as = Vec::new();
        for header in ["Impersonate-Group: ", "Impersonate-User: "] {
            acts_as.extend(
                log.lines().filter_map(|line| line.trim().strip_prefix(header).map(str::to_owned)),
            );
        }
        Some(Self {
            server: url.trim_end_matches("/probe").to_owned(),
            header: ["Bearer", "Basic"]
                .into_iter()
                .find(|kind| log.contains(&format!("Authorization: {kind}")))
                .unwrap_or_default(),
            runs_plugin: ran,
            acts_as,
        })
    }
}

/// What of kubectl's ways is not ours, on purpose.
fn differs_on_purpose(flags: &Flags, log: &str) -> bool {
    // It asks for a user name and password, or goes to localhost:8080.
    log.contains("Please enter Username")
        || log.contains("localhost:8080")
        // It overlooks that two flags contradict each other where the server speaks no TLS.
        || (flags.has(Other::Authority) && flags.has(Other::Insecure))
        // It takes two proofs for one too many even where one of them is a flag.
        || (flags.has(Other::Token) && log.contains("more than one authentication method found"))
        || (flags.has(Other::Token) && log.contains("username/password or bearer token may be set, but not both"))
}

proptest! {
    #![proptest_config(few(96))]

    #[test]
    fn flags_lead_where_kubectl_goes(flags in flags()) {
        let folder = Folder::new();
        folder.write("cert.pem", &PAIRS[0].certificate);
        folder.write("key.pem", &PAIRS[0].key);
        folder.write("token", "t\n");
        folder.write("config", &config(&folder));
        let output = Kubectl::new().run("", &flags.theirs(&folder));
        let log = [output.stdout, output.stderr].concat();
        let log = String::from_utf8_lossy(&log).into_owned();
        let ran = folder.path("ran").exists();
        let ours = Connection::resolve(&flags.ours(&folder), &Environment::default());
        if !differs_on_purpose(&flags, &log) {
            match (Visit::read(&log, ran), ours) {
                (Some(theirs), Ok(ours)) => prop_assert_eq!(theirs, Visit::of(&ours)),
                (None, Err(_)) => {}
                (theirs, ours) => {
                    let ours = ours.map(|ours| Visit::of(&ours));
                    prop_assert!(false, "{theirs:?} {ours:?} {log}");
                }
            }
        }
    }
}

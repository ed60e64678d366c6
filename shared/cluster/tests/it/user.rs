//! Who the server thinks we are.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use kcilium_cluster::{
    Api, ApiError, Form,
    kubeconfig::{
        Connection, ConnectionFlags, Credential, Environment, Impersonation, Origin, ServiceAccount,
    },
};
use kubesim::{Fault, Kind, User};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::tool::{
    Folder, Kubectl, Stub, api, connection, kubeconfig, limits, reply, sim, whoami, with_user,
};

const PATH: &str = "/api/v1/namespaces";

#[tokio::test]
async fn a_client_certificate_says_who() {
    let (sim, folder) = (sim(&[]).await, Folder::new());
    let text = sim.certificate_kubeconfig(&User::new("jane", &["dev"])).unwrap();
    let user = whoami(&api(&folder.write("config", &text)).await).await.unwrap();
    assert_eq!(user["username"], "jane");
    assert_eq!(user["groups"], json!(["dev", "system:authenticated"]));
}

#[tokio::test]
async fn a_key_in_the_older_form_is_taken() {
    let (sim, folder) = (sim(&[]).await, Folder::new());
    let text = sim.certificate_kubeconfig(&User::new("jane", &[])).unwrap();
    let mut config: Value = serde_json::from_str(&text).unwrap();
    let key = config.pointer_mut("/users/0/user/client-key-data").unwrap();
    let text = String::from_utf8(STANDARD.decode(key.as_str().unwrap()).unwrap()).unwrap();
    let lines: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    let pkcs8 = STANDARD.decode(lines).unwrap();
    // k3s writes keys like this one: what the newer form for P-256 wraps is 109 bytes long.
    let sec1 = STANDARD.encode(&pkcs8[pkcs8.len() - 109..]);
    let pem = format!("-----BEGIN EC PRIVATE KEY-----\n{sec1}\n-----END EC PRIVATE KEY-----\n");
    *key = json!(STANDARD.encode(pem));
    let path = folder.write("config", &config.to_string());
    assert_eq!(whoami(&api(&path).await).await.unwrap()["username"], "jane");
}

#[tokio::test]
async fn a_token_in_a_file_is_read_again_when_it_is_refused() {
    let (sim, folder) = (sim(&["old", "new"]).await, Folder::new());
    let file = folder.write("token", "old\n");
    let config = with_user(&sim, json!({"tokenFile": "token"}));
    let api = api(&folder.write("config", &config.to_string())).await;
    assert_eq!(whoami(&api).await.unwrap()["username"], "old");
    std::fs::write(file, " new \n").unwrap();
    assert_eq!(whoami(&api).await.unwrap()["username"], "old");
    sim.faults().add(Fault::new(PATH, Kind::ExpiredToken).requests(1, 1));
    api.get(PATH, Form::Json).await.unwrap();
    assert_eq!(whoami(&api).await.unwrap()["username"], "new");
}

#[tokio::test]
async fn an_empty_or_missing_token_file_is_named() {
    let (sim, folder) = (sim(&[]).await, Folder::new());
    let file = folder.write("token", "\n");
    let config = with_user(&sim, json!({"tokenFile": "token"}));
    let config = folder.write("config", &config.to_string());
    let client = api(&config).await;
    let expected = |reason: &str| {
        format!(
            "user \"kubesim\" in {}: cannot read the token {}: {reason}",
            config.display(),
            file.display()
        )
    };
    let error = client.get(PATH, Form::Json).await.unwrap_err();
    assert_eq!(error.to_string(), expected("it is empty"));
    std::fs::remove_file(&file).unwrap();
    let error = client.get(PATH, Form::Json).await.unwrap_err();
    assert_eq!(error.to_string(), expected("No such file or directory (os error 2)"));
    assert!(error.concerns_all_requests());
    assert_eq!(client.requests(), 0);
}

#[tokio::test]
async fn a_file_wins_over_a_token_as_with_kubectl() {
    let (sim, folder) = (sim(&["in-file", "in-entry", "in-flag"]).await, Folder::new());
    folder.write("token", "in-file");
    let config = with_user(&sim, json!({"token": "in-entry", "tokenFile": "token"}));
    let path = folder.write("config", &config.to_string());
    assert_eq!(whoami(&api(&path).await).await.unwrap()["username"], "in-file");
    assert_eq!(kubectl_whoami(&path, "").await["username"], "in-file");
    // Of a flag, we take it that it is meant.
    let flags = ConnectionFlags { token: Some(SecretString::from("in-flag")), ..kubeconfig(&path) };
    let connection = Connection::resolve(&flags, &Environment::default()).unwrap();
    let api = Api::connect(&connection, limits()).await.unwrap();
    assert_eq!(whoami(&api).await.unwrap()["username"], "in-flag");
}

#[tokio::test]
async fn a_refused_token_is_named() {
    let (sim, folder) = (sim(&["good"]).await, Folder::new());
    let config = with_user(&sim, json!({"token": "bad"}));
    let path = folder.write("config", &config.to_string());
    let error = api(&path).await.get(PATH, Form::Json).await.unwrap_err();
    assert!(matches!(error, ApiError::Unauthorized { .. }), "{error}");
    let whose =
        format!("the server does not accept the token of user \"kubesim\" in {}", path.display());
    assert_eq!(error.to_string(), format!("{whose}: Unauthorized"));
    assert!(error.concerns_all_requests());
}

/// What both of us make of an entry and flags.
async fn acting(entry: Value, flags: Impersonation, words: &str) -> (Value, Value) {
    let (sim, folder) = (sim(&["t"]).await, Folder::new());
    let path = folder.write("config", &with_user(&sim, entry).to_string());
    let flags = ConnectionFlags { impersonation: flags, ..kubeconfig(&path) };
    let connection = Connection::resolve(&flags, &Environment::default()).unwrap();
    let ours = whoami(&Api::connect(&connection, limits()).await.unwrap()).await.unwrap();
    (ours, kubectl_whoami(&path, words).await)
}

/// Who the server thinks kubectl is.
async fn kubectl_whoami(config: &Path, words: &str) -> Value {
    let words: Vec<String> =
        format!("auth whoami -o json {words}").split_whitespace().map(str::to_owned).collect();
    let list = config.display().to_string();
    let output = tokio::task::spawn_blocking(move || Kubectl::new().run(&list, &words)).await;
    let review: Value = serde_json::from_slice(&output.unwrap().stdout).unwrap();
    review["status"]["userInfo"].clone()
}

#[tokio::test]
async fn impersonation_reaches_the_server_whole() {
    let entry = json!({
        "token": "t", "as": "jane", "as-uid": "7", "as-groups": ["x", "y"],
        "as-user-extra": {"scopes": ["view", "a b"], "example.com/reason": ["r"]},
    });
    let (ours, theirs) = acting(entry, Impersonation::default(), "").await;
    assert_eq!(ours, theirs);
    assert_eq!((&ours["username"], &ours["uid"]), (&json!("jane"), &json!("7")));
    assert_eq!(ours["groups"], json!(["x", "y", "system:authenticated"]));
    assert_eq!(ours["extra"]["scopes"], json!(["view", "a b"]));
    assert_eq!(ours["extra"]["example.com/reason"], json!(["r"]));
}

#[tokio::test]
async fn flags_for_impersonation_go_before_the_entry() {
    let entry = json!({
        "token": "t", "as": "jane", "as-uid": "7", "as-groups": ["x"],
        "as-user-extra": {"scopes": ["view"], "reason": ["r"]},
    });
    let flags = Impersonation {
        user: Some("joe".into()),
        groups: vec!["z".into()],
        extra: BTreeMap::from([("scopes".into(), vec!["edit".into()])]),
        ..Impersonation::default()
    };
    let words = "--as joe --as-group z --as-user-extra scopes=edit";
    let (ours, theirs) = acting(entry, flags, words).await;
    assert_eq!(ours, theirs);
}

#[tokio::test]
async fn nothing_secret_goes_over_plain_http() {
    let heads = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&heads);
    let stub = Stub::answer(move |head| {
        seen.lock().unwrap().push(head.to_owned());
        reply("200 OK", "", b"{}")
    })
    .await;
    let folder = Folder::new();
    let path = stub.kubeconfig_at(&folder, "/k8s/clusters/x");
    assert!(matches!(connection(&path).credential, Credential::None));
    api(&path).await.get(PATH, Form::Json).await.unwrap();
    let heads = heads.lock().unwrap();
    // Behind a gateway, the server's path comes first.
    assert!(heads[0].starts_with("GET /k8s/clusters/x/api/v1/namespaces HTTP/1.1"), "{heads:?}");
    assert!(!heads[0].to_lowercase().contains("authorization"), "{heads:?}");
}

#[tokio::test]
async fn a_pod_uses_its_service_account() {
    let (sim, folder) = (sim(&["pod"]).await, Folder::new());
    let (host, port) = sim
        .url()
        .trim_start_matches("https://")
        .split_once(':')
        .map(|(host, port)| (host.to_owned(), port.to_owned()))
        .unwrap();
    folder.write("account/token", "pod\n");
    folder.write("account/ca.crt", sim.authority());
    let account = ServiceAccount { host, port, folder: folder.path("account") };
    let environment = Environment {
        home: Some(folder.path("home")),
        service_account: Some(account),
        ..Environment::default()
    };
    let connection = Connection::resolve(&ConnectionFlags::default(), &environment).unwrap();
    assert_eq!(connection.origin, Origin::ServiceAccount);
    let api = Api::connect(&connection, limits()).await.unwrap();
    assert_eq!(whoami(&api).await.unwrap()["username"], "pod");
}

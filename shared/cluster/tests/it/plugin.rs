//! Credential plugins.

use std::path::PathBuf;

use futures_util::future::join_all;
use kcilium_cluster::{Api, ApiError, ConnectError, Form, Limits, PluginError};
use kubesim::{Credential, Fault, Kind, KubeSim, User};
use serde_json::{Value, json};
use tokio::time::{Duration, Instant};

use crate::tool::{Folder, Kubectl, api, connection, full_text, limits, sim, whoami, with_user};

const PATH: &str = "/api/v1/namespaces";
const VERSION: &str = "client.authentication.k8s.io/v1";

/// A plugin that counts its runs in `runs`, and prints `status`.
fn counting(folder: &Folder, status: &str) {
    folder.script(
        "bin/plugin",
        &format!(
            "echo run >> {}\nprintf '%s' '{{\"kind\":\"ExecCredential\",\"apiVersion\":\"{VERSION}\",\"status\":{status}}}'",
            folder.path("runs").display(),
        ),
    );
}

fn runs(folder: &Folder) -> usize {
    folder.read("runs").lines().count()
}

/// A kubeconfig with the plugin beside it.
fn config(sim: &KubeSim, folder: &Folder, more: &Value) -> PathBuf {
    let mut exec =
        json!({"apiVersion": VERSION, "command": "./bin/plugin", "interactiveMode": "Never"});
    for (name, value) in more.as_object().unwrap() {
        exec[name] = value.clone();
    }
    folder.write("config", &with_user(sim, json!({"exec": exec})).to_string())
}

async fn refused(sim: &KubeSim, folder: &Folder, more: &Value) -> PluginError {
    match Api::connect(&connection(&config(sim, folder, more)), limits()).await {
        Err(ConnectError::Plugin(error)) => error,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it connects"),
    }
}

async fn many(api: &Api) {
    let answers = join_all((0..20).map(|_| api.get(PATH, Form::Json))).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
}

#[tokio::test]
async fn many_requests_need_one_run() {
    let (sim, folder) = (sim(&["t"]).await, Folder::new());
    counting(&folder, r#"{"token":"t"}"#);
    let api = api(&config(&sim, &folder, &json!({}))).await;
    many(&api).await;
    assert_eq!(runs(&folder), 1);
    // Eight at once are refused, and one new token serves them all.
    sim.faults().add(Fault::new(PATH, Kind::ExpiredToken).requests(1, 8));
    many(&api).await;
    assert_eq!(runs(&folder), 2);
}

#[tokio::test]
async fn a_token_that_stays_refused_needs_no_third_run() {
    let (sim, folder) = (sim(&[]).await, Folder::new());
    counting(&folder, r#"{"token":"nobody-knows"}"#);
    let api = api(&config(&sim, &folder, &json!({}))).await;
    let answers = join_all((0..20).map(|_| api.get(PATH, Form::Json))).await;
    for answer in answers {
        let error = answer.unwrap_err();
        assert!(matches!(error, ApiError::Unauthorized { .. }), "{error}");
        assert!(error.to_string().contains("the credential plugin of user \"kubesim\""), "{error}");
    }
    assert_eq!(runs(&folder), 2);
}

#[tokio::test]
async fn an_old_token_is_fetched_again() {
    let (sim, folder) = (sim(&["t"]).await, Folder::new());
    counting(&folder, r#"{"token":"t","expirationTimestamp":"2020-01-01T00:00:00Z"}"#);
    let api = api(&config(&sim, &folder, &json!({}))).await;
    api.get(PATH, Form::Json).await.unwrap();
    assert_eq!(runs(&folder), 2);
}

#[tokio::test]
async fn a_certificate_needs_one_run() {
    let (sim, folder) = (sim(&[]).await, Folder::new());
    let issued = sim.certificate_kubeconfig(&User::new("jane", &[kubesim::MASTERS])).unwrap();
    let issued: Value = serde_json::from_str(&issued).unwrap();
    let pem = |field: &str| {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        let data = issued["users"][0]["user"][field].as_str().unwrap();
        String::from_utf8(STANDARD.decode(data).unwrap()).unwrap()
    };
    let status = json!({
        "clientCertificateData": pem("client-certificate-data"),
        "clientKeyData": pem("client-key-data"),
    });
    counting(&folder, &status.to_string());
    let api = api(&config(&sim, &folder, &json!({}))).await;
    many(&api).await;
    assert_eq!(whoami(&api).await.unwrap()["username"], "jane");
    assert_eq!(runs(&folder), 1);
}

#[tokio::test]
async fn a_missing_plugin_comes_with_its_hint() {
    let (sim, folder) = (sim(&[]).await, Folder::new());
    let more = json!({"command": "no-such-plugin", "installHint": "brew install it"});
    let error = refused(&sim, &folder, &more).await;
    assert_eq!(error.install_hint(), Some("brew install it"));
    let place = format!("user \"kubesim\" in {}", folder.path("config").display());
    assert_eq!(
        full_text(&error),
        format!(
            "{place}: cannot run the credential plugin `no-such-plugin`: No such file or directory (os error 2)"
        )
    );
}

#[tokio::test]
async fn a_failing_plugin_is_named() {
    let (sim, folder) = (sim(&[]).await, Folder::new());
    folder.script("bin/plugin", "exit 3");
    let error = refused(&sim, &folder, &json!({"installHint": "read the manual"})).await;
    assert!(error.to_string().ends_with("bin/plugin` failed (exit status: 3)"), "{error}");
    assert_eq!(error.install_hint(), Some("read the manual"));
}

#[tokio::test]
async fn a_plugin_that_hangs_is_ended_in_time() {
    let (sim, folder) = (sim(&[]).await, Folder::new());
    folder.script("bin/plugin", "exec sleep 600");
    let connection = connection(&config(&sim, &folder, &json!({})));
    let limits = Limits { deadline: Instant::now() + Duration::from_millis(300), ..limits() };
    let error = Api::connect(&connection, limits).await.err().unwrap();
    assert!(error.to_string().ends_with("was not done in time"), "{error}");
}

#[tokio::test]
async fn nonsense_is_told_without_showing_it() {
    let (sim, folder) = (sim(&[]).await, Folder::new());
    for (output, reason) in [
        ("s3cret", "not an ExecCredential (line 1, column 1)"),
        (
            r#"{"kind":"ExecCredential","status":"s3cret"}"#,
            "not an ExecCredential (line 1, column 42)",
        ),
        (
            r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":["s3cret"]}}"#,
            "not an ExecCredential",
        ),
        (
            r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1","status":{"token":"s3cret"}}"#,
            "apiVersion",
        ),
        (
            r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1"}"#,
            "it has no status",
        ),
        (
            r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{}}"#,
            "it has neither a token nor a certificate",
        ),
        (
            r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"clientKeyData":"s3cret"}}"#,
            "it has half of a certificate and key",
        ),
        (
            r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"s3cret","expirationTimestamp":"s3cret"}}"#,
            "its expirationTimestamp is no time",
        ),
    ] {
        folder.script("bin/plugin", &format!("printf '%s' '{output}'"));
        let error = refused(&sim, &folder, &json!({})).await;
        assert!(error.to_string().contains(reason), "{error}");
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
    }
}

#[tokio::test]
async fn useless_certificates_are_told_without_showing_them() {
    let (sim, folder) = (sim(&[]).await, Folder::new());
    counting(&folder, r#"{"clientCertificateData":"s3cret","clientKeyData":"s3cret"}"#);
    let config = config(&sim, &folder, &json!({}));
    let error = Api::connect(&connection(&config), limits()).await.err().unwrap();
    let text = format!("{} {error:?}", full_text(&error));
    assert!(!text.contains("s3cret"), "{text}");
}

#[tokio::test]
async fn who_has_to_ask_needs_a_terminal() {
    use std::io::IsTerminal as _;
    if std::io::stdin().is_terminal() {
        return;
    }
    let (sim, folder) = (sim(&["t"]).await, Folder::new());
    counting(&folder, r#"{"token":"t"}"#);
    let error = refused(&sim, &folder, &json!({"interactiveMode": "Always"})).await;
    assert!(matches!(error, PluginError::NoTerminal { .. }), "{error}");
    assert_eq!(runs(&folder), 0);
    api(&config(&sim, &folder, &json!({"interactiveMode": "IfAvailable"}))).await;
    assert_eq!(runs(&folder), 1);
}

#[tokio::test]
async fn a_plugin_is_told_what_kubectl_tells_it() {
    let (sim, folder) = (sim(&["t"]).await, Folder::new());
    folder.script(
        "bin/plugin",
        &format!(
            "printf '%s\\n' \"$KUBERNETES_EXEC_INFO\" >> {}\nprintf '%s' '{{\"kind\":\"ExecCredential\",\"apiVersion\":\"{VERSION}\",\"status\":{{\"token\":\"'\"$NAME\"'\"}}}}'",
            folder.path("told").display(),
        ),
    );
    let more = json!({"provideClusterInfo": true, "env": [{"name": "NAME", "value": "t"}]});
    let path = config(&sim, &folder, &more);
    let mut config: Value = serde_json::from_str(&folder.read("config")).unwrap();
    let cluster = &mut config["clusters"][0]["cluster"];
    cluster["tls-server-name"] = json!("localhost");
    cluster["extensions"] =
        json!([{"name": "client.authentication.k8s.io/exec", "extension": {"audience": "x"}}]);
    folder.write("config", &config.to_string());
    assert_eq!(whoami(&api(&path).await).await.unwrap()["username"], "t");
    let list = path.display().to_string();
    let words = vec!["auth".to_owned(), "whoami".to_owned()];
    let output = tokio::task::spawn_blocking(move || Kubectl::new().run(&list, &words)).await;
    assert!(output.as_ref().unwrap().status.success(), "{output:?}");
    let told: Vec<Value> = folder
        .read("told")
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(told[0], told[1]);
}

#[tokio::test]
async fn who_has_a_certificate_or_a_token_needs_no_plugin() {
    let (sim, folder) = (sim(&["t"]).await, Folder::new());
    counting(&folder, r#"{"token":"t"}"#);
    let exec =
        json!({"apiVersion": VERSION, "command": "./bin/plugin", "interactiveMode": "Never"});
    let identity = sim.certificate_kubeconfig(&User::new("jane", &[])).unwrap();
    let mut config: Value = serde_json::from_str(&identity).unwrap();
    config["users"][0]["user"]["exec"] = exec.clone();
    let path = folder.write("config", &config.to_string());
    assert_eq!(whoami(&api(&path).await).await.unwrap()["username"], "jane");
    let mut config: Value =
        serde_json::from_str(&sim.kubeconfig_with(&Credential::Token("t".into()))).unwrap();
    config["users"][0]["user"]["exec"] = exec;
    let path = folder.write("config", &config.to_string());
    assert_eq!(whoami(&api(&path).await).await.unwrap()["username"], "t");
    assert_eq!(runs(&folder), 0);
}

//! What goes with the values: comments, differences, the next command, and flags of old.

use std::{fs::File, sync::Arc};

use insta::assert_snapshot;
use kubectl_cilium_render::{
    diff::diff,
    emit, explain,
    layers::{Map, Node, Origin, Value, merge, yaml},
};
use serde_json::json;

use crate::render::Folder;

fn detected(value: &str) -> Node {
    let origin = Origin::Detected {
        source: Arc::from("ConfigMap kube-system/kubeadm-config"),
        reason: Arc::from("controlPlaneEndpoint is\nthe address of all"),
    };
    Node::new(Value::String(value.to_owned()), origin)
}

/// A user's file over what was detected.
fn values(file: &[u8]) -> Map {
    let inner = Map::from([("name".to_owned(), detected("kubernetes"))]);
    let origin = Origin::ChartDefault;
    let mut values = Map::from([
        ("k8sServiceHost".to_owned(), detected("10.24.0.2")),
        ("cluster".to_owned(), Node::new(Value::Map(inner), origin)),
    ]);
    merge(&mut values, yaml::read("values.yaml", file).unwrap().values);
    values
}

const FILE: &[u8] = b"# mine\ncluster: # which\n  id: 1 # one\n# end\n";

#[test]
fn detected_values_have_comments() {
    let values = values(FILE);
    assert_snapshot!("comments", emit::to_yaml_with_comments(&values, &explain::comment));
    let kept = emit::keep_comments_and_add(FILE, &values, &explain::comment).unwrap();
    assert_snapshot!("comments_kept", kept);
    // What the user gives is not commented.
    let folder = Folder::with(&[("values.yaml", FILE)]);
    let printed = folder.render(&["-f", "values.yaml", "--comments"]).printed();
    assert_eq!(printed, "cluster:\n  id: 1\n");
    folder.render(&["--comments", "-o", "json"]).complaint(2);
}

#[test]
fn differences_are_shown_and_secrets_are_not() {
    let new = b"a: 1\nb: [1, 2]\nc: {d: x}\nazure: {clientSecret: hunter2}\n\
                tls: {ca: {key: mine}}\nipsec: {password: new}\n";
    let release = json!({
        "a": 1,
        "b": [1],
        "gone": {"x.y": true},
        "azure": {"clientSecret": "hunter1"},
        "tls": {"ca": {"key": "(redacted)"}},
        "ipsec": {"password": "new"},
    });
    let text = diff(&release, &yaml::read("new", new).unwrap().values);
    assert!(!text.contains("hunter") && !text.contains("mine"), "{text}");
    assert_snapshot!("diff", anstream::adapter::strip_str(&text));
    assert_eq!(diff(&json!({"a": 1}), &yaml::read("new", b"a: 1\n").unwrap().values), "");
    assert_eq!(diff(&json!(null), &Map::new()), "");
    let complaint = Folder::new().render(&["--diff"]).complaint(2);
    assert!(complaint.contains("cannot be used with"), "{complaint}");
}

#[test]
fn secrets_are_neither_shown_by_their_place_nor_by_their_form() {
    let values = br#"
clustermesh: {config: {clusters: [{name: b, tls: {key: mine1, cert: mine2}}]}}
hubble: {tls: {server: {key: mine3}}}
extraEnv: [{name: DB_PASSWORD, value: mine4}]
extraConfig: {proxy: '{"password": "mine5", "port": 80}'}
encryption: {ipsec: {keyFile: keys}}
tolerations: [{key: dedicated, operator: Exists}]
"#;
    let folder = Folder::with(&[("values.yaml", values)]);
    let run = folder.render(&["-f", "values.yaml", "--explain", "--version", "1.16.2", "--force"]);
    assert!(!run.stderr.contains("mine"), "{}", run.stderr);
    for shown in ["hubble.tls.server.key: (redacted)", "dedicated", r#""port": 80"#] {
        assert!(run.stderr.contains(shown), "{shown}: {}", run.stderr);
    }
    let text = diff(&json!({}), &yaml::read("new", values).unwrap().values);
    assert!(!text.contains("mine"), "{text}");
    assert!(text.contains(r#"\"port\": 80"#), "{text}");
}

#[cfg(unix)]
#[test]
fn a_file_is_not_read_and_written_at_once() {
    let folder = Folder::with(&[("values.yaml", b"MTU: 1450\n")]);
    let program = assert_cmd::cargo::cargo_bin!("kubectl-cilium_render");
    let say = |arguments: &str| {
        std::fs::write(folder.path().join("values.yaml"), "MTU: 1450\n").unwrap();
        let line = format!("\"$0\" --no-detect {arguments} values.yaml");
        let mut command = std::process::Command::new("sh");
        let output = command.args(["-c", &line]).arg(program).current_dir(folder.path()).output();
        let output = output.unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    for redirection in [">", ">>"] {
        for (input, named) in
            [("-f values.yaml", "values.yaml"), ("-f - < values.yaml", "standard input")]
        {
            let (code, said) = say(&format!("{input} {redirection}"));
            assert_eq!(code, Some(2), "{said}");
            let complaint = format!("{named} is read, and standard output goes to it too");
            assert!(said.contains(&complaint), "{said}");
        }
        let (code, said) = say(&format!("--set-file extraConfig.a=values.yaml {redirection}"));
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains("standard output goes to it too; name another file"), "{said}");
    }
    let (code, said) = say("-f - < values.yaml > other.yaml; true");
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn the_next_command_comes_last() {
    let folder = Folder::new();
    let run = folder.render(&["--version", "v1.16.2", "-n", "net", "--helm-release-name", "it's"]);
    assert_snapshot!("next", run.next.unwrap());
    let run =
        folder.render(&["--version", "1.16.2", "--repository", "oci://quay.io/cilium/charts"]);
    assert_eq!(
        run.next.unwrap(),
        "next: helm upgrade --install cilium oci://quay.io/cilium/charts/cilium --version 1.16.2 \
         -n kube-system -f FILE\n"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn the_next_command_names_the_file_printed_to() {
    let folder = Folder::new();
    let program = assert_cmd::cargo::cargo_bin!("kubectl-cilium_render");
    let output = std::process::Command::new(program)
        .args(["--no-detect", "--version", "1.16.2"])
        .current_dir(folder.path())
        .env("NO_COLOR", "1")
        .stdout(File::create(folder.path().join("my values.yaml")).unwrap())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.ends_with(" -n kube-system -f 'my values.yaml'\n"), "{said}");
}

#[test]
fn a_file_written_is_the_file_of_the_next_command() {
    let folder = Folder::with(&[("values.yaml", b"tunnel: vxlan\n")]);
    let run = folder.render(&["-f", "values.yaml", "--migrate", "--write", "--version", "1.16.2"]);
    assert!(run.next.unwrap().ends_with(" -f values.yaml\n"));
}

#[test]
fn flags_of_cilium_install_are_taken() {
    let folder = Folder::new();
    let run = folder.render(&[
        "--dry-run",
        "--dry-run-helm-values",
        "--wait",
        "--wait-duration",
        "5m",
        "--history-max",
        "10",
        "--disable-check",
        "minimum-version",
        "--restart-unmanaged-pods=false",
        "--rollback",
    ]);
    assert_eq!((run.code, &*run.stdout), (Some(0), "{}\n"));
    assert_snapshot!("ignored", run.stderr);
    assert_eq!(folder.render(&[]).stderr, "");
}

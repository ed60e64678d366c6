//! The server as a program.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::tool::tools;

#[test]
fn the_program_loads_and_serves() {
    let directory = tempfile::tempdir().unwrap();
    let (config, objects) = (directory.path().join("config"), directory.path().join("objects"));
    std::fs::write(
        &objects,
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: x, namespace: new}, data: {a: b}}",
    )
    .unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_kubesim"))
        .arg("--kubeconfig")
        .arg(&config)
        .arg("--load")
        .arg(&objects)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(program.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let kubectl = |arguments: &str| {
        let output = Command::new(tools().join("kubectl-1.35/kubectl"))
            .arg("--kubeconfig")
            .arg(&config)
            .arg("--cache-dir")
            .arg(directory.path().join("cache"))
            .args(arguments.split_whitespace())
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
    };
    let found = kubectl("get configmaps -A -o name");
    let fault = directory.path().join("fault");
    std::fs::write(
        &fault,
        r#"{"route": "/api/v1/namespaces/new/*", "kind": {"status": {"code": 500}}}"#,
    )
    .unwrap();
    kubectl(&format!("create --raw /kubesim/faults -f {}", fault.display()));
    let failed = kubectl("get configmaps -n new");
    end(program, "TERM");
    assert!(line.starts_with("https://127.0.0.1:"), "{line}");
    assert_eq!(found, "configmap/x\n");
    assert!(failed.starts_with("Error from server (InternalError)"), "{failed}");
}

/// Has the program end as a terminal or a supervisor has it: then it cleans up.
fn end(mut program: Child, signal: &str) {
    let pid = program.id().to_string();
    let sent = Command::new("kill").args(["-s", signal, &pid]).status().expect("kill");
    assert!(sent.success());
    assert!(program.wait().expect("its end").success());
}

fn kubesim(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubesim"));
    command.args(arguments).env_remove("KUBEBUILDER_ASSETS");
    command
}

fn printed(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = kubesim(arguments).output().expect("the program");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn scenarios_are_listed_and_shown() {
    let (_, list, _) = printed(&["--list"]);
    assert!(list.contains("\nhomelab-clash    Cilium's default pool swallowed"), "{list}");
    let (_, shown, _) = printed(&["--scenario", "leftovers", "--show"]);
    let head = "\
# leftovers: After helm uninstall; definitions and their objects remain, and a new pod gets no network.
# Kubernetes v1.28.2, services in 10.96.0.0/12
# network: {topology: homelab, cilium: leftovers}
---
# pieces/kubeadm-homelab.yaml
apiVersion: v1
kind: Node
";
    assert!(shown.starts_with(head), "{shown:.600}");
    let (_, shown, _) = printed(&["--scenario", "homelab-clash", "--show"]);
    let image =
        shown.lines().find_map(|line| line.strip_prefix("# image quay.io/cilium/cilium:v1.14.2: "));
    let script = std::path::Path::new(image.unwrap()).join("usr/bin/cilium");
    assert!(script.is_file(), "an image is a directory with what it holds");
}

#[test]
fn who_reads_the_first_line_alone_gets_no_complaint() {
    let mut program = kubesim(&["--scenario", "homelab-clash", "--show"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(program.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("# homelab-clash: "), "{line}");
    let output = program.wait_with_output().unwrap();
    assert_eq!((output.status.code(), &*output.stderr), (Some(0), &b""[..]));
}

#[test]
fn a_killed_program_leaves_nothing_in_the_temporary_directory() {
    let directory = tempfile::tempdir().unwrap();
    let (config, temporary) = (directory.path().join("config"), directory.path().join("tmp"));
    std::fs::create_dir(&temporary).unwrap();
    let mut program = kubesim(&["--kubeconfig", &config.display().to_string()])
        .env("TMPDIR", &temporary)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(program.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let left = || std::fs::read_dir(&temporary).unwrap().count();
    assert_eq!(left(), 1);
    program.kill().unwrap();
    program.wait().unwrap();
    let patience = Instant::now() + Duration::from_secs(30);
    while left() > 0 {
        assert!(Instant::now() < patience, "the directory is still there");
        // Whoever cleans up is no child of ours to wait for.
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_cannot_be_served_is_said() {
    let file = ["--kubeconfig", "/nowhere/config"];
    let complaint = |arguments: &[&str]| printed(&[arguments, &file].concat());
    assert_eq!(
        complaint(&["--scenario", "homelab"]),
        (
            Some(1),
            String::new(),
            "error: there is no scenario `homelab`; there are dns-loop, healthy-1.12, healthy-1.16, healthy-1.18, healthy-1.19, homelab-clash, homelab-healthy, homelab-nomasq, k3s, kube-proxy, leftovers, misspelt-values, no-kube-proxy, rke2, unmanaged-pods, and fleet(NODES,PODS)\n".to_owned()
        )
    );
    let (_, _, error) = complaint(&["--real-apiserver"]);
    assert_eq!(
        error,
        "error: KUBEBUILDER_ASSETS is not set: a directory with etcd and kube-apiserver\n"
    );
    // As other test environments have it, an empty one is none.
    let output = kubesim(&["--real-apiserver", "--kubeconfig", "/nowhere/config"])
        .env("KUBEBUILDER_ASSETS", "")
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), error);
    let (_, _, error) = complaint(&["--scenario", "leftovers"]);
    assert!(error.starts_with("error: write /nowhere/config: "), "{error}");
}

#[test]
fn a_signal_ends_it() {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("config").display().to_string();
    for signal in ["INT", "TERM"] {
        let mut program = kubesim(&["--scenario", "k3s", "--kubeconfig", &config])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(program.stdout.take().unwrap()).lines().map(Result::unwrap);
        assert!(lines.next().unwrap().starts_with("https://127.0.0.1:"));
        assert!(lines.next().unwrap().starts_with("k3s: Cilium on a single K3s server"));
        assert_eq!(lines.next().unwrap(), format!("kubectl --kubeconfig {config} get pods -A"));
        end(program, signal);
    }
}

//! The server as a program.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
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
    program.kill().unwrap();
    program.wait().unwrap();
    assert!(line.starts_with("https://127.0.0.1:"), "{line}");
    assert_eq!(found, "configmap/x\n");
    assert!(failed.starts_with("Error from server (InternalError)"), "{failed}");
}

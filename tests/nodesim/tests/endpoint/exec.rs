//! kubectl exec: 1.28 speaks SPDY, 1.35 a WebSocket.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs::File,
    io::{Read as _, Write as _},
    process::{Command, Stdio},
};

use kubesim::{Config, Credential, User};

use crate::{
    node::Node,
    tool::{Kubectl, VERSIONS},
};

/// Runs a script in the container `app`.
fn exec(kubectl: &Kubectl, script: &str) -> std::process::Output {
    let mut command = kubectl.command("exec web -c app -- sh -c");
    command.arg(script).output().expect("kubectl")
}

#[test]
fn outputs_stay_apart_and_the_exit_code_is_kept() {
    let node = Node::new();
    for version in VERSIONS {
        let kubectl = node.kubectl(version);
        let output = exec(&kubectl, "echo out; echo err >&2; exit 3");
        assert_eq!(output.stdout, b"out\n");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(errors, "err\ncommand terminated with exit code 3\n");
        assert_eq!(output.status.code(), Some(3));
        let output = exec(&kubectl, "kill -9 $$");
        assert_eq!(output.status.code(), Some(137));
        let output = exec(&kubectl, "pwd");
        let directory = String::from_utf8_lossy(&output.stdout);
        assert_eq!(directory.trim_end(), node.directory().to_str().unwrap());
        assert!(output.status.success());
    }
}

#[test]
fn each_kubectl_speaks_its_protocol() {
    let node = Node::new();
    for (version, method) in [("1.28", "POST"), ("1.35", "GET")] {
        node.sim().journal().clear();
        assert!(exec(&node.kubectl(version), "true").status.success());
        let entries = node.sim().journal().entries();
        let entry = entries.iter().find(|entry| entry.route.contains("/exec?")).unwrap();
        assert_eq!((entry.method.as_str(), entry.code), (method, 101));
        assert!(entry.route.contains("command=sh&command=-c&command=true"), "{}", entry.route);
    }
}

#[test]
fn stdin_arrives_whole_and_ends() {
    let node = Node::new();
    let sent: Vec<u8> = (0..5_000_000_u32).map(|n| (n % 251) as u8).collect();
    for version in VERSIONS {
        let mut child = node
            .kubectl(version)
            .command("exec -i web -c app -- cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (mut stdin, bytes) = (child.stdin.take().unwrap(), sent.clone());
        let writer = std::thread::spawn(move || stdin.write_all(&bytes).unwrap());
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        assert!(output.status.success());
        assert!(output.stdout == sent, "{version}: {} bytes came back", output.stdout.len());
    }
}

#[test]
fn much_output_is_complete() {
    let node = Node::new();
    let mut wanted = String::new();
    for n in 1..=2_700_000 {
        writeln!(wanted, "{n}").unwrap();
    }
    assert!(wanted.len() > 20_000_000);
    for version in VERSIONS {
        let output = exec(&node.kubectl(version), "seq 1 2700000; exit 4");
        assert!(output.stdout == wanted.as_bytes(), "{version}: {} bytes", output.stdout.len());
        assert_eq!(output.status.code(), Some(4));
    }
}

#[test]
fn a_client_that_goes_away_takes_the_command_along() {
    let node = Node::new();
    let pipe = node.directory().join("alive");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for version in VERSIONS {
        let mut child = node
            .kubectl(version)
            .command("exec web -c app -- sh -c")
            .arg("exec sleep 1000 >alive")
            .spawn()
            .unwrap();
        // Opening waits for the writer, and reading ends with it.
        let mut alive = File::open(&pipe).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(alive.read(&mut [0]).unwrap(), 0);
    }
}

#[test]
fn what_is_not_there_is_told() {
    let node = Node::new();
    for version in VERSIONS {
        let kubectl = node.kubectl(version);
        assert_eq!(
            kubectl.fails("exec nope -- true"),
            "Error from server (NotFound): pods \"nope\" not found"
        );
        let error = kubectl.fails("exec web -c nope -- true");
        assert_eq!(
            error,
            "Error from server (BadRequest): container nope is not valid for pod web"
        );
        assert_eq!(
            kubectl.fails("exec waiting -- true"),
            "Error from server (BadRequest): pod waiting does not have a host assigned"
        );
        assert_eq!(
            kubectl.fails("exec lost -- true"),
            "Error from server (NotFound): pods \"n2\" not found"
        );
        // The kubelet's own refusals; newer servers tell them over the WebSocket.
        let prefix = if version == "1.28" { "" } else { "Internal error occurred: " };
        assert_eq!(
            kubectl.fails("exec gone -- true"),
            format!("error: {prefix}unable to upgrade connection: pod does not exist")
        );
        assert_eq!(
            kubectl.fails("exec web -c late -- true"),
            format!("error: {prefix}unable to upgrade connection: container not found (\"late\")")
        );
        let error = kubectl.fails("exec web -c app -- /no/such/program");
        assert_eq!(
            error,
            "error: Internal error occurred: error executing command in container: /no/such/program: No such file or directory (os error 2)"
        );
        let error = kubectl.fails("exec far -- true");
        assert!(error.ends_with("dial tcp 10.0.0.13:10250: connect: no route to host"), "{error}");
    }
}

#[test]
fn exec_needs_its_own_permission() {
    let jane = User::new("jane", &[]);
    let tokens = BTreeMap::from([("secret".to_owned(), jane)]);
    let node = Node::with(Config { tokens, ..Config::default() });
    let text = node.sim().kubeconfig_with(&Credential::Token("secret".to_owned()));
    let file = node.cluster.file("jane", &text);
    let admin = node.kubectl("1.35");
    admin.ok("create role reader --verb=get --resource=pods");
    admin.ok("create rolebinding reader --role=reader --user=jane");
    let janes = VERSIONS.map(|version| node.cluster.kubectl_with(version, &file));
    for kubectl in &janes {
        // A refused WebSocket is tried again over SPDY, so this is what both end with.
        assert_eq!(
            kubectl.fails("exec web -c app -- true"),
            "Error from server (Forbidden): pods \"web\" is forbidden: User \"jane\" cannot create resource \"pods/exec\" in API group \"\" in the namespace \"default\""
        );
    }
    admin.ok("create role execer --verb=create --resource=pods/exec");
    admin.ok("create rolebinding execer --role=execer --user=jane");
    for kubectl in &janes {
        kubectl.ok("exec web -c app -- true");
    }
}

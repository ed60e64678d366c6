//! Who agrees, and who may.

use std::io::Write as _;
use std::process::{Command, Stdio};

use netlab::require_programs;

use crate::dirty::{Dirty, PROGRAM, Run, run};

/// Runs a command on a terminal of its own, and types a line there.
fn on_terminal(dirty: &Dirty, arguments: &str, typed: &str) -> Run {
    let line = format!(
        "{PROGRAM} --local --pod-cidr 10.244.0.0/16 --node-address 10.24.0.4 {arguments} --root {}",
        dirty.root().display()
    );
    let mut command: Command = dirty.namespace().command("script");
    command.args(["-qec", &line, "/dev/null"]).env("COLUMNS", "80").env("TERM", "dumb");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    writeln!(stdin, "{typed}").unwrap();
    let output = child.wait_with_output().unwrap();
    drop(stdin);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn without_a_terminal_nobody_agrees() {
    let Some(dirty) = Dirty::new("consent nobody") else { return };
    let before = dirty.dump();
    let mut command = dirty.clean(&[]);
    let (code, out, err) = run(command.stdin(Stdio::null()));
    assert_eq!(code, Some(2), "{out}{err}");
    assert!(out.contains("things go from node1, in this order:"), "{out}");
    assert!(err.contains("--yes"), "{err}");
    assert_eq!(dirty.dump(), before);
}

#[test]
fn on_a_terminal_the_name_of_the_host_is_typed() {
    if !require_programs(&["script"]) {
        return;
    }
    let Some(dirty) = Dirty::new("consent name") else { return };
    let before = dirty.dump();
    for wrong in ["y", "node2", ""] {
        let (code, out, _) = on_terminal(&dirty, "", wrong);
        assert_eq!(code, Some(1), "{out}");
        assert!(out.contains("Type the name of this host to go on (node1):"), "{out}");
        assert!(out.contains("nothing was changed"), "{out}");
        assert_eq!(dirty.dump(), before);
    }
    let (code, out, _) = on_terminal(&dirty, "", "node1");
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains("Nothing of Cilium's is left, and nothing else changed."), "{out}");
}

#[test]
fn only_root_may() {
    if !require_programs(&["setpriv"]) {
        return;
    }
    let Some(dirty) = Dirty::new("consent root") else { return };
    let before = dirty.dump();
    // Where another user may look.
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("program");
    std::fs::copy(PROGRAM, &program).unwrap();
    dirty.shell(&format!("chmod 755 {}", directory.path().display())).unwrap();
    for arguments in [&["--local", "--yes"][..], &["--local", "--dry-run"]] {
        let mut command = dirty.namespace().command("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"]);
        let (code, out, err) = run(command.arg(&program).args(arguments));
        assert_eq!((code, out.as_str()), (Some(3), ""), "{err}");
        assert!(err.starts_with("error: only root can clean a host"), "{err}");
    }
    assert_eq!(dirty.dump(), before);
}

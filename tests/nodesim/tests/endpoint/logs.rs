//! kubectl logs.

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use kubesim::{Fault, Kind};

use crate::{node::Node, tool::VERSIONS};

#[test]
fn parts_of_a_log_are_shown() {
    let node = Node::new();
    for version in VERSIONS {
        let kubectl = node.kubectl(version);
        assert_eq!(kubectl.ok("logs web -c app"), "line 1\nline 2\nline 3\nline 4\nline 5\n");
        assert_eq!(kubectl.ok("logs web -c app --tail 2"), "line 4\nline 5\n");
        assert_eq!(kubectl.ok("logs web -c app --since 30s"), "line 4\nline 5\n");
        assert_eq!(kubectl.ok("logs web -c app -p --tail 1"), "before 5\n");
        assert_eq!(kubectl.ok("logs web -c app --limit-bytes 9"), "line 1\nli");
        assert_eq!(
            kubectl.ok("logs web -c app --timestamps --tail 1"),
            "2026-01-02T03:04:05.000000006Z line 5\n"
        );
        // A pod that is nowhere has said nothing.
        assert_eq!(kubectl.ok("logs waiting"), "");
    }
}

#[test]
fn what_cannot_be_shown_is_told() {
    let node = Node::new();
    for version in VERSIONS {
        let kubectl = node.kubectl(version);
        assert_eq!(
            kubectl.fails("logs web -c side -p"),
            "Error from server (BadRequest): previous terminated container \"side\" in pod \"web\" not found"
        );
        assert_eq!(
            kubectl.fails("logs gone"),
            "Error from server (NotFound): the server could not find the requested resource ( pods/log gone)"
        );
        // kubectl picks the first container by itself, so the server's words need a bare request.
        assert_eq!(
            kubectl.fails("get --raw /api/v1/namespaces/default/pods/web/log"),
            "Error from server (BadRequest): a container name must be specified for pod web, choose one of: [app side late]"
        );
    }
}

#[test]
fn a_log_is_followed_until_the_reader_goes() {
    let node = Node::new();
    for version in VERSIONS {
        let mut child = node
            .kubectl(version)
            .command("logs -f web -c app --tail 1")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let lines: Vec<String> = lines.take(4).map(Result::unwrap).collect();
        assert_eq!(lines, ["line 5", "line 6", "line 7", "line 8"]);
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

#[test]
fn a_followed_log_can_be_cut() {
    let node = Node::new();
    node.sim().faults().add(Fault::new("*/pods/web/log*", Kind::Cut(20)));
    for version in VERSIONS {
        let output = node.kubectl(version).output("logs -f web -c app");
        assert!(!output.status.success());
        assert_eq!(output.stdout, &b"line 1\nline 2\nline 3\n"[..20]);
    }
}

//! What kubectl makes of kubelets and connections that fail.

use kubesim::{Fault, Kind};

use crate::{node::Node, tool::VERSIONS};

const EXEC: &str = "*/pods/web/exec*";

#[test]
fn a_dead_kubelet_refuses() {
    let mut node = Node::new();
    let port = node.port();
    node.stop();
    let refused = format!("dial tcp 127.0.0.1:{port}: connect: connection refused");
    for version in VERSIONS {
        let kubectl = node.kubectl(version);
        let error = kubectl.fails("exec web -c app -- true");
        let wanted = if version == "1.28" {
            format!("Error from server: error dialing backend: {refused}")
        } else {
            format!(
                "error: Internal error occurred: error sending request: Post \"https://127.0.0.1:{port}/exec/default/web/app?command=true&error=1&output=1\": {refused}"
            )
        };
        assert_eq!(error, wanted);
        let error = kubectl.fails("logs web -c app --tail 3");
        assert_eq!(
            error,
            format!(
                "Error from server: Get \"https://127.0.0.1:{port}/containerLogs/default/web/app?tailLines=3\": {refused}"
            )
        );
    }
}

#[test]
fn a_cut_is_no_hang() {
    let node = Node::new();
    for version in VERSIONS {
        let kubectl = node.kubectl(version);
        for bytes in [1_000, 100_000] {
            node.sim().faults().add(Fault::new(EXEC, Kind::Cut(bytes)));
            let output = kubectl.output("exec web -c app -- seq 1 100000");
            node.sim().faults().clear();
            assert!(output.stdout.len() <= bytes);
            // Over SPDY kubectl takes the end of the error stream for success, cut or not.
            assert_eq!(output.status.success(), version == "1.28", "{version}, {bytes}");
        }
    }
}

#[test]
fn a_stall_leaves_the_client_waiting() {
    let node = Node::new();
    for version in VERSIONS {
        node.sim().faults().add(Fault::new(EXEC, Kind::Stall(1_000)));
        let mut child = node
            .kubectl(version)
            .command("exec web -c app -- seq 1 100000")
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        // Nothing tells that nothing will happen, so this waits a while.
        std::thread::sleep(std::time::Duration::from_secs(1));
        assert_eq!(child.try_wait().unwrap(), None);
        child.kill().unwrap();
        child.wait().unwrap();
        node.sim().faults().clear();
    }
}

#[test]
fn the_faults_of_other_requests_befall_exec_too() {
    let node = Node::new();
    for version in VERSIONS {
        let kubectl = node.kubectl(version);
        let complaint = |kind| {
            node.sim().faults().add(Fault::new(EXEC, kind));
            let error = kubectl.fails("exec web -c app -- true");
            node.sim().faults().clear();
            error
        };
        let error = complaint(Kind::Forbidden);
        assert!(error.starts_with("Error from server (Forbidden): pods \"web\" is forbidden: User \"kubernetes-admin\" cannot"), "{error}");
        let error = complaint(Kind::Status { code: 500, retry_after: None });
        assert_eq!(
            error,
            "Error from server (InternalError): Internal error occurred: etcdserver: request timed out"
        );
        let error = complaint(Kind::ExpiredToken);
        assert_eq!(error, "error: You must be logged in to the server (Unauthorized)");
        let error = complaint(Kind::Reset);
        assert!(error.contains("connection reset by peer"), "{error}");
    }
}

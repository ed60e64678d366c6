//! Work in other namespaces than the agent's own.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use kcilium_core::facts::{Fact, NodeFacts};
use netlab::Lab;
use serde_json::json;

use crate::agent::{agent, path_of, start_command};
use crate::lab::{World, world};

/// A process in a mount namespace where another file is `/etc/hostname`.
struct Init {
    child: Child,
    proc: PathBuf,
}

impl Init {
    /// A `/proc` whose process 1 has that mount namespace, and the network of `near`.
    fn start(world: &World) -> Self {
        let dir = world.lab.dir();
        let hostname = dir.join("hostname");
        fs::write(&hostname, "the-host\n").unwrap();
        let script = r#"mount --bind "$0" /etc/hostname && echo ready && exec sleep 60"#;
        let mut child = Command::new("unshare")
            .args(["--mount", "--propagation", "private", "sh", "-c", script])
            .arg(&hostname)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        let proc = dir.join("proc");
        fs::create_dir_all(proc.join("1/ns")).unwrap();
        symlink(path_of(&world.near), proc.join("1/ns/net")).unwrap();
        symlink(format!("/proc/{}/ns/mnt", child.id()), proc.join("1/ns/mnt")).unwrap();
        Self { child, proc }
    }
}

impl Drop for Init {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn facts_are_those_of_process_1() {
    let Some(world) = world("host facts") else { return };
    let init = Init::start(&world);
    let mut command = agent();
    command.args(["facts", "--host-namespaces", "--look-up", "10.9.0.9", "--proc"]).arg(&init.proc);
    let run = start_command(command, "").end();
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let facts: NodeFacts = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(facts.name.as_str(), "the-host");
    let Fact::Known(links) = &facts.links else { panic!("{:?}", facts.links) };
    assert_eq!(links.iter().map(|link| link.name.as_str()).collect::<Vec<_>>(), ["lo", "eth0"]);
    let asked: Vec<String> =
        facts.lookups.items().iter().map(|lookup| lookup.destination.to_string()).collect();
    // The gateway is asked for without being told.
    assert!(asked.contains(&"10.9.0.9".into()) && asked.contains(&"10.0.0.1".into()), "{asked:?}");
    assert_eq!(run.message, r#"{"ending":"finished","outcomes":{},"results":[]}"#);
}

#[test]
fn a_request_can_ask_for_the_host_s_namespaces() {
    let Some(world) = world("host probe") else { return };
    let init = Init::start(&world);
    let probes = json!([{"id": "ping", "kind": "icmp", "host": "10.9.0.9"}]);
    for request in [
        json!({"namespace": "host", "probes": probes}),
        json!({"namespace": {"path": path_of(&world.near)}, "probes": probes}),
    ] {
        let mut command = agent();
        command.arg("probe").arg("--proc").arg(&init.proc);
        let run = start_command(command, &request.to_string()).end();
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        let way = run.results()[0].way.clone().unwrap();
        assert_eq!(way.source, Some("10.0.0.2".parse().unwrap()), "{}", run.stdout);
        // Written where it was asked for, although the host has other files.
        assert_eq!(run.summary().results.len(), 1);
    }
}

#[test]
fn namespaces_that_are_not_there_are_an_error() {
    if !netlab::require_root_netns() {
        return;
    }
    let lab = Lab::new("no namespaces").unwrap();
    let missing = lab.dir().join("none");
    for flag in ["--proc", "--network-namespace"] {
        let mut command = agent();
        command.arg("facts").arg(flag).arg(&missing);
        if flag == "--proc" {
            command.arg("--host-namespaces");
        }
        let run = start_command(command, "").end();
        assert_eq!((run.code, run.stdout.as_str()), (Some(3), ""));
        let begin = format!("error: cannot open the namespace {}", missing.display());
        assert!(run.stderr.starts_with(&begin), "{}", run.stderr);
        assert!(run.summary().error.unwrap().starts_with("cannot open the namespace"));
    }
    // A file that is no namespace.
    let file = lab.dir().join("file");
    fs::write(&file, "").unwrap();
    let mut command = agent();
    command.arg("facts").arg("--network-namespace").arg(&file);
    let run = start_command(command, "").end();
    assert_eq!(run.code, Some(3));
    assert!(run.stderr.starts_with("error: cannot move into the namespace"), "{}", run.stderr);
}

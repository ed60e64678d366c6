//! The story that all this grew from, told with the real programs: `make demo` runs it.
//!
//! A homelab of three nodes, whose pod CIDRs have swallowed the LAN's gateway and DNS server, is set
//! up in network namespaces, with an API server that holds its objects. Then a person's commands run
//! through the real kubectl. Nothing of it is left at the end.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "it tells a story, and stops where it cannot go on")]
#![expect(clippy::print_stdout, reason = "it tells a story")]
#![allow(dead_code, reason = "the tests' own stage, of which they need more than the story does")]

#[path = "../tests/it/doctor.rs"]
mod doctor;
#[path = "../tests/it/packets.rs"]
mod packets;
#[path = "../tests/it/program.rs"]
mod program;
#[path = "../tests/it/report.rs"]
mod report;
#[path = "../tests/it/site.rs"]
mod site;
#[path = "../tests/it/stage.rs"]
mod stage;
#[path = "../tests/it/tools.rs"]
mod tools;

use std::{
    env, fs,
    os::unix::fs::symlink,
    path::PathBuf,
    process::{Command, ExitStatus},
};

use netlab::require_root_netns;
use stage::Stage;
use tempfile::TempDir;

/// What the author of the story installed next. It looks right.
const VALUES: &str = "\
tunnel: disabled
autoDirectNodeRoutes: true
enableIPv4Masquerade: false
ipam:
  mode: kubernetes
ipv4NativeRoutingCIDR: 10.244.0.0/16
";

/// A person at a keyboard.
struct Person {
    folder: TempDir,
    kubeconfig: PathBuf,
    /// What is put on nodes; beside the programs where they are installed.
    agent: PathBuf,
}

impl Person {
    fn new(stage: &Stage) -> Self {
        let folder = TempDir::new().unwrap();
        let bin = folder.path().join("bin");
        fs::create_dir(&bin).unwrap();
        for program in [program::doctor(), program::render(), program::uninstall()] {
            symlink(program, bin.join(program.file_name().unwrap())).unwrap();
        }
        symlink(tools::kubectl("kubectl-1.35"), bin.join("kubectl")).unwrap();
        symlink(tools::tool("helm-3", "helm"), bin.join("helm")).unwrap();
        fs::write(folder.path().join("values.yaml"), VALUES).unwrap();
        Self { folder, kubeconfig: stage.kubeconfig(), agent: packets::agent(stage) }
    }

    /// Types a line on a machine of their own.
    fn types(&self, line: &str) {
        println!("\n$ {line}");
        self.ends(Command::new("sh").args(["-c", line]), line);
    }

    /// Types a line on a node.
    fn types_on(&self, stage: &Stage, node: &str, line: &str) {
        println!("\nroot@{node}# {line}");
        // A namespace has the machine's files: a node's own lie in a folder.
        let line = line
            .replace("--local", &format!("--local --root {}", stage.host(node).root().display()));
        self.ends(stage.node(node).command("sh").args(["-c", &line]), &line);
    }

    fn ends(&self, command: &mut Command, line: &str) {
        let path = env::var("PATH").unwrap_or_default();
        let path = format!("{}:{path}", self.folder.path().join("bin").display());
        let command = command.current_dir(self.folder.path()).env("PATH", path);
        let command = command.env("KUBECONFIG", &self.kubeconfig);
        let status = command.env("KCILIUM_NODE_AGENT", &self.agent).status().unwrap();
        println!("(exit code {})", code(status));
        // 1 is that something was found, and 2 that somebody has to agree first.
        assert!(matches!(status.code(), Some(0..=2)), "{line}");
    }
}

fn code(status: ExitStatus) -> String {
    status.code().map_or_else(|| "none".to_owned(), |code| code.to_string())
}

fn says(text: &str) {
    println!("\n── {text}");
}

fn story(person: &Person, stage: &Stage) {
    says("The nodes cannot resolve a name or pull an image. `cilium status` says OK. Why?");
    person.types_on(stage, "node3", "ip route get 10.0.0.1");
    person.types("kubectl cilium-doctor");

    says("The API server may be gone as well. On the node, the program needs none.");
    person.types_on(stage, "node3", "kubectl-cilium_doctor --local -o short");

    says("So install again, with a pool that is free. These values look right …");
    person.types("cat values.yaml");
    says(
        "… but pods would get no answer from outside. The renderer says so before they are installed:",
    );
    person.types("kubectl cilium-render -f values.yaml --version 1.14.2 > merged.yaml");

    says("Without any values it takes what kubeadm says, and tells where each value is from:");
    person.types("kubectl cilium-render --version 1.14.2 --explain > merged.yaml");
    person.types("cat merged.yaml");

    says("Out with the old one. First what would be done, and what will break:");
    person.types("kubectl cilium-uninstall --dry-run");
    says("Then all of it: the release, the CRDs, and what Cilium left on each of the nodes.");
    person.types("kubectl cilium-uninstall --yes --backup saved");
    says("What was in the cluster and on the nodes can be brought back:");
    person.types("ls saved");

    says("Is it really gone? Another look, by programs that are put on the nodes:");
    person.types("kubectl cilium-uninstall verify --inspect-nodes");
    says("And the kernel's word for it. The router is reached again:");
    person.types_on(stage, "node3", "ip -brief link; ip route; ip route get 10.0.0.1");
    person.types_on(stage, "node3", "ping -c 1 -W 2 10.0.0.1");
}

#[tokio::main]
async fn main() {
    if !require_root_netns() {
        return;
    }
    says("A homelab: three nodes, the router 10.0.0.1 is gateway and DNS server of 10.0.0.0/16.");
    let stage = Stage::with_nodes("homelab-clash").await;
    let person = Person::new(&stage);
    tokio::task::block_in_place(|| story(&person, &stage));
}

//! Completion through the real kubectl: its `__complete` is what the shells' scripts call.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::doctor::Run;
use crate::kubectl::{self, VERSIONS};
use crate::packages;
use crate::program;
use crate::stage::Stage;
use crate::tools;

/// A folder with the plugins, the programs that kubectl asks, and kubectl itself, which these call.
fn bin(version: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    packages::write_shims(folder.path());
    symlink(tools::kubectl(version), folder.path().join("kubectl")).unwrap();
    folder
}

/// The values that kubectl hands to the shell, and the directive.
fn complete(version: &str, bin: &Path, kubeconfig: Option<&Path>, words: &[&str]) -> Vec<String> {
    let run = kubectl::with_path(version, bin, kubeconfig, &[&["__complete"], words].concat());
    assert_eq!(run.code, Some(0), "{version} {words:?}: {}", run.stderr);
    let value = |line: &str| line.split('\t').next().unwrap_or_default().to_owned();
    run.stdout.lines().map(value).collect()
}

#[test]
fn kubectl_completes_commands_flags_codes_and_versions() {
    for version in VERSIONS {
        let folder = bin(version);
        let of = |words: &[&str]| complete(version, folder.path(), None, words);
        let commands = of(&["cilium-doctor", ""]);
        assert!(commands.contains(&"explain-log".into()), "{commands:?}");
        assert!(!commands.iter().any(|it| it.starts_with("--")), "{commands:?}");
        assert_eq!(of(&["cilium-doctor", "--pro"]), ["--protect", "--probe", ":4"]);
        assert_eq!(of(&["cilium-doctor", "--probe", "al"]), ["always", ":4"]);
        let codes = of(&["cilium-doctor", "explain", "rt-0"]);
        assert!(codes.starts_with(&["RT-01".into(), "RT-02".into()]), "{codes:?}");
        assert_eq!(of(&["cilium-doctor", "--only", "CIDR-01,API-02"]), ["CIDR-01,API-02", ":4"]);
        assert_eq!(of(&["cilium-render", "--version", "v1.20"]), ["1.20.0", ":4"]);
        assert_eq!(of(&["cilium-uninstall", "veri"]), ["verify", ":4"]);
        // More of the path is to come: no space after it.
        let folders = of(&["cilium-doctor", "--from", "exam"]);
        assert_eq!(folders, ["examples/", ":6"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contexts_namespaces_nodes_and_releases_are_asked_for() {
    let stage = Stage::of_objects("homelab-clash").await;
    let kubeconfig = stage.kubeconfig();
    let answers = tokio::task::spawn_blocking(move || {
        VERSIONS.map(|version| {
            let folder = bin(version);
            let of = |words: &[&str]| complete(version, folder.path(), Some(&kubeconfig), words);
            [
                of(&["cilium-doctor", "--context", ""]),
                of(&["cilium-doctor", "--context", "kubesim", "--nodes", "node1,no"]),
                of(&["cilium-doctor", "-n", "kube-sy"]),
                of(&["cilium-render", "--helm-release-name", ""]),
            ]
        })
    });
    for [contexts, nodes, namespaces, releases] in answers.await.unwrap() {
        assert_eq!(contexts, ["kubesim", ":4"]);
        assert_eq!(nodes, ["node1,node1", "node1,node2", "node1,node3", ":4"]);
        assert_eq!(namespaces, ["kube-system", ":4"]);
        assert_eq!(releases, ["cilium", ":4"]);
    }
}

#[test]
fn who_cannot_be_asked_is_left_out_without_a_word() {
    let folder = bin("kubectl-1.35");
    let kubeconfig = folder.path().join("broken");
    fs::write(&kubeconfig, "{not a kubeconfig").unwrap();
    for words in [["cilium-doctor", "--context", ""], ["cilium-doctor", "--nodes", ""]] {
        let arguments = [&["__complete"], &words[..]].concat();
        let run = kubectl::with_path("kubectl-1.35", folder.path(), Some(&kubeconfig), &arguments);
        assert_eq!(run.stdout, ":4\n");
        assert!(!run.stderr.contains("error"), "{}", run.stderr);
    }
}

#[test]
fn shells_ask_by_the_script_that_is_printed() {
    let program = program::doctor();
    for (shell, sign) in [
        ("bash", "complete -o "),
        ("zsh", "#compdef kubectl-cilium_doctor"),
        ("fish", "complete --keep-order"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let script = Run::of(Command::new(program).args(["completion", shell]));
        assert_eq!(script.code, Some(0), "{}", script.stderr);
        assert!(script.stdout.contains(sign), "{shell}: {}", script.stdout);
    }
    // What bash does when the key is pressed.
    let bash = "source <(kubectl-cilium_doctor completion bash)
                COMP_WORDS=(kubectl-cilium_doctor explain RT-0) COMP_CWORD=2
                _clap_complete_kubectl_cilium_doctor x RT-0
                echo ${COMPREPLY[0]} ${COMPREPLY[1]}";
    let folder = bin("kubectl-1.35");
    let answer = Run::of(Command::new("/bin/bash").args(["-c", bash]).env("PATH", folder.path()));
    assert_eq!(answer.stdout, "RT-01 RT-02\n", "{}", answer.stderr);
}

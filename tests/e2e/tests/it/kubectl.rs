//! The doctor as a plugin of the real kubectl.

use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use netlab::require_root_netns;
use tempfile::TempDir;

use crate::doctor::Run;
use crate::program;
use crate::stage::Stage;

pub(crate) const VERSIONS: [&str; 2] = ["kubectl-1.28", "kubectl-1.35"];

/// What `tests/setup` installed.
pub(crate) fn tool(folder: &str, name: &str) -> PathBuf {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let tools = set("KCILIUM_TOOLS").unwrap_or_else(|| {
        let cache = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")));
        cache.expect("HOME is set").join("kcilium/tools")
    });
    let tool = tools.join(folder).join(name);
    assert!(tool.is_file(), "{} is missing: run tests/setup", tool.display());
    tool
}

/// A folder with a plugin, and an empty home.
pub(crate) struct Installation {
    folder: TempDir,
}

impl Installation {
    fn new() -> Self {
        Self::of(program::doctor())
    }

    pub(crate) fn of(plugin: &Path) -> Self {
        let folder = TempDir::new().unwrap();
        for name in ["home", "bin"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        // As krew installs plugins.
        let name = plugin.file_name().unwrap();
        symlink(plugin, folder.path().join("bin").join(name)).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// kubectl with nothing of its user's, and no cluster.
    fn run(&self, version: &str, arguments: &[&str]) -> Run {
        self.run_with(version, &self.path("home/none"), arguments)
    }

    /// The same with a cluster.
    pub(crate) fn run_with(&self, version: &str, kubeconfig: &Path, arguments: &[&str]) -> Run {
        let mut command = Command::new(tool(version, "kubectl"));
        command
            .args(arguments)
            .current_dir(program::workspace())
            .env_clear()
            .env("HOME", self.path("home"))
            .env("KUBECONFIG", kubeconfig)
            .env("PATH", self.path("bin"));
        Run::of(&mut command)
    }
}

fn direct(arguments: &[&str]) -> Run {
    Run::of(Command::new(program::doctor()).args(arguments).current_dir(program::workspace()))
}

#[test]
fn kubectl_finds_the_plugin_and_passes_on_what_it_says() {
    let installation = Installation::new();
    let cases: [(&[&str], i32); 5] = [
        (&["--from", "examples/homelab-clash.json"], 1),
        (&["--from", "examples/homelab-healthy.json", "-o", "json"], 0),
        (&["explain", "CIDR-01"], 0),
        (&["--nonsense"], 2),
        (&["--from", "examples/none.json"], 3),
    ];
    for version in VERSIONS {
        for (arguments, code) in cases {
            let through = installation.run(version, &[&["cilium-doctor"], arguments].concat());
            let alone = direct(arguments);
            assert_eq!(through.code, Some(code), "{version} {arguments:?}: {}", through.stderr);
            assert_eq!(through.stdout, alone.stdout, "{version} {arguments:?}");
            assert_eq!(through.stderr, alone.stderr, "{version} {arguments:?}");
        }
    }
}

#[test]
fn kubectl_lists_the_plugin_without_a_warning() {
    let installation = Installation::new();
    let plugin = installation.path("bin/kubectl-cilium_doctor");
    for version in VERSIONS {
        let listed = installation.run(version, &["plugin", "list"]);
        assert_eq!((listed.code, &*listed.stderr), (Some(0), ""), "{version}");
        let listed: Vec<&Path> =
            listed.stdout.lines().filter(|line| line.starts_with('/')).map(Path::new).collect();
        assert_eq!(listed, [&plugin], "{version}");
    }
}

#[test]
fn usage_is_shown_as_kubectl_is_called() {
    let installation = Installation::new();
    for version in VERSIONS {
        let help = installation.run(version, &["cilium-doctor", "--help"]);
        assert!(help.stdout.contains("Usage: kubectl cilium-doctor"), "{}", help.stdout);
        assert!(!help.stdout.contains("kubectl-cilium_doctor"), "{}", help.stdout);
        let wrong = installation.run(version, &["cilium-doctor", "explain"]);
        assert_eq!(wrong.code, Some(2));
        assert!(wrong.stderr.contains("Usage: kubectl cilium-doctor explain"), "{}", wrong.stderr);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_current_context_is_examined_without_flags() {
    if !require_root_netns() {
        return;
    }
    let stage = Stage::with_nodes("homelab-clash").await;
    let kubeconfig = stage.kubeconfig();
    let runs = tokio::task::spawn_blocking(move || {
        let installation = Installation::new();
        let run = |version, arguments: &[&str]| {
            installation.run_with(version, &kubeconfig, &[&["cilium-doctor"], arguments].concat())
        };
        VERSIONS.map(|version| {
            (run(version, &[]), run(version, &["-o", "json", "--context", "kubesim"]))
        })
    });
    for (text, json) in runs.await.unwrap() {
        assert_eq!((text.code, &*text.stderr), (Some(1), ""), "{}", text.stdout);
        assert!(text.stdout.contains("context kubesim"), "{}", text.stdout);
        assert_eq!((json.code, &*json.stderr), (Some(1), ""), "{}", json.stdout);
        assert_eq!(json.report().verdicts(), ["confirmed C-CLASH"]);
    }
}

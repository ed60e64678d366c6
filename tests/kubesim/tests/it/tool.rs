//! Running kubectl and helm against a server.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use kubesim::{Config, KubeSim};

/// The kubectl versions that everything is tried with.
pub(crate) const VERSIONS: [&str; 2] = ["1.28", "1.35"];

pub(crate) fn tools() -> PathBuf {
    let home = |name: &str| std::env::var_os(name).map(PathBuf::from);
    home("KCILIUM_TOOLS").unwrap_or_else(|| {
        let cache = home("XDG_CACHE_HOME")
            .or_else(|| home("HOME").map(|home| home.join(".cache")))
            .expect("a home directory");
        cache.join("kcilium/tools")
    })
}

/// A server with a runtime of its own, so that tests can be plain functions.
pub(crate) struct Cluster {
    // Before the runtime, so that it is dropped first.
    sim: Option<KubeSim>,
    runtime: tokio::runtime::Runtime,
}

impl Cluster {
    pub(crate) fn new() -> Self {
        Self::with(Config::default())
    }

    pub(crate) fn with(config: Config) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let sim = runtime.block_on(KubeSim::start(config)).expect("a server");
        Self { sim: Some(sim), runtime }
    }

    pub(crate) fn sim(&self) -> &KubeSim {
        self.sim.as_ref().expect("a running server")
    }

    /// Ends the server.
    pub(crate) fn stop(&mut self) {
        if let Some(sim) = self.sim.take() {
            self.runtime.block_on(sim.stop());
        }
    }

    /// kubectl of that version as the administrator.
    pub(crate) fn kubectl(&self, version: &str) -> Kubectl {
        self.kubectl_with(version, &self.sim().kubeconfig())
    }

    /// kubectl of that version with that kubeconfig.
    pub(crate) fn kubectl_with(&self, version: &str, kubeconfig: &Path) -> Kubectl {
        Kubectl::new(version, kubeconfig, self.sim().directory())
    }

    /// A kubeconfig file of that text.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.sim().directory().join(name);
        std::fs::write(&path, text).expect("a file");
        path
    }
}

/// One kubectl.
pub(crate) struct Kubectl {
    program: PathBuf,
    kubeconfig: PathBuf,
    cache: PathBuf,
}

impl Kubectl {
    /// kubectl of that version with that kubeconfig; its cache goes to `directory`.
    pub(crate) fn new(version: &str, kubeconfig: &Path, directory: &Path) -> Self {
        Self {
            program: tools().join(format!("kubectl-{version}/kubectl")),
            kubeconfig: kubeconfig.to_owned(),
            cache: directory.join(format!("cache-{version}")),
        }
    }

    /// kubectl with these arguments, separated by blanks.
    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .arg("--cache-dir")
            .arg(&self.cache)
            .args(arguments.split_whitespace())
            .env_remove("KUBECONFIG")
            .env("TZ", "UTC");
        command
    }

    pub(crate) fn output(&self, arguments: &str) -> Output {
        self.command(arguments).output().expect("kubectl; has tests/setup run?")
    }

    /// What it prints when all is well.
    pub(crate) fn ok(&self, arguments: &str) -> String {
        let output = self.output(arguments);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "kubectl {arguments}: {text}{errors}");
        text
    }

    /// What it complains of.
    pub(crate) fn fails(&self, arguments: &str) -> String {
        let output = self.output(arguments);
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(!output.status.success(), "kubectl {arguments} should fail: {text}");
        String::from_utf8_lossy(&output.stderr).trim().to_owned()
    }
}

/// One helm.
pub(crate) struct Helm {
    major: u8,
    kubeconfig: PathBuf,
    home: PathBuf,
}

impl Helm {
    /// helm of that major version with that kubeconfig; what it keeps goes to `directory`.
    pub(crate) fn new(major: u8, kubeconfig: &Path, directory: &Path) -> Self {
        let home = directory.join(format!("helm-{major}"));
        Self { major, kubeconfig: kubeconfig.to_owned(), home }
    }

    /// What it prints when all is well, and nothing is to be warned of.
    pub(crate) fn ok(&self, arguments: &str) -> String {
        let output = Command::new(tools().join(format!("helm-{}/helm", self.major)))
            .args(arguments.split_whitespace())
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .env_remove("KUBECONFIG")
            .env("TZ", "UTC")
            .env("HELM_CACHE_HOME", &self.home)
            .env("HELM_CONFIG_HOME", &self.home)
            .env("HELM_DATA_HOME", &self.home)
            .output()
            .expect("helm; has tests/setup run?");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "helm {} {arguments}: {text}{errors}", self.major);
        assert_eq!(errors.trim(), "", "helm {} {arguments}", self.major);
        text
    }
}

/// Ages and what else differs from run to run, made the same.
pub(crate) fn steady(text: &str) -> String {
    text.lines()
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let same = |word: &&str| {
                let seconds = word.strip_suffix('s').is_some_and(|n| n.parse::<u32>().is_ok());
                if seconds { "AGE" } else { *word }.to_owned()
            };
            words.iter().map(same).collect::<Vec<_>>().join(" ")
        })
        .collect::<Vec<_>>()
        .join("\n")
}

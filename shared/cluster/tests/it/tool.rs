//! What the tests need to set a scene.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::LazyLock,
    time::Duration,
};

use kcilium_cluster::{
    Api, Limits,
    kubeconfig::{Connection, ConnectionFlags, Environment},
};
use proptest::test_runner::{Config as ProptestConfig, RngSeed};
use rcgen::{CertificateParams, DnType, KeyPair};
use tempfile::TempDir;
use tokio::time::Instant;

/// A certificate and its key, PEM.
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Pair {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().pem();
        Self { certificate, key: key.serialize_pem() }
    }
}

/// Two certificates that no server knows.
pub(crate) static PAIRS: LazyLock<[Pair; 2]> =
    LazyLock::new(|| [Pair::new("one"), Pair::new("two")]);

/// A folder for kubeconfigs and what they name.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::Builder::new().prefix("kcilium-cluster-").tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A program that `sh` runs.
    pub(crate) fn script(&self, name: &str, text: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.write(name, &format!("#!/bin/sh\n{text}\n"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }
}

/// The flag `--kubeconfig`.
pub(crate) fn kubeconfig(path: &Path) -> ConnectionFlags {
    ConnectionFlags { kubeconfig: Some(path.to_owned()), ..ConnectionFlags::default() }
}

/// The connection that a kubeconfig alone leads to.
pub(crate) fn connection(path: &Path) -> Connection {
    Connection::resolve(&kubeconfig(path), &Environment::default()).unwrap()
}

/// Enough of everything.
pub(crate) fn limits() -> Limits {
    Limits {
        deadline: Instant::now() + Duration::from_secs(60),
        request: Duration::from_secs(20),
        concurrency: 8,
    }
}

pub(crate) async fn api(path: &Path) -> Api {
    Api::connect(&connection(path), limits()).await.unwrap()
}

/// An error as it is printed: with its causes.
pub(crate) fn full_text(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// As many cases as that, the same each time; `PROPTEST_CASES` asks for more and for others.
pub(crate) fn few(cases: u32) -> ProptestConfig {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_CASES").is_some() {
        return config;
    }
    ProptestConfig { cases, rng_seed: RngSeed::Fixed(4), ..config }
}

/// kubectl 1.35, which connects to nothing but loopback.
pub(crate) struct Kubectl {
    cache: TempDir,
}

impl Kubectl {
    pub(crate) fn new() -> Self {
        Self { cache: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn run(&self, list: &str, arguments: &[String]) -> Output {
        let home = |name: &str| std::env::var_os(name).map(PathBuf::from);
        let tools = home("KCILIUM_TOOLS").unwrap_or_else(|| {
            let cache = home("XDG_CACHE_HOME")
                .or_else(|| home("HOME").map(|home| home.join(".cache")))
                .unwrap();
            cache.join("kcilium/tools")
        });
        Command::new(tools.join("kubectl-1.35/kubectl"))
            .arg("--cache-dir")
            .arg(self.cache.path())
            .args(arguments)
            .env_clear()
            .env("KUBECONFIG", list)
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.cache.path())
            .stdin(std::process::Stdio::null())
            .output()
            .expect("kubectl; has tests/setup run?")
    }
}

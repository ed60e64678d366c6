//! What the tests need to set a scene.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::{Arc, LazyLock},
    time::Duration,
};

use kcilium_cluster::{
    Api, ApiError, Limits,
    kubeconfig::{Connection, ConnectionFlags, Environment},
};
use kubesim::KubeSim;
use proptest::test_runner::{Config as ProptestConfig, RngSeed};
use rcgen::{CertificateParams, DnType, KeyPair};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::Instant,
};

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
        deadline: Instant::now() + Duration::from_mins(1),
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

/// A server on loopback without TLS, which does with each connection what it is told.
pub(crate) struct Stub {
    pub(crate) address: String,
    task: tokio::task::JoinHandle<()>,
}

impl Stub {
    /// Each connection is handed on as it is.
    pub(crate) async fn accept<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let task = tokio::spawn(async move {
            // The set ends with the server, and every connection with the set.
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream));
            }
        });
        Self { address, task }
    }

    /// Each request is answered with these bytes, and the connection closed.
    pub(crate) async fn answer(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let answer = Arc::new(answer);
        Self::accept(move |mut stream| {
            let answer = Arc::clone(&answer);
            async move {
                let head = read_head(&mut stream).await;
                // The client may have gone.
                let _ = stream.write_all(&answer(&head)).await;
                let _ = stream.shutdown().await;
            }
        })
        .await
    }

    /// A kubeconfig that leads there.
    pub(crate) fn kubeconfig(&self, folder: &Folder) -> PathBuf {
        self.kubeconfig_at(folder, "")
    }

    /// The same, below a path.
    pub(crate) fn kubeconfig_at(&self, folder: &Folder, path: &str) -> PathBuf {
        folder.write(
            "stub.kubeconfig",
            &json!({
                "clusters": [{"name": "stub", "cluster": {
                    "server": format!("http://{}{path}", self.address),
                }}],
                "users": [{"name": "stub", "user": {"token": "never-sent"}}],
                "contexts": [{"name": "stub", "context": {"cluster": "stub", "user": "stub"}}],
                "current-context": "stub",
            })
            .to_string(),
        )
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What comes before a body.
pub(crate) async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).unwrap()
}

/// An answer in HTTP.
pub(crate) fn reply(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// A kubeconfig whose only user is this; its cluster is the server's.
pub(crate) fn with_user(sim: &KubeSim, user: Value) -> Value {
    let mut config: Value =
        serde_json::from_str(&sim.kubeconfig_with(&kubesim::Credential::None)).unwrap();
    config["users"][0]["user"] = user;
    config
}

/// Who the server thinks it is talking to.
pub(crate) async fn whoami(api: &Api) -> Result<Value, ApiError> {
    let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
    let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    let body = api.review(path, &review).await?;
    let answer: Value = serde_json::from_slice(&body).unwrap();
    Ok(answer["status"]["userInfo"].clone())
}

/// A server that knows these tokens, each of the user of that name.
pub(crate) async fn sim(tokens: &[&str]) -> KubeSim {
    let tokens = tokens
        .iter()
        .map(|&token| (token.to_owned(), kubesim::User::new(token, &[kubesim::MASTERS])))
        .collect();
    KubeSim::start(kubesim::Config { tokens, ..kubesim::Config::default() }).await.unwrap()
}

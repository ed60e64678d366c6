//! A real etcd and a real kube-apiserver, without the rest of a control plane.
//!
//! They listen on free ports of 127.0.0.1, keep their data in a directory that goes with them, and
//! are killed with whoever started them, however that ends.

mod assets;
mod daemon;

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use ipnet::Ipv4Net;
use rcgen::KeyPair;
use tempfile::TempDir;
use tokio::{
    net::TcpStream,
    time::{Instant, sleep},
};

pub use assets::{Assets, require_real_apiserver};
use daemon::Daemon;

use crate::{
    guardian::Guardian,
    identity::{MASTERS, User},
    kubeconfig::{Access, write_private},
    rest::Client,
    tls::Authority,
};

/// How long one of the two may take to be ready; loaded machines are slow.
const PATIENCE: Duration = Duration::from_secs(90);
/// How often a port that was free may turn out to be taken.
const ATTEMPTS: u32 = 3;

/// A running etcd and kube-apiserver. Dropping it ends them.
pub(crate) struct ControlPlane {
    access: Access,
    authority: Authority,
    // In this order they are dropped: the API server before what it needs.
    apiserver: Daemon,
    _etcd: Daemon,
    _guardian: Guardian,
    directory: TempDir,
}

impl ControlPlane {
    /// Starts both, and waits until the API server is ready.
    pub(crate) async fn start(assets: &Assets, services: Ipv4Net) -> Result<Self> {
        for _ in 1..ATTEMPTS {
            match Self::attempt(assets, services).await {
                // Between finding a port and using it somebody else took it.
                Err(error) if format!("{error:#}").contains("address already in use") => {}
                done => return done,
            }
        }
        Self::attempt(assets, services).await
    }

    async fn attempt(assets: &Assets, services: Ipv4Net) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("kubesim-").tempdir()?;
        let mut guardian = Guardian::start(directory.path())?;
        let authority = Authority::new().context("make a certificate authority")?;
        let files = Files::write(directory.path(), &authority)?;

        let (client, peer, secure) = (free_port()?, free_port()?, free_port()?);
        let arguments = etcd_arguments(&directory.path().join("etcd"), client, peer);
        let mut etcd = Daemon::start("etcd", &assets.etcd, &arguments, &mut guardian)?;
        etcd.until_ready(async || TcpStream::connect((Ipv4Addr::LOCALHOST, client)).await.is_ok())
            .await?;

        let identity = authority.client(&User::new("kubernetes-admin", &[MASTERS]))?;
        let server = format!("https://{}:{secure}", Ipv4Addr::LOCALHOST);
        let access = Access { server, authority: authority.pem().to_owned(), identity };
        let arguments = apiserver_arguments(&files, client, secure, services);
        let mut apiserver =
            Daemon::start("kube-apiserver", &assets.apiserver, &arguments, &mut guardian)?;
        apiserver.until_ready(async || ready(&access).await).await?;
        let plane =
            Self { access, authority, apiserver, _etcd: etcd, _guardian: guardian, directory };
        write_private(&plane.kubeconfig(), &plane.access.kubeconfig())?;
        Ok(plane)
    }

    /// What went wrong with the API server, if it ended, rather than with a client of it.
    pub(crate) fn explain(&mut self, error: anyhow::Error) -> anyhow::Error {
        match self.apiserver.check() {
            Ok(()) => error,
            Err(end) => error.context(end),
        }
    }

    /// What the administrator needs.
    pub(crate) fn access(&self) -> &Access {
        &self.access
    }

    /// Signs the certificates of clients.
    pub(crate) fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The kubeconfig of the administrator.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.directory.path().join("admin.kubeconfig")
    }

    /// A directory that lives as long as the servers.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }
}

async fn ready(access: &Access) -> bool {
    let Ok(client) = Client::connect(access).await else { return false };
    client.call("GET", "/readyz", None).await.is_ok_and(|answer| answer.code == 200)
}

/// A port that nobody listened on a moment ago.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// The files that the API server is told of.
#[derive(Debug)]
struct Files {
    authority: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
    kubelet_certificate: PathBuf,
    kubelet_key: PathBuf,
    service_account_public: PathBuf,
    service_account_private: PathBuf,
}

impl Files {
    fn write(directory: &Path, authority: &Authority) -> Result<Self> {
        let serving = authority.serving()?;
        let kubelet = authority.client(&User::new("kube-apiserver-kubelet-client", &[MASTERS]))?;
        let service_accounts = KeyPair::generate()?;
        let file = |name: &str, text: &str| -> Result<PathBuf> {
            let path = directory.join(name);
            write_private(&path, text)?;
            Ok(path)
        };
        fs::create_dir(directory.join("etcd"))?;
        Ok(Self {
            authority: file("ca.crt", authority.pem())?,
            certificate: file("apiserver.crt", &serving.certificate)?,
            key: file("apiserver.key", &serving.key)?,
            kubelet_certificate: file("apiserver-kubelet-client.crt", &kubelet.certificate)?,
            kubelet_key: file("apiserver-kubelet-client.key", &kubelet.key)?,
            service_account_public: file("sa.pub", &service_accounts.public_key_pem())?,
            service_account_private: file("sa.key", &service_accounts.serialize_pem())?,
        })
    }
}

fn etcd_arguments(data: &Path, client: u16, peer: u16) -> Vec<String> {
    let url = |port| format!("http://{}:{port}", Ipv4Addr::LOCALHOST);
    vec![
        format!("--data-dir={}", data.display()),
        format!("--listen-client-urls={}", url(client)),
        format!("--advertise-client-urls={}", url(client)),
        format!("--listen-peer-urls={}", url(peer)),
        format!("--initial-advertise-peer-urls={}", url(peer)),
        format!("--initial-cluster=default={}", url(peer)),
    ]
}

/// The flags of a kube-apiserver; every version from 1.20 to 1.35 knows all of them.
fn apiserver_arguments(files: &Files, etcd: u16, secure: u16, services: Ipv4Net) -> Vec<String> {
    let localhost = Ipv4Addr::LOCALHOST;
    let file = |flag: &str, path: &Path| format!("--{flag}={}", path.display());
    vec![
        format!("--etcd-servers=http://{localhost}:{etcd}"),
        format!("--bind-address={localhost}"),
        // Without it the server looks for a default route, which not every machine has.
        format!("--advertise-address={localhost}"),
        format!("--secure-port={secure}"),
        file("tls-cert-file", &files.certificate),
        file("tls-private-key-file", &files.key),
        file("client-ca-file", &files.authority),
        "--authorization-mode=RBAC".to_owned(),
        // Nobody makes tokens for ServiceAccounts, and nobody takes `not-ready` off nodes.
        "--disable-admission-plugins=ServiceAccount,TaintNodesByCondition".to_owned(),
        "--allow-privileged=true".to_owned(),
        format!("--service-cluster-ip-range={services}"),
        // Required since 1.20.
        format!("--service-account-issuer=https://{localhost}:{secure}/"),
        file("service-account-key-file", &files.service_account_public),
        file("service-account-signing-key-file", &files.service_account_private),
        // Kubelets for tests listen on loopback, and say so by an ExternalDNS address. The others of
        // a scenario's nodes may be those of real machines around this one.
        "--kubelet-preferred-address-types=ExternalDNS".to_owned(),
        file("kubelet-client-certificate", &files.kubelet_certificate),
        file("kubelet-client-key", &files.kubelet_key),
        // Where the API server is, scenarios say; and 127.0.0.1 is no valid endpoint.
        "--endpoint-reconciler-type=none".to_owned(),
    ]
}

impl Daemon {
    /// Waits until `ready` says so, unless the program ends before.
    async fn until_ready(&mut self, ready: impl AsyncFn() -> bool) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !ready().await {
            self.check()?;
            if Instant::now() > deadline {
                bail!("{} is not ready after {} s{}", self.name(), PATIENCE.as_secs(), self.log());
            }
            sleep(Duration::from_millis(50)).await;
        }
        // Whoever answered may be another program on that port.
        self.check()
    }
}

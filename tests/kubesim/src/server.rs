//! The server: TLS on loopback, a task per connection, and an end.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, Result};
use hyper::service::service_fn;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::{conn::auto, graceful::GracefulShutdown},
};
use ipnet::Ipv4Net;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

use crate::{
    breaker::Breaker,
    collector::Collector,
    fault::Faults,
    fleet::{self, Fleet},
    guardian::Guardian,
    identity::{MASTERS, User},
    journal::Journal,
    kubeconfig::{self, Access, Credential, write_private},
    load, rbac, route,
    scenario::Scenario,
    store::Store,
    tls::Authority,
    token::Tokens,
};

/// How a server is to be.
#[derive(Clone, Debug)]
pub struct Config {
    /// `gitVersion` of `/version`.
    pub version: String,
    /// Bearer tokens and whose they are.
    pub tokens: BTreeMap<String, User>,
    /// The range of ClusterIPs.
    pub services: Ipv4Net,
    /// How often watches that want them get bookmarks.
    pub bookmarks: Duration,
    /// Where the administrator's kubeconfig is written, besides the server's own copy.
    pub kubeconfig: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            version: "v1.35.0".to_owned(),
            // kubeadm's.
            services: Ipv4Net::new_assert(Ipv4Addr::new(10, 96, 0, 0), 12),
            tokens: BTreeMap::new(),
            bookmarks: Duration::from_mins(1),
            kubeconfig: None,
        }
    }
}

impl Config {
    /// The `35` of `v1.35.0`: what a server of that version does differently.
    pub(crate) fn minor(&self) -> u32 {
        self.version.split('.').nth(1).and_then(|minor| minor.parse().ok()).unwrap_or_default()
    }
}

/// What all requests share.
pub(crate) struct Shared {
    /// How the server was started.
    pub config: Config,
    /// The address as `host:port`.
    pub address: String,
    /// The faults in force.
    pub faults: Faults,
    /// The requests so far.
    pub journal: Journal,
    /// The tokens that were issued to ServiceAccounts.
    pub tokens: Tokens,
    store: Mutex<Store>,
    stop: watch::Sender<bool>,
}

impl Shared {
    /// The store, locked: hold it shortly, and never across an await.
    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose bearer token that is.
    pub(crate) fn bearer(&self, store: &Store, token: &str) -> Option<User> {
        self.config.tokens.get(token).cloned().or_else(|| self.tokens.holder(store, token))
    }

    /// Changes when the server is about to end.
    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        let mut stop = self.stop.subscribe();
        // Who subscribes after the end was told has seen it, and would wait for another.
        if *self.stop.borrow() {
            stop.mark_changed();
        }
        stop
    }
}

/// A running API server. Dropping it ends it at once, [`KubeSim::stop`] in an orderly way.
pub struct KubeSim {
    shared: Arc<Shared>,
    authority: Authority,
    directory: TempDir,
    _guardian: Guardian,
    tasks: Vec<JoinHandle<()>>,
}

impl KubeSim {
    /// Starts a server on a free port of 127.0.0.1, with what a new cluster has.
    pub async fn start(config: Config) -> Result<Self> {
        let authority = Authority::new().context("make a certificate authority")?;
        let tls = TlsAcceptor::from(Arc::new(authority.server()?));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("listen")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            config,
            address: address.to_string(),
            faults: Faults::default(),
            journal: Journal::default(),
            tokens: Tokens::default(),
            store: Mutex::new(Store::default()),
            stop: watch::Sender::new(false),
        });
        bootstrap(&mut shared.store(), address, shared.config.services)?;
        let tasks = vec![
            tokio::spawn(accept(listener, tls, Arc::clone(&shared))),
            tokio::spawn(collect(Arc::clone(&shared))),
        ];
        let directory = tempfile::Builder::new().prefix("kubesim-").tempdir()?;
        let guardian = Guardian::start(directory.path())?;
        let sim = Self { shared, authority, directory, _guardian: guardian, tasks };
        let admin = sim.access()?.kubeconfig();
        write_private(&sim.kubeconfig(), &admin)?;
        if let Some(path) = &sim.shared.config.kubeconfig {
            write_private(path, &admin).with_context(|| format!("write {}", path.display()))?;
        }
        Ok(sim)
    }

    /// `https://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("https://{}", self.shared.address)
    }

    /// The authority's certificate, in PEM.
    pub fn authority(&self) -> &str {
        self.authority.pem()
    }

    /// The kubeconfig of an administrator whom RBAC does not bind.
    pub fn kubeconfig(&self) -> PathBuf {
        self.directory.path().join("admin.kubeconfig")
    }

    /// A directory that lives as long as the server, for the caller's files.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// What a client of the administrator needs.
    pub fn access(&self) -> Result<Access> {
        let identity = self.authority.client(&User::new("kubernetes-admin", &[MASTERS]))?;
        Ok(Access { server: self.url(), authority: self.authority().to_owned(), identity })
    }

    /// The text of a kubeconfig for a user with a client certificate.
    pub fn certificate_kubeconfig(&self, user: &User) -> Result<String> {
        let identity = self.authority.client(user)?;
        Ok(self.kubeconfig_with(&Credential::Certificate(identity)))
    }

    /// The text of a kubeconfig with that credential.
    pub fn kubeconfig_with(&self, credential: &Credential) -> String {
        kubeconfig::text(&self.url(), self.authority(), credential, "")
    }

    /// The store, locked: hold it shortly, and never across an await.
    pub fn store(&self) -> MutexGuard<'_, Store> {
        self.shared.store()
    }

    /// Stores the objects of a YAML or JSON text as they are. Controllers have seen them afterwards.
    pub fn load(&self, text: &str) -> Result<()> {
        let mut store = self.store();
        load::read(text)?.into_iter().try_for_each(|object| load::load(&mut store, object))?;
        Collector::default().run(&mut store);
        Ok(())
    }

    /// Stores a generated cluster; watches and lists that began before have expired then.
    pub fn load_fleet(&self, fleet: &Fleet) -> Result<()> {
        fleet::load(&mut self.store(), fleet)
    }

    /// Stores the objects of a scenario as they are. Controllers have seen them afterwards.
    pub fn load_scenario(&self, scenario: &Scenario) -> Result<()> {
        let mut store = self.store();
        for item in &scenario.objects {
            load::load(&mut store, item.object.clone())
                .with_context(|| format!("scenario {}: {}", scenario.name, item.file))?;
        }
        scenario.fleet.as_ref().map_or(Ok(()), |size| fleet::load(&mut store, size))?;
        Collector::default().run(&mut store);
        Ok(())
    }

    /// The faults in force.
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// The requests so far.
    pub fn journal(&self) -> &Journal {
        &self.shared.journal
    }

    /// Ends the server: watches end, answers under way are finished, the port is closed.
    pub async fn stop(mut self) {
        self.shared.stop.send_replace(true);
        for task in self.tasks.drain(..) {
            // A task that panicked has been reported by the runtime.
            let _ = task.await;
        }
    }
}

impl Drop for KubeSim {
    fn drop(&mut self) {
        self.shared.stop.send_replace(true);
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// What a new cluster has.
fn bootstrap(store: &mut Store, address: SocketAddr, services: Ipv4Net) -> Result<()> {
    let first = services.hosts().next().context("the range of ClusterIPs is empty")?;
    for name in ["default", "kube-node-lease", "kube-public", "kube-system"] {
        let namespace =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        load::load(store, namespace)?;
    }
    rbac::bootstrap().into_iter().try_for_each(|object| load::load(store, object))?;
    load::load(
        store,
        json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {
                "name": "kubernetes",
                "namespace": "default",
                "labels": {"component": "apiserver", "provider": "kubernetes"},
            },
            "spec": {
                "clusterIP": first.to_string(),
                "ports": [{"name": "https", "port": 443, "targetPort": address.port()}],
            },
        }),
    )?;
    let slice: Value = json!({
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": "kubernetes",
            "namespace": "default",
            "labels": {"kubernetes.io/service-name": "kubernetes"},
        },
        "addressType": "IPv4",
        "endpoints": [{"addresses": [address.ip().to_string()], "conditions": {"ready": true}}],
        "ports": [{"name": "https", "port": address.port(), "protocol": "TCP"}],
    });
    load::load(store, slice)?;
    Collector::default().run(store);
    Ok(())
}

/// Runs the controllers after every change.
async fn collect(shared: Arc<Shared>) {
    let mut collector = Collector::default();
    let (mut changes, mut stop) = (shared.store().changes(), shared.stopping());
    loop {
        tokio::select! {
            seen = changes.changed() => if seen.is_err() { return },
            _ = stop.changed() => return,
        }
        // Controllers see a change a moment after its author does.
        tokio::time::sleep(Duration::from_millis(5)).await;
        changes.borrow_and_update();
        collector.run(&mut shared.store());
    }
}

async fn accept(listener: TcpListener, tls: TlsAcceptor, shared: Arc<Shared>) {
    let graceful = GracefulShutdown::new();
    let mut stop = shared.stopping();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(_) => continue,
            },
            _ = stop.changed() => break,
        };
        let (tls, shared, watcher) = (tls.clone(), Arc::clone(&shared), graceful.watcher());
        tokio::spawn(serve(stream, tls, shared, watcher));
    }
    drop(listener);
    // What hangs on purpose would hang forever.
    let patience = Duration::from_secs(2);
    let _ = tokio::time::timeout(patience, graceful.shutdown()).await;
}

async fn serve(
    stream: TcpStream,
    tls: TlsAcceptor,
    shared: Arc<Shared>,
    watcher: hyper_util::server::graceful::Watcher,
) {
    // Whatever goes wrong on a connection is its client's to notice.
    let _ = stream.set_nodelay(true);
    let Ok((stream, breaker)) = Breaker::of(stream) else { return };
    let breaker = Arc::new(breaker);
    let Ok(stream) = tls.accept(stream).await else { return };
    let user = stream
        .get_ref()
        .1
        .peer_certificates()
        .and_then(|chain| chain.first())
        .and_then(|certificate| User::from_certificate(certificate));
    let mut stop = shared.stopping();
    let service = service_fn({
        let breaker = Arc::clone(&breaker);
        move |request| {
            let (shared, breaker) = (Arc::clone(&shared), Arc::clone(&breaker));
            route::handle(shared, breaker, user.clone(), request)
        }
    });
    let builder = auto::Builder::new(TokioExecutor::new());
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    let connection = watcher.watch(connection.into_owned());
    tokio::select! {
        _ = connection => {}
        () = breaker.broken() => {}
        // A server that is dropped takes its connections along; an orderly stop lets them end.
        () = async {
            let _ = stop.changed().await;
            tokio::time::sleep(Duration::from_secs(2)).await;
        } => {}
    }
}

//! The kubelet's HTTPS endpoint: what an API server asks a node for.

mod exec;
mod log;
mod negotiate;
mod outcome;
mod reply;
mod route;
mod session;
mod spdy;
mod tls;
mod websocket;

use std::{net::Ipv4Addr, pin::Pin, sync::Arc};

use anyhow::{Context as _, Result};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
    task::{JoinHandle, JoinSet},
};
use tokio_rustls::TlsAcceptor;

use crate::runtime::Runtime;

/// What goes on over a connection once it has been upgraded.
type Session = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A kubelet's endpoint for `exec` and logs, on a free port of 127.0.0.1.
///
/// It speaks TLS with a certificate that it signed itself, as kubelets do, and lets everybody in.
/// Dropping it ends it at once; commands under way are killed.
#[derive(Debug)]
pub struct Endpoint {
    port: u16,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

impl Endpoint {
    /// Starts to serve what runs in `runtime`.
    pub async fn start<R: Runtime>(runtime: Arc<R>) -> Result<Self> {
        let tls = TlsAcceptor::from(Arc::new(tls::server()?));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("listen")?;
        let port = listener.local_addr()?.port();
        let (stop, stopped) = watch::channel(false);
        let accepting = tokio::spawn(accept(listener, tls, runtime, stopped));
        Ok(Self { port, stop, accepting })
    }

    /// The port: what the Node says in `status.daemonEndpoints.kubeletEndpoint.Port`.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends the endpoint: the port is closed, connections are cut, commands under way are killed.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        // A task that panicked has been reported by the runtime.
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept<R: Runtime>(
    listener: TcpListener,
    tls: TlsAcceptor,
    runtime: Arc<R>,
    mut stopped: watch::Receiver<bool>,
) {
    // The set aborts its tasks when it is dropped, and so do all that a connection holds.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                connections.spawn(serve(stream, tls.clone(), Arc::clone(&runtime)));
            }
            Some(_) = connections.join_next() => {}
            _ = stopped.changed() => break,
        }
    }
    drop(listener);
    connections.shutdown().await;
}

async fn serve<R: Runtime>(stream: TcpStream, tls: TlsAcceptor, runtime: Arc<R>) {
    // Whatever goes wrong on a connection is its client's to notice.
    let _ = stream.set_nodelay(true);
    let Ok(stream) = tls.accept(stream).await else { return };
    let (upgraded, mut sessions) = mpsc::unbounded_channel::<Session>();
    let service =
        service_fn(move |request| route::answer(Arc::clone(&runtime), request, upgraded.clone()));
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let _ = connection.with_upgrades().await;
    // Run here rather than in a task of its own, so that it ends with the endpoint.
    if let Ok(session) = sessions.try_recv() {
        session.await;
    }
}

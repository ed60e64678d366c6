//! Connections to kubelets. What goes wrong is told in Go's words, which users know.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use http_body_util::Empty;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::locate::Address;

/// How long an API server waits for a connection.
const PATIENCE: Duration = Duration::from_secs(30);

/// Connects, over TLS, for one request.
pub(super) async fn dial(address: &Address) -> Result<SendRequest<Empty<Bytes>>, String> {
    let socket = resolve(address)?;
    let failed = |why: String| format!("dial tcp {socket}: {why}");
    let connected = tokio::time::timeout(PATIENCE, TcpStream::connect(socket)).await;
    let stream = match connected {
        Err(_) => return Err(failed("i/o timeout".to_owned())),
        Ok(Err(error)) => return Err(failed(format!("connect: {}", words(&error)))),
        Ok(Ok(stream)) => stream,
    };
    // Latency is all that is lost without.
    let _ = stream.set_nodelay(true);
    let name = ServerName::from(socket.ip());
    let stream = tls()?.connect(name, stream).await.map_err(|error| words(&error))?;
    let (sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    // It ends with the sender and the answer's body or upgrade, and tells its errors to them.
    tokio::spawn(connection.with_upgrades());
    Ok(sender)
}

/// Only this machine is ever asked: a loaded Node may name any address, and a test must not send a
/// packet to it.
fn resolve(address: &Address) -> Result<SocketAddr, String> {
    let Address { host, port } = address;
    let ip = match host.parse::<IpAddr>() {
        Ok(ip) => ip,
        Err(_) if host == "localhost" => Ipv4Addr::LOCALHOST.into(),
        Err(_) => return Err(format!("dial tcp: lookup {host}: no such host")),
    };
    let socket = SocketAddr::new(ip, *port);
    if !ip.is_loopback() {
        return Err(format!("dial tcp {socket}: connect: no route to host"));
    }
    Ok(socket)
}

fn words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::ConnectionReset => "connection reset by peer".to_owned(),
        io::ErrorKind::UnexpectedEof => "EOF".to_owned(),
        _ => error.to_string(),
    }
}

/// An API server that was given no authority for kubelets does not verify them; most are not.
fn tls() -> Result<TlsConnector, String> {
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Unverified(provider)))
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Takes any certificate, as long as its holder has the key.
#[derive(Debug)]
struct Unverified(Arc<CryptoProvider>);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::{Address, resolve};

    #[test]
    fn no_packet_leaves_this_machine() {
        let at = |host: &str| resolve(&Address { host: host.to_owned(), port: 10250 });
        assert!(at("127.0.0.1").is_ok() && at("localhost").is_ok());
        let error = at("10.0.0.11").unwrap_err();
        assert_eq!(error, "dial tcp 10.0.0.11:10250: connect: no route to host");
        assert_eq!(at("worker-1").unwrap_err(), "dial tcp: lookup worker-1: no such host");
    }
}

//! The certificate that a server shows: whether agents that look for it at that address take it.

use std::{
    fmt,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use kcilium_core::facts::ServerCertificate;
use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::TlsConnector;
use x509_parser::{extensions::GeneralName, parse_x509_certificate};

/// What a server's certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// What it is for.
    pub names: ServerCertificate,
    /// Whether the cluster's authorities stand for it.
    pub trust: Trust,
}

/// Whether a certificate is trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// It is of the cluster's authorities, and valid now.
    Trusted,
    /// Why it is not.
    Refused(String),
    /// The cluster's authorities are not known.
    NotJudged,
}

/// Why a server shows no certificate.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The host is neither a name nor an address.
    #[error("`{0}` is not a host name")]
    BadHost(String),
    /// Nothing answers in time.
    #[error("no answer within {} s", .0.as_secs_f32())]
    TimedOut(Duration),
    /// No connection, or no TLS on it.
    #[error(transparent)]
    Connection(#[from] std::io::Error),
    /// The authorities are of no use.
    #[error("the kubeconfig's certificate authorities cannot be used: {0}")]
    Authorities(String),
}

/// Connects, and looks at the certificate. Nothing is sent but the handshake.
///
/// # Errors
/// When no certificate is shown in time.
pub async fn certificate(
    host: &str,
    port: u16,
    authorities: Option<&[Vec<u8>]>,
    time: Duration,
) -> Result<Certificate, CertificateError> {
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| CertificateError::BadHost(host.to_owned()))?;
    let provider = Arc::new(ring::default_provider());
    let witness = Arc::new(Witness {
        judge: authorities.map(|it| judge(it, &provider)).transpose()?,
        provider: Arc::clone(&provider),
        seen: Mutex::default(),
    });
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(std::io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&witness) as Arc<dyn ServerCertVerifier>)
        .with_no_client_auth();
    let handshake = async {
        let stream = TcpStream::connect((host, port)).await?;
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    };
    timeout(time, handshake).await.map_err(|_| CertificateError::TimedOut(time))??;
    let seen = witness.seen.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some((certificate, trust)) = seen else {
        return Err(std::io::Error::other("the server showed no certificate").into());
    };
    Ok(Certificate { names: ServerCertificate { names: names(&certificate) }, trust })
}

fn judge(
    authorities: &[Vec<u8>],
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, CertificateError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(authorities.iter().cloned().map(CertificateDer::from));
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map_err(|error| CertificateError::Authorities(error.to_string()))
}

/// Lets every certificate pass, and remembers what it was: no data goes over the connection.
struct Witness {
    judge: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
    seen: Mutex<Option<(Vec<u8>, Trust)>>,
}

impl fmt::Debug for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Witness").finish_non_exhaustive()
    }
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        end: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let trust = match &self.judge {
            None => Trust::NotJudged,
            Some(judge) => match judge.verify_server_cert(end, between, name, ocsp, now) {
                Ok(_) => Trust::Trusted,
                Err(error) => Trust::Refused(error.to_string()),
            },
        };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        *seen = Some((end.to_vec(), trust));
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// The subject alternative names: nothing else counts for Go's TLS.
fn names(certificate: &[u8]) -> Vec<String> {
    let Ok((_, certificate)) = parse_x509_certificate(certificate) else { return Vec::new() };
    let Ok(Some(extension)) = certificate.subject_alternative_name() else { return Vec::new() };
    let names = extension.value.general_names.iter();
    names
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            GeneralName::IPAddress(bytes) => address(bytes).map(|address| address.to_string()),
            _ => None,
        })
        .collect()
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from),
        16 => <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from),
        _ => None,
    }
}

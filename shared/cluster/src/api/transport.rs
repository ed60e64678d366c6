//! What went wrong below HTTP, out of the chains of errors that libraries give.

use std::{error::Error, io};

use rustls::{CertificateError, InvalidMessage};

use super::{ApiError, parties::Parties};

/// Reads why a request was not answered.
pub(super) fn read(error: &(dyn Error + 'static), parties: &Parties) -> ApiError {
    let server = parties.server.clone();
    let chain: Vec<&(dyn Error + 'static)> = chain(error).collect();
    if let Some(tls) = chain.iter().find_map(|cause| find_tls(*cause)) {
        return match tls {
            rustls::Error::InvalidCertificate(wrong) => {
                ApiError::Certificate { server, reason: certificate(wrong, parties) }
            }
            other => ApiError::Unreachable { server, reason: handshake(other) },
        };
    }
    let io = chain.iter().find_map(|cause| cause.downcast_ref::<io::Error>());
    let is_connecting = chain.iter().any(|cause| {
        cause
            .downcast_ref::<hyper_util::client::legacy::Error>()
            .is_some_and(hyper_util::client::legacy::Error::is_connect)
    });
    let reason = io.map_or_else(
        || chain.last().map_or_else(String::new, ToString::to_string),
        ToString::to_string,
    );
    match io.map(io::Error::kind) {
        Some(io::ErrorKind::TimedOut) if is_connecting => {
            ApiError::Unreachable { server, reason: "no answer to the attempt to connect".into() }
        }
        _ if is_connecting => ApiError::Unreachable { server, reason },
        _ => ApiError::Cut { received: 0, reason },
    }
}

/// Reads why a body broke off.
pub(super) fn cut(received: usize, error: &(dyn Error + 'static)) -> ApiError {
    let last = chain(error).last();
    ApiError::Cut { received, reason: last.unwrap_or(error).to_string() }
}

/// An error with its causes, in a line.
pub(super) fn full_text(error: &(dyn Error + 'static)) -> String {
    chain(error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn certificate(wrong: &CertificateError, parties: &Parties) -> String {
    match wrong {
        CertificateError::UnknownIssuer => format!("it is not signed by {}", parties.authority),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "it has expired, or this machine's clock is wrong".into()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "it is not valid yet, or this machine's clock is wrong".into()
        }
        other => other.to_string(),
    }
}

fn handshake(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "it does not speak TLS".into()
        }
        rustls::Error::AlertReceived(alert) => format!("it ends the TLS handshake: {alert:?}"),
        other => other.to_string(),
    }
}

/// An error, its source, the source of that, and so on.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| Error::source(*error))
}

/// TLS errors come wrapped in I/O errors, often in two, which do not give them as their source.
fn find_tls<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    match cause.downcast_ref() {
        None => find_tls(cause.downcast_ref::<io::Error>()?.get_ref()?),
        found => found,
    }
}

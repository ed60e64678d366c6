//! What went wrong below HTTP, out of the chains of errors that libraries give.

use std::{error::Error, io};

use super::ApiError;
use crate::{PluginError, kubeconfig::KubeconfigError};

/// Reads why a request was not answered.
pub(super) fn read(error: &(dyn Error + 'static)) -> ApiError {
    let chain: Vec<&(dyn Error + 'static)> = chain(error).collect();
    for &cause in &chain {
        if cause.is::<PluginError>() || cause.is::<KubeconfigError>() {
            return ApiError::Credential { reason: full_text(cause) };
        }
        if let Some(tls) = find_tls(cause) {
            return ApiError::Certificate { reason: tls.to_string() };
        }
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
            ApiError::Unreachable { reason: "no answer to the attempt to connect".into() }
        }
        _ if is_connecting => ApiError::Unreachable { reason },
        _ => ApiError::Cut { received: 0, reason },
    }
}

/// Reads why a body broke off.
pub(super) fn cut(received: usize, error: &(dyn Error + 'static)) -> ApiError {
    let last = chain(error).last();
    ApiError::Cut { received, reason: last.unwrap_or(error).to_string() }
}

/// An error, its source, the source of that, and so on.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| Error::source(*error))
}

/// TLS errors come wrapped in I/O errors, which do not give them as their source.
fn find_tls<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
        return Some(tls);
    }
    cause.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref()
}

/// An error with its causes, in a line.
fn full_text(error: &(dyn Error + 'static)) -> String {
    chain(error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

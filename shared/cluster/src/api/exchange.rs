//! What is asked of the server, for whoever wants to follow it.

use std::{fmt, sync::OnceLock, time::Duration};

use http::StatusCode;

use super::{Api, ApiError};

/// A request, and what became of it. It holds no header, so that it holds no secret.
#[derive(Clone, Copy, Debug)]
pub struct Exchange<'a> {
    /// The HTTP method.
    pub method: &'a str,
    /// The server's URL.
    pub server: &'a str,
    /// Path and query below it.
    pub path: &'a str,
    /// The `Accept` header; empty for a WebSocket.
    pub accept: &'a str,
    /// What the server answered, if it did.
    pub status: Option<StatusCode>,
    /// Why there is no answer that is of use.
    pub error: Option<&'a ApiError>,
    /// Bytes of the answer, after decompression.
    pub received: u64,
    /// How long it took.
    pub took: Duration,
}

/// Told of each request when it is over.
pub type Observer = Box<dyn Fn(&Exchange<'_>) + Send + Sync>;

/// Where an observer is kept.
#[derive(Default)]
pub(super) struct Observed(OnceLock<Observer>);

impl fmt::Debug for Observed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observed")
    }
}

impl Api {
    /// Tells somebody of every request from now on; the first who asks for it.
    pub fn observe(&self, observer: Observer) {
        let _ = self.shared.observed.0.set(observer);
    }

    /// Tells the observer of a request that is over.
    pub(super) fn report(&self, exchange: &Exchange<'_>) {
        if let Some(observer) = self.shared.observed.0.get() {
            observer(exchange);
        }
    }
}

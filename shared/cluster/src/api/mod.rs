//! Requests to the API server: bounded in time, number and size, and with errors that say whose
//! fault it is.

mod clock;
mod error;
mod exchange;
mod exec;
mod gate;
mod list;
mod parties;
mod retry;
mod transport;
mod write;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Request, StatusCode, Uri, header, response};
use http_body_util::BodyExt as _;
use kcilium_core::facts::{ServerCertificate, Unavailable};
use kube::client::Body;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, timeout_at},
};

pub use error::ApiError;
pub use exchange::{Exchange, Observer};
pub use exec::{End, Exec, Output};
pub use list::{PageSize, Pages};
pub use write::Patch;

use crate::{
    ConnectError, connect,
    credential::{Bearer, Tokens},
    kubeconfig::Connection,
};
use clock::Clock;
use gate::Gate;
use parties::Parties;

/// The largest answer that is read, bytes. A page of 500 nodes with their lists of images has 6 MB.
const MAX_ANSWER: usize = 64 << 20;

/// How much may be asked of a server, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// When everything has to be over.
    pub deadline: Instant,
    /// How long one request may take.
    pub request: Duration,
    /// How many requests are under way at once. kube opens a connection for each.
    pub concurrency: usize,
}

/// The media type of objects.
const JSON: &str = "application/json";

/// In which form an answer is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Objects.
    Json,
    /// Rows as kubectl prints them, where the server has them; objects otherwise.
    Table,
    /// A list of objects without what is in them: names, labels, annotations, finalizers.
    MetadataList,
    /// The same of one object: a server that is asked for a list does not send it.
    Metadata,
    /// Text of any kind, which the server hands on from a kubelet.
    Log,
}

impl Form {
    fn accept(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Table => "application/json;as=Table;v=v1;g=meta.k8s.io,application/json",
            Self::MetadataList => {
                "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
            }
            Self::Metadata => {
                "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
            }
            // As kubectl has it: `text/plain` alone is not accepted.
            Self::Log => "application/json, */*",
        }
    }
}

/// A client for one API server. Clones share its limits.
#[derive(Clone)]
pub struct Api {
    shared: Arc<Shared>,
    limits: Limits,
}

struct Shared {
    client: kube::Client,
    tokens: Option<Tokens>,
    server: String,
    gate: Gate,
    parties: Parties,
    clock: Clock,
    slots: Semaphore,
    requests: AtomicU64,
    received: AtomicU64,
    observed: exchange::Observed,
}

impl Api {
    /// Prepares to talk to the server; nothing is sent yet, but a credential plugin is run.
    ///
    /// # Errors
    /// When credentials, certificates or the proxy are of no use.
    pub async fn connect(connection: &Connection, limits: Limits) -> Result<Self, ConnectError> {
        let connected = connect::connect(connection, limits.deadline).await?;
        let shared = Arc::new(Shared {
            client: connected.client,
            tokens: connected.tokens,
            server: connection.server.to_string(),
            gate: Gate::of(connection),
            parties: Parties::of(connection),
            clock: Clock::default(),
            slots: Semaphore::new(limits.concurrency.max(1)),
            requests: AtomicU64::new(0),
            received: AtomicU64::new(0),
            observed: exchange::Observed::default(),
        });
        Ok(Self { shared, limits })
    }

    /// The same server with another deadline: what was begun is tidied up after the time is over.
    #[must_use]
    pub fn until(&self, deadline: Instant) -> Self {
        let limits = Limits { deadline, ..self.limits };
        Self { shared: Arc::clone(&self.shared), limits }
    }

    /// The API server's URL.
    pub fn server(&self) -> &str {
        &self.shared.server
    }

    /// The certificate that the server shows. Nothing is sent to it but a handshake.
    ///
    /// # Errors
    /// Why there is none to see.
    pub async fn certificate(&self) -> Result<ServerCertificate, Unavailable> {
        self.shared.gate.certificate(self.limits.deadline).await
    }

    /// When everything has to be over.
    pub fn deadline(&self) -> Instant {
        self.limits.deadline
    }

    /// How many requests were sent.
    pub fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::Relaxed)
    }

    /// How many bytes of answers were read, after decompression.
    pub fn received(&self) -> u64 {
        self.shared.received.load(Ordering::Relaxed)
    }

    /// Reads a path, such as `/api/v1/nodes?limit=500`.
    ///
    /// # Errors
    /// After three tries at most, and never after the deadline.
    pub async fn get(&self, path: &str, form: Form) -> Result<Bytes, ApiError> {
        self.ask(&Ask { method: Method::GET, path, form, body: None, content: JSON }).await
    }

    /// Reads a log, such as `/api/v1/namespaces/default/pods/a/log?container=b`. It is asked for
    /// once: where the server does not reach a kubelet, it says so after half a minute, with the
    /// code that it has for its own passing troubles.
    ///
    /// # Errors
    /// As for [`Self::get`].
    pub async fn log(&self, path: &str) -> Result<Bytes, ApiError> {
        self.get(path, Form::Log).await
    }

    /// Creates an object that changes nothing in the cluster, such as a review.
    ///
    /// # Errors
    /// As for [`Self::get`].
    pub async fn review(&self, path: &str, object: &serde_json::Value) -> Result<Bytes, ApiError> {
        let body = Bytes::from(object.to_string());
        let ask =
            Ask { method: Method::POST, path, form: Form::Json, body: Some(body), content: JSON };
        self.ask(&ask).await
    }

    async fn ask(&self, ask: &Ask<'_>) -> Result<Bytes, ApiError> {
        let _slot = self.slot().await?;
        let mut tries = retry::Tries::default();
        loop {
            let bearer = self.bearer().await?;
            let error = match self.attempt(ask, bearer.as_ref()).await {
                Ok(body) => return Ok(body),
                Err(error) => error,
            };
            if matches!(error, ApiError::Unauthorized { .. })
                && tries.may_renew_token()
                && self.may_renew(bearer.as_ref()).await
            {
                continue;
            }
            let Some(pause) = tries.pause_after(&error).filter(|_| ask.form != Form::Log) else {
                return Err(error);
            };
            tracing::debug!(path = ask.path, %error, ?pause, "trying again");
            if Instant::now() + pause >= self.limits.deadline {
                return Err(error);
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// Waits for a place among the requests that are under way.
    async fn slot(&self) -> Result<Option<SemaphorePermit<'_>>, ApiError> {
        match timeout_at(self.limits.deadline, self.shared.slots.acquire()).await {
            // Nobody closes the semaphore; if somebody did, there would be nothing to wait for.
            Ok(slot) => Ok(slot.ok()),
            Err(_) => Err(ApiError::OutOfTime),
        }
    }

    /// The token to send, if tokens have to be fetched. This may take until the deadline: a plugin
    /// may wait for somebody to log in.
    async fn bearer(&self) -> Result<Option<Bearer>, ApiError> {
        let Some(tokens) = &self.shared.tokens else { return Ok(None) };
        match timeout_at(self.limits.deadline, tokens.bearer()).await {
            Ok(Ok(bearer)) => Ok(Some(bearer)),
            Ok(Err(error)) => Err(ApiError::Credential { reason: transport::full_text(&error) }),
            Err(_) => Err(ApiError::OutOfTime),
        }
    }

    /// Whether there may be a better token than one that was refused.
    async fn may_renew(&self, refused: Option<&Bearer>) -> bool {
        match (&self.shared.tokens, refused) {
            (Some(tokens), Some(refused)) => tokens.refuse(refused.number).await,
            _ => false,
        }
    }

    /// One try.
    async fn attempt(&self, ask: &Ask<'_>, bearer: Option<&Bearer>) -> Result<Bytes, ApiError> {
        let now = Instant::now();
        let Limits { deadline, request, .. } = self.limits;
        if now >= deadline {
            return Err(ApiError::OutOfTime);
        }
        let until = deadline.min(now + request);
        self.shared.requests.fetch_add(1, Ordering::Relaxed);
        let mut seen = Seen::default();
        let outcome = timeout_at(until, self.exchange(ask, bearer, &mut seen))
            .await
            .unwrap_or(Err(ApiError::TimedOut { after: until - now }));
        self.report(&Exchange {
            method: ask.method.as_str(),
            server: &self.shared.server,
            path: ask.path,
            accept: ask.form.accept(),
            status: seen.status,
            error: outcome.as_ref().err(),
            received: seen.received,
            took: now.elapsed(),
        });
        outcome
    }

    async fn exchange(
        &self,
        ask: &Ask<'_>,
        bearer: Option<&Bearer>,
        seen: &mut Seen,
    ) -> Result<Bytes, ApiError> {
        let parties = &self.shared.parties;
        let request = authorized(ask.request()?, bearer);
        let response = self.shared.client.send(request).await;
        let response = response.map_err(|error| transport::read(&error, parties))?;
        let (head, mut body) = response.into_parts();
        seen.status = Some(head.status);
        self.shared.clock.hear(&head.headers);
        let mut read = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let frame = match frame {
                Ok(frame) => frame,
                Err(error) => return Err(transport::cut(read.len(), &error)),
            };
            if let Some(data) = frame.data_ref() {
                self.shared.received.fetch_add(data.len() as u64, Ordering::Relaxed);
                seen.received += data.len() as u64;
                if read.len() + data.len() > MAX_ANSWER {
                    return Err(ApiError::TooLarge { limit: MAX_ANSWER });
                }
                read.extend_from_slice(data);
            }
        }
        if head.status.is_client_error() || head.status.is_server_error() {
            return Err(ApiError::read(head.status, retry_after(&head.headers), &read, parties));
        }
        match stranger(ask.form, &head, &read) {
            Some(reason) => Err(ApiError::NotKubernetes { server: parties.server.clone(), reason }),
            None => Ok(read.freeze()),
        }
    }
}

/// What came of an answer, even if it did not come to its end.
#[derive(Default)]
struct Seen {
    status: Option<StatusCode>,
    received: u64,
}

/// A request that can be sent again.
struct Ask<'a> {
    method: Method,
    path: &'a str,
    form: Form,
    body: Option<Bytes>,
    /// The body's media type.
    content: &'static str,
}

impl Ask<'_> {
    fn request(&self) -> Result<Request<Body>, ApiError> {
        let request = Request::builder()
            .method(&self.method)
            .uri(self.path)
            .header(header::ACCEPT, self.form.accept());
        let request = match &self.body {
            None => request.body(Body::empty()),
            Some(body) => {
                request.header(header::CONTENT_TYPE, self.content).body(Body::from(body.to_vec()))
            }
        };
        request.map_err(|error| ApiError::Unreadable { reason: format!("{}: {error}", self.path) })
    }
}

/// Adds a token to a request.
fn authorized<B>(mut request: Request<B>, bearer: Option<&Bearer>) -> Request<B> {
    if let Some(bearer) = bearer {
        request.headers_mut().insert(header::AUTHORIZATION, bearer.header.clone());
    }
    request
}

/// What tells that somebody else answers than an API server: proxies that want a login send people
/// to a page, or show it.
fn stranger(form: Form, head: &response::Parts, body: &[u8]) -> Option<String> {
    if head.status.is_redirection() {
        let place = head.headers.get(header::LOCATION).and_then(|to| to.to_str().ok());
        let host = place.and_then(|to| to.parse::<Uri>().ok()?.host().map(str::to_owned));
        let to = host.map(|host| format!(" to {host}")).unwrap_or_default();
        return Some(format!("it answers with a redirection{to}"));
    }
    // A log may be of HTML; servers call every log plain text.
    let kind = head.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let is_log = form == Form::Log && kind.is_none_or(|kind| kind.starts_with("text/plain"));
    (!is_log && error::is_page(body)).then(|| "it answers with a page for browsers".into())
}

/// `Retry-After` in seconds. Dates, which the header may hold too, are not used by API servers.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    text.trim().parse().ok().map(Duration::from_secs)
}

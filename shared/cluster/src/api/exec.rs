//! A command in a container, from beginning to end, over one WebSocket.
//!
//! Not kube's `Api::exec`: when its socket dies, reading from it never ends, and it waits for ever
//! for a status while nobody drains the output.

use std::{fmt::Write as _, sync::atomic::Ordering, time::Duration};

use futures_util::{SinkExt as _, StreamExt as _};
use http::{Request, StatusCode};
use kube::client::Connection;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::tungstenite::Message;

use super::{Api, ApiError, Exchange, authorized, error, transport};
use crate::credential::Bearer;

/// How much of the errors that a command prints is kept, bytes.
const MAX_STDERR: usize = 16 << 10;

/// How much input is sent in a frame, bytes; kubelets read 32 KiB at a time.
const CHUNK: usize = 32 << 10;

mod channel {
    pub(super) const STDIN: u8 = 0;
    pub(super) const STDOUT: u8 = 1;
    pub(super) const STDERR: u8 = 2;
    pub(super) const STATUS: u8 = 3;
    /// Closes the channel that the second byte names; since `v5.channel.k8s.io`.
    pub(super) const CLOSE: u8 = 255;
}

/// A command, and what it may cost.
#[derive(Clone, Debug)]
pub struct Exec<'a> {
    /// The pod's namespace.
    pub namespace: &'a str,
    /// The pod.
    pub pod: &'a str,
    /// The container.
    pub container: &'a str,
    /// The program and its arguments.
    pub command: &'a [String],
    /// What it reads. Before `v5.channel.k8s.io` (Kubernetes 1.30) the end of it cannot be told, so
    /// it has to say itself that it is over, as a script does with `exit`.
    pub stdin: &'a [u8],
    /// How much it may print, bytes.
    pub limit: usize,
    /// How long it may take.
    pub time: Duration,
}

/// What a command printed, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// What it printed until the end.
    pub stdout: Vec<u8>,
    /// The beginning of its errors.
    pub stderr: Vec<u8>,
    /// The end.
    pub end: End,
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// By itself, with that exit code.
    Exited(i32),
    /// It could not be run, in the words of the kubelet.
    Refused(String),
    /// The connection broke: there may be more output.
    Cut(String),
    /// It took too long.
    TimedOut,
    /// It printed too much.
    TooLong,
}

impl Api {
    /// Runs a command, and gives what it printed even if it came to no good end.
    ///
    /// # Errors
    /// When the command could not be started: no such pod, no permission, no connection. It is not
    /// tried again, for it may have begun, unless another token may help.
    pub async fn exec(&self, exec: &Exec<'_>) -> Result<Output, ApiError> {
        let _slot = self.slot().await?;
        let bearer = self.bearer().await?;
        let (connection, until) = match self.open(exec, bearer.as_ref()).await {
            Err(ApiError::Unauthorized { .. }) if self.may_renew(bearer.as_ref()).await => {
                let bearer = self.bearer().await?;
                self.open(exec, bearer.as_ref()).await?
            }
            outcome => outcome?,
        };
        let can_close = connection.supports_stream_close();
        let (mut sink, mut stream) = connection.into_stream().split();
        let mut session = Session::new(exec.limit);
        let feed = async {
            for chunk in exec.stdin.chunks(CHUNK) {
                sink.send(frame(channel::STDIN, chunk)).await?;
            }
            if can_close && !exec.stdin.is_empty() {
                sink.send(frame(channel::CLOSE, &[channel::STDIN])).await?;
            }
            Ok::<_, tokio_tungstenite::tungstenite::Error>(())
        };
        let read = async {
            while session.end.is_none() {
                match stream.next().await {
                    Some(Ok(message)) => session.take(&message),
                    Some(Err(error)) => session.end = Some(End::Cut(error.to_string())),
                    None => session.end = Some(End::Cut("it was closed early".into())),
                }
            }
        };
        let both = async {
            tokio::pin!(read);
            // A command that ends without reading all its input is no failure.
            tokio::select! {
                () = &mut read => {}
                _ = feed => read.await,
            }
        };
        let is_late = timeout_at(until, both).await.is_err();
        self.shared.received.fetch_add(session.received(), Ordering::Relaxed);
        Ok(session.finish(is_late))
    }

    /// Opens the WebSocket, and says until when it may last.
    async fn open(
        &self,
        exec: &Exec<'_>,
        bearer: Option<&Bearer>,
    ) -> Result<(Connection, Instant), ApiError> {
        let now = Instant::now();
        let until = self.deadline().min(now + exec.time);
        if now >= until {
            return Err(ApiError::OutOfTime);
        }
        self.shared.requests.fetch_add(1, Ordering::Relaxed);
        let url = exec.url();
        let request = Request::get(&url)
            .body(Vec::new())
            .map_err(|error| ApiError::Unreadable { reason: error.to_string() })?;
        let parties = &self.shared.parties;
        let mut answered = None;
        let connected = timeout_at(until, self.shared.client.connect(authorized(request, bearer)));
        let outcome = match connected.await {
            Ok(Ok(connection)) => {
                answered = Some(StatusCode::SWITCHING_PROTOCOLS);
                Ok((connection, until))
            }
            Ok(Err(kube::Error::Api(status))) => {
                let code = StatusCode::from_u16(status.code).unwrap_or_default();
                answered = Some(code);
                let message = error::words(code, status.message.as_bytes());
                Err(ApiError::of_code(status.code, message, None, parties))
            }
            Ok(Err(kube::Error::UpgradeConnection(error))) => Err(ApiError::Unreadable {
                reason: format!("the server opens no WebSocket: {}", transport::full_text(&error)),
            }),
            Ok(Err(error)) => Err(transport::read(&error, parties)),
            Err(_) => Err(ApiError::TimedOut { after: until - now }),
        };
        self.report(&Exchange {
            method: "GET",
            server: &self.shared.server,
            path: &url,
            accept: "",
            status: answered,
            error: outcome.as_ref().err(),
            received: 0,
            took: now.elapsed(),
        });
        outcome
    }
}

impl Exec<'_> {
    fn url(&self) -> String {
        let escape = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
        let mut url = format!(
            "/api/v1/namespaces/{}/pods/{}/exec?container={}&stdin={}&stdout=true&stderr=true",
            self.namespace,
            self.pod,
            escape(self.container),
            !self.stdin.is_empty(),
        );
        for word in self.command {
            // Writing to a string cannot fail.
            let _ = write!(url, "&command={}", escape(word));
        }
        url
    }
}

fn frame(channel: u8, data: &[u8]) -> Message {
    let mut frame = Vec::with_capacity(data.len() + 1);
    frame.push(channel);
    frame.extend_from_slice(data);
    Message::binary(frame)
}

/// What has come so far.
struct Session {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    limit: usize,
    end: Option<End>,
}

impl Session {
    fn new(limit: usize) -> Self {
        Self { stdout: Vec::new(), stderr: Vec::new(), limit, end: None }
    }

    fn received(&self) -> u64 {
        (self.stdout.len() + self.stderr.len()) as u64
    }

    fn take(&mut self, message: &Message) {
        let data: &[u8] = match message {
            Message::Binary(data) => data,
            Message::Close(_) => {
                self.end = Some(End::Cut("it was closed early".into()));
                return;
            }
            // Pings are answered by the library; text is not part of the protocol.
            _ => return,
        };
        let Some((&channel, data)) = data.split_first() else { return };
        match channel {
            channel::STDOUT => {
                let room = self.limit.saturating_sub(self.stdout.len());
                self.stdout.extend_from_slice(&data[..data.len().min(room)]);
                if data.len() > room {
                    self.end = Some(End::TooLong);
                }
            }
            channel::STDERR => {
                let room = MAX_STDERR.saturating_sub(self.stderr.len());
                self.stderr.extend_from_slice(&data[..data.len().min(room)]);
            }
            channel::STATUS if !data.is_empty() => self.end = Some(end(data)),
            _ => {}
        }
    }

    fn finish(self, is_late: bool) -> Output {
        let late = || if is_late { End::TimedOut } else { End::Cut("no status came".into()) };
        Output { stdout: self.stdout, stderr: self.stderr, end: self.end.unwrap_or_else(late) }
    }
}

#[derive(Deserialize)]
struct Status {
    #[serde(default, rename = "status")]
    outcome: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    details: Option<Details>,
}

#[derive(Deserialize)]
struct Details {
    #[serde(default)]
    causes: Vec<Cause>,
}

#[derive(Deserialize)]
struct Cause {
    #[serde(default)]
    reason: String,
    #[serde(default)]
    message: String,
}

/// The end, out of the status that the kubelet sends last.
fn end(data: &[u8]) -> End {
    let Ok(status) = serde_json::from_slice::<Status>(data) else {
        return End::Refused(String::from_utf8_lossy(data).into_owned());
    };
    if status.outcome == "Success" {
        return End::Exited(0);
    }
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let code = causes
        .filter(|cause| cause.reason == "ExitCode")
        .find_map(|cause| cause.message.parse().ok());
    code.map_or(End::Refused(status.message), End::Exited)
}

#[cfg(test)]
mod tests {
    use super::{End, end};

    #[test]
    fn the_status_tells_the_exit_code() {
        assert_eq!(end(br#"{"metadata":{},"status":"Success"}"#), End::Exited(0));
        let failure = br#"{"status":"Failure","reason":"NonZeroExitCode","message":"command terminated with non-zero exit code","details":{"causes":[{"reason":"ExitCode","message":"3"}]}}"#;
        assert_eq!(end(failure), End::Exited(3));
        let internal =
            br#"{"status":"Failure","reason":"InternalError","message":"container not found"}"#;
        assert_eq!(end(internal), End::Refused("container not found".into()));
    }
}

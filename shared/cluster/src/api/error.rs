//! Why the API server gave no answer, or not the one that was hoped for.

use std::time::Duration;

use http::StatusCode;
use kcilium_core::facts::Unavailable;
use serde::Deserialize;

use super::parties::Parties;

/// How much of an answer that no API server gives is quoted, characters.
const QUOTED: usize = 160;

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// No connection: refused, no route, no such name, the proxy says no, no TLS.
    #[error("cannot connect to {server}: {reason}")]
    Unreachable {
        /// The API server.
        server: String,
        /// What the system said.
        reason: String,
    },
    /// The other end is not the server that it should be.
    #[error("the certificate of {server} is not accepted: {reason}")]
    Certificate {
        /// The API server.
        server: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The connection broke.
    #[error("the connection broke{}: {reason}", after_bytes(*received))]
    Cut {
        /// Bytes of the body that had come.
        received: usize,
        /// What the system said.
        reason: String,
    },
    /// The request took too long.
    #[error("no answer within {}", seconds(*after))]
    TimedOut {
        /// How long it was waited for.
        after: Duration,
    },
    /// The run is out of time.
    #[error("not asked: out of time")]
    OutOfTime,
    /// No credential could be had to send.
    #[error("{reason}")]
    Credential {
        /// What went wrong.
        reason: String,
    },
    /// 401.
    #[error("the server does not accept {login}: {message}")]
    Unauthorized {
        /// What was shown to it, such as the token of a user.
        login: String,
        /// What the server said.
        message: String,
    },
    /// 403.
    #[error("{message}")]
    Forbidden {
        /// What the server said.
        message: String,
    },
    /// 404.
    #[error("{message}")]
    NotFound {
        /// What the server said.
        message: String,
    },
    /// 409, because there is an object of that name.
    #[error("{message}")]
    AlreadyExists {
        /// What the server said.
        message: String,
    },
    /// 410: the resourceVersion or the continue token is too old.
    #[error("{message}")]
    Expired {
        /// What the server said.
        message: String,
        /// A token to go on with, at the price of consistency.
        resume: Option<String>,
    },
    /// Another code from 400 on.
    #[error("{code}: {message}")]
    Status {
        /// The HTTP status code.
        code: u16,
        /// What the server said.
        message: String,
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// The answer is larger than any that is expected.
    #[error("the answer is larger than {} MiB", limit >> 20)]
    TooLarge {
        /// The limit, bytes.
        limit: usize,
    },
    /// Rows were asked for, and the server has objects only.
    #[error("the server sent a {kind} instead of a Table")]
    NotATable {
        /// What it sent.
        kind: String,
    },
    /// Somebody else answers: a proxy's page, or another program's.
    #[error("no Kubernetes API at {server}: {reason}")]
    NotKubernetes {
        /// The API server.
        server: String,
        /// What came.
        reason: String,
    },
    /// The answer cannot be understood.
    #[error("{reason}")]
    Unreadable {
        /// What is wrong with it.
        reason: String,
    },
}

fn after_bytes(received: usize) -> String {
    if received == 0 { String::new() } else { format!(" after {received} bytes") }
}

fn seconds(time: Duration) -> String {
    // What is left until a deadline is never even.
    let time =
        Duration::from_millis(time.as_millis().next_multiple_of(100).try_into().unwrap_or(0));
    if time.subsec_millis() == 0 {
        format!("{} s", time.as_secs())
    } else {
        format!("{} ms", time.as_millis())
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    kind: String,
    reason: String,
    message: String,
    metadata: Metadata,
    details: Details,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata {
    #[serde(rename = "continue")]
    resume: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Details {
    retry_after_seconds: u64,
}

impl ApiError {
    /// Reads an answer from 400 on: a `Status`, or whatever a proxy or the server's own filters
    /// say in plain text.
    pub(super) fn read(
        code: StatusCode,
        retry_after: Option<Duration>,
        body: &[u8],
        parties: &Parties,
    ) -> Self {
        let status: Status = serde_json::from_slice(body).unwrap_or_default();
        let message = if status.kind == "Status" && !status.message.is_empty() {
            status.message
        } else {
            words(code, body)
        };
        let asked = status.details.retry_after_seconds;
        let retry_after = retry_after.or((asked > 0).then(|| Duration::from_secs(asked)));
        match code {
            StatusCode::GONE => Self::Expired { message, resume: status.metadata.resume },
            // Not for every 409: a quota that many write to at once answers with it too.
            StatusCode::CONFLICT if status.reason == "AlreadyExists" => {
                Self::AlreadyExists { message }
            }
            StatusCode::NOT_FOUND if is_page(body) => Self::NotKubernetes {
                server: parties.server.clone(),
                reason: "it answers with a page that says Not Found".into(),
            },
            code => Self::of_code(code.as_u16(), message, retry_after, parties),
        }
    }

    /// By a code and the server's words.
    pub(super) fn of_code(
        code: u16,
        message: String,
        retry_after: Option<Duration>,
        parties: &Parties,
    ) -> Self {
        match code {
            401 => Self::Unauthorized { login: parties.login.clone(), message },
            403 => Self::Forbidden { message },
            404 => Self::NotFound { message },
            code => Self::Status { code, message, retry_after },
        }
    }

    /// Whether the server was not reached at all, or turns everything down: other requests will
    /// fare no better.
    pub fn concerns_all_requests(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::Certificate { .. }
                | Self::Credential { .. }
                | Self::NotKubernetes { .. }
                | Self::Unauthorized { .. }
        )
    }

    /// Why a fact is missing. `what` was asked for; `need` is the permission, such as
    /// `list nodes`.
    pub fn unavailable(&self, what: &str, need: &str) -> Unavailable {
        match self {
            Self::Forbidden { .. } => {
                Unavailable::forbidden(what, format!("forbidden: needs {need}"))
            }
            Self::NotFound { .. } => Unavailable::absent(what, "the server has none"),
            error => Unavailable::failed(what, error.to_string()),
        }
    }
}

/// Whether a body is HTML, which no API server sends.
pub(super) fn is_page(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"<")
}

/// The first line of a text that is no `Status`.
pub(super) fn words(code: StatusCode, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    // A page of a proxy in HTML tells no more than its code.
    if line.is_empty() || line.starts_with('<') {
        return code.canonical_reason().unwrap_or("no reason given").to_owned();
    }
    line.chars().take(QUOTED).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::StatusCode;

    use super::{ApiError, Parties};

    fn read(code: StatusCode, body: &[u8]) -> ApiError {
        let parties = Parties {
            server: "https://k8s".into(),
            login: "the token of user \"x\"".into(),
            authority: "somebody".into(),
        };
        ApiError::read(code, None, body, &parties)
    }

    #[test]
    fn a_status_is_quoted() {
        let body = br#"{"kind":"Status","message":"nodes is forbidden","code":403}"#;
        assert_eq!(
            read(StatusCode::FORBIDDEN, body),
            ApiError::Forbidden { message: "nodes is forbidden".into() }
        );
    }

    #[test]
    fn answers_of_others_are_cut_short() {
        let read = |code, body| read(code, body).to_string();
        let html = b"<html>\n<h1>Bad Gateway</h1>";
        assert_eq!(read(StatusCode::BAD_GATEWAY, html), "502: Bad Gateway");
        let text = b"Too many requests, please try again later.\n";
        let expected = "429: Too many requests, please try again later.";
        assert_eq!(read(StatusCode::TOO_MANY_REQUESTS, text), expected);
        assert_eq!(read(StatusCode::SERVICE_UNAVAILABLE, &[0xff; 1000]).chars().count(), 165);
    }

    #[test]
    fn the_body_may_say_when_to_come_back() {
        let body = br#"{"kind":"Status","message":"x","details":{"retryAfterSeconds":2}}"#;
        let error = read(StatusCode::SERVICE_UNAVAILABLE, body);
        let ApiError::Status { retry_after, .. } = error else { panic!("{error}") };
        assert_eq!(retry_after, Some(Duration::from_secs(2)));
    }
}

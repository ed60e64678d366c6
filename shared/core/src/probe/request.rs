//! What an agent is asked to send.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::Question;

/// As many probes as one request may hold.
pub const MAX_PROBES: usize = 1000;
/// Bytes of an id: it is repeated in results and in the summary.
pub(super) const MAX_ID: usize = 96;
/// Longest time that one probe may take, milliseconds. A server listens as long as its peers probe.
const MAX_TIMEOUT_MS: u32 = 600_000;

/// Probes to send at once, from one network namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProbeRequest {
    /// Where the probes start. Flags of the agent win over it.
    #[serde(default, skip_serializing_if = "crate::facts::is_zero")]
    pub namespace: Namespace,
    /// How long a probe waits that does not say it itself, milliseconds.
    #[serde(default = "default_timeout_ms")]
    pub timeout_ms: u32,
    /// The probes; all run at once.
    pub probes: Vec<Probe>,
}

/// Two seconds: enough for the second SYN, which the kernel sends after one.
pub(super) fn default_timeout_ms() -> u32 {
    2000
}

/// Namespaces that an agent works in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Namespace {
    /// Those it was started in.
    #[default]
    Own,
    /// Network and files of process 1: the host's, where the agent sees the host's processes.
    Host,
    /// The network namespace bound to a file, such as `/proc/4711/ns/net`.
    Path(String),
}

/// One probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Probe {
    /// Its name in results; unique within a request.
    pub id: ProbeId,
    /// How long it waits, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u32>,
    /// What to send, and where.
    #[serde(flatten)]
    pub question: Question,
}

/// Name of a probe: at most 96 printable ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProbeId(String);

impl ProbeId {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<T: Into<String>> From<T> for ProbeId {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl std::fmt::Display for ProbeId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

/// Why a text is no request.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// It is not JSON, or JSON of something else.
    #[error("the request is not a list of probes: {0}")]
    Json(#[from] serde_path_to_error::Error<serde_json::Error>),
    /// More probes than one request may hold.
    #[error("{0} probes, where {MAX_PROBES} is the most")]
    TooMany(usize),
    /// Nothing to do.
    #[error("the request holds no probe")]
    Empty,
    /// An id that no result could be found by.
    #[error("probe {0}: an id has 1 to {MAX_ID} printable characters of ASCII")]
    Id(usize),
    /// Two probes of one id.
    #[error("probe `{0}` is there twice")]
    Twice(ProbeId),
    /// A probe that cannot be sent.
    #[error("probe `{0}`: {1}")]
    Probe(ProbeId, String),
    /// A time of none, or of more than ten minutes.
    #[error("a timeout of {0} ms, where 1 to {MAX_TIMEOUT_MS} can be waited for")]
    Timeout(u32),
}

impl ProbeRequest {
    /// Reads a request, and holds it against what an agent can do.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse(json: &str) -> Result<Self, RequestError> {
        let mut input = serde_json::Deserializer::from_str(json);
        let request: Self = serde_path_to_error::deserialize(&mut input)?;
        if let Err(error) = input.end() {
            let path = serde_path_to_error::Track::new().path();
            return Err(RequestError::Json(serde_path_to_error::Error::new(path, error)));
        }
        request.check()?;
        Ok(request)
    }

    fn check(&self) -> Result<(), RequestError> {
        if self.probes.is_empty() {
            return Err(RequestError::Empty);
        }
        if self.probes.len() > MAX_PROBES {
            return Err(RequestError::TooMany(self.probes.len()));
        }
        let mut seen = HashSet::new();
        for (index, Probe { id, question, .. }) in self.probes.iter().enumerate() {
            let plain = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
            if id.0.is_empty() || id.0.len() > MAX_ID || !id.0.bytes().all(plain) {
                return Err(RequestError::Id(index + 1));
            }
            if !seen.insert(id) {
                return Err(RequestError::Twice(id.clone()));
            }
            if let Some(fault) = question.fault() {
                return Err(RequestError::Probe(id.clone(), fault));
            }
        }
        let timeouts = self.probes.iter().filter_map(|probe| probe.timeout_ms);
        match timeouts.chain([self.timeout_ms]).find(|ms| !(1..=MAX_TIMEOUT_MS).contains(ms)) {
            Some(wrong) => Err(RequestError::Timeout(wrong)),
            None => Ok(()),
        }
    }
}

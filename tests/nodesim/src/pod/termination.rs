//! How a container ended, for its status.

use jiff::Timestamp;
use k8s_openapi::{
    api::core::v1::{Container, ContainerStateTerminated},
    apimachinery::pkg::apis::meta::v1::Time,
};

use crate::machine::{Exit, Log};

/// The most of a termination message that is kept, in bytes.
const MESSAGE: usize = 4096;
/// The most of a log that stands in for one.
const LOG_LINES: u64 = 80;
const LOG_BYTES: usize = 2048;

/// The end of a container whose command ran.
pub(super) fn ended(
    wanted: &Container,
    exit: &Exit,
    last_words: &[u8],
    log: Option<&Log>,
) -> ContainerStateTerminated {
    let kept = &last_words[last_words.len().saturating_sub(MESSAGE)..];
    let mut message = String::from_utf8_lossy(kept).into_owned();
    let from_log = wanted.termination_message_policy.as_deref() == Some("FallbackToLogsOnError");
    if message.is_empty() && from_log && exit.code != 0 {
        message = log.map(|log| log.tail(LOG_LINES, LOG_BYTES)).unwrap_or_default();
    }
    ContainerStateTerminated {
        exit_code: exit.code,
        reason: Some(if exit.code == 0 { "Completed" } else { "Error" }.to_owned()),
        message: (!message.is_empty()).then_some(message),
        finished_at: Some(Time(exit.at)),
        ..ContainerStateTerminated::default()
    }
}

/// The end of a container whose command did not run.
pub(super) fn not_started(message: &str, exit: &Exit) -> ContainerStateTerminated {
    ContainerStateTerminated {
        exit_code: 128,
        reason: Some("StartError".to_owned()),
        message: Some(message.to_owned()),
        // What never began has Go's zero of Unix times.
        started_at: Some(Time(Timestamp::UNIX_EPOCH)),
        finished_at: Some(Time(exit.at)),
        ..ContainerStateTerminated::default()
    }
}

/// The end of a container that there was none of when its pod ended.
pub(super) fn unknown() -> ContainerStateTerminated {
    ContainerStateTerminated {
        exit_code: 137,
        reason: Some("ContainerStatusUnknown".to_owned()),
        message: Some("The container could not be located when the pod was terminated".to_owned()),
        ..ContainerStateTerminated::default()
    }
}

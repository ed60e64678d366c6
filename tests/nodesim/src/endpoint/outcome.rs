//! How a command ended, as the error channel tells it.

use std::{os::unix::process::ExitStatusExt as _, process::ExitStatus};

use serde_json::{Value, json};

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// With exit code 0.
    Success,
    /// With another exit code.
    ExitCode {
        /// The code; 128 and the number for a signal, as shells and container runtimes have it.
        code: i32,
        /// What was run.
        command: Vec<String>,
    },
    /// It could not be run.
    Failed(String),
}

/// How the error channel tells it, which depends on the version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Telling {
    /// A `Status` in JSON, since v4.
    Status,
    /// A text, and nothing for success.
    Text,
}

impl Outcome {
    /// From what the system says of a process.
    pub(super) fn new(status: ExitStatus, command: Vec<String>) -> Self {
        match status.code().or_else(|| status.signal().map(|signal| 128 + signal)) {
            Some(0) => Self::Success,
            Some(code) => Self::ExitCode { code, command },
            None => Self::Failed(format!("unknown exit status: {status}")),
        }
    }

    /// What goes over the error channel.
    pub(super) fn told(&self, telling: Telling) -> Vec<u8> {
        match telling {
            Telling::Status => self.status().to_string().into_bytes(),
            Telling::Text => self.message().unwrap_or_default().into_bytes(),
        }
    }

    /// The words of containerd, which most nodes run.
    fn message(&self) -> Option<String> {
        match self {
            Self::Success => None,
            Self::ExitCode { code, command } => Some(format!(
                "command terminated with non-zero exit code: error executing command [{}], exit code {code}",
                command.join(" ")
            )),
            Self::Failed(why) => Some(format!("Internal error occurred: {FAILED}: {why}")),
        }
    }

    fn status(&self) -> Value {
        let message = self.message();
        match self {
            Self::Success => json!({"metadata": {}, "status": "Success"}),
            Self::ExitCode { code, .. } => json!({
                "metadata": {},
                "status": "Failure",
                "message": message,
                "reason": "NonZeroExitCode",
                "details": {"causes": [{"reason": "ExitCode", "message": code.to_string()}]},
            }),
            Self::Failed(why) => json!({
                "metadata": {},
                "status": "Failure",
                "message": message,
                "reason": "InternalError",
                "details": {"causes": [{"message": format!("{FAILED}: {why}")}]},
                "code": 500,
            }),
        }
    }
}

const FAILED: &str = "error executing command in container";

#[cfg(test)]
mod tests {
    use std::{os::unix::process::ExitStatusExt as _, process::ExitStatus};

    use serde_json::Value;

    use super::{Outcome, Telling};

    fn status(wait: i32) -> Value {
        let outcome = Outcome::new(ExitStatus::from_raw(wait), vec!["x".to_owned()]);
        serde_json::from_slice(&outcome.told(Telling::Status)).unwrap()
    }

    #[test]
    fn exit_codes_and_signals_are_told() {
        assert_eq!(status(0)["status"], "Success");
        let three = status(3 << 8);
        assert_eq!(three["reason"], "NonZeroExitCode");
        assert_eq!(three["details"]["causes"][0]["message"], "3");
        assert_eq!(status(9)["details"]["causes"][0]["message"], "137");
        assert_eq!(Outcome::Success.told(Telling::Text), b"");
    }
}

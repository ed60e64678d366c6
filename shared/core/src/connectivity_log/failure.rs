//! What a line says that marks a failure.

use serde::Serialize;

/// A failure of an action or a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure<'l> {
    /// It had to succeed, and ended with this code.
    Ended(ExitCode),
    /// It had to succeed, and could not be run: there is no exit code, because kubelet or the API
    /// server did not get as far.
    NotRun(&'l str),
    /// It had to be refused, and was, in another way.
    RefusedOtherwise,
    /// It had to be refused, and succeeded.
    NotRefused,
    /// It succeeded without output, which says nothing.
    Inconclusive,
    /// Hubble did not show what it had to.
    Flows,
    /// Anything else.
    Other(&'l str),
}

/// How a command in a pod ended; for `curl` the error in libcurl's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ExitCode(pub u8);

impl ExitCode {
    /// `CURLE_COULDNT_RESOLVE_HOST`.
    pub const NOT_RESOLVED: Self = Self(6);
    /// `CURLE_COULDNT_CONNECT`.
    pub const NOT_CONNECTED: Self = Self(7);
    /// `CURLE_HTTP_RETURNED_ERROR`.
    pub const HTTP_ERROR: Self = Self(22);
    /// `CURLE_OPERATION_TIMEDOUT`.
    pub const TIMEOUT: Self = Self(28);
    /// `CURLE_SSL_CONNECT_ERROR`.
    pub const TLS: Self = Self(35);
    /// `CURLE_RECV_ERROR`.
    pub const RESET: Self = Self(56);
    /// `CURLE_PEER_FAILED_VERIFICATION`.
    pub const NOT_TRUSTED: Self = Self(60);

    /// What it means in this test.
    pub fn meaning(self) -> &'static str {
        match self {
            Self(1) => "no answer",
            Self(5) => "the proxy's name was not resolved",
            Self::NOT_RESOLVED => "the name was not resolved",
            Self::NOT_CONNECTED => "refused, or no route",
            Self::HTTP_ERROR => "an HTTP error, as Envoy answers when a policy refuses",
            Self::TIMEOUT => "timeout",
            Self::TLS => "the TLS handshake failed",
            Self(52) => "an empty reply",
            Self::RESET => "the connection was reset",
            Self::NOT_TRUSTED => "the certificate is not trusted",
            _ => "not a usual one",
        }
    }
}

impl<'l> Failure<'l> {
    /// Reads the text behind the mark.
    pub(super) fn of(text: &'l str) -> Self {
        if text.starts_with("Flow validation failed") {
            return Self::Flows;
        }
        if text.starts_with("inconclusive results") {
            return Self::Inconclusive;
        }
        if !is_of_command(text) {
            return Self::Other(text);
        }
        // The command is quoted: what it says about itself stands behind the last quote that can end it.
        if let Some(position) = text.rfind("\" failed with unexpected exit code") {
            return match found(&text[position..]) {
                Some((0, code)) => Self::Ended(code),
                _ => Self::RefusedOtherwise,
            };
        }
        if text.contains("\" succeeded while it should have failed") {
            return Self::NotRefused;
        }
        match text.rfind("\" failed: ") {
            Some(position) => {
                let why = &text[position + "\" failed: ".len()..];
                exit_code(why).map_or(Self::NotRun(why), Self::Ended)
            }
            None => Self::Other(text),
        }
    }
}

/// Whether it speaks of a command, whatever became of the mark before it.
pub(super) fn is_of_command(text: &str) -> bool {
    text.starts_with("command \"")
        && ["\" failed: ", "\" failed with unexpected", "\" succeeded while it should"]
            .iter()
            .any(|word| text.contains(word))
}

/// The number behind the first `exit code`.
fn exit_code(text: &str) -> Option<ExitCode> {
    let (_, after) = text.split_once("exit code ")?;
    let end = after.find(|character: char| !character.is_ascii_digit()).unwrap_or(after.len());
    after[..end].parse().ok().map(ExitCode)
}

/// `expected 0, found 28`, which newer versions write where the exec stream lost the exit code.
fn found(text: &str) -> Option<(u8, ExitCode)> {
    let number = |word: &str| {
        let (_, after) = text.rsplit_once(word)?;
        let end = after.find(|character: char| !character.is_ascii_digit()).unwrap_or(after.len());
        after[..end].parse::<u8>().ok()
    };
    Some((number("expected ")?, ExitCode(number("found ")?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_had_to_pass_is_told_from_what_had_to_be_refused() {
        for (text, expected) in [
            (
                r#"command "curl --fail http://a:80" failed: command terminated with exit code 28"#,
                Failure::Ended(ExitCode::TIMEOUT),
            ),
            (
                r#"command "curl" failed: error with exec request (pod=a): command terminated with exit code 7: ..."#,
                Failure::Ended(ExitCode::NOT_CONNECTED),
            ),
            (
                r#"command "curl" failed: unable to upgrade connection: container not found"#,
                Failure::NotRun("unable to upgrade connection: container not found"),
            ),
            (
                r#"command "curl" failed with unexpected exit code: command terminated with exit code 6 (expected 28, found 6)"#,
                Failure::RefusedOtherwise,
            ),
            (
                r#"command "curl" failed with unexpected exit code (recovered from lost exit status): expected 0, found 28"#,
                Failure::Ended(ExitCode::TIMEOUT),
            ),
            (
                r#"command "curl" succeeded while it should have failed: 10.0.0.1:1 -> 10.0.0.2:80 = 200"#,
                Failure::NotRefused,
            ),
            (
                r#"inconclusive results: command "curl" was successful but without output"#,
                Failure::Inconclusive,
            ),
            ("Flow validation failed for peer a: 1 failures", Failure::Flows),
            (
                "Timeout waiting for flow listener",
                Failure::Other("Timeout waiting for flow listener"),
            ),
        ] {
            assert_eq!(Failure::of(text), expected, "{text}");
        }
    }

    #[test]
    fn a_quoted_command_cannot_pretend() {
        let text = r#"command "sh -c \" failed: exit code 7" failed: command terminated with exit code 28"#;
        assert_eq!(Failure::of(text), Failure::Ended(ExitCode::TIMEOUT));
    }

    #[test]
    fn a_code_that_is_none_stays_unknown() {
        let text = r#"command "curl" failed: command terminated with exit code 4711"#;
        assert!(matches!(Failure::of(text), Failure::NotRun(_)));
    }
}

//! `-v LEVEL`: requests on standard error, as kubectl shows them.

use std::{fmt::Write as _, io::Write as _};

use kcilium_cluster::{Exchange, Observer};

use crate::control;

/// From here on kubectl shows requests.
pub(crate) const REQUESTS: u8 = 6;

/// From here on kubectl shows headers. None is shown here: `Authorization` is among them, and what
/// proxies and plugins add.
const DETAILS: u8 = 7;

/// Writes requests at that level; nothing below 6.
pub(crate) fn observer(level: u8) -> Option<Observer> {
    if level < REQUESTS {
        return None;
    }
    Some(Box::new(move |exchange| {
        // Who has closed standard error does not want to know.
        let _ = writeln!(anstream::stderr(), "{}", line(exchange, level));
    }))
}

fn line(exchange: &Exchange<'_>, level: u8) -> String {
    let Exchange { method, server, path, accept, status, error, received, took } = exchange;
    let outcome = match (status, error) {
        (Some(status), None) => status.to_string(),
        (Some(status), Some(_)) if !status.is_success() => status.to_string(),
        // The answer began well.
        (Some(status), Some(error)) => format!("{status}, {error}"),
        (None, Some(error)) => error.to_string(),
        (None, None) => "no answer".into(),
    };
    let mut line = format!("{method} {server}{path} {outcome} in {} ms", took.as_millis());
    if level >= DETAILS && !accept.is_empty() {
        // Writing to a string does not fail.
        let _ = write!(line, ", accept {accept}, {received} bytes");
    }
    control::escape_line(&line).into_owned()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use kcilium_cluster::{ApiError, Exchange};

    use super::{line, observer};

    #[test]
    fn kubectl_s_levels_count() {
        assert!(observer(5).is_none());
        assert!(observer(6).is_some());
    }

    #[test]
    fn what_failed_says_how() {
        let cut = ApiError::Cut { received: 20, reason: "reset\u{1b}[2J".into() };
        let exchange = Exchange {
            method: "GET",
            server: "https://k8s",
            path: "/version",
            accept: "application/json",
            status: Some("200".parse().unwrap()),
            error: Some(&cut),
            received: 20,
            took: Duration::from_millis(7),
        };
        assert_eq!(
            line(&exchange, 6),
            "GET https://k8s/version 200 OK, the connection broke after 20 bytes: \
             reset\\u{1b}[2J in 7 ms"
        );
        let none = Exchange { status: None, error: Some(&ApiError::OutOfTime), ..exchange };
        assert_eq!(
            line(&none, 7),
            "GET https://k8s/version not asked: out of time in 7 ms, accept application/json, \
             20 bytes"
        );
    }
}

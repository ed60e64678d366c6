//! The API server's clock, by the `Date` of its answers.

use std::sync::{Mutex, PoisonError};

use http::{HeaderMap, header};
use jiff::{SignedDuration, Timestamp, fmt::rfc2822};
use tokio::time::Instant;

use super::Api;

/// What the server's clock showed last, and when that was.
#[derive(Debug, Default)]
pub(super) struct Clock(Mutex<Option<(Timestamp, Instant)>>);

impl Clock {
    /// Reads the date of an answer.
    pub(super) fn hear(&self, headers: &HeaderMap) {
        let text = headers.get(header::DATE).and_then(|date| date.to_str().ok());
        if let Some(date) = text.and_then(|text| rfc2822::parse(text).ok()) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) =
                Some((date.timestamp(), Instant::now()));
        }
    }

    /// The time now; none before the first answer.
    fn now(&self) -> Option<Timestamp> {
        let (date, heard) = (*self.0.lock().unwrap_or_else(PoisonError::into_inner))?;
        let passed = SignedDuration::try_from(heard.elapsed()).ok()?;
        date.checked_add(passed).ok()
    }
}

impl Api {
    /// The time by the server's clock, to a second: what machines with clocks of their own can agree
    /// on. This machine's time before the first answer, and where a proxy drops the date.
    pub fn server_time(&self) -> Timestamp {
        self.shared.clock.now().unwrap_or_else(Timestamp::now)
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, header};

    use super::Clock;

    #[test]
    fn the_date_is_that_of_http() {
        let clock = Clock::default();
        assert_eq!(clock.now(), None);
        let date = |text| HeaderMap::from_iter([(header::DATE, HeaderValue::from_static(text))]);
        clock.hear(&date("Sun, 06 Nov 1994 08:49:37 GMT"));
        clock.hear(&date("yesterday"));
        let now = clock.now().unwrap();
        assert_eq!(
            now.as_second(),
            "1994-11-06T08:49:37Z".parse::<jiff::Timestamp>().unwrap().as_second()
        );
    }
}

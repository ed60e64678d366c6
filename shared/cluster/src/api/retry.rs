//! When to ask again, and how soon.

use std::time::Duration;

use super::ApiError;

/// How often a request is sent, at most.
const TRIES: u32 = 3;

/// The pause before the second try; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// The longest pause that a server may ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// The tries of one request.
#[derive(Debug, Default)]
pub(super) struct Tries {
    made: u32,
    renewed_token: bool,
}

impl Tries {
    /// Whether another token may be tried: once.
    pub(super) fn may_renew_token(&mut self) -> bool {
        !std::mem::replace(&mut self.renewed_token, true)
    }

    /// The pause before the next try; none if there is no point in one.
    pub(super) fn pause_after(&mut self, error: &ApiError) -> Option<Duration> {
        self.made += 1;
        if self.made >= TRIES || !is_passing(error) {
            return None;
        }
        match error {
            ApiError::Status { retry_after: Some(time), .. } => Some((*time).min(LONGEST_PAUSE)),
            _ => Some(FIRST_PAUSE * 2_u32.pow(self.made - 1)),
        }
    }
}

/// Whether the same request may succeed a moment later.
fn is_passing(error: &ApiError) -> bool {
    match error {
        // 500 is what a server answers whose etcd is electing a leader.
        ApiError::Status { code, .. } => matches!(code, 429 | 500 | 502 | 503 | 504),
        ApiError::Cut { .. } | ApiError::TimedOut { .. } => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Tries;
    use crate::ApiError;

    fn status(code: u16, seconds: Option<u64>) -> ApiError {
        let retry_after = seconds.map(Duration::from_secs);
        ApiError::Status { code, message: String::new(), retry_after }
    }

    #[test]
    fn three_tries_with_growing_pauses() {
        let mut tries = Tries::default();
        assert_eq!(tries.pause_after(&status(503, None)), Some(Duration::from_millis(200)));
        assert_eq!(tries.pause_after(&status(503, None)), Some(Duration::from_millis(400)));
        assert_eq!(tries.pause_after(&status(503, None)), None);
    }

    #[test]
    fn the_server_says_how_long_within_reason() {
        let pause = |seconds| Tries::default().pause_after(&status(429, Some(seconds)));
        assert_eq!(pause(1), Some(Duration::from_secs(1)));
        assert_eq!(pause(3600), Some(Duration::from_secs(10)));
    }

    #[test]
    fn what_will_not_change_is_not_asked_again() {
        let forbidden = ApiError::Forbidden { message: String::new() };
        assert_eq!(Tries::default().pause_after(&forbidden), None);
        assert_eq!(Tries::default().pause_after(&status(422, None)), None);
    }
}

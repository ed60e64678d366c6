//! Waits that double.

use std::time::Duration;

/// The waits of one container, for one reason.
#[derive(Debug)]
pub(super) struct Backoff {
    base: Duration,
    next: Duration,
}

impl Backoff {
    pub(super) fn new(base: Duration) -> Self {
        Self { base, next: base }
    }

    /// The next wait: at most thirty times the first, the kubelet's 10 s and 5 min.
    pub(super) fn next(&mut self) -> Duration {
        let wait = self.next;
        self.next = (wait * 2).min(self.most());
        wait
    }

    /// Begins anew after a good time, of twice the longest wait.
    pub(super) fn rested(&mut self, time: Duration) {
        if time > self.most() * 2 {
            self.next = self.base;
        }
    }

    fn most(&self) -> Duration {
        self.base * 30
    }
}

/// As Go prints a duration: `10s`, `1m20s`, `200ms`.
pub(super) fn shown(wait: Duration) -> String {
    match wait.as_secs() {
        0 => format!("{}ms", wait.as_millis()),
        seconds @ 1..60 => format!("{seconds}s"),
        seconds => format!("{}m{}s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Backoff, shown};

    #[test]
    fn waits_double_up_to_five_minutes() {
        let mut backoff = Backoff::new(Duration::from_secs(10));
        let waits: Vec<_> = (0..7).map(|_| shown(backoff.next())).collect();
        assert_eq!(waits, ["10s", "20s", "40s", "1m20s", "2m40s", "5m0s", "5m0s"]);
        backoff.rested(Duration::from_mins(11));
        assert_eq!(shown(backoff.next()), "10s");
    }
}

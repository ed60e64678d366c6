//! When the facts were true.

use jiff::Timestamp;

use super::View;

impl View<'_> {
    /// When the facts were read. Where nobody wrote that down, the latest time that any of them
    /// tells: kubelets and operators renew their leases every few seconds, so it is close, and what
    /// is older by it is at least so old.
    pub fn moment(&self) -> Option<Timestamp> {
        if let Some(read) = self.facts.origin.collected_at.as_deref().and_then(timestamp) {
            return Some(read);
        }
        let cluster = &self.facts.cluster;
        let leases = cluster.leases.items().iter().filter_map(|lease| lease.renewed.as_deref());
        let events = cluster.events.items().iter().filter_map(|event| event.last_seen.as_deref());
        leases.chain(events).filter_map(timestamp).max()
    }

    /// Seconds that have passed since a time, as Kubernetes writes it. None where the time, or when
    /// the facts were read, is not known.
    pub fn seconds_since(&self, time: Option<&str>) -> Option<i64> {
        Some(self.moment()?.duration_since(timestamp(time?)?).as_secs())
    }
}

fn timestamp(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

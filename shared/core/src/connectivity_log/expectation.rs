//! What an action had to do.
//!
//! The log does not say it of actions that went as expected: silence means success in one test and
//! a refusal in the other. And what a policy has to refuse is refused by a dead network as well.

use super::action::{Action, Destination};

/// What an action had to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expectation {
    /// Get an answer.
    Success,
    /// Be refused.
    Refusal,
    /// Nobody here knows.
    Unknown,
}

/// Tests in which everything has to succeed. Names come and go with versions of cilium-cli, so only
/// those are here on which evidence rests.
const ALL_SUCCEED: [&str; 6] = [
    "no-policies",
    "no-policies-extra",
    "no-policies-from-outside",
    "allow-all-except-world",
    "allow-all-with-metrics-check",
    "host-entity",
];

/// Whether everything in this test has to succeed.
pub(super) fn all_succeed(test: &str) -> bool {
    ALL_SUCCEED.contains(&test)
}

/// What this action had to do.
pub(super) fn of(action: &Action<'_>) -> Expectation {
    if all_succeed(action.test) {
        return Expectation::Success;
    }
    match (action.test, action.destination()) {
        // The policy lets port 80 out.
        ("to-entities-world", Destination::WorldByName) => match action.port() {
            Some(80) => Expectation::Success,
            Some(_) => Expectation::Refusal,
            None => Expectation::Unknown,
        },
        // The policy lets 1.0.0.0/8 out but for 1.0.0.1; other addresses, which --external-ip can
        // choose, do not tell which of the two they are.
        ("to-cidr-external" | "to-cidr-external-knp", Destination::WorldByAddress) => {
            if action.peers.contains("(1.1.1.1:") {
                Expectation::Success
            } else if action.peers.contains("(1.0.0.1:") {
                Expectation::Refusal
            } else {
                Expectation::Unknown
            }
        }
        _ => Expectation::Unknown,
    }
}

//! What is behind failures that a log tells.
//!
//! A log shows symptoms only, so no verdict is confirmed by it: each names the command that does.

use serde::Serialize;

use super::{
    action::{Destination, Family, Protocol},
    failure::ExitCode,
    tally::{Leg, LegCounts, Tally},
};
use crate::causes::{Check, Confidence};

mod egress;
mod inside;
mod policy;
mod setup;

/// A cause that a log speaks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LogVerdict {
    /// Code of the cause, such as `C-NOMASQ`.
    pub cause: &'static str,
    /// How sure it is.
    pub confidence: Confidence,
    /// The cause in one sentence without a full stop.
    pub title: String,
    /// What in the log speaks for it.
    pub because: Vec<String>,
    /// What else would look the same.
    pub or: Vec<String>,
    /// What to run next, and what it says if this is the cause.
    pub next: Vec<Check>,
}

/// Says what is behind the failures of a log that was read to its end. Several causes may hold.
pub fn explain(tally: &Tally) -> Vec<LogVerdict> {
    if let Some(verdict) = setup::verdict(tally) {
        return vec![verdict];
    }
    let mut verdicts = Vec::new();
    verdicts.extend(setup::commands_not_run(tally));
    verdicts.extend(policy::not_enforced(tally));
    if let Some(verdict) = policy::only_with_policies(tally) {
        verdicts.push(verdict);
    } else {
        for family in [Family::V4, Family::V6] {
            let inside = inside::verdict(tally, family);
            // Pods that do not reach each other do not reach CoreDNS either, and much else.
            if inside.is_none() {
                verdicts.extend(egress::verdict(tally, family));
            }
            verdicts.extend(inside);
        }
    }
    if verdicts.is_empty() {
        verdicts.extend(policy::flows_only(tally).or_else(|| policy::unexplained(tally)));
    }
    verdicts
}

/// How legs went, together.
#[derive(Default)]
struct Reach {
    counts: LegCounts,
}

impl Reach {
    fn of(tally: &Tally, family: Family, is_meant: impl Fn(&Leg) -> bool) -> Self {
        let mut reach = Self::default();
        for (leg, counts) in
            tally.legs.iter().filter(|(leg, _)| leg.family == family && is_meant(leg))
        {
            let sum = &mut reach.counts;
            // An answered ping proves no more than that: what else fails may fail behind it.
            if leg.protocol != Protocol::Ping {
                sum.passed += counts.passed;
            }
            for (code, count) in &counts.failed {
                *sum.failed.entry(*code).or_default() += count;
            }
            sum.failed_without_code += counts.failed_without_code;
            sum.unresolved += counts.unresolved;
            if sum.target.is_none() {
                sum.target.clone_from(&counts.target);
                sum.example.clone_from(&counts.example);
            }
        }
        reach
    }

    fn to(tally: &Tally, family: Family, destination: Destination) -> Self {
        Self::of(tally, family, |leg| leg.destination == destination)
    }

    fn failed(&self) -> u64 {
        self.counts.failed()
    }

    fn passed(&self) -> u64 {
        self.counts.passed
    }

    /// All that was tried failed, and something was tried.
    fn is_dead(&self) -> bool {
        self.failed() > 0 && self.passed() == 0
    }

    fn is_fine(&self) -> bool {
        self.failed() == 0 && self.passed() > 0
    }

    /// Failures with one of these codes.
    fn with(&self, codes: &[ExitCode]) -> u64 {
        codes.iter().filter_map(|code| self.counts.failed.get(code)).sum()
    }

    fn failed_only_with(&self, codes: &[ExitCode]) -> bool {
        self.failed() > 0 && self.with(codes) == self.failed()
    }

    /// `4 of 6 failed (exit code 28: timeout)`.
    fn in_words(&self) -> String {
        let all = self.failed() + self.passed();
        let codes = codes_in_words(&self.counts);
        let codes = if codes.is_empty() { String::new() } else { format!(" ({codes})") };
        format!("{} of {all} failed{codes}", self.failed())
    }
}

/// `exit code 28: timeout`, or several of them, most frequent first.
pub(super) fn codes_in_words(counts: &LegCounts) -> String {
    let mut codes: Vec<(&ExitCode, &u64)> = counts.failed.iter().collect();
    codes.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let words = codes.iter().map(|(code, count)| match codes.len() {
        1 => format!("exit code {}: {}", code.0, code.meaning()),
        _ => format!("{count} with exit code {}: {}", code.0, code.meaning()),
    });
    words.collect::<Vec<_>>().join("; ")
}

/// A key of the live configuration.
fn configured(key: &str, expect: impl Into<String>) -> Check {
    Check::new(
        format!(
            r"kubectl -n kube-system get configmap cilium-config -o jsonpath='{{.data.{key}}}'"
        ),
        expect,
    )
}

/// The whole examination.
fn doctor(expect: impl Into<String>) -> Check {
    Check::new("kubectl cilium-doctor", expect)
}

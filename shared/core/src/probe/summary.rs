//! All results in as many bytes as a termination message takes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Outcome, ProbeId, ProbeResult};

/// What became of a request. In JSON at most [`LIMIT`](Self::LIMIT) bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// How the run ended.
    pub ending: Ending,
    /// How many results had each outcome. All of them are counted here.
    pub outcomes: BTreeMap<Outcome, usize>,
    /// Single results: what failed comes first, each in the order of its end.
    pub results: Vec<(ProbeId, Outcome)>,
    /// Results that found no room.
    #[serde(default, skip_serializing_if = "crate::facts::is_zero")]
    pub omitted: usize,
    /// Why nothing was probed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// All probes ended by themselves.
    Finished,
    /// The run's own deadline came first.
    Deadline,
    /// It was told to end (SIGTERM, SIGINT).
    Terminated,
    /// It could not begin.
    #[serde(other)]
    Failed,
}

impl Summary {
    /// What Kubernetes keeps of a termination message, bytes.
    pub const LIMIT: usize = 4096;
    /// What is kept of an error, bytes: quoted twice over it still fits.
    const ERROR: usize = 1024;

    /// The summary of a run.
    pub fn of<'a>(ending: Ending, results: impl IntoIterator<Item = &'a ProbeResult>) -> Self {
        let mut outcomes = BTreeMap::new();
        let mut all: Vec<(ProbeId, Outcome)> = Vec::new();
        for result in results.into_iter().filter(|result| result.outcome != Outcome::Listening) {
            *outcomes.entry(result.outcome).or_default() += 1;
            all.push((result.id.clone(), result.outcome));
        }
        all.sort_by_key(|(_, outcome)| std::cmp::Reverse(*outcome));
        let omitted = all.len();
        let mut summary = Self { ending, outcomes, results: Vec::new(), omitted, error: None };
        let mut room = Self::LIMIT.saturating_sub(summary.to_json().len());
        for result in all {
            // A comma follows each but the last.
            let length = json(&result).len() + 1;
            if length > room {
                break;
            }
            room -= length;
            summary.results.push(result);
            summary.omitted -= 1;
        }
        summary
    }

    /// The summary of a run that could not begin.
    pub fn failed(error: &str) -> Self {
        let end = error.floor_char_boundary(Self::ERROR.min(error.len()));
        // What JSON must escape takes six bytes for one.
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        Self {
            ending: Ending::Failed,
            outcomes: BTreeMap::new(),
            results: Vec::new(),
            omitted: 0,
            error: Some(error[..end].chars().map(plain).collect()),
        }
    }

    /// The text of the termination message.
    pub fn to_json(&self) -> String {
        json(self)
    }

    /// Reads a termination message; `None` where it is another program's, or the runtime's.
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text.trim()).ok()
    }
}

/// These types cannot fail to become JSON: their keys are words, and they hold no numbers but
/// counts.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(count: usize, id_length: usize) -> Vec<ProbeResult> {
        let result = |index: usize| {
            let id = format!("{index:0>id_length$}");
            let outcome = Outcome::ALL[index % Outcome::ALL.len()];
            ProbeResult::new(id.into(), "tcp", "", outcome)
        };
        (0..count).map(result).collect()
    }

    #[test]
    fn a_summary_fits_and_counts_everything() {
        for (count, id_length) in [(0, 1), (1, 96), (30, 20), (500, 12), (1000, 96)] {
            let results = results(count, id_length);
            let summary = Summary::of(Ending::Finished, &results);
            let text = summary.to_json();
            assert!(text.len() <= Summary::LIMIT, "{} bytes", text.len());
            let ended = results.iter().filter(|one| one.outcome != Outcome::Listening).count();
            assert_eq!(summary.outcomes.values().sum::<usize>(), ended);
            assert_eq!(summary.results.len() + summary.omitted, ended);
            assert_eq!(Summary::parse(&text), Some(summary));
        }
    }

    #[test]
    fn what_failed_is_kept_before_what_went_well() {
        let mut results = results(1, 4);
        results.extend(
            (0..400).map(|index| {
                ProbeResult::new(format!("fine{index}").into(), "tcp", "", Outcome::Ok)
            }),
        );
        results.push(ProbeResult::new("last".into(), "tcp", "", Outcome::Timeout));
        let summary = Summary::of(Ending::Deadline, &results);
        assert_eq!(summary.results[0], ("last".into(), Outcome::Timeout));
        assert!(summary.omitted > 0);
    }

    #[test]
    fn errors_are_cut() {
        for text in ["\u{1}".repeat(9000), "\"".repeat(9000), "é".repeat(9000)] {
            let message = Summary::failed(&text).to_json();
            assert!(message.len() <= Summary::LIMIT, "{} bytes", message.len());
            assert_eq!(Summary::parse(&message).map(|read| read.ending), Some(Ending::Failed));
        }
        assert_eq!(Summary::parse("OOMKilled"), None);
    }
}

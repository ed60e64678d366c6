//! Lines, counted. What is kept does not grow with the log.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{
    action::{Action, Destination, Family, Protocol},
    decoration,
    expectation::{self, Expectation},
    failure::{ExitCode, Failure},
    line::{self, Line, Totals},
};

/// Names that are kept; of more, only the number.
const NAMES: usize = 256;
/// Characters of a name or message that are kept.
const LENGTH: usize = 256;

/// What a log says, counted.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tally {
    /// Version of Cilium.
    pub cilium: Option<String>,
    /// How often the tests were begun: a file may hold several runs.
    pub runs: u64,
    /// Tests that failed, by name.
    pub failed_tests: BTreeSet<String>,
    /// Tests that passed, by name.
    pub passed_tests: BTreeSet<String>,
    /// Tests, as far as the log shows them.
    pub tests: TestCounts,
    /// Actions that had to succeed, by what they were to reach.
    #[serde(serialize_with = "as_list")]
    pub legs: BTreeMap<Leg, LegCounts>,
    /// Actions that a policy had to refuse, and that were: a dead network refuses them as well.
    pub refused: u64,
    /// Actions without failure of which nobody knows what they had to do.
    pub unclear: u64,
    /// Failures that say nothing about reachability.
    pub failures: OtherFailures,
    /// The report at the end, if the log has one.
    pub report: Option<Totals>,
    /// What the program waited for last, before any test.
    pub waited_for: Option<String>,
    /// Its last words.
    pub ended: Option<String>,
    #[serde(skip)]
    state: State,
}

/// Numbers of tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TestCounts {
    /// Passed.
    pub passed: u64,
    /// Failed.
    pub failed: u64,
    /// Skipped.
    pub skipped: u64,
    /// Begun, and the log ends.
    pub unfinished: u64,
}

/// What actions have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Leg {
    /// By which addresses.
    pub family: Family,
    /// What they were to reach.
    pub destination: Destination,
    /// How.
    pub protocol: Protocol,
}

/// How the actions of a leg went that had to succeed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LegCounts {
    /// They did.
    pub passed: u64,
    /// They did not, by exit code.
    pub failed: BTreeMap<ExitCode, u64>,
    /// They did not, and only the report tells it, without an exit code.
    pub failed_without_code: u64,
    /// Among the failed: `curl` did not get past the name.
    pub unresolved: u64,
    /// The first that failed.
    pub example: Option<String>,
    /// Where that was to go: a name or an address.
    pub target: Option<String>,
}

/// Failures that say nothing about reachability.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OtherFailures {
    /// Actions that had to be refused, and succeeded.
    pub not_refused: u64,
    /// Tests in which that happened.
    pub not_refused_tests: BTreeSet<String>,
    /// Actions that were refused in another way than they had to be.
    pub refused_otherwise: u64,
    /// Commands that could not be run in the pod.
    pub not_run: u64,
    /// What was said of the first of them.
    pub not_run_example: Option<String>,
    /// Hubble did not show what it had to.
    pub flows: u64,
    /// Others.
    pub other: u64,
    /// What was said of the first of them.
    pub other_example: Option<String>,
}

#[derive(Clone, Debug, Default)]
struct State {
    test: Option<Open>,
    action: Option<Pending>,
    /// Where the last failure was counted, for what `curl` says below it.
    last_failed: Option<Leg>,
    is_in_report: bool,
    /// Failed actions as the report tells them; they count where the log shows none itself.
    reported: BTreeMap<Leg, LegCounts>,
    /// Those of which the report does not tell what they had to do.
    reported_otherwise: u64,
}

#[derive(Clone, Debug)]
struct Open {
    name: String,
    failed: bool,
}

/// An action of which the log has not said yet how it went.
#[derive(Clone, Debug)]
struct Pending {
    leg: Leg,
    path: String,
    target: String,
    expectation: Expectation,
}

impl Tally {
    /// Takes the next line.
    pub fn push(&mut self, text: &str) {
        let text = decoration::strip(text);
        match line::parse(&text) {
            Line::Waiting(what) => {
                if self.runs == 0 && self.state.test.is_none() {
                    self.waited_for = Some(shortened(what));
                }
            }
            Line::Version(version) => self.cilium = Some(shortened(version)),
            Line::Run => {
                self.close_test();
                self.state.is_in_report = false;
                self.runs += 1;
            }
            Line::Test(name) => self.open_test(name),
            Line::SkippedTest(_) => {
                self.close_test();
                self.tests.skipped += 1;
            }
            Line::Scenario | Line::PolicyGoes => self.settle(),
            Line::Action(action) => self.begin(&action),
            Line::Failure(failure) => self.fail(failure),
            Line::Curl(code, said) => self.curl(code, said),
            Line::Report => {
                self.close_test();
                self.state.is_in_report = true;
            }
            Line::Reported(action, why) => self.reported(&action, why, &text),
            Line::SomeFailed(totals) | Line::AllPassed(totals) => {
                self.close_test();
                self.state.is_in_report = true;
                let report = self.report.get_or_insert_default();
                report.tests += totals.tests;
                report.tests_failed += totals.tests_failed;
                report.actions += totals.actions;
                report.actions_failed += totals.actions_failed;
            }
            Line::Ended(why) => self.ended = Some(shortened(why)),
            Line::Known | Line::Other => {}
        }
    }

    /// Whether a line of the test's output was seen at all.
    pub fn has_read_anything(&self) -> bool {
        self.runs > 0
            || self.tests != TestCounts::default()
            || self.state.test.is_some()
            || !self.legs.is_empty()
            || !self.state.reported.is_empty()
            || self.report.is_some()
            || self.waited_for.is_some()
            || self.ended.is_some()
    }

    /// The log ends.
    #[must_use]
    pub fn finish(mut self) -> Self {
        // Whether an action went well that stands last, only the next line would have told.
        self.state.action = None;
        if let Some(test) = self.state.test.take() {
            if test.failed {
                self.test_failed(&test.name);
            } else {
                self.tests.unfinished += 1;
            }
        }
        if self.failed() == 0 && self.failures == OtherFailures::default() {
            self.failures.other = self.state.reported_otherwise;
            for (leg, counts) in std::mem::take(&mut self.state.reported) {
                let own = self.legs.entry(leg).or_default();
                *own = LegCounts { passed: own.passed, ..counts };
            }
        }
        self
    }

    /// Actions that had to succeed and did not.
    pub fn failed(&self) -> u64 {
        self.legs.values().map(LegCounts::failed).sum()
    }

    /// Actions that had to succeed and did.
    pub fn passed(&self) -> u64 {
        self.legs.values().map(|counts| counts.passed).sum()
    }

    fn open_test(&mut self, name: &str) {
        self.close_test();
        self.state.is_in_report = false;
        self.state.test = Some(Open { name: shortened(name), failed: false });
    }

    fn close_test(&mut self) {
        self.settle();
        self.state.last_failed = None;
        let Some(test) = self.state.test.take() else { return };
        if test.failed {
            self.test_failed(&test.name);
        } else {
            self.tests.passed += 1;
            insert(&mut self.passed_tests, &test.name);
        }
    }

    fn test_failed(&mut self, name: &str) {
        self.tests.failed += 1;
        insert(&mut self.failed_tests, name);
    }

    /// Nothing was said against the last action.
    fn settle(&mut self) {
        match self.state.action.take() {
            Some(Pending { leg, expectation: Expectation::Success, .. }) => {
                self.legs.entry(leg).or_default().passed += 1;
            }
            Some(Pending { expectation: Expectation::Refusal, .. }) => self.refused += 1,
            Some(Pending { expectation: Expectation::Unknown, .. }) => self.unclear += 1,
            None => {}
        }
    }

    fn begin(&mut self, action: &Action<'_>) {
        self.settle();
        self.state.last_failed = None;
        self.state.action = Some(Pending {
            leg: Leg::of(action),
            path: shortened(&action.path()),
            target: shortened(action.address()),
            expectation: expectation::of(action),
        });
    }

    fn fail(&mut self, failure: Failure<'_>) {
        // The report says again, in other words, what was counted.
        if self.state.is_in_report {
            return;
        }
        let action = self.state.action.take();
        if let Some(test) = &mut self.state.test {
            test.failed = true;
        }
        let failures = &mut self.failures;
        match failure {
            Failure::Ended(code) => {
                let leg = action.as_ref().map_or(Leg::UNKNOWN, |action| action.leg);
                let counts = self.legs.entry(leg).or_default();
                *counts.failed.entry(code).or_default() += 1;
                if let Some(action) = action.filter(|_| counts.example.is_none()) {
                    (counts.example, counts.target) = (Some(action.path), Some(action.target));
                }
                self.state.last_failed = Some(leg);
            }
            Failure::NotRun(why) => {
                failures.not_run += 1;
                failures.not_run_example.get_or_insert_with(|| shortened(why));
            }
            Failure::NotRefused => {
                failures.not_refused += 1;
                if let Some(test) = &self.state.test {
                    insert(&mut failures.not_refused_tests, &test.name);
                }
            }
            Failure::RefusedOtherwise => failures.refused_otherwise += 1,
            Failure::Flows => failures.flows += 1,
            Failure::Inconclusive => self.unclear += 1,
            Failure::Other(why) => {
                failures.other += 1;
                failures.other_example.get_or_insert_with(|| shortened(why));
            }
        }
    }

    fn curl(&mut self, code: ExitCode, said: &str) {
        let is_about_names = code == ExitCode::TIMEOUT && said.contains("Resolving timed out");
        let counts = self.state.last_failed.take().and_then(|leg| self.legs.get_mut(&leg));
        if let Some(counts) = counts.filter(|_| is_about_names) {
            counts.unresolved += 1;
        }
    }

    fn reported(&mut self, action: &Action<'_>, why: Option<Failure<'_>>, text: &str) {
        if !self.state.is_in_report {
            self.fail(Failure::Other(text));
            return;
        }
        insert(&mut self.failed_tests, action.test);
        let had_to_succeed = expectation::of(action) == Expectation::Success;
        let code = match why {
            Some(Failure::Ended(code)) => Some(code),
            None if had_to_succeed => None,
            _ => {
                self.state.reported_otherwise += 1;
                return;
            }
        };
        let counts = self.state.reported.entry(Leg::of(action)).or_default();
        match code {
            Some(code) => *counts.failed.entry(code).or_default() += 1,
            None => counts.failed_without_code += 1,
        }
        if counts.example.is_none() {
            counts.example = Some(shortened(&action.path()));
            counts.target = Some(shortened(action.address()));
        }
    }
}

impl Leg {
    const UNKNOWN: Self =
        Self { family: Family::V4, destination: Destination::Other, protocol: Protocol::Other };

    fn of(action: &Action<'_>) -> Self {
        Self {
            family: action.family(),
            destination: action.destination(),
            protocol: action.protocol(),
        }
    }
}

/// Legs as a list: maps of JSON have no keys but strings.
fn as_list<S: serde::Serializer>(
    legs: &BTreeMap<Leg, LegCounts>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Entry<'a> {
        #[serde(flatten)]
        leg: Leg,
        #[serde(flatten)]
        counts: &'a LegCounts,
    }
    serializer.collect_seq(legs.iter().map(|(leg, counts)| Entry { leg: *leg, counts }))
}

impl LegCounts {
    /// How many failed.
    pub fn failed(&self) -> u64 {
        self.failed.values().sum::<u64>() + self.failed_without_code
    }
}

fn insert(names: &mut BTreeSet<String>, name: &str) {
    if names.len() < NAMES {
        names.insert(shortened(name));
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(LENGTH).collect()
}

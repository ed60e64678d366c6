//! What agents and the API server accept as values, where no schema says it.

use std::ops::RangeInclusive;

use super::{ChartVersion, span::Numbers};

/// The words that a key takes.
#[derive(Debug)]
pub struct Words {
    case: Case,
    words: &'static [(&'static str, Numbers)],
}

/// Whether the case of letters makes another word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Case {
    /// Agents make small letters of it.
    Any,
    /// Agents compare it as it is.
    Exact,
}

impl Words {
    /// Those that a version's agents know, as they write them.
    pub fn of(&self, version: &ChartVersion) -> impl Iterator<Item = &'static str> {
        let known = self.words.iter().filter(|(_, first)| version.is_at_least(*first));
        known.map(|(word, _)| *word)
    }

    /// Whether a version's agents take a text for one of them. Nothing is the default.
    pub fn accept(&self, text: &str, version: &ChartVersion) -> bool {
        text.is_empty()
            || self.of(version).any(|word| match self.case {
                Case::Any => word.eq_ignore_ascii_case(text),
                Case::Exact => word == text,
            })
    }
}

/// In every chart.
const ALWAYS: Numbers = (0, 0, 0);

/// Keys that take a few words, each with the first version that knows it. Agents end at others.
const WORDS: &[(&str, Words)] = &[
    (
        "encryption.type",
        Words {
            case: Case::Exact,
            words: &[("ipsec", ALWAYS), ("wireguard", ALWAYS), ("ztunnel", (1, 19, 0))],
        },
    ),
    (
        "identityAllocationMode",
        Words {
            case: Case::Exact,
            words: &[
                ("crd", ALWAYS),
                ("kvstore", ALWAYS),
                ("doublewrite-readcrd", (1, 17, 0)),
                ("doublewrite-readkvstore", (1, 17, 0)),
            ],
        },
    ),
    (
        "loadBalancer.acceleration",
        Words {
            case: Case::Exact,
            words: &[
                ("disabled", ALWAYS),
                ("native", ALWAYS),
                ("best-effort", ALWAYS),
                ("testing-only", ALWAYS),
            ],
        },
    ),
    (
        "loadBalancer.algorithm",
        Words { case: Case::Exact, words: &[("random", ALWAYS), ("maglev", ALWAYS)] },
    ),
    (
        "loadBalancer.mode",
        Words {
            case: Case::Exact,
            words: &[("snat", ALWAYS), ("dsr", ALWAYS), ("hybrid", ALWAYS)],
        },
    ),
    (
        "policyEnforcementMode",
        Words {
            case: Case::Any,
            words: &[("default", ALWAYS), ("always", ALWAYS), ("never", ALWAYS)],
        },
    ),
];

/// Keys that take numbers of a range only.
const RANGES: &[(&str, RangeInclusive<i64>)] = &[
    // 0 has agents find it out.
    ("MTU", 0..=65535),
    ("healthPort", 1..=65535),
    ("operator.replicas", 0..=1000),
    ("tunnelPort", 0..=65535),
];

/// The words that are accepted for a key, if only some are.
pub fn words(key: &str) -> Option<&'static Words> {
    WORDS.iter().find(|(known, _)| *known == key).map(|(_, words)| words)
}

/// The numbers that are accepted for a key, if only some are.
pub fn range(key: &str) -> Option<&'static RangeInclusive<i64>> {
    RANGES.iter().find(|(known, _)| *known == key).map(|(_, range)| range)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::{Chart, known_versions};

    #[test]
    fn the_keys_are_those_of_charts() {
        let known =
            |key: &str| known_versions().iter().any(|it| Chart::of(it).entry(key).is_some());
        for key in WORDS.iter().map(|(key, _)| key).chain(RANGES.iter().map(|(key, _)| key)) {
            assert!(known(key), "{key}");
        }
    }

    #[test]
    fn defaults_are_accepted() {
        for chart in known_versions().iter().map(Chart::of) {
            let default = |key| chart.entry(key).and_then(|entry| entry.default());
            for (key, words) in WORDS {
                let text = default(key).map(|text| text.trim_matches('"'));
                assert!(text.is_none_or(|text| words.accept(text, chart.version())), "{key}");
            }
            for (key, range) in RANGES {
                let number = default(key).and_then(|text| text.parse().ok());
                assert!(number.is_none_or(|number| range.contains(&number)), "{key}");
            }
        }
    }
}

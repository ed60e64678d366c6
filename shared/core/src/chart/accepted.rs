//! What agents and the API server accept as values, where no schema says it.

use std::ops::RangeInclusive;

/// Keys that take a few words, whatever their case. Agents end at others.
const WORDS: &[(&str, &[&str])] = &[
    ("encryption.type", &["ipsec", "wireguard", "ztunnel"]),
    (
        "identityAllocationMode",
        &["crd", "kvstore", "doublewrite-readcrd", "doublewrite-readkvstore"],
    ),
    ("loadBalancer.acceleration", &["disabled", "native", "best-effort", "testing-only"]),
    ("loadBalancer.algorithm", &["random", "maglev"]),
    ("loadBalancer.mode", &["snat", "dsr", "hybrid"]),
    ("policyEnforcementMode", &["default", "always", "never"]),
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
pub fn words(key: &str) -> Option<&'static [&'static str]> {
    WORDS.iter().find(|(known, _)| *known == key).map(|(_, words)| *words)
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
                assert!(text.is_none_or(|text| text.is_empty() || words.contains(&text)), "{key}");
            }
            for (key, range) in RANGES {
                let number = default(key).and_then(|text| text.parse().ok());
                assert!(number.is_none_or(|number| range.contains(&number)), "{key}");
            }
        }
    }
}

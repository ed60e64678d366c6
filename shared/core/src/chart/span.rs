//! Spans of chart versions.

use super::ChartVersion;

/// The three numbers of a version.
pub(super) type Numbers = (u64, u64, u64);

/// Charts from the first version of a pair up to, but not with, the second.
pub(super) type Spans = &'static [(Numbers, Numbers)];

/// After every version.
pub(super) const EVER: Numbers = (u64::MAX, 0, 0);

/// All charts from a version on.
macro_rules! since {
    ($minor:literal) => {
        &[((1, $minor, 0), crate::chart::span::EVER)]
    };
}
pub(super) use since;

/// Whether a version is in one of the spans.
pub(super) fn contains(spans: Spans, version: &ChartVersion) -> bool {
    spans.iter().any(|(first, end)| version.is_at_least(*first) && !version.is_at_least(*end))
}

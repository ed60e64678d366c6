//! Keys that may have been meant.

use strsim::damerau_levenshtein;

/// Suggestions for one key.
const MOST: usize = 3;

/// The keys most like one that is not among them, the likest first.
pub(crate) fn alike(key: &str, keys: impl Iterator<Item = &'static str>) -> Vec<&'static str> {
    let mut found: Vec<(usize, &'static str)> =
        keys.filter_map(|candidate| Some((distance(key, candidate)?, candidate))).collect();
    found.sort_unstable();
    let best = found.first().map(|(distance, _)| *distance);
    // What is much less like it than the best is noise beside it.
    found.retain(|(distance, _)| best.is_some_and(|best| *distance <= best + 1));
    found.into_iter().take(MOST).map(|(_, candidate)| candidate).collect()
}

/// How unlike two keys are; nothing if too much.
fn distance(key: &str, candidate: &str) -> Option<usize> {
    // A megabyte of nonsense must not be compared letter by letter.
    if key.len() > 256 {
        return None;
    }
    let (key, other) = (key.to_lowercase(), candidate.to_lowercase());
    if without_dots(&key) == without_dots(&other) {
        return Some(0);
    }
    // Right name, wrong place.
    let name = key.rsplit('.').next().unwrap_or_default();
    let is_telling = name.len() >= 8 && !matches!(name, "annotations" | "tolerations");
    if is_telling && other.rsplit('.').next() == Some(name) {
        return Some(1);
    }
    let most = (key.len() / 5).clamp(1, 4);
    if key.len().abs_diff(other.len()) > most {
        return None;
    }
    Some(damerau_levenshtein(&key, &other)).filter(|distance| *distance <= most)
}

fn without_dots(key: &str) -> String {
    key.chars().filter(|c| *c != '.').collect()
}

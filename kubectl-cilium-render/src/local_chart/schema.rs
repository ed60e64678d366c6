//! Values held against the chart's schema.

use std::{sync::mpsc, thread, time::Duration};

use jsonschema::{
    PatternOptions, ValidationError,
    error::ValidationErrorKind,
    paths::{Location, LocationSegment},
};
use serde_json::Value as Json;

use super::violation::{Step, Violation};

/// The most violations that are told; a wrong file violates everything.
const MAX_VIOLATIONS: usize = 100;

/// The most characters of a message: some list all that is allowed.
const MAX_MESSAGE: usize = 300;

/// The most memory that one pattern may take, in bytes.
const MAX_PATTERN: usize = 1 << 20;

/// What a schema says about values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Check {
    /// What violates it; nothing where all is well.
    Judged(Vec<Violation>),
    /// Why the schema cannot be used.
    Unusable(String),
}

/// Holds values against a schema. Nothing outside of it is read.
///
/// References of references can double the work at each step, and nothing in the validator stops
/// them: whoever is not done in time is left behind, and ends with the program.
pub(super) fn check(schema: Json, values: Json, time: Duration) -> Check {
    let (sender, receiver) = mpsc::channel();
    // Nobody may be waiting any more.
    thread::spawn(move || drop(sender.send(judge(&schema, &values))));
    receiver.recv_timeout(time).unwrap_or_else(|_| {
        Check::Unusable(format!("it gives no answer within {} s", time.as_secs_f32()))
    })
}

fn judge(schema: &Json, values: &Json) -> Check {
    // Helm's patterns are Go's, which know no more than this engine and take no longer.
    let patterns = PatternOptions::regex().size_limit(MAX_PATTERN).dfa_size_limit(MAX_PATTERN);
    let validator = match jsonschema::options().with_pattern_options(patterns).build(schema) {
        Ok(validator) => validator,
        Err(error) => return Check::Unusable(shortened(&error.to_string())),
    };
    let violations = validator.iter_errors(values).flat_map(|error| violations(&error));
    Check::Judged(violations.take(MAX_VIOLATIONS).collect())
}

/// One for each key that is not allowed, so that each has its place. Values are not shown: some
/// are secrets.
fn violations(error: &ValidationError<'_>) -> Vec<Violation> {
    let path = path(error.instance_path());
    let unexpected = match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => &unexpected[..],
        _ => &[],
    };
    if unexpected.is_empty() {
        let message = shortened(&error.masked_with("the value").to_string());
        return vec![Violation { path, message }];
    }
    let one = |key: &String| {
        let path = [&path[..], &[Step::Key(key.clone())]].concat();
        let message = format!("Additional properties are not allowed ('{key}' was unexpected)");
        Violation { path, message: shortened(&message) }
    };
    unexpected.iter().take(MAX_VIOLATIONS).map(one).collect()
}

fn path(location: &Location) -> Vec<Step> {
    let step = |segment: LocationSegment<'_>| match segment {
        LocationSegment::Property(key) => Step::Key(key.into_owned()),
        LocationSegment::Index(number) => Step::Item(number),
    };
    location.iter().map(step).collect()
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_MESSAGE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

//! What an old spelling is, and for which charts.

use kcilium_core::chart::ChartVersion;

use crate::layers::Value;

pub(super) type Numbers = (u64, u64, u64);

/// An old spelling.
pub(super) struct Rename {
    /// The key, as a path with dots.
    pub(super) old: &'static str,
    /// Which of its values are old.
    takes: Takes,
    /// Charts for which it is old: from the first version up to, but not with, the second.
    charts: (Numbers, Numbers),
    /// What takes its place.
    pub(super) becomes: Becomes,
    /// Why: one sentence without a full stop.
    pub(super) why: &'static str,
}

/// Which values of a key are meant.
pub(super) enum Takes {
    Anything,
    /// Booleans are meant as well as texts.
    Text(&'static [&'static str]),
    /// What counts as not given: null and the empty text.
    Empty,
}

/// What takes the place of an old spelling.
#[derive(Clone, Copy)]
pub(super) enum Becomes {
    /// The value under another key.
    Moved(&'static str),
    /// The value as a text under another key.
    TextAt(&'static str),
    /// The value under another key that is a list.
    ListAt(&'static str),
    /// A name, under another key that is a regular expression.
    PatternAt(&'static str),
    /// Other values.
    Set(&'static [(&'static str, Literal)]),
    /// Nothing: it said nothing.
    Nothing,
    /// It stays: nothing means the same.
    Reported,
}

/// A value in the table.
#[derive(Clone, Copy)]
pub(super) enum Literal {
    Bool(bool),
    Text(&'static str),
}

impl Rename {
    pub(super) fn is_for(&self, version: &ChartVersion) -> bool {
        version.is_at_least(self.charts.0) && !version.is_at_least(self.charts.1)
    }

    /// Whether a value is old.
    pub(super) fn takes(&self, value: &Value) -> bool {
        let text = match value {
            Value::String(text) => text,
            Value::Bool(true) => "true",
            Value::Bool(false) => "false",
            Value::Null => "",
            _ => return matches!(self.takes, Takes::Anything),
        };
        match self.takes {
            Takes::Anything => true,
            Takes::Text(texts) => texts.contains(&text),
            Takes::Empty => text.is_empty(),
        }
    }

    /// Whether it is the value that is old. Such values are no secrets.
    pub(super) fn is_about_values(&self) -> bool {
        !matches!(self.takes, Takes::Anything)
    }
}

pub(super) const fn row(
    old: &'static str,
    takes: Takes,
    charts: (Numbers, Numbers),
    becomes: Becomes,
    why: &'static str,
) -> Rename {
    Rename { old, takes, charts, becomes, why }
}

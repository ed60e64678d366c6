//! Values as the chart's templates print them.

use std::borrow::Cow;

use serde_json::Value;

use super::{ChartValues, ChartVersion};
use crate::decode::DecodeError;

/// Values of a chart, read as its templates do: keys that the chart does not have are not there,
/// whatever the user gave for them.
pub(super) struct Printed<'a>(pub(super) &'a ChartValues<'a>);

impl<'a> Printed<'a> {
    pub(super) fn version(&self) -> &'a ChartVersion {
        self.0.version()
    }

    pub(super) fn is_at_least(&self, numbers: (u64, u64, u64)) -> bool {
        self.version().is_at_least(numbers)
    }

    /// The value, unless it is null.
    pub(super) fn value(&self, key: &str) -> Result<Option<Cow<'a, Value>>, DecodeError> {
        if self.0.chart().entry(key).is_none() {
            return Ok(None);
        }
        for (end, _) in key.match_indices('.') {
            let parent = &key[..end];
            match self.0.given(parent) {
                None | Some(Value::Object(_) | Value::Null) => {}
                Some(other) => return Err(unfit(parent, other, "a map")),
            }
        }
        Ok(self.0.get(key))
    }

    /// The value as `quote` prints it; none for null.
    pub(super) fn text(&self, key: &str) -> Result<Option<String>, DecodeError> {
        self.value(key)?.map(|value| scalar(key, &value)).transpose()
    }

    /// The same where an `if` takes it for true.
    pub(super) fn text_if_true(&self, key: &str) -> Result<Option<String>, DecodeError> {
        if self.is_true(key)? { self.text(key) } else { Ok(None) }
    }

    /// Whether an `if` takes the value for true. The text `false` is true.
    pub(super) fn is_true(&self, key: &str) -> Result<bool, DecodeError> {
        Ok(self.value(key)?.is_some() && self.0.is_truthy(key))
    }

    /// Elements as `join` takes them: a single value is a list of one, and nulls are left out.
    pub(super) fn list(&self, key: &str) -> Result<Option<Vec<String>>, DecodeError> {
        let Some(value) = self.value(key)? else { return Ok(None) };
        let elements = match value.as_ref() {
            Value::Array(items) => items.as_slice(),
            single => std::slice::from_ref(single),
        };
        let elements = elements.iter().filter(|element| !element.is_null());
        elements.map(|element| scalar(key, element)).collect::<Result<_, _>>().map(Some)
    }
}

/// A single value as it is printed. Lists and maps print as Go writes them (`[a b]`), which no
/// option of Cilium takes: they are errors here.
pub(super) fn scalar(key: &str, value: &Value) -> Result<String, DecodeError> {
    ChartValues::printed(value).ok_or_else(|| unfit(key, value, "a single value"))
}

pub(super) fn unfit(key: &str, value: &Value, wanted: &str) -> DecodeError {
    let is = match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    };
    DecodeError::new(format!("value `{key}` is {is} where the chart takes {wanted}"))
}

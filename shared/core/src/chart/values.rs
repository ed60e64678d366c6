//! Values as a chart sees them: those of the user over the chart's defaults.

use std::borrow::Cow;

use serde_json::Value;

use super::{Chart, ChartVersion};

/// Values that a user gave, and the chart whose defaults lie beneath them.
#[derive(Clone, Copy, Debug)]
pub struct ChartValues<'a> {
    given: &'a Value,
    version: &'a ChartVersion,
    chart: Chart,
}

impl<'a> ChartValues<'a> {
    /// Values for a version of the chart.
    pub fn new(given: &'a Value, version: &'a ChartVersion) -> Self {
        Self { given, version, chart: Chart::of(version) }
    }

    /// The version of the chart, which need not be one of those that are known.
    pub fn version(&self) -> &'a ChartVersion {
        self.version
    }

    /// The known chart that stands in for it.
    pub fn chart(&self) -> Chart {
        self.chart
    }

    /// All that the user gave.
    pub fn all_given(&self) -> &'a Value {
        self.given
    }

    /// What the user gave for a key, a path with dots; null included, which deletes the default.
    pub fn given(&self, key: &str) -> Option<&'a Value> {
        key.split('.').try_fold(self.given, |value, name| value.as_object()?.get(name))
    }

    /// What the chart's templates see for a key: what the user gave, else the default. None where
    /// neither says anything, for null, and below what the user put in the place of a map.
    pub fn get(&self, key: &str) -> Option<Cow<'a, Value>> {
        let mut parents = key.match_indices('.').map(|(end, _)| &key[..end]);
        if parents.any(|parent| self.given(parent).is_some_and(|value| !value.is_object())) {
            return None;
        }
        match self.given(key) {
            Some(Value::Null) => None,
            Some(value) => Some(Cow::Borrowed(value)),
            None => {
                let default = self.chart.entry(key)?.default()?;
                let value: Value = serde_json::from_str(default).ok()?;
                (!value.is_null()).then_some(Cow::Owned(value))
            }
        }
    }

    /// Whether a template's `if` takes the value for true: neither absent, false, 0 nor empty. The
    /// text `"false"` is true.
    pub fn is_truthy(&self, key: &str) -> bool {
        self.get(key).is_some_and(|value| match value.as_ref() {
            Value::Null => false,
            Value::Bool(value) => *value,
            Value::Number(number) => number.as_f64() != Some(0.0),
            Value::String(text) => !text.is_empty(),
            Value::Array(items) => !items.is_empty(),
            Value::Object(map) => !map.is_empty(),
        })
    }

    /// The value as a template prints it; None where there is none, and for lists and maps.
    pub fn text(&self, key: &str) -> Option<String> {
        self.get(key).and_then(|value| Self::printed(&value))
    }

    /// A single value as a template prints it.
    pub(super) fn printed(value: &Value) -> Option<String> {
        match value {
            Value::String(text) => Some(text.clone()),
            Value::Bool(value) => Some(value.to_string()),
            // Helm's numbers are floating ones, which print without `.0`.
            Value::Number(number) => Some(match number.as_f64() {
                Some(float) if number.is_f64() => float.to_string(),
                _ => number.to_string(),
            }),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// Whether the value is this text, as a template's `eq` sees it.
    pub fn is(&self, key: &str, text: &str) -> bool {
        self.get(key).is_some_and(|value| value.as_str() == Some(text))
    }

    /// The value as the templates' `int` makes a number of it: 0 where it is none.
    pub fn integer(&self, key: &str) -> i64 {
        match self.get(key).as_deref() {
            Some(Value::Number(number)) => {
                number.as_i64().or_else(|| whole(number.as_f64()?)).unwrap_or_default()
            }
            Some(Value::String(text)) => text.trim().parse().unwrap_or_default(),
            Some(Value::Bool(true)) => 1,
            _ => 0,
        }
    }
}

/// A number without its fraction.
#[expect(clippy::cast_possible_truncation, reason = "that is what `int` does")]
fn whole(number: f64) -> Option<i64> {
    number.is_finite().then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::ChartValues;

    #[test]
    fn what_is_given_lies_over_the_defaults() {
        let given = json!({
            "ipam": {"mode": null, "operator": {"clusterPoolIPv4MaskSize": 26}},
            "autoDirectNodeRoutes": "false",
            "l7Proxy": false,
        });
        let version = "1.16.19".parse().unwrap();
        let values = ChartValues::new(&given, &version);
        assert_eq!(values.text("ipam.operator.clusterPoolIPv4MaskSize").as_deref(), Some("26"));
        assert_eq!(values.text("operator.replicas").as_deref(), Some("2"));
        assert_eq!(values.get("ipam.mode"), None);
        assert!(values.given("ipam.mode").is_some());
        assert_eq!(values.given("operator.replicas"), None);
        assert!(values.is_truthy("autoDirectNodeRoutes"));
        assert!(!values.is_truthy("l7Proxy"));
        assert!(values.is_truthy("enableIPv4Masquerade"));
        assert!(!values.is_truthy("no.such.key"));
    }

    #[test]
    fn defaults_go_with_the_map_they_are_in() {
        let given = json!({"hubble": null, "ipam": "kubernetes"});
        let version = "1.16.19".parse().unwrap();
        let values = ChartValues::new(&given, &version);
        assert!(!values.is_truthy("hubble.enabled"));
        assert_eq!(values.get("ipam.mode"), None);
    }

    #[test]
    fn integers_as_templates_make_them() {
        let given = json!({"a": 7, "b": "8", "c": 9.7, "d": "x", "e": true, "f": [1]});
        let version = "1.16.19".parse().unwrap();
        let values = ChartValues::new(&given, &version);
        let numbers: Vec<i64> =
            ["a", "b", "c", "d", "e", "f", "g"].map(|key| values.integer(key)).into();
        assert_eq!(numbers, [7, 8, 9, 0, 1, 0, 0]);
    }

    #[test]
    fn null_deletes_what_lies_below_it() {
        let given = json!({"ipam": null, "cluster": {"id": 3.0}});
        let version = "1.16.19".parse().unwrap();
        let values = ChartValues::new(&given, &version);
        assert_eq!(values.get("ipam.mode"), None);
        assert_eq!(values.text("cluster.id").as_deref(), Some("3"));
        assert_eq!(values.text("cluster.name").as_deref(), Some("default"));
    }
}

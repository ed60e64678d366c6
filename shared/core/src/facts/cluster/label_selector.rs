//! Label selectors.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A LabelSelector: an object matches when everything here does; the empty one matches all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LabelSelector {
    /// Labels and the values that they must have.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub match_labels: BTreeMap<String, String>,
    /// Further requirements.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub match_expressions: Vec<SelectorRequirement>,
}

/// A requirement on one label.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SelectorRequirement {
    /// The label.
    pub key: String,
    /// `In`, `NotIn`, `Exists` or `DoesNotExist`.
    pub operator: String,
    /// Values for `In` and `NotIn`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

impl LabelSelector {
    /// Whether every object matches.
    pub fn is_empty(&self) -> bool {
        self.match_labels.is_empty() && self.match_expressions.is_empty()
    }

    /// Whether an object with these labels matches; `None` where an operator is unknown.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> Option<bool> {
        let mut all = self.match_labels.iter().all(|(key, value)| labels.get(key) == Some(value));
        for requirement in &self.match_expressions {
            all &= requirement.matches(labels)?;
        }
        Some(all)
    }
}

impl SelectorRequirement {
    fn matches(&self, labels: &BTreeMap<String, String>) -> Option<bool> {
        let value = labels.get(&self.key);
        let is_among = value.is_some_and(|value| self.values.contains(value));
        Some(match self.operator.as_str() {
            "In" => is_among,
            // An object without the label matches too.
            "NotIn" => !is_among,
            "Exists" => value.is_some(),
            "DoesNotExist" => value.is_none(),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_requirement_must_hold() {
        let selector = |json: &str| serde_json::from_str::<LabelSelector>(json).unwrap();
        let labels = BTreeMap::from([("role".to_owned(), "edge".to_owned())]);
        let matches = |json: &str| selector(json).matches(&labels);
        assert_eq!(matches("{}"), Some(true));
        assert_eq!(matches(r#"{"matchLabels":{"role":"edge"}}"#), Some(true));
        assert_eq!(matches(r#"{"matchLabels":{"role":"edge","zone":"a"}}"#), Some(false));
        for (operator, key, expected) in [
            ("In", "role", Some(true)),
            ("In", "zone", Some(false)),
            ("NotIn", "role", Some(false)),
            ("NotIn", "zone", Some(true)),
            ("Exists", "role", Some(true)),
            ("DoesNotExist", "role", Some(false)),
            ("Resembles", "role", None),
        ] {
            let json = format!(
                r#"{{"matchExpressions":[{{"key":"{key}","operator":"{operator}","values":["edge"]}}]}}"#
            );
            assert_eq!(matches(&json), expected, "{operator} {key}");
        }
    }
}

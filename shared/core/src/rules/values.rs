//! Helm values in findings.

use serde_json::Value;

/// Helm values to paste, with one key, given as a path with dots.
pub(super) fn nested(key: &str, value: &str) -> String {
    let names: Vec<&str> = key.split('.').collect();
    let last = names.len() - 1;
    let lines = names.iter().enumerate().map(|(depth, name)| {
        let value = if depth == last { format!(" {value}") } else { String::new() };
        format!("{}{name}:{value}\n", "  ".repeat(depth))
    });
    lines.collect()
}

/// A single value as YAML; none for lists, maps and what was hidden.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if is_plain(text) => Some(text.clone()),
        Value::String(_) | Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Whether a text needs no quotes in YAML: a word that starts with a letter, and is no boolean.
fn is_plain(text: &str) -> bool {
    let is_boolean = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"]
        .iter()
        .any(|word| text.eq_ignore_ascii_case(word));
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte))
        && !is_boolean
}

/// Whether a key decides how packets go, who gets which address, or what is encrypted: if it has no
/// effect, the network is another one than was meant.
pub(super) fn decides_about_network(key: &str) -> bool {
    const WORDS: [&str; 13] = [
        "routing",
        "directnoderoutes",
        "tunnel",
        "ipam",
        "podcidr",
        "masquerad",
        "masqagent",
        "encryption",
        "kubeproxyreplacement",
        "k8sservice",
        "endpointroutes",
        "hostservices",
        "hostport",
    ];
    let key = key.to_lowercase();
    WORDS.iter().any(|word| key.contains(word))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{nested, scalar};

    #[test]
    fn values_to_paste() {
        assert_eq!(nested("a.b", "1"), "a:\n  b: 1\n");
        assert_eq!(scalar(&json!("native")).as_deref(), Some("native"));
        assert_eq!(scalar(&json!("on")).as_deref(), Some("\"on\""));
        assert_eq!(scalar(&json!("10.0")).as_deref(), Some("\"10.0\""));
        assert_eq!(scalar(&json!(true)).as_deref(), Some("true"));
        assert_eq!(scalar(&json!([1])), None);
    }
}

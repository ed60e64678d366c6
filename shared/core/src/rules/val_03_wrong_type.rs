use serde_json::Value;

use super::{Basis, Evidence, Finding, Judgement, Remedy, Severity, premise, rule, values::nested};
use crate::{
    chart::{ChartValues, Entry, accepted},
    view::View,
};

rule! {
    /// ## What it checks
    /// Whether each Helm value is of a type that the chart's schema allows, and one of the words
    /// that it allows. Charts before 1.16 have no schema: there, booleans in quotes, words for
    /// numbers, and maps that were replaced by something else are found. Some values only their
    /// readers judge: words of `policyEnforcementMode`, `identityAllocationMode` and others, and
    /// numbers such as `MTU`.
    ///
    /// ## Why it hurts
    /// With a schema, Helm refuses. Without, `"false"` in quotes is a text, which templates take
    /// for true, and a template may stop in the middle of a map that is none.
    ///
    /// ## Fix
    /// Take the quotes away, or write what the chart asks for. `--set-string` makes texts, too.
    ///
    /// ## References
    /// - Helm documentation, "Schema Files"
    "VAL-03", Block, Configuration, "a Helm value is of the wrong type", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    // What runs was taken by Helm.
    if premise::proposed_values(view, out).is_none() {
        return;
    }
    let Some(values) = premise::chart_values(view, out) else { return };
    let has_schema = values.version().is_at_least((1, 16, 0));
    values.walk(|key, value, entry| {
        let Some(entry) = entry else { return };
        if fits(value, entry) {
            if let Some(finding) = not_accepted(&values, key, value) {
                out.found(finding);
            }
            return;
        }
        if has_schema {
            out.found(refused(&values, key, value, entry));
        } else if let Some((impact, fix)) = trouble(value, entry) {
            let severity = Severity::Error;
            let finding = refused(&values, key, value, entry);
            let remedy = match fix {
                Fix::Unquote(fix) => {
                    Remedy::text("take the quotes away").with_values(nested(key, fix))
                }
                Fix::Keys => Remedy::text("write the keys that the chart has there"),
                Fix::Number => finding.remedy.clone(),
            };
            out.found(Finding { severity, impact: impact.into(), remedy, ..finding });
        }
    });
}

/// Whether the chart says nothing against a value. Schema or default tell the types.
fn fits(value: &Value, entry: Entry) -> bool {
    if let Some(mut values) = entry.values() {
        return value.as_str().is_some_and(|text| values.any(|allowed| allowed == text));
    }
    entry.types().any(|wanted| match wanted {
        "boolean" => value.is_boolean(),
        // JSON Schema takes 24.0 for an integer.
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "list" => value.is_array(),
        "map" | "open" => value.is_object(),
        "null" => false,
        _ => true,
    })
}

/// What to do about a value of the wrong type.
enum Fix {
    /// Write the boolean that was meant.
    Unquote(&'static str),
    /// Write a map.
    Keys,
    /// Write a number.
    Number,
}

/// What goes wrong where there is no schema.
fn trouble(value: &Value, entry: Entry) -> Option<(&'static str, Fix)> {
    if entry.is_map() {
        return Some(("the chart's defaults are gone, and its templates may stop here", Fix::Keys));
    }
    let is = |kind: &str| entry.types().all(|wanted| wanted == kind);
    match value.as_str() {
        Some("false") if is("boolean") => {
            Some(("templates take any text for true, `false` too", Fix::Unquote("false")))
        }
        // Templates print a number in quotes as they print a number.
        Some(text) if is("integer") && text.parse::<i64>().is_err() => {
            Some(("what is made of it is refused by the API server, or ends agents", Fix::Number))
        }
        _ => None,
    }
}

/// A value of the right type that nobody who reads it accepts.
fn not_accepted(values: &ChartValues<'_>, key: &str, value: &Value) -> Option<Finding> {
    let (shown, wanted) = if let (Some(words), Some(word)) = (accepted::words(key), value.as_str())
    {
        let version = values.version();
        if words.accept(word, version) {
            return None;
        }
        let known: Vec<&str> = words.of(version).collect();
        (word.chars().take(SHOWN).collect(), format!("one of {}", known.join(", ")))
    } else if let (Some(range), Some(number)) = (accepted::range(key), value.as_i64()) {
        if range.contains(&number) {
            return None;
        }
        (number.to_string(), format!("a number from {} to {}", range.start(), range.end()))
    } else {
        return None;
    };
    Some(
        Finding::about(RULE.code, Severity::Error, key)
            .saying(
                format!("`{key}` is `{shown}`; it takes {wanted}"),
                "Helm installs it; agents or the API server refuse it",
            )
            .seen(format!("chart {}", values.chart().version()), format!("{key} takes {wanted}"))
            .mended_by(Remedy::text(format!("write {wanted}"))),
    )
}

/// Characters of a value that are shown.
const SHOWN: usize = 40;

fn refused(values: &ChartValues<'_>, key: &str, value: &Value, entry: Entry) -> Finding {
    let kind = match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    };
    let wanted = match entry.values() {
        Some(words) => format!("one of {}", words.collect::<Vec<_>>().join(", ")),
        None => entry.types().map(in_words).collect::<Vec<_>>().join(" or "),
    };
    let shown = value.as_str().filter(|text| text.len() <= SHOWN);
    let shown = shown.map_or_else(String::new, |text| format!(" `{text}`"));
    let meant = value.as_str().filter(|text| {
        let parsed = serde_json::from_str::<Value>(text);
        parsed.is_ok_and(|meant| !meant.is_string() && fits(&meant, entry))
    });
    Finding {
        code: RULE.code,
        severity: Severity::Block,
        basis: Basis::Observed,
        subject: key.to_owned(),
        nodes: Vec::new(),
        summary: format!("`{key}` is {kind}{shown}; the chart takes {wanted}"),
        evidence: vec![Evidence::new(
            format!("chart {}", values.chart().version()),
            format!("{key} is {wanted}"),
        )],
        impact: "Helm refuses values that its schema does not allow".into(),
        remedy: match meant {
            Some(meant) => Remedy::text("take the quotes away").with_values(nested(key, meant)),
            None => Remedy::text(format!("write {wanted}")),
        },
    }
}

fn in_words(kind: &str) -> &str {
    match kind {
        "boolean" => "a boolean",
        "integer" => "an integer",
        "number" => "a number",
        "string" => "a text",
        "list" => "a list",
        "map" | "open" => "a map",
        "null" => "null",
        _ => "anything",
    }
}

use serde_json::Value;

use super::{Basis, Evidence, Finding, Judgement, Remedy, Severity, premise, rule, values::nested};
use crate::{
    chart::{ChartValues, Entry},
    view::View,
};

rule! {
    /// ## What it checks
    /// Whether each Helm value is of a type that the chart's schema allows, and one of the words
    /// that it allows. Charts before 1.16 have no schema: there, booleans in quotes and maps that
    /// were replaced by something else are found.
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
        let Some(entry) = entry.filter(|entry| !fits(value, *entry)) else { return };
        if has_schema {
            out.found(refused(&values, key, value, entry));
        } else if let Some((impact, fix)) = trouble(value, entry) {
            let severity = Severity::Error;
            let fix = match fix {
                Some(fix) => Remedy::text("take the quotes away").with_values(nested(key, fix)),
                None => Remedy::text("write the keys that the chart has there"),
            };
            let finding = refused(&values, key, value, entry);
            out.found(Finding { severity, impact: impact.into(), remedy: fix, ..finding });
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

/// What goes wrong where there is no schema, and the boolean that was meant.
fn trouble(value: &Value, entry: Entry) -> Option<(&'static str, Option<&'static str>)> {
    if entry.is_map() {
        return Some(("the chart's defaults are gone, and its templates may stop here", None));
    }
    let is_boolean = entry.types().all(|wanted| wanted == "boolean");
    match value.as_str() {
        Some("false") if is_boolean => {
            Some(("templates take any text for true, `false` too", Some("false")))
        }
        _ => None,
    }
}

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
    let shown = value.as_str().filter(|text| text.len() <= 40);
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

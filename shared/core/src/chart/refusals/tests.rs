use std::collections::BTreeSet;

use serde_json::Value;

use super::{GROUPS, contains, refusals, removed};
use crate::chart::{ChartValues, Effect, advice, known_versions};

struct Case {
    line: &'static str,
    chart: &'static str,
    values: Value,
    message: &'static str,
}

fn cases() -> impl Iterator<Item = Case> {
    let lines = include_str!("cases.txt").lines();
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(|line| {
        let mut fields = line.splitn(3, '|').map(str::trim);
        let mut next = || fields.next().unwrap_or_else(|| panic!("{line}"));
        let chart = next();
        let values =
            serde_saphyr::from_str(next()).unwrap_or_else(|error| panic!("{line}: {error}"));
        Case { line, chart, values, message: next() }
    })
}

fn messages(chart: &str, values: &Value) -> Vec<String> {
    let version = chart.parse().unwrap();
    let refused = refusals(&ChartValues::new(values, &version));
    refused.into_iter().map(|refused| refused.message).collect()
}

#[test]
fn charts_refuse_what_they_refuse_and_nothing_else() {
    let wrong: Vec<String> = cases()
        .filter_map(|case| {
            let messages = messages(case.chart, &case.values);
            let is_right = match (case.message, &messages[..]) {
                (wanted, [message]) => !wanted.is_empty() && message.contains(wanted),
                (wanted, others) => wanted.is_empty() && others.is_empty(),
            };
            (!is_right).then(|| format!("{}: {messages:?}", case.line))
        })
        .collect();
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn every_refusal_has_a_case() {
    let seen: BTreeSet<String> =
        cases().flat_map(|case| messages(case.chart, &case.values)).collect();
    for refusal in GROUPS.iter().copied().flatten() {
        let start = refusal.message.split("%s").next().unwrap();
        assert!(seen.iter().any(|message| message.starts_with(start)), "{start}");
        assert!(!refusal.fix.is_empty() && !refusal.keys.is_empty(), "{start}");
    }
}

#[test]
fn no_chart_refuses_its_own_defaults() {
    for version in known_versions() {
        assert_eq!(refusals(&ChartValues::new(&Value::Null, version)), [], "{version}");
    }
}

#[test]
fn the_subject_is_what_was_given() {
    let values = serde_json::json!({"hubble": {"ui": {"enabled": true}}});
    let version = "1.16.19".parse().unwrap();
    let refused = refusals(&ChartValues::new(&values, &version));
    assert_eq!(refused[0].key, "hubble.ui.enabled");
}

/// Two tables know of removed keys: what charts print, and what to do about them.
#[test]
fn there_is_advice_for_every_key_that_was_removed() {
    let mut wrong = Vec::new();
    for refusal in removed::REFUSALS {
        for version in known_versions().iter().filter(|it| contains(refusal.charts, it)) {
            for key in refusal.keys {
                let effect = advice(key, version).map(|advice| advice.effect);
                if effect != Some(Effect::Fails) {
                    wrong.push(format!("{key} in {version}: {effect:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

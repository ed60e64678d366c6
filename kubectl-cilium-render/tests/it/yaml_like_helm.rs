//! What is read in a values file is what Helm reads in it.

use kubectl_cilium_render::{emit, layers::yaml};
use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};
use serde_json::Value;

use crate::{
    ambiguous,
    helm::{Chart, VERSIONS},
};

/// What we read, as JSON; nothing where it cannot be read.
fn ours(text: &str) -> Option<Value> {
    yaml::read("case", text.as_bytes()).ok().map(|read| serde_json::to_value(&read.values).unwrap())
}

/// What each Helm reads; nothing where it refuses.
fn helms(texts: &[String]) -> Vec<(u32, Vec<Option<Value>>)> {
    let chart = Chart::reading();
    let json = serde_json::json!({ "cases": texts });
    chart.file("values.json", json.to_string().as_bytes());
    let read = |version| {
        let lines = chart.render(version, &["-f", "values.json"]).unwrap();
        assert_eq!(lines.len(), texts.len());
        let parse = |line: String| {
            let value: Value = serde_json::from_str(&line).unwrap();
            let is_error = value.get("Error").is_some_and(Value::is_string);
            (!is_error).then_some(if value.is_null() { serde_json::json!({}) } else { value })
        };
        (version, lines.into_iter().map(parse).collect())
    };
    VERSIONS.map(read).into()
}

/// What we read, Helm reads, and the same. What Helm reads and we refuse is counted: it has to be
/// text that Helm reads by accident, such as what follows the first value.
fn assert_sound(texts: &[String], most_refused: usize) {
    let mut differences = Vec::new();
    let mut refused = Vec::new();
    for (version, read) in helms(texts) {
        for (text, helm) in texts.iter().zip(read) {
            match (ours(text), &helm) {
                (ours, helm) if ours == *helm => {}
                (None, _) => refused.push(format!("{text:?}: {helm:?}")),
                (ours, _) => differences
                    .push(format!("{text:?}\n  Helm {version}: {helm:?}\n  ours:   {ours:?}")),
            }
        }
    }
    let count = differences.len();
    differences.truncate(40);
    assert!(differences.is_empty(), "{count} differences\n{}", differences.join("\n"));
    let list = refused.join("\n");
    assert!(refused.len() <= most_refused, "{} refused\n{list}", refused.len());
}

#[test]
fn scalars() {
    let texts: Vec<String> = ambiguous::SCALARS
        .iter()
        .filter(|text| !text.contains(['\n', '\r']))
        .flat_map(|text| {
            [
                format!("a: {text}\n"),
                format!("a: {text} # comment\n"),
                format!("- {text}\n"),
                format!("a:\n- {text}\n"),
                format!("a: [{text}, b]\n"),
                format!("a: {{{text}: b}}\n"),
                format!("a: {{b: {text}}}\n"),
                format!("a: '{text}'\n"),
                format!("a: \"{text}\"\n"),
                format!("{text}: b\n"),
                format!("\"{text}\": b\n"),
                format!("a: !!str {text}\n"),
                format!("a: !!int {text}\n"),
                format!("a: !!float {text}\n"),
                format!("a: !!bool {text}\n"),
                format!("a: !!null {text}\n"),
                format!("a: !!timestamp {text}\n"),
                format!("a: !x {text}\n"),
                format!("a: ! {text}\n"),
                format!("a: |\n  {text}\n"),
                format!("a: >\n  {text}\n  b\n"),
            ]
        })
        .collect();
    assert_sound(&texts, 18);
}

#[test]
fn escapes() {
    let letters = (' '..='~').chain(['\t', 'é']);
    let mut texts: Vec<String> = letters.map(|c| format!("a: \"x\\{c}4141414141\"\n")).collect();
    for escape in [
        "ud83d\\ude00",
        "ud800",
        "U0001F600",
        "U00110000",
        "u00",
        "x4",
        "xzz",
        "\n  y",
        "u0000",
        "x7f",
        "ufeff",
    ] {
        texts.push(format!("a: \"x\\{escape}\"\n"));
        texts.push(format!("\"x\\{escape}\": b\n"));
    }
    // `\\'` is an escape to go-yaml only.
    assert_sound(&texts, 2);
}

const TOKENS: &[&str] = &[
    "a", "b", "c", "1", "yes", "~", ": ", ":", "- ", "-", "\n", "\n  ", "\n    ", "\n- ", "\n  - ",
    " ", "[", "]", "{", "}", ", ", ",", " #c", "#", "'", "\"", "&x ", "*x", "|\n  ", ">\n  ",
    "|-\n", "|+\n ", "!!str ", "? ", "?", "<<: ", "a: ", "b: ", "\n a: ", "\na: ", "\nb: ",
    "\nc:\n  ", "\\n", "\\", "''", "\"a\"", "'b'", "{a: b}", "[a, b]", "*x\n", "&x\n", "%", "@",
    "\t", "é", "\r", "a?b", "&&", "!a#b ", "!!int ", "!a%20 ", "? \n", "`", "\n a\n b",
];

#[test]
fn token_soup() {
    let mut runner = TestRunner::deterministic();
    let soup = prop::collection::vec(prop::sample::select(TOKENS), 1..12);
    let texts: Vec<String> = std::iter::repeat_with(|| {
        format!("{}\n", soup.new_tree(&mut runner).unwrap().current().concat())
    })
    .take(cases())
    .collect();
    // For each Helm, one in twenty-five.
    assert_sound(&texts, cases() * 2 / 25);
}

/// `PROPTEST_CASES` asks for more.
fn cases() -> usize {
    std::env::var("PROPTEST_CASES").ok().and_then(|count| count.parse().ok()).unwrap_or(6000)
}

/// The bounded twin of the fuzz target: no panic, and what is read comes back once written.
fn assert_comes_back(bytes: &[u8]) {
    let Ok(document) = yaml::read("case", bytes) else { return };
    let text = emit::to_yaml(&document.values);
    let again = yaml::read("written", text.as_bytes()).unwrap();
    assert_eq!(emit::to_yaml(&again.values), text);
}

proptest! {
    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        assert_comes_back(&bytes);
    }

    #[test]
    fn any_characters(text in "\\PC{0,64}") {
        assert_comes_back(text.as_bytes());
    }

    #[test]
    fn any_tokens(tokens in prop::collection::vec(prop::sample::select(TOKENS), 0..24)) {
        assert_comes_back(tokens.concat().as_bytes());
    }
}

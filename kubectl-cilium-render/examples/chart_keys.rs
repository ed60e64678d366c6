//! Makes `shared/core/src/chart/keys.tsv` out of charts.
//!
//! ```sh
//! cargo run -p kubectl-cilium-render --example chart_keys -- CHART-1.12.19 … > shared/core/src/chart/keys.tsv
//! ```
//!
//! Each folder, in rising order, is named after its version and holds `values.yaml` and, where the
//! chart has one, `values.schema.json`.

#![expect(clippy::print_stdout, reason = "it prints a table")]

use std::{collections::BTreeMap, path::Path};

use anyhow::Context as _;
use kubectl_cilium_render::layers::{Map, Node, Value, yaml};

/// Maps whose keys are the user's or Kubernetes', not the chart's.
const OPEN: &[&str] = &[
    "affinity",
    "annotations",
    "emptyDir",
    "labels",
    "matchLabels",
    "nodeSelector",
    "podSecurityContext",
    "resources",
    "strategy",
    "updateStrategy",
];

/// What looks like a key in a comment and is none.
const NO_KEYS: &[&str] = &[
    "bpf.maximum",
    "bpf.minimum",
    "config",
    "emptyDir",
    "hashSeed",
    "hubble.ui.emptyDir",
    "labels",
    "nodeLabels",
    "tableSize",
    "tls.caBundle.content",
];

/// Keys that templates read and that values do not list, or list in comments in a way that cannot be
/// found out: their map, the key, types and default.
const HIDDEN: &[(&str, &str, &str, &str)] = &[
    ("gke", "disableDefaultSnat", "boolean", "(false)"),
    ("ipMasqAgent", "config", "open", "()"),
    ("nodeinit", "reconfigureKubelet", "boolean", "(false)"),
    ("nodeinit", "removeCbrBridge", "boolean", "(false)"),
];

/// What a chart says of a key.
#[derive(Clone, PartialEq)]
struct Entry {
    types: String,
    default: String,
}

fn main() -> anyhow::Result<()> {
    let mut versions = Vec::new();
    let mut keys: BTreeMap<String, Vec<(usize, Entry)>> = BTreeMap::new();
    for (number, folder) in std::env::args().skip(1).enumerate() {
        let folder = Path::new(&folder);
        versions.push(folder.file_name().context("no name")?.to_string_lossy().into_owned());
        for (key, entry) in chart(folder)? {
            keys.entry(key).or_default().push((number, entry));
        }
    }
    println!(
        "# Keys of Cilium's charts: key, versions, types, default. Made by examples/chart_keys.rs."
    );
    println!("{}", versions.join("\t"));
    for (key, entries) in keys {
        for (first, last, entry) in runs(entries) {
            let (first, last) = (&versions[first], &versions[last]);
            let span = if first == last { first.clone() } else { format!("{first}..{last}") };
            println!("{key}\t{span}\t{}\t{}", entry.types, entry.default);
        }
    }
    Ok(())
}

/// Versions that follow each other and say the same, put together.
fn runs(entries: Vec<(usize, Entry)>) -> Vec<(usize, usize, Entry)> {
    let mut runs: Vec<(usize, usize, Entry)> = Vec::new();
    for (number, entry) in entries {
        match runs.last_mut() {
            Some((_, last, same)) if *last + 1 == number && *same == entry => *last = number,
            _ => runs.push((number, number, entry)),
        }
    }
    runs
}

fn chart(folder: &Path) -> anyhow::Result<BTreeMap<String, Entry>> {
    let text = std::fs::read_to_string(folder.join("values.yaml"))?;
    let values = yaml::read("values.yaml", text.as_bytes())?.values;
    let schema = match std::fs::read(folder.join("values.schema.json")) {
        Ok(bytes) => yaml::read("values.schema.json", &bytes)?.values,
        Err(_) => Map::new(),
    };
    let mut entries = BTreeMap::new();
    collect("", &values, properties(&schema), &mut entries);
    for (map, key, types, default) in HIDDEN {
        if entries.contains_key(*map) {
            let entry = || Entry { types: (*types).to_owned(), default: (*default).to_owned() };
            entries.entry(format!("{map}.{key}")).or_insert_with(entry);
        }
    }
    for (key, default) in commented(&text) {
        if NO_KEYS.contains(&key.as_str()) {
            continue;
        }
        if !entries.contains_key(&key) && parent(&key).is_none_or(|parent| is_map(&entries, parent))
        {
            entries.insert(key, Entry { types: "any".to_owned(), default: format!("({default})") });
        }
    }
    Ok(entries)
}

fn parent(key: &str) -> Option<&str> {
    key.rsplit_once('.').map(|(parent, _)| parent)
}

/// Whether a key has keys of its own in the chart, or stands in a comment too.
fn is_map(entries: &BTreeMap<String, Entry>, key: &str) -> bool {
    let is_map = |entry: &Entry| entry.types == "map" || entry.default == "()";
    entries.get(key).is_some_and(is_map)
}

fn collect(
    prefix: &str,
    values: &Map,
    schema: Option<&Map>,
    entries: &mut BTreeMap<String, Entry>,
) {
    for (name, node) in values {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        let schema = schema.and_then(|schema| schema.get(name)).and_then(Node::as_map);
        match &node.value {
            Value::Map(map) if !is_open(name, map) => {
                let entry = Entry { types: "map".to_owned(), default: String::new() };
                entries.insert(key.clone(), entry);
                collect(&key, map, schema.and_then(properties), entries);
            }
            value => {
                let types = schema.and_then(types).unwrap_or_else(|| kind(value).to_owned());
                entries.insert(key, Entry { types, default: default(name, node) });
            }
        }
    }
}

fn is_open(name: &str, map: &Map) -> bool {
    let ends = |word: &str| name.to_lowercase().ends_with(&word.to_lowercase());
    map.is_empty() || OPEN.iter().any(|word| ends(word)) || map.keys().any(|key| key.contains('.'))
}

fn properties(schema: &Map) -> Option<&Map> {
    schema.get("properties")?.as_map()
}

/// The types that the schema allows; for an enumeration its values.
fn types(schema: &Map) -> Option<String> {
    if let Some(Value::List(values)) = schema.get("enum").map(|node| &node.value) {
        let texts = values.iter().filter_map(text);
        return Some(format!("enum:{}", texts.collect::<Vec<_>>().join("|")));
    }
    let name = |text: &str| match text {
        "object" => "open".to_owned(),
        "array" => "list".to_owned(),
        other => other.to_owned(),
    };
    match &schema.get("type")?.value {
        Value::String(one) => Some(name(one)),
        Value::List(several) => {
            let mut names: Vec<String> = several.iter().filter_map(text).map(name).collect();
            names.sort();
            Some(names.join("|"))
        }
        _ => None,
    }
}

fn text(node: &Node) -> Option<&str> {
    match &node.value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "any",
        Value::Map(_) => "open",
        Value::Number(_) => "integer",
        other => other.kind(),
    }
}

/// The default as JSON. Images are left out: they differ with every release.
fn default(name: &str, node: &Node) -> String {
    match name {
        "tag" | "digest" => "…".to_owned(),
        _ => serde_json::to_string(node).unwrap_or_default(),
    }
}

/// Keys that the chart only has in comments, because they have no default: lines `# key: value`.
fn commented(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut parents: Vec<(usize, &str)> = Vec::new();
    for line in text.lines() {
        let content = line.trim_start();
        let indent = line.len() - content.len();
        let comment = content.strip_prefix('#');
        let key = comment.map_or(content, |comment| comment.strip_prefix(' ').unwrap_or(comment));
        let Some((name, value)) = key.split_once(':').filter(|(name, _)| is_name(name)) else {
            continue;
        };
        let value = value.trim();
        if comment.is_some() && !is_value(value) {
            continue;
        }
        parents.retain(|(depth, _)| *depth < indent);
        if comment.is_some() {
            let path: Vec<&str> = parents.iter().map(|(_, name)| *name).chain([name]).collect();
            found.push((path.join("."), value.to_owned()));
        }
        parents.push((indent, name));
    }
    found
}

/// Whether a text in a comment is a value, not prose.
fn is_value(text: &str) -> bool {
    let is_quoted = |quote| text.len() > 1 && text.starts_with(quote) && text.ends_with(quote);
    is_quoted('"') || is_quoted('\'') || (!text.contains(' ') && !text.starts_with("http"))
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !matches!(
            text,
            "additionalProperties"
                | "anyOf"
                | "enum"
                | "https"
                | "items"
                | "oneOf"
                | "ref"
                | "type"
        )
}

//! Putting a scenario together from its file and the files that one names.
//!
//! ```yaml
//! story: One line.
//! from: homelab-healthy         # begin with all of that scenario, or:
//! kubernetes: v1.28.2           # begin anew with this version
//! services: 10.96.0.0/12        # and this range of ClusterIPs
//! network: {topology: homelab, cilium: clash}
//! images: {quay.io/cilium/cilium:v1.14.2: images/cilium-1.14.2-clash}
//! include: [pieces/apps.yaml]   # files of objects
//! remove:                       # objects that are not there after all
//! - {apiVersion: v1, kind: Pod, metadata: {name: x, namespace: default}}
//! change:                       # JSON merge patches: what of an object differs
//! - apiVersion: v1
//!   kind: ConfigMap
//!   metadata: {name: cilium-config, namespace: kube-system}
//!   data: {ipam: cluster-pool, ipv4-native-routing-cidr: null}
//! - pieces/clash-addresses.yaml # or files of such patches
//! replace: {v1.14.2: v1.16.19}  # in every text of every object, the longest first
//! ```
//!
//! Included first, then removed, then changed, then replaced. What is removed or changed must be there, or else
//! the file says something that is not so.

use std::{cmp::Reverse, collections::BTreeMap, fs, path::Path, slice};

use anyhow::{Context as _, Result, bail, ensure};
use ipnet::Ipv4Net;
use serde::Deserialize;
use serde_json::Value;

use super::{Identity, Item, Network, Scenario, release};
use crate::{load, patch::merge_patch};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    story: String,
    from: Option<String>,
    kubernetes: Option<String>,
    services: Option<Ipv4Net>,
    network: Option<Network>,
    #[serde(default)]
    images: BTreeMap<String, String>,
    #[serde(default)]
    include: Vec<String>,
    #[serde(default)]
    remove: Vec<Value>,
    #[serde(default)]
    change: Vec<Value>,
    #[serde(default)]
    replace: BTreeMap<String, String>,
}

/// Reads the scenario of that name in `directory`.
pub(super) fn read(directory: &Path, name: &str) -> Result<Scenario> {
    let mut scenario = unreleased(directory, name)?;
    release::wrap(&mut scenario.objects)?;
    Ok(scenario)
}

/// The scenario before its releases have become the Secrets that helm keeps, so that scenarios made
/// from it can change them.
fn unreleased(directory: &Path, name: &str) -> Result<Scenario> {
    let label = format!("{name}.yaml");
    let file: File = serde_saphyr::from_str(&text(directory, &label)?).context(label.clone())?;
    let mut scenario = match &file.from {
        Some(from) => unreleased(directory, from)?,
        None => Scenario::empty(),
    };
    name.clone_into(&mut scenario.name);
    scenario.story = file.story;
    scenario.kubernetes = file.kubernetes.unwrap_or(scenario.kubernetes);
    scenario.services = file.services.unwrap_or(scenario.services);
    scenario.network = file.network.or(scenario.network);
    for (image, root) in file.images {
        let root = directory.join(root);
        ensure!(root.is_dir(), "{label}: image {image}: no directory {}", root.display());
        scenario.images.insert(image, root);
    }
    for piece in &file.include {
        scenario.add(&text(directory, piece)?, piece).with_context(|| piece.clone())?;
    }
    for wanted in &file.remove {
        let place = place(&scenario.objects, wanted).with_context(|| format!("{label}: remove"))?;
        scenario.objects.remove(place);
    }
    for change in &file.change {
        match change {
            Value::String(piece) => {
                let changes =
                    load::read(&text(directory, piece)?).with_context(|| piece.clone())?;
                apply(&mut scenario.objects, &changes).with_context(|| piece.clone())?;
            }
            change => {
                let change = slice::from_ref(change);
                apply(&mut scenario.objects, change).with_context(|| label.clone())?;
            }
        }
    }
    let mut words: Vec<(String, String)> = file.replace.into_iter().collect();
    words.sort_by_key(|(word, _)| Reverse(word.len()));
    for (word, other) in &words {
        let objects = scenario.objects.iter_mut();
        let count: usize = objects.map(|item| replace(&mut item.object, word, other)).sum();
        ensure!(count > 0, "{label}: replace: there is no {word}");
    }
    unambiguous(&scenario.objects)?;
    Ok(scenario)
}

/// Replaces a word in all texts of an object; says in how many.
fn replace(value: &mut Value, word: &str, other: &str) -> usize {
    match value {
        Value::String(text) if text.contains(word) => {
            *text = text.replace(word, other);
            1
        }
        Value::Array(items) => items.iter_mut().map(|item| replace(item, word, other)).sum(),
        Value::Object(map) => map.values_mut().map(|item| replace(item, word, other)).sum(),
        _ => 0,
    }
}

fn apply(objects: &mut [Item], changes: &[Value]) -> Result<()> {
    for change in changes {
        let place = place(objects, change).context("change")?;
        merge_patch(&mut objects[place].object, change);
    }
    Ok(())
}

fn text(directory: &Path, file: &str) -> Result<String> {
    fs::read_to_string(directory.join(file)).with_context(|| format!("read {file}"))
}

fn place(objects: &[Item], wanted: &Value) -> Result<usize> {
    let identity = Identity::of(wanted);
    objects
        .iter()
        .position(|item| Identity::of(&item.object) == identity)
        .with_context(|| format!("there is no {identity}"))
}

fn unambiguous(objects: &[Item]) -> Result<()> {
    let mut seen: BTreeMap<String, &Item> = BTreeMap::new();
    for item in objects {
        let identity = Identity::of(&item.object);
        if let Some(first) = seen.insert(format!("{identity:?}"), item) {
            bail!("{identity} is in {} and in {}", first.file, item.file);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIECE: &str = "
{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: x}, data: {k: '1', l: '2'}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: b, namespace: x}}
";

    fn composed(files: &[(&str, &str)]) -> Result<Scenario> {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files.iter().chain([&("piece", PIECE)]) {
            fs::write(directory.path().join(name), text).unwrap();
        }
        read(directory.path(), "s")
    }

    fn refused(file: &str) -> String {
        format!("{:#}", composed(&[("s.yaml", file)]).unwrap_err())
    }

    #[test]
    fn a_scenario_is_made_from_another() {
        let base = "{story: base, kubernetes: v1.2.3, include: [piece]}";
        let scenario = composed(&[
            ("base.yaml", base),
            (
                "s.yaml",
                "
story: changed
from: base
remove: [{apiVersion: v1, kind: ConfigMap, metadata: {name: b, namespace: x}}]
change: [{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: x}, data: {k: null, m: '3'}}]
",
            ),
        ])
        .unwrap();
        assert_eq!((&*scenario.story, &*scenario.kubernetes), ("changed", "v1.2.3"));
        let objects: Vec<_> = scenario.objects.iter().map(Item::describe).collect();
        assert_eq!(objects, ["piece: ConfigMap x/a"]);
        assert_eq!(scenario.objects[0].object["data"], serde_json::json!({"l": "2", "m": "3"}));
    }

    #[test]
    fn words_are_replaced_in_all_texts_the_longest_first() {
        let file = "{story: s, include: [piece], replace: {x: y, '2': '3', x1: z}, change: [{
            apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: x}, data: {m: x1 x2}}]}";
        let scenario = composed(&[("s.yaml", file)]).unwrap();
        let object = &scenario.objects[0].object;
        assert_eq!(object["data"], serde_json::json!({"k": "1", "l": "3", "m": "z y3"}));
        assert_eq!(object["metadata"]["namespace"], "y");
        assert_eq!(
            refused("{story: s, include: [piece], replace: {nowhere: y}}"),
            "s.yaml: replace: there is no nowhere"
        );
    }

    #[test]
    fn what_a_file_says_must_be_so() {
        let absent = "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: x}}";
        let file = format!("{{story: s, include: [piece], change: [{absent}]}}");
        assert_eq!(refused(&file), "s.yaml: change: there is no ConfigMap x/c");
        let file = format!("{{story: s, include: [piece], remove: [{absent}]}}");
        assert_eq!(refused(&file), "s.yaml: remove: there is no ConfigMap x/c");
        assert!(refused("{story: s, include: [none]}").starts_with("read none: "));
        assert_eq!(
            refused("{story: s, include: [piece, piece]}"),
            "ConfigMap x/a is in piece and in piece"
        );
        assert!(
            refused("{story: s, images: {a: none}}").starts_with("s.yaml: image a: no directory")
        );
        assert!(refused("{story: s, changed: []}").contains("unknown field `changed`"));
    }
}

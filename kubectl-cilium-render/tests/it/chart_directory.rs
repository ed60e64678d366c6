//! A chart on disk: its version, its defaults and its schema.

use std::{io::Write as _, path::Path};

use flate2::{Compression, write::GzEncoder};
use insta::assert_snapshot;
use kubectl_cilium_render::{layers::yaml, local_chart::coalesce};
use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};
use serde_json::Value as Json;
use tar::{Builder, EntryType, Header};

use crate::{
    helm::{self, VERSIONS},
    render::Folder,
};

pub(crate) const CHART: &str = "apiVersion: v2\nname: cilium\nversion: 1.16.2\n";

pub(crate) const DEFAULTS: &str = "\
debug:
  enabled: false
ipam:
  mode: cluster-pool
operator:
  replicas: 2
";

pub(crate) const SCHEMA: &str = r#"{
  "$schema": "http://json-schema.org/draft-07/schema#",
  "type": "object",
  "required": ["ipam"],
  "properties": {
    "debug": {
      "type": "object",
      "additionalProperties": false,
      "properties": {"enabled": {"type": "boolean"}}
    },
    "ipam": {
      "type": "object",
      "required": ["mode"],
      "properties": {"mode": {"enum": ["cluster-pool", "kubernetes"]}}
    },
    "operator": {"properties": {"replicas": {"type": "integer", "minimum": 1}}},
    "hosts": {"items": {"properties": {"ip": {"type": "string", "pattern": "^[0-9.]+$"}}}}
  }
}"#;

const TEMPLATE: &str = "\
{{- if eq (int .Values.operator.replicas) 7 }}
{{- fail (printf \"seven operators on %s\" .Capabilities.KubeVersion.Version) }}
{{- end }}
apiVersion: v1
kind: ConfigMap
metadata: {name: probe}
";

/// The files of a chart.
pub(crate) fn chart() -> Vec<(&'static str, Vec<u8>)> {
    [
        ("Chart.yaml", CHART),
        ("values.yaml", DEFAULTS),
        ("values.schema.json", SCHEMA),
        ("templates/probe.yaml", TEMPLATE),
    ]
    .map(|(name, text)| (name, text.as_bytes().to_vec()))
    .to_vec()
}

/// Writes a chart as a folder.
pub(crate) fn unpack(folder: &Path, files: &[(&str, Vec<u8>)]) {
    std::fs::create_dir_all(folder.join("templates")).unwrap();
    for (name, content) in files {
        std::fs::write(folder.join(name), content).unwrap();
    }
}

/// A chart as `helm package` writes it, in a folder of this name.
pub(crate) fn packed(files: &[(&str, Vec<u8>)], folder: &str) -> Vec<u8> {
    let mut tar = Builder::new(GzEncoder::new(Vec::new(), Compression::best()));
    for (name, content) in files {
        append(&mut tar, EntryType::Regular, &format!("{folder}/{name}"), content);
    }
    tar.into_inner().unwrap().finish().unwrap()
}

fn append(
    tar: &mut Builder<GzEncoder<Vec<u8>>>,
    entry_type: EntryType,
    name: &str,
    content: &[u8],
) {
    let mut header = Header::new_ustar();
    header.set_entry_type(entry_type);
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    tar.append_data(&mut header, name, content).unwrap();
}

/// A folder with the chart as `chart` and as `chart.tgz`, and values.
pub(crate) fn folder(files: &[(&str, Vec<u8>)], values: &str) -> Folder {
    let folder = Folder::with(&[("values.yaml", values.as_bytes())]);
    unpack(&folder.path().join("chart"), files);
    std::fs::write(folder.path().join("chart.tgz"), packed(files, "cilium")).unwrap();
    folder
}

/// The chart with another file in the place of one.
fn chart_with(name: &str, content: &str) -> Vec<(&'static str, Vec<u8>)> {
    let mut files = chart();
    let file = files.iter_mut().find(|(other, _)| *other == name).unwrap();
    file.1 = content.as_bytes().to_vec();
    files
}

/// Arguments that render the values against a chart.
const CHARTED: [&str; 4] = ["-f", "values.yaml", "--chart-directory", "chart"];

#[test]
fn its_version_is_taken() {
    let folder = folder(&chart(), "debug: {enabled: true}\n");
    for path in ["chart", "chart.tgz", "./chart"] {
        for version in [&[][..], &["--version", "v1.16.2"]] {
            let arguments = ["-f", "values.yaml", "--chart-directory", path];
            let run = folder.render(&[&arguments[..], version].concat());
            let next = run.next.clone().unwrap();
            assert_eq!(run.printed(), "debug:\n  enabled: true\n");
            let path = path.trim_start_matches("./");
            let wanted =
                format!("next: helm upgrade --install cilium ./{path} -n kube-system -f FILE\n");
            assert_eq!(next, wanted);
        }
    }
    let other = [&CHARTED[..], &["--version", "1.15.0"]].concat();
    let complaint = folder.render(&other).complaint(2);
    assert!(complaint.contains("--version is 1.15.0, but the chart in chart is 1.16.2"));
    folder.render(&[&CHARTED[..], &["--repository", "https://x.example"]].concat()).complaint(2);
}

#[test]
fn the_charts_of_distributions_say_it_as_appversion() {
    let text = "apiVersion: v2\nname: rke2-cilium\nversion: 1.16.201\nappVersion: 1.16.2\n";
    let folder = folder(&chart_with("Chart.yaml", text), "");
    folder.render(&[&CHARTED[..], &["--version", "1.16.2"]].concat()).printed();
}

#[test]
fn the_schema_can_be_ignored_like_a_rule() {
    let folder = folder(&chart(), "debug: {enabled: 'x'}\n");
    let judge = |more: &[&str]| folder.judge(&[&CHARTED[..], more].concat());
    let refused = judge(&[]);
    assert!(refused.stderr.contains("SCHEMA "), "{}", refused.stderr);
    assert_eq!(refused.code, Some(1));
    for more in [["--ignore", "SCHEMA,VAL-03"], ["--only", "CIDR-01"]] {
        let ignored = judge(&more);
        assert!(!ignored.stderr.contains("SCHEMA"), "{}", ignored.stderr);
        assert_eq!(ignored.code, Some(0), "{}", ignored.stderr);
    }
    let known = folder.path().join("known");
    std::fs::write(&known, "SCHEMA:debug.enabled\nVAL-03\nSCHEMA:other\n").unwrap();
    let run = judge(&["--ignore-file", known.to_str().unwrap()]);
    assert!(run.stderr.contains("left out by the ignore file: SCHEMA, VAL-03"), "{}", run.stderr);
    assert!(run.stderr.contains(":3: nothing was found for SCHEMA:other"), "{}", run.stderr);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
}

const WRONG: &str = "\
debug:
  enabled: 'hunter2'
  verbos: datapath
ipam:
  mode: kubernets
hosts:
- ip: 10.0.0.1
- ip: ten
";

#[test]
fn violations_are_errors_with_their_place() {
    let folder = folder(&chart(), WRONG);
    let mut said = Vec::new();
    for path in ["chart", "chart.tgz"] {
        let arguments = ["-f", "values.yaml", "--chart-directory", path];
        let flags = ["--set", "operator.replicas=0"];
        let run = folder.render(&[&arguments[..], &flags].concat());
        assert_eq!(run.code, Some(1), "{}", run.stderr);
        // Helm will say no; the values are there to be looked at.
        assert!(run.stdout.contains("kubernets"), "{}", run.stdout);
        assert!(!run.stderr.contains("hunter2"), "{}", run.stderr);
        said.push(run.stderr);
    }
    assert_eq!(said[0], said[1]);
    assert_snapshot!("violations", said[0]);
    let code = |level| folder.render(&[&CHARTED[..], &["--fail-on", level]].concat()).code;
    assert_eq!((code("warn"), code("block")), (Some(1), Some(0)));
}

#[test]
fn the_charts_own_values_are_below() {
    // What is missing in the file is there in the chart; and null takes it away.
    let right = folder(&chart(), "debug: {enabled: true}\n");
    right.render(&CHARTED).printed();
    let wrong = folder(&chart(), "ipam:\n  mode: null\n");
    let run = wrong.render(&CHARTED);
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("ipam: \"mode\" is a required property"), "{}", run.stderr);
    assert!(run.stderr.contains("values.yaml:2:3"), "{}", run.stderr);
    // The chart's own mistakes stand in the chart.
    let chart = folder(&chart_with("values.yaml", "ipam: {mode: x}\n"), "{}\n").render(&CHARTED);
    let words = chart.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("(chart/values.yaml:1:14)"), "{words}");
}

#[test]
fn a_chart_needs_no_schema_and_no_values() {
    let mut files = chart();
    files.retain(|(name, _)| *name == "Chart.yaml");
    folder(&files, WRONG).render(&CHARTED).printed();
}

#[test]
fn a_schema_that_cannot_be_used_is_not_taken_for_consent() {
    for schema in [
        r#"{"$ref": "https://schemas.example/cilium.json"}"#,
        r#"{"$ref": "file:///etc/hostname"}"#,
        r#"{"type": "nonsense"}"#,
        r#"{"properties": {"a": {"pattern": "(?=x)"}}}"#,
        r#"{"properties": {"a": {"pattern": "((a{1000}){1000}){1000}"}}}"#,
    ] {
        let folder = folder(&chart_with("values.schema.json", schema), "a: x\n");
        let run = folder.render(&CHARTED);
        assert_eq!(run.code, Some(0), "{schema}: {}", run.stderr);
        assert!(run.stderr.contains("not judged by the chart's schema"), "{}", run.stderr);
        let strict = folder.render(&[&CHARTED[..], &["--fail-on", "unknown"]].concat());
        assert_eq!(strict.code, Some(1));
    }
}

#[test]
fn schemas_that_go_in_circles_come_to_an_end() {
    for schema in [
        r##"{"$ref": "#"}"##,
        r##"{"allOf": [{"$ref": "#"}]}"##,
        r##"{"properties": {"a": {"$ref": "#"}}}"##,
        r##"{"definitions": {"x": {"$ref": "#/definitions/y"}, "y": {"$ref": "#/definitions/x"}},
            "$ref": "#/definitions/x"}"##,
    ] {
        let folder = folder(&chart_with("values.schema.json", schema), "a: {a: {a: 1}}\n");
        let run = folder.render(&CHARTED);
        assert_eq!(run.code, Some(0), "{schema}: {}", run.stderr);
    }
}

#[test]
fn schemas_that_double_the_work_at_each_step_are_left_behind() {
    let steps = (0..64).map(|step| {
        let next = format!("#/definitions/s{}", step + 1);
        (format!("s{step}"), serde_json::json!({"allOf": [{"$ref": next}, {"$ref": next}]}))
    });
    let mut definitions: serde_json::Map<_, _> = steps.collect();
    definitions.insert("s64".to_owned(), serde_json::json!({"type": "object"}));
    let schema = serde_json::json!({"definitions": definitions, "$ref": "#/definitions/s0"});
    let folder = folder(&chart_with("values.schema.json", &schema.to_string()), "debug: {}\n");
    let arguments = ["-f", "values.yaml", "--chart-directory", "chart", "--timeout", "2s"];
    let run = folder.render(&arguments);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stderr.contains("gives no answer within"), "{}", run.stderr);
}

#[test]
fn what_is_no_chart_is_refused() {
    let folder = folder(&[], "{}\n");
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    write("text.tgz", b"a: 1\n");
    let cut = packed(&chart(), "cilium");
    write("cut.tgz", &cut[..cut.len() / 2]);
    let mut two = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    append(&mut two, EntryType::Regular, "a/Chart.yaml", CHART.as_bytes());
    append(&mut two, EntryType::Regular, "b/Chart.yaml", CHART.as_bytes());
    write("two.tgz", &two.into_inner().unwrap().finish().unwrap());
    let mut link = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let mut header = Header::new_ustar();
    header.set_entry_type(EntryType::Symlink);
    header.set_size(0);
    link.append_link(&mut header, "cilium/Chart.yaml", "/etc/hostname").unwrap();
    write("link.tgz", &link.into_inner().unwrap().finish().unwrap());
    write("odd.tgz", &packed(&chart_with("Chart.yaml", "name: cilium\nversion: 1.16\n"), "x"));
    write("json.tgz", &packed(&chart_with("values.schema.json", "{"), "x"));
    write("list.tgz", &packed(&chart_with("values.yaml", "- a\n"), "x"));
    let names = ["missing", "chart", "text.tgz", "cut.tgz", "two.tgz", "link.tgz", "odd.tgz"];
    let complaints = names
        .iter()
        .chain(&["json.tgz", "list.tgz"])
        .map(|name| folder.render(&["--chart-directory", name]).complaint(3));
    assert_snapshot!("no_charts", complaints.collect::<Vec<_>>().join("\n"));
}

#[test]
fn any_one_folder_at_the_top_will_do() {
    let folder = Folder::new();
    std::fs::write(folder.path().join("a.tgz"), packed(&chart(), "cilium-fork")).unwrap();
    folder.render(&["--chart-directory", "a.tgz"]).printed();
}

#[test]
fn bombs_do_not_go_off() {
    let folder = Folder::new();
    let refused = |bytes: &[u8], said: &str| {
        std::fs::write(folder.path().join("bomb.tgz"), bytes).unwrap();
        let complaint = folder.render(&["--chart-directory", "bomb.tgz"]).complaint(3);
        assert!(complaint.contains(said), "{complaint}");
    };
    // One entry that is skipped, one that is read, very many, and no tar at all.
    let mut files = chart();
    files.push(("templates/big", vec![0; 40 << 20]));
    refused(&packed(&files, "cilium"), "more than 32 MiB");
    let large = "#".repeat(9 << 20);
    refused(&packed(&chart_with("values.yaml", &large), "cilium"), "larger than 8 MiB");
    let many: Vec<_> = (0..10_001).map(|_| ("templates/x", Vec::new())).collect();
    refused(&packed(&many, "cilium"), "more than 10000 entries");
    let mut zeros = GzEncoder::new(Vec::new(), Compression::best());
    zeros.write_all(&vec![0; 64 << 20]).unwrap();
    let zeros = zeros.finish().unwrap();
    std::fs::write(folder.path().join("zeros.tgz"), zeros).unwrap();
    folder.render(&["--chart-directory", "zeros.tgz"]).complaint(3);
    // A folder's files are bounded, too.
    unpack(&folder.path().join("large"), &chart_with("values.schema.json", &large));
    let complaint = folder.render(&["--chart-directory", "large"]).complaint(3);
    assert!(complaint.contains("values.schema.json"), "{complaint}");
}

fn json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![Just(Json::Null), (0..3).prop_map(Json::from), Just(Json::from("x"))];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            1 => prop::collection::vec(inner.clone(), 0..3).prop_map(Json::from),
            4 => map(inner),
        ]
    })
}

fn map(inner: impl Strategy<Value = Json>) -> impl Strategy<Value = Json> {
    prop::collection::btree_map("[a-d]", inner, 0..4)
        .prop_map(|map| Json::Object(map.into_iter().collect()))
}

#[test]
fn values_are_coalesced_as_helm_does() {
    let mut runner = TestRunner::deterministic();
    let chart = helm::Chart::of_values();
    for _ in 0..40 {
        let (given, defaults) = (map(json()), map(json())).new_tree(&mut runner).unwrap().current();
        let (given, defaults) = (given.to_string(), defaults.to_string());
        chart.file("values.yaml", defaults.as_bytes());
        chart.file("given.yaml", given.as_bytes());
        let read = |text: &str| yaml::read("x", text.as_bytes()).unwrap().values;
        let ours = serde_json::to_value(coalesce(&read(&given), &read(&defaults))).unwrap();
        for version in VERSIONS {
            let theirs = chart.render(version, &["-f", "given.yaml"]).unwrap();
            let theirs: Json = serde_json::from_str(&theirs[0]).unwrap();
            assert_eq!(ours, theirs, "Helm {version}: {given} over {defaults}");
        }
    }
}

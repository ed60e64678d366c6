//! What programs read: reports in JSON and YAML. Their form is frozen.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use crate::doctor::{CLASH, EXAMPLES, HEALTHY, NO_MASQUERADE, doctor, finish, run, workspace};

fn report(file: &str) -> Value {
    serde_json::from_str(&run(&["--from", file, "-o", "json"]).stdout).unwrap()
}

/// Every key of a document by its path: `nodes[].name`.
fn keys(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                keys(value, &path, found);
                found.insert(path);
            }
        }
        Value::Array(items) => {
            for item in items {
                keys(item, &format!("{path}[]"), found);
            }
        }
        _ => {}
    }
}

fn keys_of_all(documents: &[Value]) -> String {
    let mut found = BTreeSet::new();
    for document in documents {
        keys(document, "", &mut found);
    }
    found.into_iter().collect::<Vec<_>>().join("\n")
}

#[test]
fn the_clash_is_in_the_fields() {
    let report = report(CLASH);
    assert_eq!(report["schemaVersion"], "1.1");
    assert_eq!(report["kind"], "DoctorReport");
    assert_eq!(report["examined"]["nodes"], json!(["node1"]));
    assert_eq!(report["examined"]["cilium"], "seen");
    assert_eq!(report["examined"]["ciliumVersion"], "1.14.2");
    assert_eq!(report["summary"]["worst"], "block");
    assert_eq!(report["notTested"], json!(["pod egress"]));
    let [verdict] = &report["verdicts"].as_array().unwrap()[..] else {
        panic!("{:#}", report["verdicts"])
    };
    assert_eq!(verdict["cause"], "C-CLASH");
    assert_eq!(verdict["confidence"], "confirmed");
    assert_eq!(verdict["nodes"], json!(["node1"]));
    let findings = report["findings"].as_array().unwrap();
    let hijack = findings.iter().find(|finding| finding["code"] == "RT-01").unwrap();
    assert_eq!(hijack["subject"], "10.0.0.1");
    assert_eq!(hijack["severity"], "block");
    assert_eq!(hijack["basis"], "observed");
    assert_eq!(hijack["explainedBy"], "C-CLASH");
}

#[test]
fn the_summary_counts_the_findings() {
    for file in EXAMPLES {
        let report = report(file);
        let findings = report["findings"].as_array().unwrap();
        for severity in ["block", "error", "warn", "info"] {
            let count = findings
                .iter()
                .filter(|finding| finding["basis"] == "observed" && finding["severity"] == severity)
                .count();
            assert_eq!(report["summary"][severity], count, "{file} {severity}");
        }
    }
}

#[test]
fn every_rule_is_accounted_for() {
    let listed = run(&["rules", "-o", "short"]).printed(0);
    for file in EXAMPLES {
        let report = report(file);
        let codes: Vec<&str> = report["rules"]
            .as_array()
            .unwrap()
            .iter()
            .map(|rule| rule["code"].as_str().unwrap())
            .collect();
        assert_eq!(codes, listed.lines().collect::<Vec<_>>(), "{file}");
    }
}

#[test]
fn reports_without_a_cause_have_no_verdict() {
    for file in [HEALTHY, NO_MASQUERADE] {
        let report = report(file);
        assert_eq!(report["verdicts"], json!([]), "{file}");
    }
    let worst = |file| report(file)["summary"]["worst"].clone();
    assert!(matches!(worst(HEALTHY).as_str(), None | Some("info")));
    // What routers know was not probed: a question, not a verdict.
    assert_eq!(worst(NO_MASQUERADE), "warn");
}

#[test]
fn findings_say_which_of_them_are_one_problem() {
    let report = report(CLASH);
    let numbers = |code: &str| -> Vec<&Value> {
        let findings = report["findings"].as_array().unwrap();
        findings.iter().filter(|it| it["code"] == code).map(|it| &it["problem"]).collect()
    };
    let overlaps = numbers("CIDR-02");
    assert_eq!(overlaps.len(), 5);
    assert!(overlaps.iter().all(|number| *number == overlaps[0]), "{overlaps:?}");
    assert_ne!(numbers("CIDR-01"), [overlaps[0]]);
}

#[test]
fn yaml_says_what_json_says() {
    let commands: [&[&str]; 3] = [&["--from", CLASH], &["rules"], &["explain", "RT-01"]];
    let examples = EXAMPLES.map(|file| ["--from", file]);
    for command in commands.into_iter().chain(examples.iter().map(|words| &words[..])) {
        let output = |format| run(&[command, &["-o", format]].concat()).stdout;
        let from_json: Value = serde_json::from_str(&output("json")).unwrap();
        let from_yaml: Value = serde_saphyr::from_str(&output("yaml")).unwrap();
        assert_eq!(from_yaml, from_json, "{command:?}");
    }
}

#[test]
fn the_form_of_reports_is_frozen() {
    let mut documents = EXAMPLES.map(report).to_vec();
    // As `snapshot --local` writes it.
    let example = fs::read_to_string(workspace().join(CLASH)).unwrap();
    let collected = example.replacen("\"origin\": {", "\"origin\": {\"collector\": \"x 1.0\",", 1);
    let run = finish(doctor(&["--from", "-", "-o", "json"]).write_stdin(collected));
    documents.push(serde_json::from_str(&run.stdout).unwrap());
    for recording in ["clash", "leftovers"] {
        documents.push(report(&format!("shared/core/tests/fixtures/dumps/{recording}")));
    }
    // A key that is new here is a new minor version; one that is gone, a new major version.
    assert!(documents.iter().all(|document| document["schemaVersion"] == "1.1"));
    insta::assert_snapshot!("keys_of_reports", keys_of_all(&documents));
}

#[test]
fn the_form_of_snapshots_is_frozen() {
    let sources = [
        CLASH,
        HEALTHY,
        NO_MASQUERADE,
        "shared/core/tests/fixtures/dumps/clash",
        "shared/core/tests/fixtures/dumps/leftovers",
    ];
    let documents = sources.map(|source| {
        let text = run(&["snapshot", "-", "--from", source]).printed(0);
        serde_json::from_str::<Value>(&text).unwrap()
    });
    // As above. A snapshot that was read keeps its version.
    let versions: Vec<&Value> = documents.iter().map(|it| &it["schemaVersion"]).collect();
    assert_eq!(versions, ["1.0", "1.0", "1.0", "1.1", "1.1"]);
    let keys = keys_of_all(&documents);
    // The names of sysctls, labels, annotations, volumes and of keys of ConfigMaps are data.
    let data = [
        "sysctls.known.",
        "configData.known.data.",
        ".labels.",
        ".annotations.",
        ".selector.",
        ".nodeSelector.",
        ".hostPaths.",
    ];
    let is_data = |key: &str| data.iter().any(|map| key.contains(map));
    let keys: Vec<&str> = keys.lines().filter(|key| !is_data(key)).collect();
    insta::assert_snapshot!("keys_of_snapshots", keys.join("\n"));
}

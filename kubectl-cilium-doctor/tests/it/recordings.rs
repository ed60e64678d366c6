//! Folders of what commands printed on real nodes.

use serde_json::Value;

use crate::doctor::run;

fn examine(recording: &str) -> (Option<i32>, Value) {
    let folder = format!("shared/core/tests/fixtures/dumps/{recording}");
    let run = run(&["--from", &folder, "-o", "json"]);
    assert_eq!(run.stderr, "");
    (run.code, serde_json::from_str(&run.stdout).unwrap())
}

fn verdicts(report: &Value) -> Vec<&str> {
    let verdicts = report["verdicts"].as_array().unwrap();
    verdicts.iter().map(|verdict| verdict["cause"].as_str().unwrap()).collect()
}

#[test]
fn a_recorded_clash_is_found() {
    let (code, report) = examine("clash");
    assert_eq!((code, verdicts(&report)), (Some(1), vec!["C-CLASH"]));
    assert_eq!(report["verdicts"][0]["confidence"], "confirmed");
    assert_eq!(report["examined"]["nodes"].as_array().unwrap().len(), 3);
    assert_eq!(report["examined"]["source"], "recorded");
}

#[test]
fn recorded_health_is_left_in_peace() {
    let (code, report) = examine("good");
    assert_eq!((code, verdicts(&report)), (Some(0), vec![]));
    assert!(matches!(report["summary"]["worst"].as_str(), None | Some("info")), "{report:#}");
}

#[test]
fn recorded_leftovers_are_found() {
    let (code, report) = examine("leftovers");
    assert_eq!((code, verdicts(&report)), (Some(1), vec!["C-LEFT"]));
}

//! Every rule on recordings of sick and of healthy clusters, through the decoders.

use kcilium_core::{
    diagnosis::{Diagnosis, Selection, diagnose, lint},
    facts::Facts,
    rules::{Basis, Finding, Outcome, Rule, Severity, registry, registry::RULES},
};

use crate::fixture::{self, Fixture};

/// `CODE.sick.txt`, `CODE.sick-WHY.txt`, `CODE.healthy.txt`, `CODE.healthy-WHY.txt`.
struct Case {
    file: String,
    rule: &'static Rule,
    is_sick: bool,
}

impl Case {
    /// None for recordings that other fixtures stand on.
    fn of(file: &str) -> Result<Option<Self>, String> {
        if file.starts_with("base") {
            return Ok(None);
        }
        let mut parts = file.split('.');
        let (Some(code), Some(state), Some("txt"), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(format!("{file}: not called CODE.STATE.txt"));
        };
        let rule = registry::find(code)
            .filter(|rule| rule.code.0 == code)
            .ok_or_else(|| format!("{file}: no rule is called {code}"))?;
        let is_sick = match state.split('-').next() {
            Some("sick") => true,
            Some("healthy") => false,
            _ => return Err(format!("{file}: neither sick nor healthy")),
        };
        Ok(Some(Self { file: file.into(), rule, is_sick }))
    }

    fn all() -> Vec<Self> {
        let cases = fixture::names("rules").into_iter().filter_map(|file| Self::of(&file).ok()?);
        cases.collect()
    }
}

fn outcome(text: &str) -> Result<Outcome, String> {
    Ok(match text {
        "ok" => Outcome::Ok,
        "unknown" => Outcome::Unknown,
        "not-applicable" => Outcome::NotApplicable,
        "info" => Outcome::Found(Severity::Info),
        "warn" => Outcome::Found(Severity::Warn),
        "error" => Outcome::Found(Severity::Error),
        "block" => Outcome::Found(Severity::Block),
        _ => return Err(format!("`expect: {text}` is no outcome")),
    })
}

/// Runs one case; all that is wrong with it.
fn complaints(case: &Case) -> Result<(), String> {
    let fixture = Fixture::of_rules(&case.file);
    let facts = fixture.facts();
    if let Some(broken) = undecoded(&facts) {
        return Err(format!("not decoded: {broken}"));
    }
    let diagnosis = judged(&fixture, &facts, &Selection::default());
    let result = diagnosis
        .results
        .iter()
        .find(|result| result.rule.code == case.rule.code)
        .ok_or("the rule was not asked")?;
    let expected = outcome(fixture.head("expect").ok_or("the line `expect:` is missing")?)?;
    let found = result.judgement.outcome();
    if found != expected {
        return Err(format!("expected {expected:?}, got {found:?}: {:#?}", result.judgement));
    }
    if case.is_sick {
        is_named(&fixture, result.judgement.findings())?;
        has_verdict(&fixture, &diagnosis)
    } else {
        is_fine(&diagnosis)
    }
}

/// What is said about a fixture; about Helm values where it has some, which have no verdicts.
fn judged(fixture: &Fixture, facts: &Facts, selection: &Selection) -> Diagnosis {
    let diagnosis = diagnose(facts, selection);
    match fixture.proposal() {
        Some(proposal) => Diagnosis {
            results: lint(facts, proposal, selection),
            verdicts: Vec::new(),
            ..diagnosis
        },
        None => diagnosis,
    }
}

/// A fixture whose text no decoder understands would make every rule silent.
fn undecoded(facts: &Facts) -> Option<String> {
    fn search(value: &serde_json::Value) -> Option<String> {
        match value {
            serde_json::Value::Object(map) => {
                if map.get("kind").and_then(|kind| kind.as_str()) == Some("failed") {
                    return Some(value.to_string());
                }
                map.values().find_map(search)
            }
            serde_json::Value::Array(items) => items.iter().find_map(search),
            _ => None,
        }
    }
    search(&serde_json::to_value(facts).unwrap())
}

/// What `mentions:` lists stands in the findings' own words or in their evidence.
fn is_named(fixture: &Fixture, findings: &[Finding]) -> Result<(), String> {
    let said = serde_json::to_string(findings).unwrap();
    let wanted = fixture.head("mentions").into_iter().flat_map(|list| list.split(", "));
    for word in wanted {
        if !said.contains(word) {
            return Err(format!("`{word}` is not mentioned: {findings:#?}"));
        }
    }
    Ok(())
}

fn has_verdict(fixture: &Fixture, diagnosis: &Diagnosis) -> Result<(), String> {
    let Some(wanted) = fixture.head("verdict") else { return Ok(()) };
    let verdicts: Vec<String> = diagnosis
        .verdicts
        .iter()
        .map(|verdict| format!("{} {}", verdict.cause, verdict.confidence))
        .collect();
    let matches = match wanted {
        "none" => verdicts.is_empty(),
        wanted => verdicts == [wanted],
    };
    if matches { Ok(()) } else { Err(format!("expected verdict {wanted}, got {verdicts:?}")) }
}

fn is_fine(diagnosis: &Diagnosis) -> Result<(), String> {
    let mut bad: Vec<&Finding> = diagnosis.findings();
    // What would be wrong with an installation that is not there is no illness.
    bad.retain(|finding| finding.severity > Severity::Info && finding.basis != Basis::Predicted);
    // Values of a fixture are no upgrade of the cluster that it stands on; what such an upgrade
    // would break, VAL-08's own fixtures say by their `expect`.
    bad.retain(|finding| finding.code.0 != "VAL-08");
    if !bad.is_empty() {
        return Err(format!("a healthy cluster has findings: {bad:#?}"));
    }
    match diagnosis.verdicts.first() {
        Some(verdict) => Err(format!("a healthy cluster has a verdict: {verdict:#?}")),
        None => Ok(()),
    }
}

fn check(is_sick: bool) {
    let mut failed = Vec::new();
    for case in Case::all().iter().filter(|case| case.is_sick == is_sick) {
        if let Err(why) = complaints(case) {
            failed.push(format!("{}: {why}", case.file));
        }
    }
    assert!(failed.is_empty(), "{} fixtures failed:\n{}", failed.len(), failed.join("\n\n"));
}

#[test]
fn every_sick_cluster_is_found_sick() {
    check(true);
}

#[test]
fn every_healthy_cluster_is_found_healthy() {
    check(false);
}

#[test]
fn every_rule_has_a_sick_and_a_healthy_fixture() {
    let files = fixture::names("rules");
    let missing: Vec<String> = RULES
        .iter()
        .flat_map(|rule| ["sick", "healthy"].map(|state| format!("{}.{state}.txt", rule.code)))
        .filter(|file| !files.contains(file))
        .collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn every_fixture_belongs_to_a_rule() {
    let stray: Vec<String> =
        fixture::names("rules").iter().filter_map(|file| Case::of(file).err()).collect();
    assert_eq!(stray, [""; 0]);
}

/// Sick and healthy differ in what the rule looks at: the same rule, alone, gives the same answer.
#[test]
fn a_rule_says_the_same_alone_as_among_others() {
    for case in Case::all() {
        let fixture = Fixture::of_rules(&case.file);
        let facts = fixture.facts();
        let all = judged(&fixture, &facts, &Selection::default());
        let only = [case.rule.code].into_iter().collect();
        let alone = judged(&fixture, &facts, &Selection { only, ..Selection::default() });
        let [alone] = &alone.results[..] else { panic!("{}: not one result", case.file) };
        let among = all.results.iter().find(|result| result.rule.code == case.rule.code).unwrap();
        assert_eq!(alone.judgement, among.judgement, "{}", case.file);
    }
}

/// Recordings lose nothing when they are written as a snapshot and read again.
#[test]
fn a_snapshot_of_every_fixture_gives_the_same_diagnosis() {
    use kcilium_core::facts::snapshot;
    for case in Case::all() {
        let facts = Fixture::of_rules(&case.file).facts();
        let read = snapshot::decode(&snapshot::encode(&facts).unwrap()).unwrap();
        assert_eq!(read, facts, "{}", case.file);
        let (before, after) =
            (diagnose(&facts, &Selection::default()), diagnose(&read, &Selection::default()));
        assert_eq!(before.verdicts, after.verdicts, "{}", case.file);
    }
}

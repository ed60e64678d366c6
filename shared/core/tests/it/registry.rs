//! What every registered rule owes its users.

use std::{collections::BTreeSet, fs, path::Path};

use kcilium_core::rules::registry::{self, RULES};

const SECTIONS: [&str; 4] = ["## What it checks", "## Why it hurts", "## Fix", "## References"];

#[test]
fn codes_are_unique_and_sorted() {
    let codes: Vec<&str> = RULES.iter().map(|rule| rule.code.0).collect();
    let sorted: BTreeSet<&str> = codes.iter().copied().collect();
    assert_eq!(codes, sorted.into_iter().collect::<Vec<_>>());
}

#[test]
fn every_rule_has_a_title_that_fits_a_line() {
    for rule in RULES {
        assert!(!rule.title.trim().is_empty(), "{} has no title", rule.code);
        assert!(rule.title.len() <= 60, "{}: {} bytes", rule.code, rule.title.len());
        assert!(!rule.title.ends_with('.'), "{}: a title is no sentence", rule.code);
    }
}

#[test]
fn every_rule_documents_check_reason_fix_and_references() {
    for rule in RULES {
        let headings: Vec<&str> = rule
            .documentation
            .lines()
            .map(str::trim)
            .filter(|line| line.starts_with('#'))
            .collect();
        assert_eq!(headings, SECTIONS, "{}", rule.code);
        for section in rule.documentation.split("## ").skip(1) {
            let (heading, body) = section.split_once('\n').unwrap_or((section, ""));
            assert!(!body.trim().is_empty(), "{}: `{heading}` is empty", rule.code);
        }
    }
}

#[test]
fn a_rule_is_found_by_its_code_in_any_case() {
    for rule in RULES {
        let found = registry::find(&rule.code.0.to_lowercase()).map(|found| found.code);
        assert_eq!(found, Some(rule.code));
    }
    assert!(registry::find("CIDR-99").is_none());
    assert!(registry::find("").is_none());
}

/// `cidr_01_pod_cidr_contains_protected_address.rs` holds `CIDR-01`, and nothing else does.
#[test]
fn every_rule_lives_in_a_file_that_carries_its_code() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rules");
    let mut in_files = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let mut words = name.splitn(3, '_');
        let (Some(group), Some(number), Some(_)) = (words.next(), words.next(), words.next())
        else {
            continue;
        };
        if number.parse::<u32>().is_err() {
            continue;
        }
        let code = format!("{}-{number}", group.to_uppercase());
        let declared = fs::read_to_string(&path).unwrap().contains(&format!("    \"{code}\", "));
        assert!(declared, "{name}.rs does not declare {code}");
        in_files.insert(code);
    }
    let registered: BTreeSet<String> = RULES.iter().map(|rule| rule.code.0.to_owned()).collect();
    assert_eq!(in_files, registered);
}

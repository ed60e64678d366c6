//! `docs/rules.md` is made from the rules themselves; this test keeps it so.

use std::{fmt::Write as _, fs, path::PathBuf};

use kcilium_core::rules::registry;

const HEAD: &str = "# Rules

Made from the rules' own documentation: `UPDATE_DOCS=1 cargo test -p kubectl-cilium-doctor --test
rules_document` writes this file. `kubectl cilium-doctor explain CODE` prints the same.

";

const NOT_YET: &str = "# Not yet

These are planned; nothing stands in for them.

";

#[test]
fn the_rule_reference_says_what_the_rules_say() {
    let mut expected = HEAD.to_owned();
    for rule in registry::RULES.iter().chain([&registry::SCHEMA]) {
        let _ = writeln!(expected, "# {}: {}\n", rule.code, rule.title);
        let _ = writeln!(expected, "Worst severity: {}\n", rule.severity);
        for line in rule.documentation.lines() {
            let _ = writeln!(expected, "{}", line.trim());
        }
        expected.push('\n');
    }
    expected.push_str(NOT_YET);
    for missing in registry::NOT_YET {
        let _ = writeln!(expected, "- {}: {}.", missing.what, missing.why);
    }
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/rules.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &expected).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == expected, "docs/rules.md is out of date; run this test with UPDATE_DOCS=1");
}

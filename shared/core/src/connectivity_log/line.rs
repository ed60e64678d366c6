//! The grammar: what a line is.

use super::{
    action::Action,
    failure::{ExitCode, Failure, is_of_command},
};

/// A line, without what stands round it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line<'l> {
    /// `⌛ [cluster] Waiting for …`, before the tests.
    Waiting(&'l str),
    /// The version of Cilium.
    Version(&'l str),
    /// `🏃 Running tests...`: a run begins.
    Run,
    /// A test begins.
    Test(&'l str),
    /// A test was skipped.
    SkippedTest(&'l str),
    /// A scenario begins.
    Scenario,
    /// An action begins.
    Action(Action<'l>),
    /// Something failed.
    Failure(Failure<'l>),
    /// What `curl` said of itself.
    Curl(ExitCode, &'l str),
    /// `📜 Deleting …`: a policy goes, after the last action of its scenarios.
    PolicyGoes,
    /// `📋 Test Report`: what follows was told before.
    Report,
    /// A failed action in the report; newer versions add why.
    Reported(Action<'l>, Option<Failure<'l>>),
    /// `4/30 tests failed (12/200 actions), …`.
    SomeFailed(Totals),
    /// `All 30 tests (200 actions) successful, …`.
    AllPassed(Totals),
    /// Why the program ended.
    Ended(&'l str),
    /// Anything else that the program writes.
    Known,
    /// Not a line of this program, or one that nobody needs.
    Other,
}

/// What the report counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// Tests.
    pub tests: u64,
    /// Tests that failed.
    pub tests_failed: u64,
    /// Actions.
    pub actions: u64,
    /// Actions that failed.
    pub actions_failed: u64,
}

/// Reads a line that was [stripped](super::decoration::strip).
pub(super) fn parse(line: &str) -> Line<'_> {
    // Progress dots may stand before what ends them.
    let dotless = line.trim_start_matches(['.', ' ']);
    let line = if dotless.starts_with('[') { dotless } else { line };
    if let Some(rest) = line.strip_prefix("[=] ") {
        return test(rest);
    }
    if let Some(rest) = line.strip_prefix("[-] ") {
        let known = ["Scenario [", "Skipping Scenario ["].iter().any(|word| rest.starts_with(word));
        return if known { Line::Scenario } else { Line::Other };
    }
    if let Some(rest) = line.strip_prefix("[.] Action [") {
        let action = Action::parse(rest.strip_suffix(']').unwrap_or(rest));
        return action.map_or(Line::Other, Line::Action);
    }
    marked(line)
}

fn test(rest: &str) -> Line<'_> {
    // Since 0.16.8 the namespace stands first.
    let rest = without_tag(rest);
    let name = |rest: &'_ str| rest.split_once(']').map(|(name, _)| name.len());
    if let Some(rest) = rest.strip_prefix("Test [") {
        return name(rest).map_or(Line::Other, |end| Line::Test(&rest[..end]));
    }
    let skipped =
        rest.strip_prefix("Skipping Test [").or_else(|| rest.strip_prefix("Skipping test ["));
    match skipped.and_then(|rest| Some(&rest[..name(rest)?])) {
        Some(name) => Line::SkippedTest(name),
        None => Line::Other,
    }
}

/// Without `[cluster] ` or `[namespace] `.
fn without_tag(text: &str) -> &str {
    let tag = text.strip_prefix('[').and_then(|rest| rest.split_once("] "));
    tag.map_or(text, |(_, rest)| rest)
}

/// Lines that begin with a pictograph. Consoles that cannot show it may have put something else in
/// its place, so the words decide wherever they suffice.
fn marked(line: &str) -> Line<'_> {
    let text = line.trim_start_matches(|character: char| {
        !character.is_ascii() || character.is_ascii_whitespace() || character == '?'
    });
    let mark = &line[..line.len() - text.len()];
    let is_failure = ['❌', '🟥', '🔥'].iter().any(|sign| mark.contains(*sign));
    if is_of_command(text) {
        return Line::Failure(Failure::of(text));
    }
    if let Some(line) = by_words(text) {
        return line;
    }
    if !is_failure {
        let is_known = ['ℹ', '⚠', '✨', '🔭', '📄', '✅', '❓', '🐛'];
        let known = is_known.iter().any(|sign| mark.contains(*sign));
        return if known { Line::Known } else { Line::Other };
    }
    if is_flow(text) {
        return Line::Known;
    }
    match Action::parse(text) {
        Some(action) => {
            let why = text.find("command \"").map(|position| Failure::of(&text[position..]));
            Line::Reported(action, why)
        }
        // A sign alone on its line, or the heading of flows, fails nothing.
        None if text.is_empty() => Line::Known,
        None => Line::Failure(Failure::of(text)),
    }
}

fn by_words(text: &str) -> Option<Line<'_>> {
    let untagged = without_tag(text);
    if untagged.len() < text.len() {
        if let Some(what) = untagged.strip_prefix("Waiting for ") {
            return Some(Line::Waiting(what));
        }
        // `🔥 [cluster] Deleting connectivity check deployments...`, with the sign of a failure.
        if untagged.starts_with("Deleting ") {
            return Some(Line::Known);
        }
    }
    if let Some(version) = text.strip_prefix("Cilium version: ") {
        return Some(Line::Version(version));
    }
    if untagged.starts_with("Running ") && untagged.contains("test") {
        return Some(Line::Run);
    }
    if text.starts_with("Test Report") {
        return Some(Line::Report);
    }
    if text.starts_with("Deleting ") && text.contains("NetworkPolicy '") {
        return Some(Line::PolicyGoes);
    }
    if let Some(rest) = text.strip_prefix("curl: (") {
        let (code, said) = rest.split_once(')')?;
        return Some(Line::Curl(ExitCode(code.parse().ok()?), said));
    }
    totals(untagged).or_else(|| ended(text))
}

/// Why the program ended: its last words, on standard error.
fn ended(text: &str) -> Option<Line<'_>> {
    let text = text.strip_prefix("Error: ").unwrap_or(text);
    let why = text
        .strip_prefix("connectivity test failed: ")
        .or_else(|| text.strip_prefix("Connectivity test failed: "))
        .or_else(|| text.strip_prefix("encountered internal error"))?;
    Some(Line::Ended(why.trim()))
}

fn totals(text: &str) -> Option<Line<'_>> {
    let mut numbers = text
        .split(|character: char| !character.is_ascii_digit())
        .filter(|number| !number.is_empty())
        .map(str::parse::<u64>);
    let mut number = || numbers.next()?.ok();
    if text.starts_with("All ") && text.contains(" successful, ") {
        let (tests, actions) = (number()?, number()?);
        return Some(Line::AllPassed(Totals { tests, actions, ..Totals::default() }));
    }
    if text.starts_with(|character: char| character.is_ascii_digit())
        && text.contains(" tests failed (")
    {
        let (tests_failed, tests) = (number()?, number()?);
        let (actions_failed, actions) = (number()?, number()?);
        return Some(Line::SomeFailed(Totals { tests, tests_failed, actions, actions_failed }));
    }
    None
}

/// `[3] Nov  8 10:00:00.000: a -> b …` below `Flow logs for peer`: the mark is about the flow.
fn is_flow(text: &str) -> bool {
    let number = text.strip_prefix('[').and_then(|rest| rest.split_once("] "));
    number.is_some_and(|(number, _)| number.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_all_versions_are_read() {
        for line in [
            "[=] Test [no-policies]",
            "[=] Test [no-policies] [1/69]",
            "[=] [cilium-test-1] Test [no-policies] [1/107]",
            "....[=] Test [no-policies]",
        ] {
            assert_eq!(parse(line), Line::Test("no-policies"), "{line}");
        }
        for line in [
            "[=] Skipping Test [health]",
            "[=] Skipping Test [health] [1/69] (skipped by user)",
            "[=] [cilium-test-1] Skipping test [health] [1/107] (reason)",
        ] {
            assert_eq!(parse(line), Line::SkippedTest("health"), "{line}");
        }
    }

    #[test]
    fn reports_are_read() {
        let some = Totals { tests: 45, tests_failed: 1, actions: 300, actions_failed: 2 };
        for line in [
            "❌ 1/45 tests failed (2/300 actions), 3 tests skipped, 0 scenarios skipped:",
            "❌ [cilium-test-1] 1/45 tests failed (2/300 actions), 3 tests skipped, 0 scenarios skipped:",
            "? 1/45 tests failed (2/300 actions), 3 tests skipped, 0 scenarios skipped:",
        ] {
            assert_eq!(parse(line), Line::SomeFailed(some), "{line}");
        }
        let all = Totals { tests: 45, actions: 300, ..Totals::default() };
        for line in [
            "✅ All 45 tests (300 actions) successful, 3 tests skipped, 0 scenarios skipped.",
            "✅ [cilium-test-1] All 45 tests (300 actions) successful, 3 tests skipped, 0 scenarios skipped.",
        ] {
            assert_eq!(parse(line), Line::AllPassed(all), "{line}");
        }
        for line in ["📋 Test Report", "📋 Test Report [cilium-test-1]", "Test Report"] {
            assert_eq!(parse(line), Line::Report, "{line}");
        }
        assert!(matches!(
            parse("❌ no-policies/pod-to-world/http-0: t/c (1) -> one (one:80)"),
            Line::Reported(_, None)
        ));
    }

    #[test]
    fn signs_of_flows_are_no_failures() {
        for line in [
            "❌ [3] Nov  8 10:00:00.000: a:1 -> b:80 to-endpoint FORWARDED (TCP Flags: SYN)",
            "✅ Drop not found",
            "📄 No flows recorded for peer a during action b",
            "📄 Flow logs for peer a:",
            "❌",
        ] {
            assert_eq!(parse(line), Line::Known, "{line}");
        }
    }

    #[test]
    fn failures_are_known_without_their_sign() {
        let text = r#"command "curl" failed: command terminated with exit code 28"#;
        for mark in ["❌ ", "? ", "âŒ ", "", "🔥 "] {
            let line = format!("{mark}{text}");
            assert_eq!(parse(&line), Line::Failure(Failure::Ended(ExitCode::TIMEOUT)), "{line}");
        }
    }

    #[test]
    fn what_comes_before_the_tests_is_read() {
        assert_eq!(
            parse("⌛ [kind-kind] Waiting for deployment cilium-test/client to become ready..."),
            Line::Waiting("deployment cilium-test/client to become ready...")
        );
        assert_eq!(parse("ℹ️  Cilium version: 1.14.2"), Line::Version("1.14.2"));
        for line in [
            "🏃 Running tests...",
            "🏃 Running 69 tests ...",
            "🏃[cilium-test-1] Running 107 tests ...",
        ] {
            assert_eq!(parse(line), Line::Run, "{line}");
        }
        for line in [
            "Error: connectivity test failed: 4 tests failed",
            "connectivity test failed: 4 tests failed",
            "Connectivity test failed:  4 tests failed",
        ] {
            assert_eq!(parse(line), Line::Ended("4 tests failed"), "{line}");
        }
    }

    #[test]
    fn any_text_is_a_line() {
        for line in
            ["", "[=] ", "[=] Test [", "[.] Action [", "[-]", "❌ ", "[] ", "curl: (", "⌛ [", "1/"]
        {
            let _ = parse(line);
        }
        assert_eq!(parse("hello"), Line::Other);
    }
}

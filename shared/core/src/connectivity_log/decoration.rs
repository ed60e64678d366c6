//! What terminals and CI systems put round a line.

use std::borrow::Cow;

/// The line as `cilium` wrote it, or nearly: without colours, timestamps, the columns of
/// `gh run view --log`, and blanks round it.
pub(super) fn strip(line: &str) -> Cow<'_, str> {
    if line.contains('\u{1b}') {
        let plain = without_escapes(line);
        return Cow::Owned(without_prefixes(&plain).to_owned());
    }
    Cow::Borrowed(without_prefixes(line))
}

fn without_prefixes(line: &str) -> &str {
    let mut line = after_columns(trim(line));
    // `cilium connectivity test -t` in GitHub Actions: two timestamps.
    while let Some(rest) = after_timestamp(line) {
        line = trim(rest);
    }
    for mark in ["##[error]", "##[warning]"] {
        line = line.strip_prefix(mark).unwrap_or(line);
    }
    line
}

fn trim(text: &str) -> &str {
    text.trim_matches(|character: char| character.is_whitespace() || character == '\u{feff}')
}

/// `gh run view --log` writes job, step and line, with tabs between.
fn after_columns(line: &str) -> &str {
    let mut columns = line.splitn(3, '\t');
    match (columns.next(), columns.next(), columns.next()) {
        (Some(_), Some(_), Some(rest)) if after_timestamp(trim(rest)).is_some() => trim(rest),
        _ => line,
    }
}

/// What follows `2024-08-13T15:57:49.83Z ` or `[2024-08-13T15:57:49+08:00] `.
fn after_timestamp(line: &str) -> Option<&str> {
    let (stamp, rest) = match line.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => line.split_once(' ').unwrap_or((line, "")),
    };
    is_timestamp(stamp).then_some(rest)
}

fn is_timestamp(text: &str) -> bool {
    let mut bytes = text.bytes();
    let begins = b"dddd-dd-ddTdd:dd:dd".iter().all(|expected| match (expected, bytes.next()) {
        (b'd', Some(byte)) => byte.is_ascii_digit(),
        (expected, byte) => byte == Some(*expected),
    });
    begins && bytes.all(|byte| byte.is_ascii_digit() || b".:+-Z".contains(&byte))
}

/// Without escape sequences: `ESC [ … letter`, `ESC ] … BEL` and `ESC` with one character.
fn without_escapes(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        if character != '\u{1b}' {
            plain.push(character);
            continue;
        }
        match characters.next() {
            Some('[') => {
                let _ = characters.find(|character| matches!(character, '@'..='~'));
            }
            Some(']') => {
                let _ = characters.find(|character| matches!(character, '\u{7}' | '\u{9c}'));
            }
            _ => {}
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::strip;

    #[test]
    fn what_others_put_round_a_line_goes() {
        for line in [
            "[=] Test [no-policies]",
            "[=] Test [no-policies]\r",
            "\u{feff}[=] Test [no-policies]",
            "\u{1b}[32m[=] Test\u{1b}[0m [no-policies]\u{1b}[K",
            "\u{1b}]0;title\u{7}[=] Test [no-policies]",
            "[2024-08-13T15:57:49+08:00] [=] Test [no-policies]",
            "2024-08-13T15:57:43.8304442Z [=] Test [no-policies]",
            "2024-08-13T15:57:43.8304442Z [2024-08-13T15:57:49Z]   [=] Test [no-policies]",
            "kind\tRun the test\t2024-08-13T15:57:43.8304442Z [=] Test [no-policies]",
        ] {
            assert_eq!(strip(line), "[=] Test [no-policies]", "{line:?}");
        }
    }

    #[test]
    fn what_is_no_timestamp_stays() {
        for line in ["[cilium-test-1] 4 tests failed", "2024 tests", "[", "2024-08-13Tx y"] {
            assert_eq!(strip(line), line);
        }
    }
}

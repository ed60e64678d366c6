//! Logs: any program's, in any form.

use super::{REDACTED, Suspicion, is_switch, prose, suspicion};

/// A text of lines that programs wrote, fit to be shown. Beside what gives a secret away in prose,
/// these forms of a name and its value do: `name=value`, `name="a value"`, `name: value`,
/// `"name":"value"`, and the same within a quoted text, with `\"` for the quotes.
pub fn log(text: &str) -> String {
    prose(text).split_inclusive('\n').map(line).collect()
}

fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_of_name) {
        let (before, from_name) = rest.split_at(start);
        let end = from_name.find(|c| !is_of_name(c)).unwrap_or(from_name.len());
        let (name, after) = from_name.split_at(end);
        out.push_str(before);
        out.push_str(name);
        rest = after;
        if suspicion(name) < Suspicion::Any {
            continue;
        }
        let Some((between, value)) = value(after) else { continue };
        let is_redacted = after[between.len()..].starts_with(REDACTED);
        if is_switch(value) || value.starts_with("//") || is_redacted {
            continue;
        }
        out.push_str(between);
        out.push_str(REDACTED);
        rest = &after[between.len() + value.len()..];
    }
    out.push_str(rest);
    out
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_-.".contains(c)
}

/// What stands between a name and its value, and the value.
fn value(after: &str) -> Option<(&str, &str)> {
    let rest = after.trim_start_matches(['\\', '"', '\'', ' ']).strip_prefix([':', '='])?;
    let rest = rest.trim_start_matches([' ', '\t', '>']);
    let bare = rest.trim_start_matches('\\');
    let (rest, end) = match bare.chars().next() {
        Some(quote @ ('"' | '\'' | '`')) => {
            let is_escaped = bare.len() < rest.len();
            let rest = &bare[1..];
            (rest, end_of_quoted(rest, quote, is_escaped))
        }
        _ => (rest, end_of_bare(rest)),
    };
    let value = &rest[..end.unwrap_or(rest.trim_end().len())];
    Some((&after[..after.len() - rest.len()], value))
}

/// A quote that is itself within quotes has a backslash before it, and ends at the next such one.
fn end_of_quoted(text: &str, quote: char, is_escaped: bool) -> Option<usize> {
    if is_escaped {
        return text.find(quote).map(|end| text[..end].trim_end_matches('\\').len());
    }
    let mut after_backslash = false;
    let mut chars = text.char_indices();
    let end = chars.find(|(_, c)| {
        let is_end = *c == quote && !after_backslash;
        after_backslash = *c == '\\' && !after_backslash;
        is_end
    });
    end.map(|(at, _)| at)
}

/// `Basic abc` is one value.
fn end_of_bare(text: &str) -> Option<usize> {
    let end = |text: &str| text.find(|c: char| c.is_whitespace() || ",;&)}]\"'".contains(c));
    let first = end(text)?;
    let is_scheme =
        ["basic", "bearer"].iter().any(|scheme| text[..first].eq_ignore_ascii_case(scheme));
    let rest = text[first..].trim_start();
    if !is_scheme || rest.is_empty() {
        return Some(first);
    }
    let start = text.len() - rest.len();
    end(rest).map(|end| start + end)
}

#[cfg(test)]
mod tests {
    use super::log;

    #[test]
    fn values_of_suspicious_names_are_taken_away() {
        let cases = [
            ("password=hunter2", "password=(redacted)"),
            (
                "level=info msg=\"x\" token=\"a b\" n=1",
                "level=info msg=\"x\" token=\"(redacted)\" n=1",
            ),
            ("{\"password\":\"hunter2\",\"n\":1}", "{\"password\":\"(redacted)\",\"n\":1}"),
            ("db_password: hunter2 is wrong", "db_password: (redacted) is wrong"),
            ("secret = 'a b' and more", "secret = '(redacted)' and more"),
            ("msg=\"{\\\"apiKey\\\":\\\"a\\\"}\"", "msg=\"{\\\"apiKey\\\":\\\"(redacted)\\\"}\""),
            ("GET /?token=abcdef&x=1", "GET /?token=(redacted)&x=1"),
            ("{\"pin_secret\":1234}", "{\"pin_secret\":(redacted)}"),
            (r#"{"password":"a\"b","n":1}"#, r#"{"password":"(redacted)","n":1}"#),
            ("Authorization: Basic dTpw, x", "Authorization: (redacted), x"),
            ("https://u:p@host/ is down", "https://(redacted)@host/ is down"),
        ];
        for (text, expected) in cases {
            assert_eq!(log(text), expected);
        }
    }

    #[test]
    fn other_words_stay() {
        for text in [
            "level=fatal msg=\"native routing cidr must be configured\" subsys=daemon\n",
            "E0423 12:00:00.000000       1 main.go:12] no route to host",
            "enable-token=true",
            "the token is of no use",
            "tokens",
        ] {
            assert_eq!(log(text), text);
        }
    }
}

//! Logs of containers, in the forms that the programs around Cilium write.
//!
//! Cilium writes logfmt (`level=fatal msg="…" error="…"`, since 1.18 with `time` and `source` before
//! it) or JSON (`log-opt: format: json`) with the same names; CoreDNS `[FATAL] …`; kube-proxy and
//! other parts of Kubernetes klog's `E0423 12:00:00.000000 1 file.go:12] …`; the runtime of Go
//! `panic: …`. Whatever else there is has no level.

use std::borrow::Cow;

use serde::Deserialize;

use crate::{facts::Component, redaction};

/// Lines that are kept of an application's log, and of others.
const LINES_OF_APPLICATION: usize = 10;
const LINES: usize = 200;

/// Bytes that are kept of a log, and of a line.
const KEPT: usize = 32 << 10;
const KEPT_OF_LINE: usize = 2000;

/// The end of a log, redacted, without what moves a terminal's cursor.
pub fn decode(bytes: &[u8], component: Component) -> String {
    let most = if component == Component::Other { LINES_OF_APPLICATION } else { LINES };
    // Keys and certificates stand on several lines, so they are looked for before lines are cut.
    let text = redaction::log(&String::from_utf8_lossy(bytes));
    let mut kept: Vec<String> = Vec::new();
    let mut left = KEPT;
    for line in text.lines().rev().filter(|line| !line.trim().is_empty()).take(most) {
        let line = plain(line);
        let Some(rest) = left.checked_sub(line.len() + 1) else { break };
        left = rest;
        kept.push(line);
    }
    kept.reverse();
    kept.join("\n")
}

/// A line without colours and control characters, as long as a line should be.
fn plain(line: &str) -> String {
    let mut out = String::new();
    let mut chars = line.trim_end().chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            // `ESC [ 3 1 m`
            if chars.next() == Some('[') {
                chars.by_ref().find(char::is_ascii_alphabetic);
            }
        } else if c == '\t' {
            out.push(' ');
        } else if !c.is_control() {
            out.push(c);
        }
        if out.len() >= KEPT_OF_LINE {
            out.push('…');
            break;
        }
    }
    out
}

/// How bad a line says that its matter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// It says nothing, or that all is well.
    Other,
    /// A warning.
    Warning,
    /// An error; the program may go on.
    Error,
    /// The program ends.
    Fatal,
}

/// A line of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// Its level.
    pub level: Level,
    /// What it says: of lines with fields the message and the error, of others all of it.
    pub message: Cow<'a, str>,
}

/// The lines of a log.
pub fn lines(text: &str) -> impl DoubleEndedIterator<Item = Line<'_>> {
    text.lines().map(line)
}

fn line(text: &str) -> Line<'_> {
    let json = if text.starts_with('{') { of_json(text) } else { None };
    json.or_else(|| of_logfmt(text))
        .unwrap_or_else(|| Line { level: level_of_text(text), message: Cow::Borrowed(text) })
}

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    level: Cow<'a, str>,
    #[serde(borrow, default, alias = "message")]
    msg: Cow<'a, str>,
    #[serde(default)]
    error: serde_json::Value,
}

fn of_json(text: &str) -> Option<Line<'_>> {
    let fields: Fields<'_> = serde_json::from_str(text).ok()?;
    let error = match fields.error {
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    };
    Some(Line { level: level(&fields.level), message: joined(fields.msg, &error) })
}

fn of_logfmt(text: &str) -> Option<Line<'_>> {
    let level = level(&field(text, "level")?);
    let message = field(text, "msg")?;
    let error = field(text, "error").unwrap_or_default();
    Some(Line { level, message: joined(message, &error) })
}

fn joined<'a>(message: Cow<'a, str>, error: &str) -> Cow<'a, str> {
    if error.is_empty() { message } else { Cow::Owned(format!("{message}: {error}")) }
}

/// The value of a field, which is quoted if it has blanks.
fn field<'a>(text: &'a str, name: &str) -> Option<Cow<'a, str>> {
    let mut rest = text;
    // The name may stand within a quoted value, so all fields before it are stepped over.
    loop {
        let (key, after) = rest.trim_start().split_once('=')?;
        let key = key.rsplit(' ').next().unwrap_or(key);
        let (value, after) = if let Some(quoted) = after.strip_prefix('"') {
            let end = end_of_quoted(quoted);
            (Cow::Owned(unquoted(&quoted[..end])), quoted.get(end + 1..).unwrap_or_default())
        } else {
            let end = after.find(' ').unwrap_or(after.len());
            (Cow::Borrowed(&after[..end]), &after[end..])
        };
        if key == name {
            return Some(value);
        }
        rest = after;
    }
}

fn end_of_quoted(text: &str) -> usize {
    let mut is_escaped = false;
    let end = text.char_indices().find(|(_, c)| {
        let ends = *c == '"' && !is_escaped;
        is_escaped = *c == '\\' && !is_escaped;
        ends
    });
    end.map_or(text.len(), |(at, _)| at)
}

/// Go's quotes: what matters of them are quotes and the ends of lines.
fn unquoted(text: &str) -> String {
    text.replace("\\\"", "\"").replace("\\n", " ").replace("\\t", " ").replace("\\\\", "\\")
}

fn level(word: &str) -> Level {
    match word.to_ascii_lowercase().as_str() {
        "fatal" | "panic" => Level::Fatal,
        "error" | "err" => Level::Error,
        "warning" | "warn" => Level::Warning,
        _ => Level::Other,
    }
}

/// Of lines without fields the beginning tells.
fn level_of_text(text: &str) -> Level {
    const BEGINNINGS: [(&str, Level); 8] = [
        ("panic: ", Level::Fatal),
        ("fatal error: ", Level::Fatal),
        ("[FATAL]", Level::Fatal),
        ("[ERROR]", Level::Error),
        ("[WARNING]", Level::Warning),
        // What cobra prints before it ends, such as of a flag that cannot be parsed.
        ("Error: ", Level::Fatal),
        ("plugin/", Level::Fatal),
        ("Listen: listen ", Level::Fatal),
    ];
    let known = BEGINNINGS.iter().find(|(beginning, _)| text.starts_with(beginning));
    known.map_or_else(|| klog(text), |(_, level)| *level)
}

/// `F0423 12:00:00.000000 …`.
fn klog(text: &str) -> Level {
    let is_klog = text.as_bytes().get(1..5).is_some_and(|day| day.iter().all(u8::is_ascii_digit))
        && text.as_bytes().get(5) == Some(&b' ');
    match text.as_bytes().first() {
        Some(b'F') if is_klog => Level::Fatal,
        Some(b'E') if is_klog => Level::Error,
        Some(b'W') if is_klog => Level::Warning,
        _ => Level::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::{Level, decode, lines};
    use crate::facts::Component;

    fn read(text: &str) -> (Level, String) {
        let line = lines(text).next().unwrap();
        (line.level, line.message.into_owned())
    }

    #[test]
    fn all_forms_are_read() {
        let cases = [
            (
                r#"level=fatal msg="Error while creating daemon" error="invalid daemon configuration: native routing cidr must be configured" subsys=daemon"#,
                Level::Fatal,
                "Error while creating daemon: invalid daemon configuration: native routing cidr must be configured",
            ),
            (
                r#"time=2025-11-02T10:00:00.000Z level=error source=/go/src/github.com/cilium/cilium/pkg/hive/hive.go:1 msg="Start hook failed" function="a b" error="exit \"1\"""#,
                Level::Error,
                "Start hook failed: exit \"1\"",
            ),
            (
                r#"{"level":"fatal","msg":"failed to start","error":"no \"way\"","subsys":"daemon"}"#,
                Level::Fatal,
                "failed to start: no \"way\"",
            ),
            ("level=info msg=Initializing subsys=daemon", Level::Other, "Initializing"),
            ("panic: runtime error", Level::Fatal, "panic: runtime error"),
            ("[ERROR] plugin/errors: 2 x", Level::Error, "[ERROR] plugin/errors: 2 x"),
            ("F0423 12:00:00.0 1 a.go:1] x", Level::Fatal, "F0423 12:00:00.0 1 a.go:1] x"),
            ("Fine day", Level::Other, "Fine day"),
            ("msg=\"level=fatal\" x", Level::Other, "msg=\"level=fatal\" x"),
            ("{", Level::Other, "{"),
            ("level=fatal msg=\"cut", Level::Fatal, "cut"),
        ];
        for (text, level, message) in cases {
            assert_eq!(read(text), (level, message.to_owned()), "{text}");
        }
    }

    #[test]
    fn the_end_is_kept_and_bounded() {
        let long = format!("first\n{}\n\u{1b}[31mlast\u{1b}[0m\u{7}\n\n", "x".repeat(5000));
        let text = decode(long.as_bytes(), Component::Agent);
        assert!(text.starts_with("first\nxxx") && text.ends_with("…\nlast"), "{text}");
        assert!(text.len() < 2100);
        let many = "line\n".repeat(1000);
        assert_eq!(decode(many.as_bytes(), Component::Other).lines().count(), 10);
        assert_eq!(decode(many.as_bytes(), Component::Agent).lines().count(), 200);
        assert_eq!(decode(&[0xff, b'\n'], Component::Agent), "\u{fffd}");
        assert!(decode(many.repeat(100).as_bytes(), Component::Agent).len() < 32 << 10);
    }
}

//! The formats of `-o`, and the two that machines read.

use std::io::{self, Write};

use clap::ValueEnum;
use serde::Serialize;

/// A format of the result, for `-o`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, ValueEnum)]
pub enum OutputFormat {
    /// A report to be read, the default.
    #[default]
    Text,
    /// The same, with every detail.
    Wide,
    /// One line per result.
    Short,
    /// One JSON document.
    Json,
    /// The same document as YAML.
    Yaml,
}

impl OutputFormat {
    /// Whether programs read it: then nothing but the document is printed, and no spinner shown.
    pub fn is_for_machines(self) -> bool {
        matches!(self, Self::Json | Self::Yaml)
    }
}

/// Writes a value as one indented JSON document, a line feed at the end.
///
/// # Errors
/// What the writer answers; a value that JSON cannot hold, such as a map with keys that are not
/// strings, gives [`io::ErrorKind::InvalidData`].
pub fn write_json(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    let document = serde_json::to_string_pretty(value)?;
    // JSON asks for escapes up to U+001F only, but terminals obey U+007F to U+009F as well. They stand in
    // strings and nowhere else.
    let is_c1 = |character: char| matches!(character, '\u{7f}'..='\u{9f}');
    if document.contains(is_c1) {
        for character in document.chars() {
            if is_c1(character) {
                write!(out, "\\u{:04x}", u32::from(character))?;
            } else {
                write!(out, "{character}")?;
            }
        }
    } else {
        out.write_all(document.as_bytes())?;
    }
    out.write_all(b"\n")
}

/// Writes a value as one YAML document, which readers of YAML 1.1 and 1.2 understand alike.
///
/// kubectl and Helm read YAML as version 1.1, where `yes` is a boolean and `0777` octal: strings
/// like these come out quoted. Long strings stay on one line.
///
/// # Errors
/// What the writer answers; a value that YAML cannot hold gives [`io::ErrorKind::InvalidData`].
pub fn write_yaml(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
    let mut document = serde_saphyr::to_string_with_options(value, options)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    if !document.ends_with('\n') {
        document.push('\n');
    }
    out.write_all(document.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn yaml(value: &impl Serialize) -> String {
        let mut out = Vec::new();
        write_yaml(&mut out, value).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// Strings that YAML 1.1 readers take for something else when they stand unquoted.
    const AMBIGUOUS: [&str; 40] = [
        "yes",
        "no",
        "on",
        "off",
        "y",
        "n",
        "Y",
        "N",
        "Yes",
        "NO",
        "On",
        "OFF",
        "true",
        "False",
        "null",
        "Null",
        "~",
        "",
        "1_000",
        "0777",
        "0o17",
        "0x1F",
        "0b11",
        "12:30",
        "12:30:45",
        "190:20:30",
        "2001-01-01",
        "2001-12-14t21:59:43.10-05:00",
        "=",
        "<<",
        "1e3",
        "1.5",
        ".5",
        "-1",
        "+1",
        ".inf",
        ".NaN",
        "- a",
        "a: b",
        "# c",
    ];

    #[test]
    fn ambiguous_strings_come_out_quoted() {
        for text in AMBIGUOUS {
            let document = yaml(&BTreeMap::from([("value", text)]));
            let scalar = document.strip_prefix("value: ").unwrap().trim_end();
            assert!(scalar.starts_with(['"', '\'']), "{text:?} is written as {document:?}");
        }
    }

    #[test]
    fn ambiguous_keys_come_out_quoted() {
        for key in ["y", "n", "yes", "on", "0777", "12:30", "<<"] {
            let document = yaml(&BTreeMap::from([(key, 1)]));
            assert!(document.starts_with(['"', '\'']), "{key:?} is written as {document:?}");
        }
    }

    #[test]
    fn every_string_survives_the_round_trip() {
        let long = "a long sentence with words ".repeat(20);
        let odd =
            ["two\nlines\n", "tab\there", " blank ", "\x1b[1m", "`", "%", "@", "!x", "&a", &long];
        for text in AMBIGUOUS.into_iter().chain(odd) {
            let back: Vec<String> = serde_saphyr::from_str(&yaml(&[text])).unwrap();
            assert_eq!(back, [text]);
        }
    }

    #[test]
    fn values_that_are_not_strings_stay_plain() {
        assert_eq!(yaml(&BTreeMap::from([("enabled", true)])), "enabled: true\n");
        assert_eq!(yaml(&BTreeMap::from([("mtu", 1450)])), "mtu: 1450\n");
        assert_eq!(yaml(&BTreeMap::from([("cidr", "10.0.0.0/16")])), "cidr: 10.0.0.0/16\n");
    }

    #[test]
    fn long_strings_are_not_folded() {
        let long = "a long sentence with words ".repeat(20);
        assert_eq!(yaml(&BTreeMap::from([("value", long.trim())])).lines().count(), 1);
    }

    #[test]
    fn json_is_indented_and_ends_in_a_line_feed() {
        let mut out = Vec::new();
        write_json(&mut out, &BTreeMap::from([("a", 1)])).unwrap();
        assert_eq!(out, b"{\n  \"a\": 1\n}\n");
    }

    #[test]
    fn write_errors_keep_their_kind() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        assert_eq!(write_json(&mut Full, &1).unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(write_yaml(&mut Full, &1).unwrap_err().kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn no_character_that_a_terminal_obeys_is_in_json() {
        let mut out = Vec::new();
        write_json(&mut out, &"a\u{9b}2Jb\u{7f}\u{1b}c").unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "\"a\\u009b2Jb\\u007f\\u001bc\"\n");
    }

    #[test]
    fn what_json_cannot_hold_is_an_error() {
        let odd = BTreeMap::from([(vec![1], 1)]);
        assert_eq!(
            write_json(&mut Vec::new(), &odd).unwrap_err().kind(),
            io::ErrorKind::InvalidData
        );
    }

    #[test]
    fn formats_for_machines() {
        let machines: Vec<_> = OutputFormat::value_variants()
            .iter()
            .filter(|format| format.is_for_machines())
            .collect();
        assert_eq!(machines, [&OutputFormat::Json, &OutputFormat::Yaml]);
    }
}

//! Files of findings that their reader knows, and lives with.
//!
//! One entry a line, `CODE` or `CODE:SUBJECT`, and comments after `#`. Nothing is looked for in the
//! current folder or in the home directory: a file that silences findings is named, on the command
//! line or in the environment, by who wants it.

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use kcilium_core::{
    diagnosis::Known,
    rules::{Code, Finding, registry},
};

use crate::Failure;

/// More than anybody writes by hand.
const MOST_BYTES: u64 = 1 << 20;

/// A file that was read.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct IgnoreFile {
    path: PathBuf,
    entries: Vec<Entry>,
    /// What is wrong with lines that have no effect.
    pub warnings: Vec<String>,
}

#[derive(Debug, PartialEq, Eq)]
struct Entry {
    line: usize,
    known: Known,
}

impl IgnoreFile {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, is no text, or is too large.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let failure = |error: std::io::Error| {
            let text = format!("cannot read the ignore file {}", path.display());
            Failure::could_not_run(anyhow::Error::new(error).context(text))
                .hint("it has a line `CODE` or `CODE:SUBJECT` for each finding to leave out")
        };
        let mut text = String::new();
        let file = File::open(path).map_err(failure)?;
        file.take(MOST_BYTES + 1).read_to_string(&mut text).map_err(failure)?;
        if text.len() as u64 > MOST_BYTES {
            return Err(failure(std::io::Error::other("it has more than 1 MiB")));
        }
        Ok(Self::parse(path, &text))
    }

    fn parse(path: &Path, text: &str) -> Self {
        let mut file = Self { path: path.to_owned(), ..Self::default() };
        for (line, text) in (1..).zip(text.lines()) {
            let entry = without_comment(text).trim();
            if entry.is_empty() {
                continue;
            }
            let (code, subject) = match entry.split_once(':') {
                Some((code, subject)) => (code.trim(), Some(subject.trim().to_owned())),
                None => (entry, None),
            };
            match registry::find(code) {
                Some(rule) if subject.as_deref() != Some("") => {
                    let known = Known { code: rule.code, subject };
                    file.entries.push(Entry { line, known });
                }
                Some(rule) => {
                    let place = file.place(line);
                    let text = format!("{place}: no subject after `{}:`", rule.code);
                    file.warnings.push(text);
                }
                None => {
                    let place = file.place(line);
                    file.warnings.push(format!("{place}: {}", unknown(code)));
                }
            }
        }
        file
    }

    /// What is to be set aside.
    pub fn known(&self) -> Vec<Known> {
        self.entries.iter().map(|entry| entry.known.clone()).collect()
    }

    /// Entries that matched nothing of what was asked: what they were for may be mended, or goes by
    /// another name now.
    pub fn unmatched(&self, found: &[&Finding], was_asked: impl Fn(Code) -> bool) -> Vec<String> {
        let has_matched = |known: &Known| found.iter().any(|found| known.matches(found));
        let entries = self.entries.iter();
        entries
            .filter(|entry| was_asked(entry.known.code) && !has_matched(&entry.known))
            .map(|Entry { line, known }| {
                let place = self.place(*line);
                match &known.subject {
                    Some(subject) => {
                        format!("{place}: nothing was found for {}:{subject}", known.code)
                    }
                    None => format!("{place}: nothing was found for {}", known.code),
                }
            })
            .collect()
    }

    fn place(&self, line: usize) -> String {
        format!("{}:{line}", self.path.display())
    }
}

/// A `#` within a word is part of it.
fn without_comment(line: &str) -> &str {
    let is_comment = |(place, _): &(usize, _)| {
        line[..*place].chars().next_back().is_none_or(char::is_whitespace)
    };
    line.match_indices('#').find(is_comment).map_or(line, |(place, _)| &line[..place])
}

/// What is said of a code that no rule has.
pub(crate) fn unknown(code: &str) -> String {
    match registry::alike(code).first() {
        Some(meant) => format!("no rule has the code {code}; did you mean {meant}?"),
        None => format!("no rule has the code {code}; `rules` lists them"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (Vec<(usize, String)>, Vec<String>) {
        let file = IgnoreFile::parse(Path::new("f"), text);
        let told = |entry: &Entry| {
            let Known { code, subject } = &entry.known;
            (entry.line, format!("{code} {subject:?}"))
        };
        (file.entries.iter().map(told).collect(), file.warnings)
    }

    #[test]
    fn lines_are_codes_with_or_without_a_subject() {
        let text = "# ours\n\n  cfg-03 # the router knows\nCIDR-05: 10.0.0.0/8\nRT-06:a#b:c #d\n\
                    SCHEMA:tunnel\r\n#";
        let (entries, warnings) = parsed(text);
        let entries: Vec<(usize, &str)> =
            entries.iter().map(|(line, text)| (*line, &**text)).collect();
        assert_eq!(
            entries,
            [
                (3, "CFG-03 None"),
                (4, r#"CIDR-05 Some("10.0.0.0/8")"#),
                (5, r#"RT-06 Some("a#b:c")"#),
                (6, r#"SCHEMA Some("tunnel")"#),
            ]
        );
        assert_eq!(warnings, [""; 0]);
    }

    #[test]
    fn what_no_rule_is_called_is_said_with_its_line() {
        let (entries, warnings) = parsed("CFG-3\nCFG-03:\nnonsense and more\n:x");
        assert_eq!(entries, []);
        assert_eq!(
            warnings,
            [
                "f:1: no rule has the code CFG-3; did you mean CFG-03?",
                "f:2: no subject after `CFG-03:`",
                "f:3: no rule has the code nonsense and more; `rules` lists them",
                "f:4: no rule has the code ; `rules` lists them",
            ]
        );
    }
}

//! Recordings for tests, as text files.
//!
//! ```text
//! expect: block                     what the rule must say
//! on: base-native.txt               the recording that is changed; `base.txt` where nothing is said,
//!                                   `nothing` for none
//! mentions: 10.0.0.1, node3         what the rule's findings must name
//! verdict: C-CLASH confirmed        the cause that must be found; `none` for no cause
//! # why the fixture is there
//! == node1/resolv.conf              a file of the recording (`decode::recorded`): replaces it
//! nameserver 10.0.0.1
//! == node1/ip-j-route.json (edit)   a change of one: what stands after `- ` becomes what follows
//! - {"dst":"default","gateway":"10.0.0.1","dev":"eth0","flags":[]},
//! + {"dst":"default","gateway":"10.0.0.2","dev":"eth0","flags":[]},
//! == */ps.txt (edit)                the same in every file that the pattern names; `*` is all files
//! == api/pods.json (absent)         a file that is not there
//! == flags                          what the user said
//! --pod-cidr 10.0.0.0/8
//! == values.yaml of chart 1.16.19   Helm values that are about to be installed: then the rules about
//! ipam:                             configurations judge them, with the recording as what is known
//!   mode: kubernetes                of the cluster (`diagnosis::lint`), and nothing has a verdict
//! ```

use std::{fs, path::PathBuf};

use kcilium_core::{
    decode::recorded::{self, Files},
    facts::{Declared, Facts},
    view::Proposal,
};

/// A fixture, read and applied to what it stands on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fixture {
    /// `KEY: VALUE` lines of this file's head; those of the files below do not count.
    head: Vec<(String, String)>,
    files: Files,
    declared: Declared,
    proposal: Option<Proposal>,
}

/// Path of a file or folder of `tests/fixtures`.
pub(crate) fn path(relative: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(relative)
}

/// Text of a file of `tests/fixtures`.
pub(crate) fn text(relative: &str) -> String {
    fs::read_to_string(path(relative)).unwrap_or_else(|error| panic!("{relative}: {error}"))
}

/// The facts that the decoders make of a recording.
pub(crate) fn decoded(files: &Files) -> Facts {
    recorded::facts(files, |yaml| serde_saphyr::from_str(yaml).map_err(|error| error.to_string()))
}

/// Names of the files in a folder of `tests/fixtures`, sorted.
pub(crate) fn names(folder: &str) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(path(folder))
        .unwrap_or_else(|error| panic!("{folder}: {error}"))
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// A folder of `tests/fixtures` that is laid out as a recording.
pub(crate) fn recording(folder: &str) -> Files {
    let mut files = Files::new();
    for part in names(folder) {
        for name in names(&format!("{folder}/{part}")) {
            let relative = format!("{part}/{name}");
            files.insert(relative.clone(), text(&format!("{folder}/{relative}")));
        }
    }
    files
}

impl Fixture {
    /// Reads a file of `tests/fixtures` that stands on nothing.
    pub(crate) fn whole(file: &str) -> Self {
        let mut fixture = Self::default();
        fixture.apply(file, &text(file));
        fixture
    }

    /// Reads a file of `tests/fixtures/rules`.
    pub(crate) fn of_rules(file: &str) -> Self {
        let content = text(&format!("rules/{file}"));
        let mut fixture = match value(&head(&content), "on") {
            Some("nothing") => Self::default(),
            Some(below) => Self::of_rules(below),
            None if file == "base.txt" => Self::default(),
            None => Self::of_rules("base.txt"),
        };
        fixture.head = head(&content);
        fixture.apply(file, &content);
        fixture
    }

    /// The facts that the decoders make of it.
    pub(crate) fn facts(&self) -> Facts {
        Facts { declared: self.declared.clone(), ..decoded(&self.files) }
    }

    /// The Helm values that it says are about to be installed.
    pub(crate) fn proposal(&self) -> Option<&Proposal> {
        self.proposal.as_ref()
    }

    /// A line of the head.
    pub(crate) fn head(&self, key: &str) -> Option<&str> {
        value(&self.head, key)
    }

    fn apply(&mut self, file: &str, content: &str) {
        for (heading, body) in frames(content) {
            if heading == "flags" {
                body.lines().for_each(|line| self.declare(line));
            } else if let Some(chart) = heading.strip_prefix("values.yaml of chart ") {
                let proposal = proposal(chart, body);
                self.proposal = Some(proposal.unwrap_or_else(|why| panic!("{file}: {why}")));
            } else if let Some(path) = heading.strip_suffix(" (absent)") {
                assert!(self.files.remove(path).is_some(), "{file}: {path} is absent anyway");
            } else if let Some(pattern) = heading.strip_suffix(" (edit)") {
                let changed = self.edit(pattern, body);
                changed.unwrap_or_else(|why| panic!("{file}: {pattern}: {why}"));
            } else {
                assert!(recorded::is_part(heading), "{file}: {heading} is no file of a recording");
                self.files.insert(heading.to_owned(), body.to_owned());
            }
        }
    }

    fn edit(&mut self, pattern: &str, body: &str) -> Result<(), String> {
        for (old, new) in hunks(body) {
            let mut count = 0;
            for text in self.files.iter_mut().filter(|(path, _)| names_path(pattern, path)) {
                count += text.1.matches(&old).count();
                *text.1 = text.1.replace(&old, &new);
            }
            match count {
                0 => return Err(format!("`{old}` is nowhere")),
                1 => {}
                _ if pattern.contains('*') => {}
                _ => return Err(format!("`{old}` is there {count} times")),
            }
        }
        Ok(())
    }

    fn declare(&mut self, line: &str) {
        match line.split_once(' ') {
            Some(("--pod-cidr", text)) => self.declared.pod_cidrs.push(text.into()),
            Some(("--service-cidr", text)) => self.declared.service_cidrs.push(text.into()),
            Some(("--protect", text)) => self.declared.protect.push(text.parse().unwrap()),
            _ => panic!("`{line}` is no flag"),
        }
    }
}

/// What Helm values mean, in the namespace where everybody installs Cilium.
pub(crate) fn proposal(chart: &str, values: &str) -> Result<Proposal, String> {
    let chart = chart.parse().map_err(|error| format!("{chart}: {error}"))?;
    let values = serde_saphyr::from_str(values).map_err(|error| error.to_string())?;
    Proposal::new(chart, values, "kube-system").map_err(|error| error.to_string())
}

/// Parts that are headed by `== NAME`, without blank lines at their ends.
fn frames(content: &str) -> impl Iterator<Item = (&str, &str)> {
    content.split("\n== ").enumerate().filter_map(|(index, part)| {
        let part = if index == 0 { part.strip_prefix("== ")? } else { part };
        let (heading, body) = part.split_once('\n').unwrap_or((part, ""));
        Some((heading.trim(), body.trim_end()))
    })
}

fn head(content: &str) -> Vec<(String, String)> {
    content
        .lines()
        .take_while(|line| !line.starts_with("== "))
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| {
            let (key, value) = line.split_once(": ").unwrap_or_else(|| panic!("head: `{line}`"));
            (key.to_owned(), value.to_owned())
        })
        .collect()
}

fn value<'a>(head: &'a [(String, String)], key: &str) -> Option<&'a str> {
    head.iter().find(|(other, _)| other == key).map(|(_, value)| value.as_str())
}

/// Pairs of old and new text: lines after `- `, and the lines after `+ ` that follow.
fn hunks(body: &str) -> Vec<(String, String)> {
    let mut hunks: Vec<(Vec<&str>, Vec<&str>)> = Vec::new();
    for line in body.lines() {
        if let Some(old) = line.strip_prefix("- ") {
            match hunks.last_mut() {
                Some((olds, news)) if news.is_empty() => olds.push(old),
                _ => hunks.push((vec![old], Vec::new())),
            }
        } else if let Some(new) = line.strip_prefix("+ ") {
            hunks.last_mut().expect("`+ ` follows `- `").1.push(new);
        } else {
            panic!("an edit's line starts with `- ` or `+ `: `{line}`");
        }
    }
    hunks.into_iter().map(|(old, new)| (old.join("\n"), new.join("\n"))).collect()
}

/// `*` stands for one part of a path, and alone for every path.
fn names_path(pattern: &str, path: &str) -> bool {
    pattern == "*"
        || (pattern.split('/').count() == path.split('/').count()
            && pattern.split('/').zip(path.split('/')).all(|(a, b)| a == "*" || a == b))
}

//! Pods in trouble, with what is said about each of them.

use std::collections::BTreeMap;

use super::{Evidence, Judgement, command::quoted, premise};
pub(super) use crate::view::Trouble;
use crate::{
    facts::{NodeName, PodRow},
    view::{View, listing},
};

/// Pods that one command names, and lines of such commands that a remedy has.
const NAMES_IN_A_LINE: usize = 20;
const LINES: usize = 10;

/// Characters of a message that evidence quotes, and how many of them are its first: programs in Go
/// wrap an error in what they were about, so that the cause stands at the end.
const QUOTED: usize = 400;
const QUOTED_OF_START: usize = 100;

/// Bytes that are kept on either side of the words that tell.
const AROUND: usize = 190;

/// All pods that are not well. None where pods are not known; where only events or details are
/// missing, that is said, and what is known is given.
pub(super) fn in_trouble<'v, 'a>(
    view: &'v View<'a>,
    out: &mut Judgement,
) -> Option<&'v [Trouble<'a>]> {
    let cluster = &view.facts.cluster;
    premise::known(view, &cluster.pods, "pods", out)?;
    premise::known(view, &cluster.troubled_pods, "pods in trouble", out);
    premise::known(view, &cluster.events, "events", out);
    Some(view.troubled_pods())
}

/// Pods that suffer from the same, with a message about each.
#[derive(Default)]
pub(super) struct Group<'a> {
    members: Vec<(&'a PodRow, &'a str)>,
}

impl<'a> Group<'a> {
    pub(super) fn push(&mut self, row: &'a PodRow, message: &'a str) {
        self.members.push((row, message));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &'a PodRow> + '_ {
        self.members.iter().map(|(row, _)| *row)
    }

    /// `1 pod waits`, `3 pods wait`.
    pub(super) fn sentence(&self, one: &str, many: &str) -> String {
        match self.members.len() {
            1 => format!("1 pod {one}"),
            count => format!("{count} pods {many}"),
        }
    }

    /// `default/a, default/b and 17 more`.
    pub(super) fn names(&self) -> String {
        listing(&self.rows().map(name).collect::<Vec<_>>())
    }

    /// Their nodes, each once, in order.
    pub(super) fn nodes(&self) -> Vec<NodeName> {
        let mut nodes: Vec<NodeName> = self.rows().filter_map(|row| row.node.clone()).collect();
        nodes.sort_unstable();
        nodes.dedup();
        nodes
    }

    /// The pods, and different things that were said, three at most.
    pub(super) fn evidence(&self) -> Vec<Evidence> {
        let mut evidence = vec![Evidence::new("pods", self.names())];
        let mut said: Vec<&str> = Vec::new();
        for (row, message) in self.members.iter().filter(|(_, message)| !message.is_empty()) {
            if said.len() < 3 && !said.contains(message) {
                said.push(message);
                evidence.push(Evidence::new(format!("pod {}", name(row)), quote(message)));
            }
        }
        evidence
    }

    /// `kubectl -n NAMESPACE VERB POD…`, as many pods as fit; the last line says how many did not.
    pub(super) fn commands(&self, verb: &str) -> Vec<String> {
        let mut by_namespace: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for row in self.rows() {
            by_namespace.entry(&row.namespace).or_default().push(&row.name);
        }
        let lines: Vec<(&str, &[&str])> = by_namespace
            .iter()
            .flat_map(|(namespace, names)| {
                names.chunks(NAMES_IN_A_LINE).map(move |names| (*namespace, names))
            })
            .collect();
        let mut commands: Vec<String> = lines
            .iter()
            .take(LINES)
            .map(|(namespace, names)| {
                let names: Vec<_> = names.iter().map(|name| quoted(name)).collect();
                format!("kubectl -n {} {verb} {}", quoted(namespace), names.join(" "))
            })
            .collect();
        let rest: usize = lines.iter().skip(LINES).map(|(_, names)| names.len()).sum();
        if rest > 0 {
            commands.push(format!("# and {rest} more: ask the doctor again after these"));
        }
        commands
    }

    /// `kubectl logs` of the first few.
    pub(super) fn logs(&self) -> Vec<String> {
        let of = |row: &PodRow| {
            format!(
                "kubectl -n {} logs {} --all-containers --previous --tail=20",
                quoted(&row.namespace),
                quoted(&row.name)
            )
        };
        self.rows().take(3).map(of).collect()
    }
}

/// What a pod's containers said of their end, and the last lines of their logs.
pub(super) fn last_words<'a>(view: &View<'a>, trouble: &Trouble<'a>) -> Vec<&'a str> {
    let row = trouble.row;
    let logs = view.facts.cluster.logs.known().into_iter().flat_map(|logs| &logs.logs);
    let logs = logs
        .filter(|log| log.source.pod == *row.name && log.source.namespace == *row.namespace)
        .filter_map(|log| Some(last_lines(log.text.known()?)));
    trouble.words().chain(logs).filter(|words| !words.is_empty()).collect()
}

/// Three at most.
fn last_lines(text: &str) -> &str {
    text.rmatch_indices('\n').nth(2).map_or(text, |(end, _)| &text[end + 1..])
}

/// `NAMESPACE/NAME`.
pub(super) fn name(row: &PodRow) -> String {
    format!("{}/{}", row.namespace, row.name)
}

/// As much of a message as a reader wants: its start and its end.
pub(super) fn quote(message: &str) -> String {
    let count = message.chars().count();
    if count <= QUOTED {
        return message.to_owned();
    }
    let at = |chars| message.char_indices().nth(chars).map_or(message.len(), |(at, _)| at);
    let (start, end) = (at(QUOTED_OF_START), at(count - (QUOTED - QUOTED_OF_START)));
    format!("{} … {}", &message[..start], &message[end..])
}

/// A text that has one of these words, as far as it can be quoted: all of it, else the last line with
/// one, else what stands around it there.
pub(super) fn telling<'a>(text: &'a str, words: &[&str]) -> Option<&'a str> {
    let line = text.lines().rfind(|line| says(line, words))?;
    if text.len() <= QUOTED {
        return Some(text);
    }
    let at = words.iter().filter_map(|word| line.rfind(word)).max()?;
    if line.len() <= 2 * AROUND {
        return Some(line);
    }
    let start = line.floor_char_boundary(at.saturating_sub(AROUND));
    let end = line.ceil_char_boundary((at + AROUND).min(line.len()));
    Some(&line[start..end])
}

/// Whether a message contains one of these.
pub(super) fn says(message: &str, words: &[&str]) -> bool {
    words.iter().any(|word| message.contains(word))
}

/// Puts pods into groups by what `class` makes of each; in order of the classes.
pub(super) fn groups<'a, K: Ord>(
    troubles: &[Trouble<'a>],
    class: impl Fn(&Trouble<'a>) -> Option<(K, &'a str)>,
) -> BTreeMap<K, Group<'a>> {
    let mut groups: BTreeMap<K, Group<'a>> = BTreeMap::new();
    for trouble in troubles {
        if let Some((key, message)) = class(trouble) {
            groups.entry(key).or_default().push(trouble.row, message);
        }
    }
    groups
}

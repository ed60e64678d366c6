use std::collections::BTreeMap;

use super::{
    Basis, Finding, Judgement, Remedy, Severity,
    log_causes::{self, CAUSES},
    pods::{self, Group, Trouble},
    premise, rule,
};
use crate::{
    decode::log::{self, Level},
    facts::{Component, ContainerLog, ContainerLogs, ContainerStatus, Fact},
    view::View,
};

rule! {
    /// ## What it checks
    /// Agents that end again and again, or run for two minutes without getting ready, by what they
    /// wrote: the fatal line, or the error, that tells why. A fatal line that the rule does not know
    /// is quoted as such.
    ///
    /// ## Why it hurts
    /// The node has no network for new pods. Most values that an agent refuses, Helm installs
    /// without a word.
    ///
    /// ## Fix
    /// As the finding says, which names the rule for that cause. Of a line that is not known, the
    /// release notes and issues of that version of Cilium tell.
    ///
    /// ## References
    /// - Cilium source: `Validate` and `Populate` in `pkg/option/config.go`,
    ///   `daemon/cmd/daemon_main.go`, `daemon/cmd/kube_proxy_replacement.go`
    /// - Cilium documentation, "Troubleshooting"
    "AG-01", Block, State, "an agent ends, and its log tells why", judge
}

/// Seconds that an agent may take to get ready.
const PATIENCE: i64 = 120;

/// The agent's own container. What else runs in its pod ends for reasons of its own.
const CONTAINER: &str = "cilium-agent";

/// What an agent's log tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Told {
    /// A cause that is known, by its place in the table.
    Known(usize),
    /// A fatal line that nobody knows.
    Unknown,
    /// Nothing.
    Silent,
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    if premise::agents(view, out).is_none() {
        return;
    }
    let Some(troubles) = pods::in_trouble(view, out) else { return };
    let sick: Vec<(&Trouble<'_>, &ContainerStatus)> = troubles
        .iter()
        .filter(|trouble| trouble.component() == Component::Agent)
        .filter_map(|trouble| Some((trouble, sick(view, trouble)?)))
        .collect();
    let mut told: Vec<(Told, &Trouble<'_>, String)> = Vec::new();
    for (trouble, container) in sick {
        let texts = texts(&view.facts.cluster.logs, trouble, container);
        if texts.is_empty() {
            missing(&view.facts.cluster.logs, trouble, out);
            continue;
        }
        match read(&texts) {
            // One that only takes its time says nothing of note.
            (Told::Silent, _) if !container.has_crashed() => {}
            (what, line) => told.push((what, trouble, line)),
        }
    }
    let mut groups: BTreeMap<Told, Group<'_>> = BTreeMap::new();
    for (what, trouble, line) in &told {
        groups.entry(*what).or_default().push(trouble.row, line);
    }
    for (what, group) in groups {
        out.found(finding(what, &group));
    }
}

/// The agent's container, if it crashes or takes too long.
fn sick<'a>(view: &View<'_>, trouble: &Trouble<'a>) -> Option<&'a ContainerStatus> {
    let container = trouble.detail?.containers.iter().find(|it| it.name == CONTAINER)?;
    let is_slow = || {
        view.seconds_since(container.running_since.as_deref()).is_some_and(|age| age >= PATIENCE)
    };
    (container.has_crashed() || (!container.ready && is_slow())).then_some(container)
}

/// Logs of the agent in a pod, whether they could be read or not.
fn logs<'a>(
    logs: &'a Fact<ContainerLogs>,
    trouble: &Trouble<'_>,
) -> impl Iterator<Item = &'a ContainerLog> {
    let (namespace, pod) = (trouble.row.namespace.to_string(), trouble.row.name.to_string());
    logs.known().into_iter().flat_map(|logs| &logs.logs).filter(move |log| {
        let source = &log.source;
        source.container == CONTAINER && source.pod == pod && source.namespace == namespace
    })
}

/// What the agent wrote, the earliest first. Its chart lets kubelets copy the end of a log to the
/// state of a container that ended (`FallbackToLogsOnError`), for which no permission is needed.
fn texts<'a>(
    all: &'a Fact<ContainerLogs>,
    trouble: &Trouble<'_>,
    container: &'a ContainerStatus,
) -> Vec<&'a str> {
    let ends = [&container.last_terminated, &container.terminated];
    let ends = ends.into_iter().flatten().map(|end| end.message.as_str());
    let logs = logs(all, trouble).filter_map(|log| log.text.known()).map(String::as_str);
    ends.chain(logs).filter(|text| !text.is_empty()).collect()
}

fn missing(all: &Fact<ContainerLogs>, trouble: &Trouble<'_>, out: &mut Judgement) {
    let subject = format!("log of {}", pods::name(trouble.row));
    let unread = logs(all, trouble).find_map(|log| log.text.get().err());
    match unread.or(all.get().err()) {
        Some(why) => out.missing(subject, why),
        None => out.unknown(subject, "it is empty, or not among those that were read"),
    }
}

/// What tells most counts: of fatal lines that are known the last, then errors that are known, then
/// a fatal line that is not. Warnings count where nothing fatal stands.
fn read(texts: &[&str]) -> (Told, String) {
    let lines: Vec<log::Line<'_>> = texts.iter().flat_map(|text| log::lines(text)).collect();
    let known = |level: Level| {
        let of_level = lines.iter().rev().filter(move |line| line.level == level);
        of_level.filter(|line| !gives_way(line)).find_map(|line| {
            Some((Told::Known(log_causes::of(&line.message)?), line.message.to_string()))
        })
    };
    let fatal = || {
        let line = lines.iter().rev().find(|line| line.level == Level::Fatal)?;
        Some((Told::Unknown, line.message.to_string()))
    };
    let last = || lines.last().map(|line| line.message.to_string()).unwrap_or_default();
    known(Level::Fatal)
        .or_else(|| known(Level::Error))
        .or_else(fatal)
        .or_else(|| known(Level::Warning))
        .unwrap_or_else(|| (Told::Silent, last()))
}

/// A warning after which the agent does without a feature.
fn gives_way(line: &log::Line<'_>) -> bool {
    line.level == Level::Warning
        && pods::says(&line.message, &["isabling", "alling back", "ontinuing"])
}

fn finding(told: Told, group: &Group<'_>) -> Finding {
    let (subject, cause, remedy) = match told {
        Told::Known(at) => {
            let cause = &CAUSES[at];
            let explain = cause.code.map(|code| format!(" ({code})")).unwrap_or_default();
            (cause.clause, cause.clause.to_owned(), format!("{}{explain}", cause.remedy))
        }
        Told::Unknown => (
            "fatal line",
            "its log ends with a fatal line that is not known here".to_owned(),
            "read the line, and look for it in the issues of that version of Cilium".to_owned(),
        ),
        Told::Silent => (
            "crash loop",
            "it ends, and its log has no line that tells why".to_owned(),
            "read the log, and how the container ended".to_owned(),
        ),
    };
    Finding {
        code: RULE.code,
        severity: Severity::Block,
        basis: Basis::Observed,
        subject: subject.into(),
        nodes: group.nodes(),
        summary: format!("{cause}: {}", group.sentence("of an agent fails", "of agents fail")),
        evidence: group.evidence(),
        impact: "these nodes have no agent that works, and so no network for new pods".into(),
        remedy: Remedy::text(remedy).with_commands(group.logs()),
    }
}

#[cfg(test)]
mod tests {
    use super::{CAUSES, Told, read};

    const UNKNOWN: &str = "level=fatal msg=\"the moon is full\" subsys=daemon";
    const KNOWN: &str = "level=fatal msg=\"invalid routing mode \\\"x\\\"\"";
    const ERROR: &str = "level=error msg=\"Start failed\" error=\"failed to create pidfile: x\"";
    const WARNING: &str = "level=warning msg=\"Unable to contact k8s api-server\"";
    const DISABLED: &str = "level=warning msg=\"It needs kernel 5.1 or newer. Disabling it.\"";

    fn told(lines: &[&str]) -> String {
        match read(&[&lines.join("\n")]).0 {
            Told::Known(at) => CAUSES[at].clause.into(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn what_tells_most_counts() {
        let cases: [(&[&str], &str); 6] = [
            (&[KNOWN, UNKNOWN, ERROR], "routing mode"),
            (&[ERROR, UNKNOWN, WARNING], "cannot write its files"),
            (&[WARNING, UNKNOWN], "Unknown"),
            (&[WARNING, "level=info msg=x"], "does not reach the API server"),
            (&[DISABLED], "Silent"),
            (&["level=info msg=\"invalid routing mode\""], "Silent"),
        ];
        for (lines, expected) in cases {
            let told = told(lines);
            assert!(told.contains(expected), "{lines:?}: {told}");
        }
    }
}

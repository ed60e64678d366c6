//! `-o text` and `-o wide`: the report for people. The verdict comes first.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
};

use kcilium_cli::{Printer, Style, control, finding};
use kcilium_core::{
    causes::{ChainKind, Confidence, Verdict},
    diagnosis::Diagnosis,
    facts::{ClusterOrigin, Facts, NodeName, Source},
    rules::{Basis, Code, Finding, Outcome, Remedy, Severity},
    view::Installation,
};

use super::Detail;

/// Writes the report.
pub(super) fn write(
    facts: &Facts,
    diagnosis: &Diagnosis,
    detail: Detail,
    width: usize,
    printer: &mut Printer,
) -> io::Result<()> {
    let mut text = Text { width, detail, out: printer };
    text.header(facts, diagnosis)?;
    for verdict in &diagnosis.verdicts {
        text.verdict(verdict)?;
    }
    text.findings(diagnosis, Basis::Observed)?;
    text.findings(diagnosis, Basis::Predicted)?;
    text.unknown(diagnosis)?;
    text.footer(facts, diagnosis)
}

struct Text<'p> {
    width: usize,
    detail: Detail,
    out: &'p mut Printer,
}

impl Text<'_> {
    fn heading(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "\n{}", Style::Heading.paint(control::escape_line(text)))
    }

    fn prose(&mut self, first: &str, rest: &str, text: &str) -> io::Result<()> {
        finding::prose(self.out, self.width, first, rest, text)
    }

    fn header(&mut self, facts: &Facts, diagnosis: &Diagnosis) -> io::Result<()> {
        self.prose("", "  ", &format!("Examined: {}", examined(facts)))?;
        let cilium = match (diagnosis.installation, facts.cluster.config.known()) {
            (Installation::Seen, Some(config)) => {
                let version = config
                    .version
                    .as_ref()
                    .map_or_else(String::new, |version| format!(" {version}"));
                let release =
                    facts.cluster.releases.items().first().map_or_else(String::new, |it| {
                        format!(
                            " (release {} in {}, chart {})",
                            it.name, it.namespace, it.chart_version
                        )
                    });
                format!(
                    "Cilium{version}{release}, IPAM {}, routing {}",
                    config.ipam, config.routing
                )
            }
            (Installation::Seen, None) => "Cilium is there; its configuration was not read".into(),
            (Installation::NotSeen, _) => "no trace of Cilium was found".into(),
            (Installation::Unknown, _) => "whether Cilium is there could not be read".into(),
        };
        self.prose("", "  ", &cilium)?;
        if let Some(note) = &facts.origin.note {
            self.prose("", "  ", &format!("Note of the snapshot's author: {note}"))?;
        }
        Ok(())
    }

    fn verdict(&mut self, verdict: &Verdict) -> io::Result<()> {
        let style = match verdict.confidence {
            Confidence::Confirmed => Style::Block,
            Confidence::Likely => Style::Warn,
            Confidence::Undetermined => Style::Unknown,
        };
        let label = format!(" {} ", verdict.confidence.to_string().to_uppercase());
        writeln!(
            self.out,
            "\n{} {}",
            style.paint(label.trim()),
            Style::Heading.paint(verdict.cause)
        )?;
        self.prose("", "", &verdict.title)?;
        if !verdict.nodes.is_empty() {
            self.prose("", "  ", &format!("Nodes: {}", node_list(&verdict.nodes, self.detail)))?;
        }
        self.chain(verdict)?;
        self.list("What does not work", &verdict.broken)?;
        self.list("What still works, and misleads", &verdict.still_works)?;
        self.list("Beware", &verdict.cautions)?;
        self.undecided(verdict)?;
        self.heading("How to mend it")?;
        for (index, step) in verdict.fix.iter().enumerate() {
            self.remedy(&format!("  {}. ", index + 1), "     ", step)?;
        }
        self.heading("How to see that it is mended")?;
        for check in &verdict.verify {
            finding::verbatim(self.out, "  ", &check.command)?;
            self.prose("    must say: ", "      ", &check.expect)?;
        }
        Ok(())
    }

    /// What fits as well, and what would decide.
    fn undecided(&mut self, verdict: &Verdict) -> io::Result<()> {
        let others = verdict.alternatives.iter().map(|it| format!("{}: {}", it.cause, it.title));
        self.list("What fits as well", &others.collect::<Vec<_>>())?;
        if verdict.decides.is_empty() {
            return Ok(());
        }
        self.heading("What would decide")?;
        for check in &verdict.decides {
            finding::verbatim(self.out, "  ", &control::escape_line(&check.command))?;
            self.prose("    ", "      ", &check.expect)?;
        }
        Ok(())
    }

    fn chain(&mut self, verdict: &Verdict) -> io::Result<()> {
        self.heading("Why")?;
        for link in &verdict.chain {
            let label = match link.kind {
                ChainKind::Symptom => "  symptom  ",
                ChainKind::Probe => "  probe    ",
                ChainKind::Fact => "  fact     ",
                ChainKind::Cause => "  because  ",
            };
            let text = if link.source.is_empty() {
                link.text.clone()
            } else {
                format!("{} ({})", link.text, link.source)
            };
            self.prose(label, "           ", &text)?;
        }
        Ok(())
    }

    fn list(&mut self, heading: &str, items: &[String]) -> io::Result<()> {
        if items.is_empty() {
            return Ok(());
        }
        self.heading(heading)?;
        for item in items {
            self.prose("  - ", "    ", item)?;
        }
        Ok(())
    }

    fn remedy(&mut self, first: &str, rest: &str, remedy: &Remedy) -> io::Result<()> {
        finding::remedy(self.out, self.width, first, rest, remedy)
    }

    fn findings(&mut self, diagnosis: &Diagnosis, basis: Basis) -> io::Result<()> {
        let findings: Vec<&Finding> =
            diagnosis.findings().into_iter().filter(|finding| finding.basis == basis).collect();
        if findings.is_empty() {
            return Ok(());
        }
        self.heading(match basis {
            Basis::Observed | Basis::Proposed => "Findings",
            Basis::Predicted => {
                "If you installed Cilium with its defaults now (no effect on the exit code)"
            }
        })?;
        for finding in findings {
            self.finding(diagnosis, finding)?;
        }
        Ok(())
    }

    fn finding(&mut self, diagnosis: &Diagnosis, finding: &Finding) -> io::Result<()> {
        let explanation = diagnosis.explanation_of(finding);
        let by = explanation.map_or_else(String::new, |verdict| format!(" [{}]", verdict.cause));
        finding::headline(self.out, self.width, finding, &by)?;
        if self.detail == Detail::Full {
            for evidence in &finding.evidence {
                self.prose(
                    "          ",
                    "            ",
                    &format!("{} ({})", evidence.fact, evidence.source),
                )?;
            }
            if !finding.nodes.is_empty() {
                self.prose(
                    "          ",
                    "            ",
                    &format!("on {}", node_list(&finding.nodes, self.detail)),
                )?;
            }
            self.prose("          ", "            ", &format!("impact: {}", finding.impact))?;
        }
        // A finding that a verdict explains is mended by the verdict's fix.
        if explanation.is_none() || self.detail == Detail::Full {
            self.remedy("          fix: ", "            ", &finding.remedy)?;
        }
        Ok(())
    }

    /// What is not known, each reason once, with the nodes it concerns and the rules it stops.
    fn unknown(&mut self, diagnosis: &Diagnosis) -> io::Result<()> {
        let reasons = reasons(diagnosis);
        if reasons.is_empty() {
            return Ok(());
        }
        self.heading("Not known, so not judged")?;
        let shown = if self.detail == Detail::Full { reasons.len() } else { SHOWN_REASONS };
        for ((subject, why), Reason { nodes, codes }) in reasons.iter().take(shown) {
            let nodes: Vec<NodeName> = nodes.iter().map(|node| (*node).clone()).collect();
            let on = if nodes.is_empty() {
                String::new()
            } else {
                format!(" on {}", node_list(&nodes, self.detail))
            };
            let codes: Vec<&str> = codes.iter().map(|code| code.0).collect();
            self.prose("  - ", "    ", &format!("{subject}{on}: {why} ({})", codes.join(", ")))?;
        }
        if let Some(more) = reasons.len().checked_sub(shown).filter(|more| *more > 0) {
            self.prose("  ", "  ", &format!("and {more} more; `-o wide` lists all"))?;
        }
        Ok(())
    }

    fn footer(&mut self, facts: &Facts, diagnosis: &Diagnosis) -> io::Result<()> {
        let count = |is: fn(Outcome) -> bool| {
            diagnosis.results.iter().filter(|result| is(result.judgement.outcome())).count()
        };
        let fired = count(|outcome| matches!(outcome, Outcome::Found(_)));
        let fine = count(|outcome| outcome == Outcome::Ok);
        let unknown = count(|outcome| outcome == Outcome::Unknown);
        let other = count(|outcome| outcome == Outcome::NotApplicable);
        writeln!(self.out)?;
        if diagnosis.judged_nothing() {
            self.prose("", "", "Nothing could be judged: too little could be read.")?;
            if facts.origin.source == Source::Cluster {
                self.prose("", "", "`kubectl cilium-doctor auth` lists what you may read.")?;
            }
        } else if diagnosis.worst().is_none_or(|worst| worst <= Severity::Info) {
            let rest = if unknown > 0 { ", as far as they could be judged" } else { "" };
            self.prose(
                "",
                "",
                &format!("No trouble found with CIDRs, routes, agents and pods{rest}."),
            )?;
        }
        self.prose(
            "",
            "  ",
            &format!(
                "{} rules: {fired} fired, {fine} fine, {unknown} not known, {other} not applicable. Not tested: {}.",
                diagnosis.results.len(),
                super::NOT_TESTED
            ),
        )?;
        if fired > 0 {
            self.prose("", "  ", "`kubectl cilium-doctor explain CODE` tells more about a code.")?;
        }
        Ok(())
    }
}

/// Reasons that the normal report lists.
const SHOWN_REASONS: usize = 8;

/// Whom a reason for not judging concerns.
#[derive(Default)]
struct Reason<'a> {
    nodes: BTreeSet<&'a NodeName>,
    codes: BTreeSet<Code>,
}

/// Reasons by what is not known and why.
fn reasons(diagnosis: &Diagnosis) -> BTreeMap<(&str, &str), Reason<'_>> {
    let mut reasons: BTreeMap<(&str, &str), Reason<'_>> = BTreeMap::new();
    for result in &diagnosis.results {
        for unknown in result.judgement.unknowns() {
            let reason = reasons.entry((&unknown.subject, &unknown.why)).or_default();
            reason.nodes.extend(&unknown.node);
            reason.codes.insert(result.rule.code);
        }
    }
    reasons
}

/// What was examined, in a line.
pub(super) fn examined(facts: &Facts) -> String {
    let when = facts
        .origin
        .collected_at
        .as_ref()
        .map_or_else(String::new, |when| format!(", read at {when}"));
    match &facts.origin.cluster {
        Some(origin) => format!("{}{when}", examined_cluster(facts, origin)),
        None => format!("{}{when}", examined_nodes(facts)),
    }
}

fn examined_cluster(facts: &Facts, origin: &ClusterOrigin) -> String {
    let context = match &origin.context {
        Some(context) => format!("context {context}, "),
        None => String::new(),
    };
    let version = match facts.cluster.version.known() {
        Some(version) => format!(", Kubernetes {}", version.git_version),
        None => String::new(),
    };
    if origin.nodes == 0 && facts.cluster.nodes.known().is_none() {
        return format!("{context}{}{version}, nodes: not known", origin.server);
    }
    let seen = facts.nodes.iter().filter(|node| node.links.known().is_some()).count();
    let (nodes, chosen) = (origin.nodes, origin.nodes_chosen);
    let inside = if chosen < nodes {
        format!("{seen} of a sample of {chosen} looked at from inside (--nodes chooses others)")
    } else if seen < nodes {
        format!("{seen} looked at from inside")
    } else {
        "all looked at from inside".to_owned()
    };
    format!("{context}{}{version}, nodes: {nodes}, {inside}", origin.server)
}

fn examined_nodes(facts: &Facts) -> String {
    let what = match (facts.origin.source, facts.nodes.as_slice()) {
        (Source::LocalHost, [node]) => format!("host {}", node.name),
        (_, []) => "no node".to_owned(),
        (_, [node]) => format!("node {}", node.name),
        (_, nodes) => {
            let names: Vec<NodeName> = nodes.iter().map(|node| node.name.clone()).collect();
            format!("{} nodes ({})", nodes.len(), node_list(&names, Detail::Normal))
        }
    };
    let from = match facts.origin.source {
        Source::LocalHost | Source::Cluster => "",
        Source::Recorded => ", from recorded command output",
        Source::Sysdump => ", from a sysdump",
        Source::Unknown => ", from a snapshot",
    };
    format!("{what}{from}")
}

fn node_list(nodes: &[NodeName], detail: Detail) -> String {
    const SHOWN: usize = 8;
    let limit = if detail == Detail::Full { nodes.len() } else { SHOWN };
    let names: Vec<&str> = nodes.iter().take(limit).map(NodeName::as_str).collect();
    match nodes.len().checked_sub(limit) {
        Some(more) if more > 0 => format!("{} and {more} more", names.join(", ")),
        _ => names.join(", "),
    }
}

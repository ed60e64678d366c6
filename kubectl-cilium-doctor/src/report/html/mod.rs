//! `-o html`: one file that needs nothing else, to be kept or sent on.

mod address_map;
mod svg;

use std::io::{self, Write};

use address_map::AddressMap;
use kcilium_cli::{control, finding};
use kcilium_core::{
    causes::{ChainKind, Verdict},
    diagnosis::Diagnosis,
    facts::{Facts, Family},
    problems::{Alike, Problem, problems},
    rules::{Basis, Finding, Remedy, Severity},
};
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// Writes the report.
pub(super) fn write(
    facts: &Facts,
    diagnosis: &Diagnosis,
    examined: &str,
    out: &mut impl Write,
) -> io::Result<()> {
    let page = page(facts, diagnosis, examined);
    out.write_all(page.into_string().as_bytes())?;
    out.write_all(b"\n")
}

fn page(facts: &Facts, diagnosis: &Diagnosis, examined: &str) -> Markup {
    let findings = diagnosis.findings();
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (headline(diagnosis)) " – Cilium doctor" }
                style { (PreEscaped(include_str!("style.css"))) }
            }
            body {
                h1 { (headline(diagnosis)) }
                p { "Examined: " (shown(examined)) }
                @for verdict in &diagnosis.verdicts { (self::verdict(verdict)) }
                @if diagnosis.worst() < Some(Severity::Warn) {
                    p class="fine" { "No rule found anything worse than a remark." }
                }
                (maps(facts))
                (list("Findings", diagnosis, findings.iter().copied().filter(|it| it.basis == Basis::Observed)))
                (list(
                    "If you installed Cilium with its defaults now",
                    diagnosis,
                    findings.iter().copied().filter(|it| it.basis == Basis::Predicted),
                ))
                (unknown(diagnosis))
                @if let Some(text) = finding::known(diagnosis.known()) { p { (text) "." } }
                @if let Some(text) = crate::report::not_tested(facts) { p { "Not tested: " (text) "." } }
            }
        }
    }
}

/// The report in a line.
fn headline(diagnosis: &Diagnosis) -> String {
    match (diagnosis.verdicts.first(), diagnosis.worst()) {
        (Some(verdict), _) => shown(&verdict.title),
        (None, Some(worst)) if worst >= Severity::Warn => "Something is wrong".into(),
        (None, _) if diagnosis.judged_nothing() => "Nothing could be judged".into(),
        (None, _) => "Nothing bad was found".into(),
    }
}

fn verdict(verdict: &Verdict) -> Markup {
    html! {
        section class={ "verdict " (verdict.confidence) } {
            h2 { span class="label" { (verdict.confidence) } " " (verdict.cause) }
            p { (shown(&verdict.title)) }
            @if !verdict.nodes.is_empty() { p { "Nodes: " (names(verdict.nodes.iter())) } }
            h3 { "Why" }
            ol class="chain" {
                @for link in &verdict.chain {
                    li {
                        span class="label" { (chain_word(link.kind)) } " " (shown(&link.text))
                        @if !link.source.is_empty() {
                            " " span class="source" { "(" (shown(&link.source)) ")" }
                        }
                    }
                }
            }
            (bullets("What does not work", &verdict.broken))
            (bullets("What still works, and misleads", &verdict.still_works))
            (bullets("Beware", &verdict.cautions))
            (undecided(verdict))
            h3 { "How to mend it" }
            ol { @for step in &verdict.fix { li { (remedy(step)) } } }
            h3 { "How to see that it is mended" }
            @for check in &verdict.verify {
                pre { (shown(&check.command)) }
                p { "must say: " (shown(&check.expect)) }
            }
        }
    }
}

fn undecided(verdict: &Verdict) -> Markup {
    let others = verdict.alternatives.iter().map(|it| format!("{}: {}", it.cause, it.title));
    html! {
        (bullets("What fits as well", &others.collect::<Vec<_>>()))
        @if !verdict.decides.is_empty() {
            h3 { "What would decide" }
            @for check in &verdict.decides {
                pre { (shown_line(&check.command)) }
                p { (shown(&check.expect)) }
            }
        }
    }
}

fn chain_word(kind: ChainKind) -> &'static str {
    match kind {
        ChainKind::Symptom => "symptom",
        ChainKind::Probe => "probe",
        ChainKind::Fact => "fact",
        ChainKind::Cause => "because",
    }
}

fn bullets(heading: &str, items: &[String]) -> Markup {
    html! {
        @if !items.is_empty() {
            h3 { (heading) }
            ul { @for item in items { li { (shown(item)) } } }
        }
    }
}

fn remedy(remedy: &Remedy) -> Markup {
    html! {
        p { (shown(&remedy.text)) }
        @if !remedy.values.is_empty() { pre { (shown(&remedy.values)) } }
        @if !remedy.commands.is_empty() { (pre(&remedy.commands)) }
    }
}

fn pre(commands: &[String]) -> Markup {
    let commands: Vec<String> = commands.iter().map(|it| shown_line(it)).collect();
    html! { pre { (commands.join("\n")) } }
}

fn maps(facts: &Facts) -> Markup {
    html! {
        @for family in [Family::V4, Family::V6] {
            @let map = AddressMap::of(facts, family);
            @if !map.ranges.is_empty() {
                h2 { (family) " addresses" }
                p {
                    "What is below one another shares addresses. The axis has no scale. What must not "
                    "touch and does is red; what will once the pool is handed out further is amber."
                }
                (svg::draw(&map))
                @if map.left_out > 0 { p { "… and " (map.left_out) " more ranges" } }
            }
        }
    }
}

fn list<'a>(
    heading: &str,
    diagnosis: &Diagnosis,
    findings: impl Iterator<Item = &'a Finding>,
) -> Markup {
    let problems = problems(findings);
    html! {
        @if !problems.is_empty() {
            h2 { (heading) }
            @for problem in &problems { (self::problem(diagnosis, problem)) }
        }
    }
}

fn problem(diagnosis: &Diagnosis, problem: &Problem<'_>) -> Markup {
    html! {
        details {
            summary {
                @for (number, part) in problem.parts().iter().enumerate() {
                    @if number > 0 { br; }
                    span class={ "label " (part.severity()) } { (part.severity()) }
                    " " code { (part.code()) } " " (shown(&finding::summary(part)))
                }
            }
            @for part in problem.parts() { (seen(diagnosis, part)) }
            @for it in problem.remedies() { (remedy(it)) }
            @for commands in problem.lead().commands().into_iter().skip(1) { (pre(commands)) }
        }
    }
}

fn seen(diagnosis: &Diagnosis, alike: &Alike<'_>) -> Markup {
    let nodes = alike.nodes();
    html! {
        @if let Some(verdict) = diagnosis.explanation_of(alike.worst()) {
            p { "Explained by " (verdict.cause) "." }
        }
        @if !nodes.is_empty() { p { "Nodes: " (names(nodes.iter())) } }
        ul {
            @for summary in alike.summaries().into_iter().skip(1) { li { (shown(summary)) } }
            @for evidence in alike.evidence() {
                li {
                    (shown(&evidence.fact)) " "
                    span class="source" { "(" (shown(&evidence.source)) ")" }
                }
            }
        }
        p { (shown(&alike.worst().impact)) }
    }
}

fn unknown(diagnosis: &Diagnosis) -> Markup {
    html! {
        @if diagnosis.has_unknowns() {
            h2 { "Not known" }
            ul {
                @for result in &diagnosis.results {
                    @for unknown in result.judgement.unknowns() {
                        li {
                            code { (result.rule.code) } " " (shown(&unknown.subject))
                            @if let Some(node) = &unknown.node { " on " (node) }
                            ": " (shown(&unknown.why))
                        }
                    }
                }
            }
        }
    }
}

fn names(nodes: impl Iterator<Item = impl std::fmt::Display>) -> String {
    shown(&nodes.map(|node| node.to_string()).collect::<Vec<_>>().join(", "))
}

/// Text from elsewhere, its control characters made visible; maud escapes the rest.
fn shown(text: &str) -> String {
    control::escape(text).into_owned()
}

fn shown_line(text: &str) -> String {
    control::escape_line(text).into_owned()
}

//! `-o junit`: a test case for each rule, for CI systems.
//!
//! The form is the one that JUnit's Ant task writes and that CI systems read: `testsuites`,
//! `testsuite`, `testcase` with `failure` or `skipped`.

use std::io::{self, BufWriter, Write};

use kcilium_cli::{control, finding};
use kcilium_core::{
    diagnosis::{Diagnosis, RuleResult},
    facts::NodeName,
    problems::{Alike, Problem, problems},
    rules::{Basis, Finding, Outcome, Severity},
};
use quick_xml::{
    Writer,
    events::{BytesDecl, BytesText, Event},
};

/// Writes the report. Findings from `fail_from` on are failures.
pub(super) fn write(
    diagnosis: &Diagnosis,
    fail_from: Severity,
    out: &mut impl Write,
) -> io::Result<()> {
    let cases: Vec<Case<'_>> =
        diagnosis.results.iter().map(|result| Case::of(result, diagnosis, fail_from)).collect();
    let count = |is_counted: fn(&Case<'_>) -> bool| {
        cases.iter().filter(|case| is_counted(case)).count().to_string()
    };
    let tests = cases.len().to_string();
    let failures = count(|case| matches!(case.verdict, CaseVerdict::Failed { .. }));
    let skipped = count(|case| matches!(case.verdict, CaseVerdict::Skipped(_)));
    let totals = [("tests", &*tests), ("failures", &*failures), ("skipped", &*skipped)];

    let mut xml = Writer::new_with_indent(BufWriter::new(out), b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    xml.create_element("testsuites").with_attributes(totals).write_inner_content(|xml| {
        let suite = xml.create_element("testsuite").with_attribute(("name", "cilium-doctor"));
        suite
            .with_attributes(totals)
            .write_inner_content(|xml| cases.iter().try_for_each(|case| case.write(xml)))?;
        Ok(())
    })?;
    let mut out = xml.into_inner();
    out.write_all(b"\n")?;
    out.flush()
}

struct Case<'a> {
    code: &'static str,
    title: &'static str,
    verdict: CaseVerdict<'a>,
}

enum CaseVerdict<'a> {
    Passed,
    Skipped(String),
    Failed { worst: &'a Finding, text: String },
}

impl<'a> Case<'a> {
    fn of(result: &'a RuleResult, diagnosis: &Diagnosis, fail_from: Severity) -> Self {
        let judgement = &result.judgement;
        let bad: Vec<&Finding> = judgement
            .findings()
            .iter()
            .filter(|found| found.basis == Basis::Observed && found.severity >= fail_from)
            .collect();
        let verdict = match bad.iter().max_by_key(|finding| finding.severity) {
            Some(worst) => {
                let problems = problems(bad.iter().copied());
                let alikes = problems.iter().flat_map(Problem::parts);
                let texts: Vec<String> = alikes.map(|alike| told(alike, diagnosis)).collect();
                CaseVerdict::Failed { worst, text: texts.join("\n\n") }
            }
            None => match judgement.outcome() {
                Outcome::Unknown => {
                    let unknowns = judgement.unknowns().iter();
                    let whys =
                        unknowns.map(|unknown| format!("{}: {}", unknown.subject, unknown.why));
                    CaseVerdict::Skipped(format!(
                        "unknown: {}",
                        whys.collect::<Vec<_>>().join("; ")
                    ))
                }
                Outcome::NotApplicable => CaseVerdict::Skipped(format!(
                    "not applicable: {}",
                    judgement.why_not_applicable().unwrap_or_default()
                )),
                Outcome::Ok if !result.known.is_empty() => {
                    let known = finding::known(&result.known).unwrap_or_default();
                    CaseVerdict::Skipped(known)
                }
                Outcome::Ok | Outcome::Found(_) => CaseVerdict::Passed,
            },
        };
        Self { code: result.rule.code.0, title: result.rule.title, verdict }
    }

    fn write<W: Write>(&self, xml: &mut Writer<W>) -> io::Result<()> {
        let name = format!("{} {}", self.code, self.title);
        let case = xml
            .create_element("testcase")
            .with_attribute(("classname", "cilium-doctor"))
            .with_attribute(("name", &*name));
        match &self.verdict {
            CaseVerdict::Passed => case.write_empty()?,
            CaseVerdict::Skipped(why) => case.write_inner_content(|xml| {
                let why = control::escape_line(why);
                xml.create_element("skipped").with_attribute(("message", &*why)).write_empty()?;
                Ok(())
            })?,
            CaseVerdict::Failed { worst, text } => case.write_inner_content(|xml| {
                let message = control::escape_line(&worst.summary);
                xml.create_element("failure")
                    .with_attribute(("type", &*worst.severity.to_string()))
                    .with_attribute(("message", &*message))
                    .write_text_content(BytesText::new(&control::escape(text)))?;
                Ok(())
            })?,
        };
        Ok(())
    }
}

/// Findings that are alike, in a few lines.
fn told(alike: &Alike<'_>, diagnosis: &Diagnosis) -> String {
    let worst = alike.worst();
    let told = |finding: &&Finding| {
        format!("{} {}: {}", finding.severity, finding.subject, finding.summary)
    };
    let mut lines: Vec<String> = alike.findings().iter().map(told).collect();
    lines.dedup();
    let nodes: Vec<&str> = alike.nodes().into_iter().map(NodeName::as_str).collect();
    if !nodes.is_empty() {
        lines.push(format!("nodes: {}", nodes.join(", ")));
    }
    if let Some(verdict) = diagnosis.explanation_of(worst) {
        lines.push(format!("explained by {}: {}", verdict.cause, verdict.title));
    }
    let evidence = alike.evidence().into_iter();
    lines.extend(evidence.map(|evidence| format!("{}: {}", evidence.source, evidence.fact)));
    lines.push(format!("impact: {}", worst.impact));
    lines.push(format!("fix: {}", worst.remedy.text));
    lines.extend(worst.remedy.values.lines().map(str::to_owned));
    lines.extend(alike.commands().into_iter().flatten().cloned());
    lines.join("\n")
}

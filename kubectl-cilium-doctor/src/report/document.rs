//! `-o json` and `-o yaml`: the report for programs.

use std::{collections::HashMap, ptr};

use kcilium_core::{
    causes::Verdict,
    diagnosis::Diagnosis,
    facts::{Facts, NodeName, Origin},
    problems::problems,
    rules::{Basis, Code, Finding, Outcome, Severity, Unknown},
    view::Installation,
};
use serde::Serialize;

/// Version of the report's form, `MAJOR.MINOR`; a minor version only adds fields.
const SCHEMA_VERSION: &str = "1.1";

/// The whole report.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report<'a> {
    schema_version: &'static str,
    kind: &'static str,
    examined: Examined<'a>,
    summary: Summary,
    verdicts: &'a [Verdict],
    findings: Vec<ExplainedFinding<'a>>,
    /// What was known already, and counts for nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ignored: Vec<&'a Finding>,
    unknown: Vec<UnknownOfRule<'a>>,
    rules: Vec<RuleOutcome<'a>>,
    not_tested: Vec<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Examined<'a> {
    #[serde(flatten)]
    origin: &'a Origin,
    nodes: Vec<&'a NodeName>,
    cilium: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cilium_version: Option<String>,
    pod_cidrs: Vec<PodCidr>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PodCidr {
    prefix: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<NodeName>,
    sources: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    /// The worst that was seen; predictions do not count.
    worst: Option<Severity>,
    block: usize,
    error: usize,
    warn: usize,
    info: usize,
    predicted: usize,
    ignored: usize,
    unknown: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExplainedFinding<'a> {
    #[serde(flatten)]
    finding: &'a Finding,
    /// Number of the problem that it is a part of.
    problem: usize,
    /// The cause behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    explained_by: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UnknownOfRule<'a> {
    code: Code,
    #[serde(flatten)]
    unknown: &'a Unknown,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RuleOutcome<'a> {
    code: Code,
    title: &'static str,
    outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_applicable: Option<&'a str>,
}

impl<'a> Report<'a> {
    /// The report on a diagnosis.
    pub(super) fn new(facts: &'a Facts, diagnosis: &'a Diagnosis) -> Self {
        let findings = diagnosis.findings();
        let unknown: Vec<UnknownOfRule<'a>> = diagnosis
            .results
            .iter()
            .flat_map(|result| {
                let code = result.rule.code;
                result
                    .judgement
                    .unknowns()
                    .iter()
                    .map(move |unknown| UnknownOfRule { code, unknown })
            })
            .collect();
        Self {
            schema_version: SCHEMA_VERSION,
            kind: "DoctorReport",
            examined: Examined::new(facts, diagnosis),
            summary: Summary::new(diagnosis, &findings, unknown.len()),
            verdicts: &diagnosis.verdicts,
            findings: explained(diagnosis, &findings),
            ignored: diagnosis.known().collect(),
            unknown,
            rules: diagnosis
                .results
                .iter()
                .map(|result| RuleOutcome {
                    code: result.rule.code,
                    title: result.rule.title,
                    outcome: result.judgement.outcome(),
                    not_applicable: result.judgement.why_not_applicable(),
                })
                .collect(),
            not_tested: super::not_tested(facts).into_iter().collect(),
        }
    }
}

/// The findings with what they belong to.
fn explained<'a>(diagnosis: &Diagnosis, findings: &[&'a Finding]) -> Vec<ExplainedFinding<'a>> {
    let problems = problems(findings.iter().copied());
    let numbers: HashMap<*const Finding, usize> = problems
        .iter()
        .zip(1..)
        .flat_map(|(problem, number)| problem.findings().map(move |it| (ptr::from_ref(it), number)))
        .collect();
    let explained = |finding: &&'a Finding| ExplainedFinding {
        finding,
        problem: numbers[&ptr::from_ref::<Finding>(finding)],
        explained_by: diagnosis.explanation_of(finding).map(|verdict| verdict.cause),
    };
    findings.iter().map(explained).collect()
}

impl<'a> Examined<'a> {
    fn new(facts: &'a Facts, diagnosis: &Diagnosis) -> Self {
        let config = facts.cluster.config.known();
        Self {
            origin: &facts.origin,
            nodes: facts.nodes.iter().map(|node| &node.name).collect(),
            cilium: match diagnosis.installation {
                Installation::Seen => "seen",
                Installation::NotSeen => "not-seen",
                Installation::Unknown => "unknown",
            },
            cilium_version: config
                .and_then(|config| config.version.as_ref())
                .map(ToString::to_string),
            pod_cidrs: diagnosis
                .pod_cidrs
                .iter()
                .map(|claim| PodCidr {
                    prefix: claim.prefix.to_string(),
                    owner: claim.owner.clone(),
                    sources: claim.sources.iter().map(ToString::to_string).collect(),
                })
                .collect(),
        }
    }
}

impl Summary {
    fn new(diagnosis: &Diagnosis, findings: &[&Finding], unknown: usize) -> Self {
        let observed = |severity| {
            findings
                .iter()
                .filter(|finding| finding.basis == Basis::Observed && finding.severity == severity)
                .count()
        };
        Self {
            worst: diagnosis.worst(),
            block: observed(Severity::Block),
            error: observed(Severity::Error),
            warn: observed(Severity::Warn),
            info: observed(Severity::Info),
            predicted: findings.iter().filter(|finding| finding.basis == Basis::Predicted).count(),
            ignored: diagnosis.known().count(),
            unknown,
        }
    }
}

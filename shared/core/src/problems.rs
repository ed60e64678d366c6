//! Findings, put together as a reader takes them: one problem each.
//!
//! What one rule finds in several places and mends in the same way is one thing that is wrong
//! ([`Alike`]). What several rules find about one key of a configuration is one problem, because one
//! change of that key mends it: `tunnel` with a chart that does not know it any more is found by the
//! rule on routing modes, by the one on removed keys, and by the one on what charts refuse.

use std::{cmp::Reverse, collections::HashMap, iter};

use crate::{
    facts::NodeName,
    rules::{Basis, Code, Evidence, Finding, Judges, Remedy, Severity, registry},
};

/// Findings of one rule with the same remedy; never empty.
#[derive(Clone, Debug)]
pub struct Alike<'a> {
    findings: Vec<&'a Finding>,
}

/// Findings that a reader takes for one problem; never empty.
#[derive(Clone, Debug)]
pub struct Problem<'a> {
    parts: Vec<Alike<'a>>,
}

/// Puts findings together, the worst problem first, then by code.
pub fn problems<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Vec<Problem<'a>> {
    let mut problems: Vec<Problem<'a>> = Vec::new();
    let mut of_key: HashMap<(Basis, &str), usize> = HashMap::new();
    for alike in alikes(findings) {
        let key = key(alike.worst()).map(|key| (alike.worst().basis, key));
        if let Some(place) = key.and_then(|key| of_key.get(&key)) {
            problems[*place].parts.push(alike);
        } else {
            of_key.extend(key.map(|key| (key, problems.len())));
            problems.push(Problem { parts: vec![alike] });
        }
    }
    for problem in &mut problems {
        problem.parts.sort_by_key(Alike::rank);
    }
    problems.sort_by_key(|problem| problem.lead().rank());
    problems
}

/// Findings of the same rule that are mended in the same way. Where only the commands differ, they
/// name different nodes or pods.
fn alikes<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Vec<Alike<'a>> {
    type Likeness<'a> = (Code, Basis, Option<&'a str>, &'a str, &'a str);
    let mut alikes: Vec<Alike<'a>> = Vec::new();
    let mut places: HashMap<Likeness<'a>, usize> = HashMap::new();
    for finding in findings {
        let Remedy { text, values, .. } = &finding.remedy;
        let likeness = (finding.code, finding.basis, key(finding), &**text, &**values);
        let place = *places.entry(likeness).or_insert(alikes.len());
        match alikes.get_mut(place) {
            Some(alike) => alike.findings.push(finding),
            None => alikes.push(Alike::from(finding)),
        }
    }
    for alike in &mut alikes {
        alike.findings.sort_by_key(|finding| Reverse(finding.severity));
    }
    alikes
}

/// The key that a finding about a configuration is about: a path such as `ipam.mode`. Other subjects
/// of such rules are prefixes and the like.
fn key(finding: &Finding) -> Option<&str> {
    let is_of_path = |it: char| it.is_ascii_alphanumeric() || "._-[]\\".contains(it);
    let is_path =
        finding.subject.starts_with(char::is_alphabetic) && finding.subject.chars().all(is_of_path);
    let is_on_configuration = || {
        finding.basis == Basis::Proposed
            || registry::find(finding.code.0)
                .is_some_and(|rule| rule.judges == Judges::Configuration)
    };
    (is_path && is_on_configuration()).then_some(&*finding.subject)
}

impl<'a> Problem<'a> {
    /// What its rules found, the worst first, then by code.
    pub fn parts(&self) -> &[Alike<'a>] {
        &self.parts
    }

    /// The part that stands for all: the worst.
    pub fn lead(&self) -> &Alike<'a> {
        &self.parts[0]
    }

    /// The other parts.
    pub fn rest(&self) -> &[Alike<'a>] {
        &self.parts[1..]
    }

    /// How bad it is.
    pub fn severity(&self) -> Severity {
        self.lead().severity()
    }

    /// What to do: the remedy of the worst. One change mends it, so what others say is the same in
    /// other words, unless they alone have values or commands.
    pub fn remedies(&self) -> impl Iterator<Item = &'a Remedy> {
        let is_in_words = |remedy: &&Remedy| remedy.values.is_empty() && remedy.commands.is_empty();
        let lead = &self.lead().worst().remedy;
        let rest = self.rest().iter().map(|part| &part.worst().remedy);
        let more = rest.skip_while(is_in_words).take(usize::from(is_in_words(&lead)));
        iter::once(lead).chain(more)
    }

    /// Every finding.
    pub fn findings(&self) -> impl Iterator<Item = &'a Finding> {
        self.parts.iter().flat_map(|part| part.findings.iter().copied())
    }
}

impl<'a> From<&'a Finding> for Alike<'a> {
    fn from(finding: &'a Finding) -> Self {
        Self { findings: vec![finding] }
    }
}

impl<'a> Alike<'a> {
    /// Its findings, the worst first.
    pub fn findings(&self) -> &[&'a Finding] {
        &self.findings
    }

    /// The finding that stands for all.
    pub fn worst(&self) -> &'a Finding {
        self.findings[0]
    }

    /// The rule.
    pub fn code(&self) -> Code {
        self.worst().code
    }

    /// How bad the worst is.
    pub fn severity(&self) -> Severity {
        self.worst().severity
    }

    fn rank(&self) -> (Reverse<Severity>, Code) {
        (Reverse(self.severity()), self.code())
    }

    /// Nodes on which it was found, each once, in order.
    pub fn nodes(&self) -> Vec<&'a NodeName> {
        let mut nodes: Vec<&NodeName> =
            self.findings.iter().flat_map(|finding| &finding.nodes).collect();
        nodes.sort_unstable();
        nodes.dedup();
        nodes
    }

    /// What was found, each sentence once.
    pub fn summaries(&self) -> Vec<&'a str> {
        distinct(self.findings.iter().map(|finding| &*finding.summary))
    }

    /// What they are about, each once.
    pub fn subjects(&self) -> Vec<&'a str> {
        distinct(self.findings.iter().map(|finding| &*finding.subject))
    }

    /// What was seen, each fact once.
    pub fn evidence(&self) -> Vec<&'a Evidence> {
        distinct(self.findings.iter().flat_map(|finding| &finding.evidence))
    }

    /// The commands of each remedy, each list once.
    pub fn commands(&self) -> Vec<&'a [String]> {
        let lists = self.findings.iter().map(|finding| &*finding.remedy.commands);
        distinct(lists.filter(|commands| !commands.is_empty()))
    }
}

/// Each once, in their order.
fn distinct<T: Copy + Eq + std::hash::Hash>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut seen = std::collections::HashSet::new();
    items.filter(|item| seen.insert(*item)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(code: &'static str, severity: Severity, subject: &str, node: &str) -> Finding {
        Finding {
            code: Code(code),
            severity,
            basis: Basis::Observed,
            subject: subject.into(),
            nodes: vec![NodeName::from(node)],
            summary: format!("{subject} is wrong"),
            evidence: vec![Evidence::new("file", subject)],
            impact: String::new(),
            remedy: Remedy::text("mend it"),
        }
    }

    fn told(findings: &[Finding]) -> Vec<Vec<(&'static str, usize)>> {
        let told = |alike: &Alike<'_>| (alike.code().0, alike.findings().len());
        problems(findings)
            .iter()
            .map(|problem| problem.parts().iter().map(told).collect())
            .collect()
    }

    #[test]
    fn what_one_rule_finds_on_several_nodes_is_one_problem() {
        let findings = [
            finding("RT-02", Severity::Warn, "10.0.1.0/24", "node4"),
            finding("RT-02", Severity::Error, "10.0.2.0/24", "node1"),
            finding("RT-02", Severity::Error, "10.0.2.0/24", "node2"),
            finding("RT-02", Severity::Error, "10.0.2.0/24", "node1"),
        ];
        let problems = problems(&findings);
        let [problem] = &problems[..] else { panic!("{problems:#?}") };
        assert_eq!(problem.severity(), Severity::Error);
        assert_eq!(problem.findings().count(), 4);
        let lead = problem.lead();
        assert_eq!(lead.nodes(), ["node1", "node2", "node4"].map(NodeName::from).each_ref());
        assert_eq!(lead.summaries(), ["10.0.2.0/24 is wrong", "10.0.1.0/24 is wrong"]);
        assert_eq!(lead.evidence().len(), 2);
    }

    #[test]
    fn what_is_mended_otherwise_is_another_problem() {
        let mut findings = [
            finding("RT-02", Severity::Error, "10.0.2.0/24", "node1"),
            finding("RT-02", Severity::Error, "10.0.2.0/24", "node2"),
        ];
        findings[1].remedy = Remedy::text("leave it");
        assert_eq!(told(&findings), [[("RT-02", 1)], [("RT-02", 1)]]);
        findings[1].remedy = Remedy::text("mend it").with_commands(["mend node2"]);
        assert_eq!(told(&findings), [[("RT-02", 2)]]);
        assert_eq!(problems(&findings)[0].lead().commands(), [["mend node2"]]);
        // What would be is not what is.
        findings[1].basis = Basis::Predicted;
        assert_eq!(told(&findings), [[("RT-02", 1)], [("RT-02", 1)]]);
    }

    #[test]
    fn what_is_said_of_one_key_is_one_problem() {
        let findings = [
            finding("VAL-02", Severity::Block, "tunnel", "n"),
            finding("CFG-16", Severity::Block, "tunnel", "n"),
            finding("CFG-03", Severity::Warn, "enableIPv4Masquerade", "n"),
            finding("VAL-11", Severity::Error, "tunnel", "n"),
        ];
        let of_tunnel = vec![("CFG-16", 1), ("VAL-02", 1), ("VAL-11", 1)];
        assert_eq!(told(&findings), [of_tunnel, vec![("CFG-03", 1)]]);
    }

    #[test]
    fn keys_are_no_prefixes_and_no_addresses_and_no_rule_on_states_has_one() {
        let of = |code, subject| key(&finding(code, Severity::Warn, subject, "n")).is_some();
        assert!(of("CFG-16", "ipam.operator.clusterPoolIPv4PodCIDRList[0]"));
        assert!(!of("CIDR-04", "10.0.0.0/8"));
        assert!(!of("CIDR-04", "fd00::/104"));
        assert!(!of("POD-01", "timeout"));
    }

    #[test]
    fn the_worst_comes_first_then_the_code() {
        let findings = [
            finding("RT-06", Severity::Info, "a", "n"),
            finding("RT-05", Severity::Error, "b", "n"),
            finding("CIDR-01", Severity::Error, "c", "n"),
        ];
        assert_eq!(told(&findings), [[("CIDR-01", 1)], [("RT-05", 1)], [("RT-06", 1)]]);
    }
}

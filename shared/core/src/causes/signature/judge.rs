//! Which causes hold on a node: what contradicts a probe falls, what a fact decides stands, and of the
//! rest those count that explain most.

use std::collections::{BTreeSet, HashMap};

use super::{Decisive, SIGNATURES, Sign, Signature, Site, split};
use crate::{
    causes::{Alternative, Case, ChainLink, Check, Confidence, Explained, Verdict},
    facts::NodeName,
    probe::{
        ProbeResult,
        readings::{Reading, Seen},
    },
    rules::{Evidence, Finding, Severity},
    view::NodeView,
};

/// A cause that a site may suffer from.
pub(super) struct Candidate {
    pub(super) signature: &'static Signature,
    pub(super) decisive: Decisive,
}

/// A cause that a site suffers from, or one of several.
struct Held {
    candidate: Candidate,
    confidence: Confidence,
    /// What failed because of it.
    effects: BTreeSet<Sign>,
    /// What fits as well.
    others: Vec<Candidate>,
}

/// Verdicts about all nodes, those that agree put together.
pub(in crate::causes) fn verdicts(case: &Case<'_>) -> Vec<Verdict> {
    let mut verdicts: Vec<(Key, Verdict)> = Vec::new();
    for site in sites(case) {
        for held in judge(&site) {
            let key = Key::of(&site, &held);
            match verdicts.iter_mut().find(|(known, _)| *known == key) {
                Some((_, verdict)) => verdict.nodes.extend(site.node.map(|it| it.name().clone())),
                None => verdicts.push((key, verdict(&site, held))),
            }
        }
    }
    let order = |key: &Key| SIGNATURES.iter().position(|signature| signature.code == key.code);
    verdicts.sort_by_key(|(key, _)| order(key));
    let mut verdicts: Vec<Verdict> = verdicts.into_iter().map(|(_, verdict)| verdict).collect();
    for verdict in &mut verdicts {
        verdict.nodes.sort_unstable();
        verdict.nodes.dedup();
    }
    verdicts
}

/// The nodes; the cluster itself where none is known.
fn sites<'c>(case: &'c Case<'c>) -> impl Iterator<Item = Site<'c>> {
    let nodes = case.view.nodes();
    let cluster = nodes.is_empty().then_some(None);
    let places = nodes.iter().map(Some).chain(cluster);
    let findings = Findings::new(&case.findings);
    places.map(move |node| Site::new(case.view, node, findings.about(node)))
}

/// Findings by the nodes that they are about. A large cluster has many of both.
struct Findings<'c> {
    all: &'c [&'c Finding],
    /// Positions of those about the cluster.
    common: Vec<usize>,
    own: HashMap<&'c NodeName, Vec<usize>>,
}

impl<'c> Findings<'c> {
    fn new(all: &'c [&'c Finding]) -> Self {
        let mut own: HashMap<&NodeName, Vec<usize>> = HashMap::new();
        for (position, finding) in all.iter().enumerate() {
            for node in &finding.nodes {
                own.entry(node).or_default().push(position);
            }
        }
        let is_common =
            |(position, finding): (usize, &&Finding)| finding.nodes.is_empty().then_some(position);
        Self { all, common: all.iter().enumerate().filter_map(is_common).collect(), own }
    }

    /// Those about a node and about the cluster, in order; without a node all.
    fn about(&self, node: Option<&NodeView<'_>>) -> Vec<&'c Finding> {
        let Some(node) = node else { return self.all.to_vec() };
        let own = self.own.get(node.name()).map_or(&[][..], Vec::as_slice);
        let mut positions: Vec<usize> = self.common.iter().chain(own).copied().collect();
        positions.sort_unstable();
        positions.dedup();
        positions.into_iter().map(|position| self.all[position]).collect()
    }
}

/// What nodes must have in common to share a verdict.
#[derive(PartialEq, Eq)]
struct Key {
    code: &'static str,
    confidence: Confidence,
    title: String,
    others: Vec<&'static str>,
}

impl Key {
    fn of(site: &Site<'_>, held: &Held) -> Self {
        Self {
            code: held.candidate.signature.code,
            confidence: held.confidence,
            title: (held.candidate.signature.title)(site),
            others: held.others.iter().map(|other| other.signature.code).collect(),
        }
    }
}

/// Several causes may hold at once: what one explains, the next need not.
fn judge(site: &Site<'_>) -> Vec<Held> {
    let mut candidates: Vec<Candidate> = SIGNATURES
        .iter()
        .map(|signature| Candidate { signature, decisive: (signature.decisive)(site) })
        .filter(|candidate| !matches!(candidate.decisive, Decisive::RuledOut))
        .filter(|candidate| !is_contradicted(site, candidate))
        .collect();
    let mut unexplained = site.readings.failing();
    let mut held = Vec::new();
    let decided = candidates.extract_if(.., |candidate| candidate.decisive.evidence().is_some());
    for candidate in decided.collect::<Vec<_>>() {
        let mut effects = effects(&candidate, &unexplained);
        // Another cause may have been shown to be behind it.
        effects.retain(|sign| {
            unexplained.contains(sign) || site.readings.reading(*sign) != Some(Reading::Fails)
        });
        if let Decisive::SeenOfSome { .. } = candidate.decisive {
            effects.extend(broken_in_part(site, candidate.signature));
        }
        let Some(confidence) = confidence_of_decided(site, &candidate, &effects) else { continue };
        unexplained.retain(|sign| !effects.contains(sign));
        held.push(Held { candidate, confidence, effects, others: Vec::new() });
    }
    while let Some(next) = most_explaining(&mut candidates, &unexplained) {
        unexplained.retain(|sign| !next.effects.contains(sign));
        held.push(next);
    }
    held
}

/// A way works that it breaks, or one fails that it leaves alone.
fn is_contradicted(site: &Site<'_>, Candidate { signature, decisive }: &Candidate) -> bool {
    let reading = |sign: &Sign| site.readings.reading(*sign);
    let is_of_some = matches!(decisive, Decisive::SeenOfSome { .. });
    let works = |sign: &Sign| match reading(sign) {
        Some(Reading::Works) => true,
        Some(Reading::Mixed) => !is_of_some,
        Some(Reading::Fails) | None => false,
    };
    signature.breaks.iter().any(works)
        || signature.spares.iter().any(|sign| reading(sign) == Some(Reading::Fails))
}

fn effects(candidate: &Candidate, unexplained: &BTreeSet<Sign>) -> BTreeSet<Sign> {
    if let Decisive::Shown { effects, .. } = &candidate.decisive {
        return effects.clone();
    }
    let Signature { breaks, may_break, .. } = candidate.signature;
    breaks.iter().chain(*may_break).filter(|sign| unexplained.contains(*sign)).copied().collect()
}

fn broken_in_part(site: &Site<'_>, signature: &'static Signature) -> impl Iterator<Item = Sign> {
    let is_mixed = |sign: &Sign| site.readings.reading(*sign) == Some(Reading::Mixed);
    signature.breaks.iter().copied().filter(is_mixed)
}

/// The fact was seen. Without an effect it may only be a fault in waiting.
fn confidence_of_decided(
    site: &Site<'_>,
    candidate: &Candidate,
    effects: &BTreeSet<Sign>,
) -> Option<Confidence> {
    if let Decisive::Shown { confidence, .. } = candidate.decisive {
        let holds = confidence == Confidence::Confirmed || !effects.is_empty();
        return holds.then_some(confidence);
    }
    let speaks_for_itself =
        matches!(candidate.decisive, Decisive::Seen { speaks_for_itself: true, .. });
    // Where nobody looked whether the node fares better, the target itself may be dead; where another's
    // pod lent its network, its policies may be why.
    if !effects.is_empty() {
        return Some(if site.is_certain() { Confidence::Confirmed } else { Confidence::Likely });
    }
    let breaks = candidate.signature.breaks;
    let was_probed = breaks.iter().any(|sign| site.readings.is_probed(*sign));
    (speaks_for_itself && !was_probed).then_some(Confidence::Likely)
}

/// The candidates that explain most of what is left; one alone is likely.
fn most_explaining(candidates: &mut Vec<Candidate>, unexplained: &BTreeSet<Sign>) -> Option<Held> {
    // What a cause merely may break does not speak for it.
    let gain = |candidate: &Candidate| {
        let effects = effects(candidate, unexplained);
        let breaks = candidate.signature.breaks;
        let speaks = breaks.is_empty() || breaks.iter().any(|sign| effects.contains(sign));
        if speaks { effects.len() } else { 0 }
    };
    let most = candidates.iter().map(gain).max().filter(|most| *most > 0)?;
    let mut best =
        candidates.extract_if(.., |candidate| gain(candidate) == most).collect::<Vec<_>>();
    let candidate = best.remove(0);
    let effects = effects(&candidate, unexplained);
    let confidence = if best.is_empty() { Confidence::Likely } else { Confidence::Undetermined };
    Some(Held { candidate, confidence, effects, others: best })
}

fn verdict(site: &Site<'_>, held: Held) -> Verdict {
    let Held { candidate, confidence, effects, others } = held;
    let signature = candidate.signature;
    // Networks may be meant to be closed, and policies to refuse.
    let is_harmless = matches!(signature.code, "C-WALL" | "C-POLICY");
    let severity = if is_harmless { Severity::Warn } else { Severity::Error };
    let severity = (!effects.is_empty()).then_some(severity);
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    // What might as well be somebody else's doing is not taken away from others.
    let explained = site
        .findings
        .iter()
        .filter(|finding| confidence != Confidence::Undetermined && (signature.explains)(finding));
    let explains_also: Vec<Explained> = explained.clone().map(|it| Explained::of(it)).collect();
    let mut chain: Vec<ChainLink> =
        explained.map(|finding| ChainLink::symptom(&finding.summary)).collect();
    chain.extend(
        effects.iter().filter_map(|sign| Some(probed(site, *sign, site.readings.seen(*sign)?))),
    );
    chain.extend(
        signature
            .spares
            .iter()
            .filter_map(|sign| Some(probed(site, *sign, site.readings.seen(*sign)?))),
    );
    if let Some(evidence) = candidate.decisive.evidence() {
        let facts = evidence.iter().take(6);
        chain.extend(facts.map(|Evidence { source, fact }| ChainLink::fact(source, fact)));
    }
    chain.push(ChainLink::cause(signature.because));
    let mut alternatives = Vec::new();
    let mut decides = Vec::new();
    if !others.is_empty() {
        alternatives.extend(others.iter().map(|other| Alternative {
            cause: other.signature.code,
            title: (other.signature.title)(site),
        }));
        let all: Vec<&Candidate> = std::iter::once(&candidate).chain(&others).collect();
        decides.extend(split::cheapest(site, &all));
        decides.extend(all.iter().filter_map(|one| asked(one)));
    } else if confidence == Confidence::Likely {
        let check = asked(&candidate).or_else(|| site.with_own_pod());
        decides.extend(check.or_else(|| split::effect(site, &candidate)));
    }
    Verdict {
        cause: signature.code,
        confidence,
        title: (signature.title)(site),
        nodes: site.node.map(|node| node.name().clone()).into_iter().collect::<Vec<NodeName>>(),
        chain,
        broken: owned(signature.broken),
        still_works: owned(signature.still_works),
        cautions: owned(signature.cautions),
        fix: (signature.fix)(site),
        verify: (signature.verify)(site),
        severity,
        explains: Vec::new(),
        explains_also,
        alternatives,
        decides,
    }
}

fn asked(candidate: &Candidate) -> Option<Check> {
    match &candidate.decisive {
        Decisive::Unseen(Some(check)) => Some(Check {
            command: check.command.clone(),
            expect: format!("{}: {}", candidate.signature.code, check.expect),
        }),
        _ => None,
    }
}

/// A way, and how it fared.
fn probed(site: &Site<'_>, sign: Sign, seen: &Seen<'_>) -> ChainLink {
    let all = seen.answered.len() + seen.lost.len();
    let first = |probes: &[&ProbeResult]| match probes {
        [] => String::new(),
        [probe] => probe.target.clone(),
        [probe, ..] => format!("{} and others", probe.target),
    };
    let text = match seen.reading {
        Reading::Works => format!("{} works: {}", sign.in_words(), first(&seen.answered)),
        Reading::Fails if seen.answered.is_empty() => {
            format!("{} fails: {} (all of {all})", sign.in_words(), first(&seen.lost))
        }
        Reading::Fails | Reading::Mixed => format!(
            "{} fails for {} of {all}: {}",
            sign.in_words(),
            seen.lost.len(),
            first(&seen.lost)
        ),
    };
    ChainLink::probe(site.vantage(), text)
}

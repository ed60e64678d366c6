//! Which probe that was not sent would tell candidates apart.

use super::{Sign, Site, judge::Candidate};
use crate::{causes::Check, probe::matrix::Destination};

/// Ways that can be probed, the cheapest first: what stays on the node, in the cluster, then outside;
/// sizes take many packets.
const WAYS: [Sign; 15] = [
    Sign::Pod(Destination::PodSameNode),
    Sign::Pod(Destination::OtherNode),
    Sign::Pod(Destination::PodOtherNode),
    Sign::Pod(Destination::ClusterDnsPod),
    Sign::Pod(Destination::ClusterDns),
    Sign::Pod(Destination::ApiService),
    Sign::Pod(Destination::Gateway),
    Sign::Pod(Destination::Lan),
    Sign::Pod(Destination::InternetByAddress),
    Sign::Pod(Destination::Resolver),
    Sign::Pod(Destination::InternetByName),
    Sign::HostInternet,
    Sign::HostNames,
    Sign::PodTcp(Destination::PodOtherNode),
    Sign::PodLarge(Destination::PodOtherNode),
];

/// The way that divides the candidates most evenly, and of several the cheapest.
pub(super) fn cheapest(site: &Site<'_>, candidates: &[&Candidate]) -> Option<Check> {
    let unknown = WAYS.into_iter().filter(|way| site.readings.reading(*way).is_none());
    let divided = unknown.map(|way| (way, divide(way, candidates)));
    // `max_by_key` takes the last of equals, and the cheapest come first.
    let cheapest_last = divided.collect::<Vec<_>>().into_iter().rev();
    let (way, [fails, works]) =
        cheapest_last.max_by_key(|(_, [fails, works])| fails.len() * works.len())?;
    if fails.is_empty() || works.is_empty() {
        return None;
    }
    Some(Check::new(
        format!("# a probe on {}: {}", site.place(), way.in_words()),
        format!("if it fails: {}; if it works: {}", fails.join(", "), works.join(", ")),
    ))
}

/// The probe that shows the effect of a fact that was seen.
pub(super) fn effect(site: &Site<'_>, candidate: &Candidate) -> Option<Check> {
    let mut breaks = candidate.signature.breaks.iter();
    let way = breaks.find(|way| site.readings.reading(**way).is_none())?;
    Some(Check::new(
        format!("# a probe on {}: {}", site.place(), way.in_words()),
        "if it fails, while the same from the node itself works: confirmed; if it works: it is not this",
    ))
}

/// Those in whose case it may fail, and those in whose case it works.
fn divide(way: Sign, candidates: &[&Candidate]) -> [Vec<&'static str>; 2] {
    let with = |has: fn(&Candidate, &Sign) -> bool| {
        let having = candidates.iter().filter(|candidate| has(candidate, &way));
        having.map(|candidate| candidate.signature.code).collect()
    };
    [
        with(|Candidate { signature, .. }, way| {
            signature.breaks.contains(way) || signature.may_break.contains(way)
        }),
        with(|Candidate { signature, .. }, way| signature.spares.contains(way)),
    ]
}

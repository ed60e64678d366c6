//! What the probes of a node say, put together: which ways work, and which do not.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use super::{
    Answer, Counters, LinkCounters, Outcome, PathMtu, Phase, ProbeResult,
    matrix::{Cell, Destination, Vantage},
};
use crate::facts::NodeFacts;

/// A way that packets take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Sign {
    /// Small packets of pods. Outside the cluster only targets count that the node itself reaches:
    /// what is dead for both tells nothing about pods.
    Pod(Destination),
    /// Large packets of pods, where small ones come through.
    PodLarge(Destination),
    /// TCP of pods, where UDP comes through.
    PodTcp(Destination),
    /// Names, asked by the node.
    HostNames,
    /// Every target on the internet, for the node itself.
    HostInternet,
}

/// What probes say about a way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Every target answers.
    Works,
    /// No target answers.
    Fails,
    /// Some do.
    Mixed,
}

/// A reading, and what it rests on.
#[derive(Clone, Debug)]
pub(crate) struct Seen<'p> {
    pub(crate) reading: Reading,
    /// Probes that got an answer.
    pub(crate) answered: Vec<&'p ProbeResult>,
    /// Probes that did not.
    pub(crate) lost: Vec<&'p ProbeResult>,
}

/// What the probes of one node say.
#[derive(Debug, Default)]
pub(crate) struct Readings<'p> {
    signs: BTreeMap<Sign, Seen<'p>>,
    /// What pods lose and do not lose once a policy lets them send everything.
    lifted: BTreeMap<Sign, Vec<&'p ProbeResult>>,
    /// What the node itself sent in small packets, and whether it got an answer.
    of_host: BTreeMap<Destination, Vec<(&'p ProbeResult, bool)>>,
    /// Cells that were probed, whatever came of it.
    probed: BTreeSet<Cell>,
    /// Counters of the node that tell why packets died: `None` where nobody counted.
    pub(crate) deaths: Option<Deaths>,
    /// What the node's tunnel device counted meanwhile.
    pub(crate) tunnel: Option<LinkCounters>,
}

/// Packets that a node dropped while it was probed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Deaths {
    /// Because the way back leads elsewhere (`rp_filter`).
    pub(crate) reverse_path: u64,
    /// Because their checksum is wrong.
    pub(crate) checksum: u64,
}

/// Probes of one target: the same ones by pods and by the node have the same names.
#[derive(Default)]
struct Target<'p> {
    /// By the name of the probe: pod's, host's, and that of a pod that may send everything.
    probes: BTreeMap<&'p str, [Option<&'p ProbeResult>; 3]>,
}

impl<'p> Readings<'p> {
    pub(crate) fn of(node: &'p NodeFacts) -> Self {
        let mut readings = Self::default();
        let mut targets: BTreeMap<Destination, BTreeMap<&str, Target<'_>>> = BTreeMap::new();
        for result in node.probes.items() {
            readings.count_deaths(result);
            let Some((cell, name)) = Cell::of(&result.id).zip(name(result)) else { continue };
            readings.probed.insert(cell);
            // What is asked there is to have no answer; DNS-07 reads it.
            if cell.destination == Destination::SearchDomain {
                continue;
            }
            let target = targets.entry(cell.destination).or_default();
            let target = target.entry(host(&result.target)).or_default();
            target.probes.entry(name).or_default()[index(cell.vantage)] = Some(result);
        }
        let host_was_probed = readings.probed.iter().any(|cell| cell.vantage == Vantage::Host);
        for (destination, targets) in &targets {
            let is_outside = host_was_probed && is_outside(*destination);
            let of_pods = || targets.values().map(|target| target.of_pod(is_outside));
            readings.read(Sign::Pod(*destination), of_pods().map(|probes| small(&probes)));
            let lifted: Vec<_> = targets.values().flat_map(Target::lifted).collect();
            if !lifted.is_empty() {
                readings.lifted.insert(Sign::Pod(*destination), lifted);
            }
            readings.read(Sign::PodLarge(*destination), of_pods().map(|probes| large(&probes)));
            readings.read(Sign::PodTcp(*destination), of_pods().map(|probes| tcp(&probes)));
            let of_host = || targets.values().map(|target| small(&target.of_host()));
            readings.of_host.insert(*destination, of_host().flatten().collect());
            match destination {
                Destination::InternetByAddress => readings.read(Sign::HostInternet, of_host()),
                Destination::Resolver => readings.read(Sign::HostNames, of_host()),
                _ => {}
            }
        }
        readings
    }

    fn count_deaths(&mut self, result: &ProbeResult) {
        if let Some(Answer::Counters(Counters { protocols, links })) = &result.answer {
            let count = |name: &str| protocols.get(name).copied().unwrap_or_default();
            let deaths = self.deaths.get_or_insert_default();
            deaths.reverse_path += count("TcpExt.IPReversePathFilter");
            deaths.checksum += count("Tcp.InCsumErrors") + count("Udp.InCsumErrors");
            let is_tunnel = |name: &str| matches!(name, "cilium_vxlan" | "cilium_geneve");
            let tunnel = links.iter().find(|(name, _)| is_tunnel(name.as_str()));
            self.tunnel = self.tunnel.or(tunnel.map(|(_, counters)| *counters));
        }
    }

    /// Puts the targets of a destination together.
    fn read(&mut self, sign: Sign, targets: impl Iterator<Item = Vec<(&'p ProbeResult, bool)>>) {
        let (mut answered, mut lost) = (Vec::new(), Vec::new());
        let (mut alive, mut dead) = (0, 0);
        for probes in targets.filter(|probes| !probes.is_empty()) {
            // A port that a firewall guards says nothing about the way to a host that answers on another.
            if probes.iter().any(|(_, answers)| *answers) {
                alive += 1;
                answered.extend(probes.iter().filter(|(_, it)| *it).map(|(result, _)| *result));
            } else {
                dead += 1;
                lost.extend(probes.iter().map(|(result, _)| *result));
            }
        }
        let reading = match (alive, dead) {
            (0, 0) => return,
            (_, 0) => Reading::Works,
            (0, _) => Reading::Fails,
            _ if sign == Sign::HostInternet => Reading::Fails,
            _ => Reading::Mixed,
        };
        self.signs.insert(sign, Seen { reading, answered, lost });
    }

    /// What pods lose, and reach once a policy lets them send everything.
    pub(crate) fn lifted(&self) -> &BTreeMap<Sign, Vec<&'p ProbeResult>> {
        &self.lifted
    }

    /// Whether pods sent the same once more with a policy that lets them.
    pub(crate) fn is_tried_with_policy(&self) -> bool {
        self.probed.iter().any(|cell| cell.vantage == Vantage::AllowedPod)
    }

    pub(crate) fn seen(&self, sign: Sign) -> Option<&Seen<'p>> {
        self.signs.get(&sign)
    }

    /// What the node itself sent there in small packets, and whether it got an answer.
    pub(crate) fn of_host(&self, destination: Destination) -> &[(&'p ProbeResult, bool)] {
        self.of_host.get(&destination).map_or(&[], Vec::as_slice)
    }

    /// Small and large probes of a way that got an answer.
    pub(crate) fn answered(&self, sign: Sign) -> impl Iterator<Item = &'p ProbeResult> {
        let signs = match sign {
            Sign::Pod(to) => [Some(sign), Some(Sign::PodLarge(to)), Some(Sign::PodTcp(to))],
            _ => [Some(sign), None, None],
        };
        let seen = signs.into_iter().flatten().filter_map(|sign| self.seen(sign));
        seen.flat_map(|seen| seen.answered.iter().copied()).collect::<Vec<_>>().into_iter()
    }

    pub(crate) fn reading(&self, sign: Sign) -> Option<Reading> {
        self.seen(sign).map(|seen| seen.reading)
    }

    /// Whether pods' way there was probed, even if nothing follows from it.
    pub(crate) fn is_probed(&self, sign: Sign) -> bool {
        match sign {
            Sign::Pod(destination) | Sign::PodLarge(destination) | Sign::PodTcp(destination) => {
                self.probed.contains(&Cell { vantage: Vantage::Pod, destination })
            }
            Sign::HostInternet | Sign::HostNames => self.seen(sign).is_some(),
        }
    }

    /// Whether the node itself was probed as a control.
    pub(crate) fn is_controlled(&self) -> bool {
        self.probed.iter().any(|cell| cell.vantage == Vantage::Host)
    }

    /// What does not work at all.
    pub(crate) fn failing(&self) -> BTreeSet<Sign> {
        let failing = self.signs.iter().filter(|(_, seen)| seen.reading == Reading::Fails);
        failing.map(|(sign, _)| *sign).collect()
    }
}

impl<'p> Target<'p> {
    /// What pods sent; of targets outside only what the node itself gets an answer to.
    fn of_pod(&self, is_controlled: bool) -> Vec<&'p ProbeResult> {
        let probes = self.probes.values();
        let counted = probes.filter(|[_, host, _]| {
            !is_controlled || host.is_some_and(|host| answers(host) == Some(true))
        });
        counted.filter_map(|[pod, ..]| *pod).collect()
    }

    fn of_host(&self) -> Vec<&'p ProbeResult> {
        self.probes.values().filter_map(|[_, host, _]| *host).collect()
    }

    /// Small packets that are lost unless a policy lets pods send them. Where the target answers to
    /// anything without one, a single loss is chance.
    fn lifted(&self) -> Vec<&'p ProbeResult> {
        let plain: Vec<_> = self.probes.values().filter_map(|[pod, ..]| *pod).collect();
        let plain = small(&plain);
        if plain.iter().any(|(_, answers)| *answers) {
            return Vec::new();
        }
        let lost = |pod: &&ProbeResult| plain.iter().any(|(lost, _)| lost.id == pod.id);
        let pairs = self.probes.values().filter_map(|[pod, _, allowed]| pod.zip(*allowed));
        let lifted = pairs.filter(|(pod, allowed)| lost(pod) && answers(allowed) == Some(true));
        lifted.map(|(pod, _)| pod).collect()
    }
}

/// Whether pods of a node lose small packets that should come through: what the node itself reaches,
/// and what is in the cluster.
pub fn lose_packets(node: &NodeFacts) -> bool {
    let readings = Readings::of(node);
    let mut ways = readings.signs.iter();
    ways.any(|(sign, seen)| matches!(sign, Sign::Pod(_)) && !seen.lost.is_empty())
}

/// Small packets: everything but echo requests, which prove nothing, and what is about sizes.
fn small<'p>(probes: &[&'p ProbeResult]) -> Vec<(&'p ProbeResult, bool)> {
    let is_small = |probe: &&&ProbeResult| !matches!(&*probe.kind, "icmp" | "path-mtu");
    let small = probes.iter().filter(is_small).filter(|probe| !is_large_message(probe));
    small.filter_map(|probe| Some((*probe, answers(probe)?))).collect()
}

/// Large packets to a target that small ones reach.
fn large<'p>(probes: &[&'p ProbeResult]) -> Vec<(&'p ProbeResult, bool)> {
    let sizes: Vec<_> = probes.iter().filter(|probe| probe.kind == "path-mtu").collect();
    let is_narrow = sizes.iter().any(|probe| is_black_hole(probe));
    let is_wide = sizes.iter().any(|probe| probe.outcome.is_reached() == Some(true))
        && sizes.iter().all(|probe| !is_black_hole(probe));
    let is_reached = is_narrow || small(probes).iter().any(|(_, answers)| *answers);
    if !is_reached || (is_wide && is_narrow) {
        return Vec::new();
    }
    // A server that does not answer a short request either says nothing about sizes.
    let is_served = probes.iter().any(|it| it.kind == "http" && it.outcome == Outcome::Ok);
    let messages = probes.iter().filter(|probe| {
        is_large_message(probe)
            && (probe.kind != "http" || is_served && probe.phase != Some(Phase::Connect))
    });
    let messages = messages.filter_map(|probe| Some((*probe, answers(probe)?)));
    if is_narrow || is_wide {
        // Where sizes were measured, a message that is lost although it would fit tells of something else.
        let sizes = sizes.into_iter().map(|probe| (*probe, is_wide));
        let lost = messages.filter(|(_, answers)| !answers && is_narrow);
        return sizes
            .filter(|(probe, _)| probe.outcome.is_reached() == Some(true))
            .chain(lost)
            .collect();
    }
    messages.collect()
}

/// Large packets vanish, and no router says what fits: then nobody who sends can do better. The
/// node's own word about its tunnel is none, where less than that comes through.
fn is_black_hole(probe: &ProbeResult) -> bool {
    let is_told = matches!(
        &probe.answer,
        Some(Answer::PathMtu(PathMtu { told: Some(told), passed, .. })) if told <= passed
    );
    probe.outcome == Outcome::TooNarrow && !is_told
}

/// TCP to a target that answers over UDP.
fn tcp<'p>(probes: &[&'p ProbeResult]) -> Vec<(&'p ProbeResult, bool)> {
    let over = |word: &'static str| {
        let probes = probes.iter().filter(move |probe| probe.target.ends_with(word));
        probes.filter_map(|probe| Some((*probe, answers(probe)?)))
    };
    if !over("/udp").any(|(_, answers)| answers) {
        return Vec::new();
    }
    over("/tcp").collect()
}

/// A message over TCP that fills packets. The agent's large echo travels over TCP, the small one over
/// UDP; a long request says how long it is.
pub(crate) fn is_large_message(probe: &ProbeResult) -> bool {
    match &*probe.kind {
        "echo" => probe.target.ends_with("/tcp"),
        "http" => probe.target.ends_with(" bytes"),
        _ => false,
    }
}

/// Whether the probe got what tells that the way is open.
fn answers(probe: &ProbeResult) -> Option<bool> {
    let is_of = |destination| Cell::of(&probe.id).is_some_and(|it| it.destination == destination);
    match (probe.outcome, probe.phase) {
        // These names exist: a server that says otherwise got no answer itself, or a forged one.
        (Outcome::NoSuchName | Outcome::Unexpected, _) if is_of(Destination::Resolver) => {
            Some(false)
        }
        (Outcome::NoSuchName, Some(Phase::Resolve)) => Some(false),
        (outcome, _) => outcome.is_reached(),
    }
}

/// The same for pods and hosts: what follows the vantage in the id.
fn name(result: &ProbeResult) -> Option<&str> {
    result.id.as_str().split_once('/').map(|(_, name)| name)
}

/// A target without its port, path and transport.
fn host(target: &str) -> &str {
    let target = target.split([' ', '/']).next().unwrap_or_default();
    if target.parse::<IpAddr>().is_ok() {
        return target;
    }
    let host = target.rsplit_once(':').map_or(target, |(host, _)| host);
    host.trim_start_matches('[').trim_end_matches(']')
}

fn index(vantage: Vantage) -> usize {
    match vantage {
        Vantage::Pod => 0,
        Vantage::Host => 1,
        Vantage::AllowedPod => 2,
    }
}

/// Where the node's own success shows that the target lives.
fn is_outside(destination: Destination) -> bool {
    match destination {
        Destination::Gateway
        | Destination::Lan
        | Destination::OtherNode
        | Destination::Resolver
        | Destination::InternetByAddress
        | Destination::InternetByName => true,
        Destination::PodSameNode
        | Destination::PodOtherNode
        | Destination::ClusterDns
        | Destination::ClusterDnsPod
        | Destination::ApiService
        | Destination::SearchDomain => false,
    }
}

impl Sign {
    /// In words.
    pub(crate) fn in_words(self) -> String {
        let whither = |destination| match destination {
            Destination::Gateway => "the gateway",
            Destination::Lan => "the LAN",
            Destination::OtherNode => "other nodes",
            Destination::PodSameNode => "pods of the same node",
            Destination::PodOtherNode => "pods of other nodes",
            Destination::ClusterDns => "the cluster's DNS",
            Destination::ClusterDnsPod => "the pods of the cluster's DNS",
            Destination::ApiService => "the API server's Service",
            Destination::Resolver => "names outside the cluster",
            Destination::SearchDomain => "names below search domains",
            Destination::InternetByAddress => "the internet by address",
            Destination::InternetByName => "the internet by name",
        };
        match self {
            Self::Pod(destination) => format!("from pods to {}", whither(destination)),
            Self::PodLarge(destination) => {
                format!("large packets from pods to {}", whither(destination))
            }
            Self::PodTcp(destination) => format!("TCP from pods to {}", whither(destination)),
            Self::HostNames => "names outside the cluster, for the node".into(),
            Self::HostInternet => "the internet, for the node".into(),
        }
    }
}

//! Causes as data: which ways each breaks and which it leaves alone, which fact decides, and what to do.
//!
//! Everything is judged for each node by itself: probes start there, and two nodes of one
//! configuration may suffer from different things. Verdicts of nodes that agree are put together.

mod judge;
mod site;
mod split;

mod api_server;
mod between_nodes;
mod dns_upstream;
mod egress;
mod firewall;
mod host_names;
mod mtu;
mod narrow_cidr;
mod no_masquerade;
mod policy;
mod service;
mod unmanaged;
mod wall;
mod wildcard;

use std::collections::BTreeSet;

use super::{Check, Confidence};
use crate::{
    probe::{matrix::Destination, readings::Sign},
    rules::{Evidence, Finding, Remedy, quoted},
};
use site::Site;

pub(super) use judge::verdicts;

/// A cause, as a row of the table.
struct Signature {
    /// Code, such as `C-NOMASQ`.
    code: &'static str,
    /// What it is, in one sentence without a full stop.
    title: fn(&Site<'_>) -> String,
    /// What fails because of it. One that works at any target rules it out.
    breaks: &'static [Sign],
    /// What may fail because of it as well.
    may_break: &'static [Sign],
    /// What it leaves alone. Where that fails too, something deeper is the matter.
    spares: &'static [Sign],
    /// The fact that decides.
    decisive: fn(&Site<'_>) -> Decisive,
    /// Findings of rules that it explains.
    explains: fn(&Finding) -> bool,
    /// From cause to effect.
    because: &'static str,
    /// What does not work because of it.
    broken: &'static [&'static str],
    /// What still works, and misleads.
    still_works: &'static [&'static str],
    /// What proves nothing.
    cautions: &'static [&'static str],
    /// What to do, in order.
    fix: fn(&Site<'_>) -> Vec<Remedy>,
    /// How to see that it is mended.
    verify: fn(&Site<'_>) -> Vec<Check>,
}

/// What is known of the fact that decides about a cause.
enum Decisive {
    /// It was seen. `speaks_for_itself` where it tells of the cause even if nothing was probed.
    Seen { evidence: Vec<Evidence>, speaks_for_itself: bool },
    /// It was seen, and accounts for just those targets that are not reached: others may be.
    SeenOfSome { evidence: Vec<Evidence> },
    /// Packets themselves show it: what fails because of it, if anything does, and how sure that is.
    Shown { evidence: Vec<Evidence>, effects: BTreeSet<Sign>, confidence: Confidence },
    /// What is known speaks against it.
    RuledOut,
    /// Nobody looked, or it cannot be seen: how one could.
    Unseen(Option<Check>),
}

impl Decisive {
    /// What was seen.
    fn evidence(&self) -> Option<&[Evidence]> {
        match self {
            Self::Seen { evidence, .. }
            | Self::SeenOfSome { evidence }
            | Self::Shown { evidence, .. } => Some(evidence),
            Self::RuledOut | Self::Unseen(_) => None,
        }
    }
}

/// The causes, in the order in which they are mended: what comes first imitates what comes later.
static SIGNATURES: [&Signature; 20] = [
    &policy::TRIED,
    &api_server::SIGNATURE,
    &wildcard::SIGNATURE,
    &wall::SIGNATURE,
    &host_names::SIGNATURE,
    &between_nodes::NO_ROUTE,
    &narrow_cidr::SIGNATURE,
    &between_nodes::OVERLAY,
    &between_nodes::ANTI_SPOOFING,
    &between_nodes::CHECKSUMS,
    &firewall::SIGNATURE,
    &no_masquerade::SIGNATURE,
    &egress::DEVICE,
    &egress::REVERSE_PATH,
    &egress::WIDE_CIDR,
    &policy::POLICY,
    &service::SIGNATURE,
    &dns_upstream::SIGNATURE,
    &mtu::SIGNATURE,
    &unmanaged::SIGNATURE,
];

/// What packets of pods that leave the cluster may need.
const OUTSIDE: &[Sign] = &[
    Sign::Pod(Destination::Gateway),
    Sign::Pod(Destination::Lan),
    Sign::Pod(Destination::Resolver),
];
/// What goes through pods of other nodes, or may.
const THROUGH_OTHER_NODES: &[Sign] = &[
    Sign::Pod(Destination::ClusterDns),
    Sign::Pod(Destination::ClusterDnsPod),
    Sign::Pod(Destination::Resolver),
    Sign::Pod(Destination::InternetByName),
    Sign::PodLarge(Destination::PodOtherNode),
    Sign::PodTcp(Destination::PodOtherNode),
];

/// A command in an agent.
fn in_agent(site: &Site<'_>, command: &str) -> String {
    let namespace = quoted(site.view.namespace());
    format!("kubectl -n {namespace} exec ds/cilium -c cilium-agent -- {command}")
}

//! What stops working when a plan is carried out.

use std::collections::BTreeSet;

use kcilium_core::{
    decode::cni_conf,
    facts::LinkName,
    leftovers::{Fate, HostState, Item, Leftover, Plan, PodsInUse},
};
use serde::Serialize;

/// Pods that are named.
const NAMED: usize = 5;

/// What comes of a plan.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Consequence {
    /// Something stops working.
    Breaks(String),
    /// Something is different afterwards.
    Changes(String),
}

/// What somebody has to know before agreeing.
pub(crate) fn of(plan: &Plan, state: &HostState) -> Vec<Consequence> {
    let consequences = [pods(plan), configurations(plan, state), services(plan, state)];
    consequences.into_iter().flatten().collect()
}

/// Pods that live on Cilium's network.
fn pods(plan: &Plan) -> Option<Consequence> {
    let taken = users(&plan.items);
    if !taken.is_empty() {
        return Some(Consequence::Breaks(format!(
            "{} at once, and must be restarted: {}.",
            pods_that(taken.len(), "loses its network", "lose their network"),
            named(&taken)
        )));
    }
    let kept = users(&plan.in_use);
    if kept.is_empty() || plan.pods == PodsInUse::Take {
        return None;
    }
    Some(Consequence::Changes(format!(
        "{} on Cilium's network: {}. What pods need stays, so this host will not be clean. End \
         them first, or take it away with --force-pods.",
        pods_that(kept.len(), "still lives", "still live"),
        named(&kept)
    )))
}

/// Who uses some items.
pub(crate) fn users(items: &[Item]) -> BTreeSet<&str> {
    let used = items.iter().filter_map(|item| match &item.fate {
        Fate::InUse { by } => Some(by.as_str()),
        _ => None,
    });
    used.collect()
}

fn pods_that(number: usize, one: &str, several: &str) -> String {
    format!("{} {}", counted(number, "pod"), if number == 1 { one } else { several })
}

fn named(pods: &BTreeSet<&str>) -> String {
    let names: Vec<&str> = pods.iter().take(NAMED).copied().collect();
    match pods.len().saturating_sub(NAMED) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

/// What the kubelet sets up pods with afterwards: the first file by name.
fn configurations(plan: &Plan, state: &HostState) -> Option<Consequence> {
    let gone: BTreeSet<&str> = plan.items.iter().filter_map(taken_configuration).collect();
    if gone.is_empty() {
        return None;
    }
    let files = state.cni_files.items().iter().map(|file| file.path.as_str());
    let restored = plan.items.iter().filter_map(|item| match &item.what {
        Leftover::CniBackup { original, .. } => Some(original.as_str()),
        _ => None,
    });
    let left: BTreeSet<&str> = files
        .filter(|path| {
            let name = path.rsplit('/').next().unwrap_or(path);
            cni_conf::is_cni_file_name(name) && !gone.contains(path)
        })
        .chain(restored)
        .collect();
    Some(match left.first() {
        Some(first) => Consequence::Changes(format!("From then on pods are set up by {first}.")),
        None => Consequence::Breaks(
            "No other CNI configuration is here: the node becomes NotReady, no pod can start \
                 on it, and pods that end may hang, until another CNI is installed."
                .into(),
        ),
    })
}

fn taken_configuration(item: &Item) -> Option<&str> {
    match &item.what {
        Leftover::CniConfiguration { path } => Some(path),
        _ => None,
    }
}

/// Without kube-proxy, Cilium's programs are what makes Services work.
fn services(plan: &Plan, state: &HostState) -> Option<Consequence> {
    let programs = plan
        .items
        .iter()
        .any(|item| matches!(item.what, Leftover::Attachment(_) | Leftover::Filter(_)));
    let rules = state.netfilter.iter().filter_map(|ruleset| ruleset.text.known());
    let by_rules = rules.into_iter().any(|text| text.contains("\n:KUBE-SERVICES "));
    let ipvs = LinkName::from("kube-ipvs0");
    let by_ipvs = state.links.items().iter().any(|link| link.name == ipvs);
    (programs && !by_rules && !by_ipvs).then(|| {
        Consequence::Breaks("No rules of kube-proxy are here (iptables or IPVS): Services stop answering from this \
         node, the API server's own among them, until something else provides them."
            .into())
    })
}

/// `1 pod`, `2 pods`.
pub(crate) fn counted(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

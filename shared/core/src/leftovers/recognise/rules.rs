//! Policy rules, each family for itself: an agent without IPv6 moves only one of the two.

use ipnet::IpNet;

use super::Known;
use crate::facts::{Family, RoutingRule, RuleAction, TableId};
use crate::leftovers::{Fate, HostState, Item, Leftover, Proof};

/// Where the agent puts the rule for the table `local` when its L7 proxy is on.
const LOCAL_MOVED: u32 = 100;

/// Priority, mark, mask and table of rules that Cilium sets the same on every host: IPsec (two marks
/// over time), WireGuard until 1.15, traffic to the proxy, and from it (two marks).
const MARKED: [(u32, u32, u32, u32); 6] = [
    (1, 0xd00, 0xf00, 200),
    (1, 0xe00, 0xf00, 200),
    (1, 0xe00, 0xf00, 201),
    (9, 0x200, 0xf00, 2004),
    (10, 0xa00, 0xf00, 2005),
    (10, 0xb00, 0xf00, 2005),
];

/// Priority of rules for addresses of pods, by ENI, Azure, Alibaba Cloud and the egress gateway
/// until 1.14. Others use the same priorities, so the address must be a known pod's.
const OF_PODS: [u32; 4] = [8, 20, 110, 111];

/// `(109, 0x80/0x80, main)`: NodePort on ENI. AWS's own plugin has the same mark at 1024.
const ENI_NODE_PORT: (u32, u32, u32) = (109, 0x80, 0x80);

/// Routes to VTEP peers: priority and table.
const VTEP: (u32, u32) = (112, 202);

/// Rules, by what they are recognised by.
#[derive(Default)]
pub(super) struct Rules {
    /// The rules for the table `local`, then those that need no knowledge of the cluster.
    pub(super) fixed: Vec<Item>,
    /// Rules for addresses of pods.
    pub(super) of_pods: Vec<Item>,
}

pub(super) fn items(state: &HostState, known: &Known<'_>) -> Rules {
    let mut found = Rules::default();
    let Some(rules) = state.rules.known() else {
        return found;
    };
    for family in [Family::V4, Family::V6] {
        found.fixed.extend(local_rule(rules, family));
    }
    for rule in rules {
        let RuleAction::Lookup(table) = rule.action else {
            continue;
        };
        let item = |fate, proofs| Item { what: Leftover::Rule(rule.clone()), fate, proofs };
        if is_fixed(rule, table) {
            found.fixed.push(item(Fate::Remove, vec![Proof::Selector]));
        } else if let Some((fate, proofs)) = of_pod(rule, known) {
            found.of_pods.push(item(fate, proofs));
        }
    }
    found
}

/// What became of the rule that asks the table `local` first. Without any such rule the host does
/// not know its own addresses.
fn local_rule(rules: &[RoutingRule], family: Family) -> Option<Item> {
    let of_family = || rules.iter().filter(|rule| rule.family == family);
    // A kernel without the family has no rules of it.
    of_family().next()?;
    let priorities: Vec<u32> =
        of_family().filter(|rule| is_local(rule)).map(|rule| rule.priority).collect();
    let what = if priorities.contains(&LOCAL_MOVED) {
        Leftover::LocalRuleMoved { family }
    } else if priorities.is_empty() {
        Leftover::LocalRuleMissing { family }
    } else {
        return None;
    };
    Some(Item { what, fate: Fate::Remove, proofs: vec![Proof::Selector] })
}

fn is_local(rule: &RoutingRule) -> bool {
    rule.matches_all() && rule.action == RuleAction::Lookup(TableId::LOCAL)
}

/// Whether a rule is one of those that need no knowledge of the cluster.
fn is_fixed(rule: &RoutingRule, table: TableId) -> bool {
    if let Some(mark) = rule.mark {
        // Nothing but the mark selects.
        let bare = is_bare(&RoutingRule { mark: None, ..rule.clone() });
        let marked = (rule.priority, mark.value, mark.mask);
        return bare
            && (MARKED.contains(&(marked.0, marked.1, marked.2, table.0))
                || (marked == ENI_NODE_PORT && table == TableId::MAIN));
    }
    let bare = is_bare(&RoutingRule { to: None, ..rule.clone() });
    bare && rule.to.is_some() && (rule.priority, table.0) == VTEP
}

/// Whether a rule says nothing but a priority and a table. Cilium suppresses no answers.
fn is_bare(rule: &RoutingRule) -> bool {
    rule.matches_all() && rule.suppress_prefix_length.is_none()
}

/// A rule for the address of a pod.
fn of_pod(rule: &RoutingRule, known: &Known<'_>) -> Option<(Fate, Vec<Proof>)> {
    let prefix = if rule.priority == 20 { rule.to } else { rule.from }?;
    let bare = is_bare(&RoutingRule { from: None, to: None, ..rule.clone() });
    if !bare || !OF_PODS.contains(&rule.priority) || !is_host(prefix) {
        return None;
    }
    Some(match known.pod_cidr_of(prefix) {
        Some(pods) => (Fate::Remove, vec![Proof::PodCidr(pods)]),
        None => (
            Fate::doubtful(format!(
                "Cilium has such rules for pods, and {} is in no known pod CIDR",
                prefix.addr()
            )),
            vec![],
        ),
    })
}

fn is_host(prefix: IpNet) -> bool {
    prefix.prefix_len() == prefix.max_prefix_len()
}

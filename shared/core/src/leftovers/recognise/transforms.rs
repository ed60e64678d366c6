//! IPsec. strongSwan, libreswan and Calico use the same tables, so nothing is taken for Cilium's but
//! by its marks, or by all else that it sets.

use super::Known;
use crate::facts::FwMark;
use crate::leftovers::{
    Fate, HostState, Item, Leftover, Proof, Transform, TransformDirection, TransformPolicy,
    TransformState,
};

const ESP: u8 = 50;
const TUNNEL: u8 = 1;
/// The request id of all that the agent makes.
const REQUEST_ID: u32 = 1;
/// SPIs are the numbers of keys.
const KEYS: std::ops::RangeInclusive<u32> = 1..=15;
/// The four bits of a mark that say whether a packet is to be decrypted or encrypted; above them may
/// stand a node's number, below them nothing of IPsec's.
const WHAT_TO_DO: u32 = 0xf00;
const DECRYPT: u32 = 0xd00;
const ENCRYPT: u32 = 0xe00;
/// Priority of the policy that lets packets through which were decrypted.
const FORWARD: u32 = 2975;
/// Priority of the policy that drops what was to be encrypted, and is not.
const BLOCK: u32 = 100;

/// Policies before states: what finds no state to be encrypted by is dropped.
pub(super) fn items(state: &HostState, known: &Known<'_>) -> Vec<Item> {
    let mut states = Vec::new();
    let mut policies = Vec::new();
    for transform in state.transforms.items() {
        let item =
            |(fate, proofs)| Item { what: Leftover::Transform(transform.clone()), fate, proofs };
        match transform {
            Transform::State(state) if is_own_state(state) => {
                states.push(item((Fate::Remove, vec![Proof::Mark])));
            }
            Transform::State(_) => {}
            Transform::Policy(policy) => policies.extend(judged(policy, known).map(item)),
        }
    }
    policies.append(&mut states);
    policies
}

fn is_own_state(state: &TransformState) -> bool {
    state.protocol == ESP
        && state.mode == TUNNEL
        && state.request_id == REQUEST_ID
        && KEYS.contains(&state.spi)
        && state.mark.is_some_and(|mark| [DECRYPT, ENCRYPT].contains(&what_to_do(mark)))
}

/// The bits of a mark that must all be looked at, or nothing.
fn what_to_do(mark: FwMark) -> u32 {
    if mark.mask & WHAT_TO_DO == WHAT_TO_DO { mark.value & WHAT_TO_DO } else { 0 }
}

fn judged(policy: &TransformPolicy, known: &Known<'_>) -> Option<(Fate, Vec<Proof>)> {
    let all = policy.source.prefix_len() == 0 && policy.destination.prefix_len() == 0;
    let requests = |id: u32| {
        !policy.templates.is_empty()
            && policy.templates.iter().all(|template| template.request_id == id)
    };
    let action = policy.mark.map_or(0, what_to_do);
    let own = match policy.direction {
        TransformDirection::Out if policy.blocks => {
            let exactly = Some(FwMark { value: ENCRYPT, mask: WHAT_TO_DO });
            all && policy.mark == exactly && policy.priority == BLOCK && policy.templates.is_empty()
        }
        _ if policy.blocks => false,
        TransformDirection::Out => action == ENCRYPT && requests(REQUEST_ID),
        // The one for all packets takes any state.
        TransformDirection::In => {
            action == DECRYPT && (requests(REQUEST_ID) || (all && requests(0)))
        }
        TransformDirection::Forward => return forward(policy, requests(REQUEST_ID), known),
    };
    own.then(|| (Fate::Remove, vec![Proof::Mark]))
}

/// It has no mark, and so must lead to a known node.
fn forward(
    policy: &TransformPolicy,
    requested: bool,
    known: &Known<'_>,
) -> Option<(Fate, Vec<Proof>)> {
    if policy.priority != FORWARD || policy.mark.is_some() || !requested {
        return None;
    }
    let node = policy.templates.iter().find(|template| known.is_node(template.destination));
    Some(match node {
        Some(node) => (Fate::Remove, vec![Proof::Selector, Proof::NodeAddress(node.destination)]),
        None => {
            (Fate::doubtful("its form is that of Cilium's, but it leads to no known node"), vec![])
        }
    })
}

//! Rules: pure functions from a [`View`] to findings. One file per rule; its documentation is what
//! `kubectl cilium-doctor explain CODE` prints.

mod api_address;
mod command;
mod finding;
mod judgement;
mod premise;
pub mod registry;

mod api_01_no_way_to_api_server;
mod api_02_address_of_api_server;
mod cidr_01_pod_cidr_contains_protected_address;
mod cidr_02_pod_cidr_overlaps_route;
mod cidr_03_predicted_blocks_hit_lan;
mod cidr_04_default_pool;
mod cidr_05_pod_cidr_overlaps_service_cidr;
mod cidr_06_service_cidr_overlaps_lan;
mod cidr_07_node_pod_cidrs_overlap;
mod cidr_11_malformed_cidr;
mod cidr_12_free_pool;
mod cidr_13_mask_arithmetic;
mod cidr_17_public_address_space;
mod cidr_18_bridge_overlap;
mod rt_01_protected_address_leaves_through_cilium;
mod rt_02_missing_pod_route;
mod rt_03_misdirected_pod_route;
mod rt_05_node_address_on_wrong_link;
mod rt_06_local_rule;
mod rt_07_stale_routes_and_links;
mod rt_08_asymmetric_multihoming;

pub(crate) use cidr_12_free_pool::{free_pools, values as pool_values};
pub(crate) use command::{LIST_AGENTS, delete_cilium_links, quoted, restart_agent};
pub use finding::{Basis, Code, Evidence, Finding, Remedy, Severity};
pub use judgement::{Judgement, Outcome, Unknown};
pub(crate) use rt_02_missing_pod_route::has_lost_all;

use crate::view::View;

/// One rule.
pub struct Rule {
    /// Its code. Codes are for ever: a retired one is never used again.
    pub code: Code,
    /// What is wrong when it fires, in a few words.
    pub title: &'static str,
    /// The worst it can find.
    pub severity: Severity,
    /// What it judges.
    pub judges: Judges,
    /// Documentation for users: "What it checks", "Why it hurts", "Fix", "References".
    pub documentation: &'static str,
    judge: fn(&View<'_>, &mut Judgement),
}

/// What a rule judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judges {
    /// A configuration: the live one, or one that is about to be installed.
    Configuration,
    /// What is: routes, addresses, pods.
    State,
}

impl Rule {
    /// Judges.
    pub fn judge(&self, view: &View<'_>) -> Judgement {
        let mut judgement = Judgement::default();
        (self.judge)(view, &mut judgement);
        if self.judges == Judges::Configuration && view.proposal().is_some() {
            judgement.rest_on(Basis::Proposed);
        }
        judgement
    }
}

/// Declares a file's rule: `/// documentation`, code, severity, what it judges, title, function.
macro_rules! rule {
    (
        $(#[doc = $line:literal])+
        $code:literal, $severity:ident, $judges:ident, $title:literal, $judge:ident
    ) => {
        $(#[doc = $line])+
        pub(super) const RULE: super::Rule = super::Rule {
            code: super::Code($code),
            title: $title,
            severity: super::Severity::$severity,
            judges: super::Judges::$judges,
            documentation: concat!($($line, "\n"),+),
            judge: $judge,
        };
    };
}
use rule;

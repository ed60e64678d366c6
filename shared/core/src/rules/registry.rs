//! All rules, sorted by code.

use super::Rule;

/// The registry.
pub const RULES: &[Rule] = &[
    super::api_01_no_way_to_api_server::RULE,
    super::api_02_address_of_api_server::RULE,
    super::cidr_01_pod_cidr_contains_protected_address::RULE,
    super::cidr_02_pod_cidr_overlaps_route::RULE,
    super::cidr_03_predicted_blocks_hit_lan::RULE,
    super::cidr_04_default_pool::RULE,
    super::cidr_05_pod_cidr_overlaps_service_cidr::RULE,
    super::cidr_06_service_cidr_overlaps_lan::RULE,
    super::cidr_07_node_pod_cidrs_overlap::RULE,
    super::cidr_11_malformed_cidr::RULE,
    super::cidr_12_free_pool::RULE,
    super::cidr_13_mask_arithmetic::RULE,
    super::cidr_17_public_address_space::RULE,
    super::cidr_18_bridge_overlap::RULE,
    super::rt_01_protected_address_leaves_through_cilium::RULE,
    super::rt_02_missing_pod_route::RULE,
    super::rt_03_misdirected_pod_route::RULE,
    super::rt_05_node_address_on_wrong_link::RULE,
    super::rt_06_local_rule::RULE,
    super::rt_07_stale_routes_and_links::RULE,
    super::rt_08_asymmetric_multihoming::RULE,
];

/// Finds a rule by its code; case does not matter.
pub fn find(code: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.code.0.eq_ignore_ascii_case(code))
}

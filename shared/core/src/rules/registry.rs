//! All rules, sorted by code.

use super::Rule;

/// The registry.
pub const RULES: &[Rule] = &[
    super::cfg_01_direct_routes_in_tunnel::RULE,
    super::cfg_02_native_routing_cidr_missing::RULE,
    super::cfg_03_no_way_back::RULE,
    super::cfg_04_native_routing_cidr_misses_pods::RULE,
    super::cfg_05_native_routing_cidr_covers_lan::RULE,
    super::cfg_06_default_masquerade_list::RULE,
    super::cfg_07_bpf_masquerade_needs_node_port::RULE,
    super::cfg_08_bpf_masquerade_of_nothing::RULE,
    super::cfg_09_bpf_masquerade_options::RULE,
    super::cfg_10_masquerade_interfaces::RULE,
    super::cfg_11_devices_miss_way_out::RULE,
    super::cfg_12_single_device_skips_lookup::RULE,
    super::cfg_13_host_netfilter_bypassed::RULE,
    super::cfg_14_direct_return_in_tunnel::RULE,
    super::cfg_15_routing_mode_value::RULE,
    super::cfg_16_routing_key_of_other_version::RULE,
    super::cfg_17_name_without_effect::RULE,
    super::cfg_18_proxy_replacement_value::RULE,
    super::cfg_19_cluster_name::RULE,
    super::cfg_20_multi_pool_in_tunnel::RULE,
    super::cfg_21_eni_in_tunnel::RULE,
    super::cfg_22_no_conntrack_rules::RULE,
    super::cfg_23_skip_without_direct_routes::RULE,
    super::cfg_26_nodes_configured_apart::RULE,
    super::cfg_27_mixed_versions::RULE,
    super::cfg_29_policy_switches::RULE,
    super::cfg_30_upgrade_compatibility::RULE,
    super::cidr_01_pod_cidr_contains_protected_address::RULE,
    super::cidr_02_pod_cidr_overlaps_route::RULE,
    super::cidr_03_predicted_blocks_hit_lan::RULE,
    super::cidr_04_default_pool::RULE,
    super::cidr_05_pod_cidr_overlaps_service_cidr::RULE,
    super::cidr_06_service_cidr_overlaps_lan::RULE,
    super::cidr_07_node_pod_cidrs_overlap::RULE,
    super::cidr_08_pod_cidr_outside_pool::RULE,
    super::cidr_09_value_without_effect::RULE,
    super::cidr_10_removed_pool_key::RULE,
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

//! Rules: pure functions from a [`View`] to findings. One file per rule; its documentation is what
//! `kubectl cilium-doctor explain CODE` prints.

mod api_server;
mod command;
mod devices;
mod dns;
mod finding;
mod host_routing;
mod judgement;
mod kube_proxy_rules;
mod log_causes;
mod node_taints;
mod operator;
mod pod_networks;
mod pods;
mod premise;
pub mod registry;
mod spelling;
mod values;
mod way_back;

mod ag_01_agent_ends;
mod ag_02_init_container;
mod ag_03_agents_on_nodes;
mod ag_04_controllers;
mod ag_05_health;
mod ag_06_hubble_relay;
mod ag_08_envoy;
mod ag_09_endpoints;
mod api_01_no_way_to_api_server;
mod api_02_address_of_api_server;
mod api_03_unnamed_api_server_address;
mod api_04_address_not_in_certificate;
mod api_05_api_server_port;
mod api_06_one_of_several_api_servers;
mod cfg_01_direct_routes_in_tunnel;
mod cfg_02_native_routing_cidr_missing;
mod cfg_03_no_way_back;
mod cfg_04_native_routing_cidr_misses_pods;
mod cfg_05_native_routing_cidr_covers_lan;
mod cfg_06_default_masquerade_list;
mod cfg_07_bpf_masquerade_needs_node_port;
mod cfg_08_bpf_masquerade_of_nothing;
mod cfg_09_bpf_masquerade_options;
mod cfg_10_masquerade_interfaces;
mod cfg_11_devices_miss_way_out;
mod cfg_12_single_device_skips_lookup;
mod cfg_13_host_netfilter_bypassed;
mod cfg_14_direct_return_in_tunnel;
mod cfg_15_routing_mode_value;
mod cfg_16_routing_key_of_other_version;
mod cfg_18_proxy_replacement_value;
mod cfg_19_cluster_name;
mod cfg_20_multi_pool_in_tunnel;
mod cfg_21_eni_in_tunnel;
mod cfg_22_no_conntrack_rules;
mod cfg_23_skip_without_direct_routes;
mod cfg_24_options_that_exclude_each_other;
mod cfg_25_configuration_drift;
mod cfg_26_nodes_configured_apart;
mod cfg_27_mixed_versions;
mod cfg_28_ingress_lacks_what_it_needs;
mod cfg_29_policy_switches;
mod cfg_30_upgrade_compatibility;
mod cidr_01_pod_cidr_contains_protected_address;
mod cidr_02_pod_cidr_overlaps_route;
mod cidr_03_predicted_blocks_hit_lan;
mod cidr_04_default_pool;
mod cidr_05_pod_cidr_overlaps_service_cidr;
mod cidr_06_service_cidr_overlaps_lan;
mod cidr_07_node_pod_cidrs_overlap;
mod cidr_08_pod_cidr_outside_pool;
mod cidr_09_value_without_effect;
mod cidr_10_removed_pool_key;
mod cidr_11_malformed_cidr;
mod cidr_12_free_pool;
mod cidr_13_mask_arithmetic;
mod cidr_14_node_without_pod_cidr;
mod cidr_15_other_components_disagree;
mod cidr_16_health_address_of_other_network;
mod cidr_17_public_address_space;
mod cidr_18_bridge_overlap;
mod cni_01_not_initialized;
mod cni_02_no_conflist;
mod cni_03_runtime_folder;
mod cni_04_other_configuration;
mod cni_05_unmanaged_pods;
mod cni_06_plugin_missing;
mod cni_08_kubelet;
mod cni_09_dead_agent;
mod dns_01_loop;
mod dns_02_nobody_answers;
mod dns_03_upstream;
mod dns_04_node_local_cache;
mod dns_05_host_asks_cluster;
mod dns_06_host_forwarder;
mod dns_07_wildcard_search_domain;
mod dns_08_fqdn_policy;
mod host_02_host_firewall;
mod host_03_other_vxlan_device;
mod host_04_other_plugins;
mod host_05_reverse_path_filter;
mod host_06_foreign_routes;
mod host_07_network_manager;
mod host_08_lease;
mod host_10_chains_removed;
mod host_13_clocks;
mod kp_01_two_proxies;
mod kp_02_no_proxy;
mod kp_03_left_rules;
mod kp_04_ipvs;
mod kp_05_service_on_node_address;
mod kp_06_cluster_cidr;
mod kp_07_socket_of_pods;
mod krn_01_version;
mod krn_02_parts_missing;
mod krn_03_ipv6_disabled;
mod krn_04_two_kinds_of_iptables;
mod krn_05_mounts;
mod krn_07_node_ports;
mod mtu_01_larger_than_network;
mod mtu_02_nodes_differ;
mod op_01_operator;
mod op_02_replicas;
mod op_03_operator_taints;
mod op_04_custom_resources;
mod op_05_lease;
mod plt_07_same_internal_address;
mod pod_01_image_pull;
mod pod_02_crash_loop;
mod pod_03_sandbox;
mod pod_04_terminating;
mod pod_05_range_full;
mod pod_06_unschedulable;
mod pod_07_probes;
mod pod_08_core_dns;
mod rt_01_protected_address_leaves_through_cilium;
mod rt_02_missing_pod_route;
mod rt_03_misdirected_pod_route;
mod rt_04_no_shared_network;
mod rt_05_node_address_on_wrong_link;
mod rt_06_local_rule;
mod rt_07_stale_routes_and_links;
mod rt_08_asymmetric_multihoming;
mod rt_09_forwarding_off;
mod sch_01_agent_not_ready;
mod sch_02_network_unavailable;
mod sch_03_uninitialized;
mod sch_04_agents_not_scheduled;
mod schema;
mod val_01_unknown_key;
mod val_02_removed_key;
mod val_03_wrong_type;
mod val_04_api_server_auto;
mod val_05_depends_on_cluster;
mod val_06_generated_certificates;
mod val_07_kubernetes_version;
mod val_08_upgrade;
mod val_11_chart_refuses;

pub(crate) use cidr_12_free_pool::{free_pools, values as pool_values};
pub(crate) use command::{LIST_AGENTS, delete_cilium_links, quoted, restart_agent};
pub use finding::{Basis, Code, Evidence, Finding, Remedy, Severity};
pub use judgement::{Judgement, Outcome, Unknown};
pub(crate) use node_taints::names as node_names;
pub(crate) use rt_02_missing_pod_route::{has_lost_all, lost_routes};
pub(crate) use spelling::vxlan as vxlan_values;

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

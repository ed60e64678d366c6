//! All rules, sorted by code.

use super::Rule;
use crate::chart::suggest;

/// The registry.
pub const RULES: &[Rule] = &[
    super::ag_01_agent_ends::RULE,
    super::ag_02_init_container::RULE,
    super::ag_03_agents_on_nodes::RULE,
    super::ag_04_controllers::RULE,
    super::ag_05_health::RULE,
    super::ag_06_hubble_relay::RULE,
    super::ag_08_envoy::RULE,
    super::ag_09_endpoints::RULE,
    super::api_01_no_way_to_api_server::RULE,
    super::api_02_address_of_api_server::RULE,
    super::api_03_unnamed_api_server_address::RULE,
    super::api_04_address_not_in_certificate::RULE,
    super::api_05_api_server_port::RULE,
    super::api_06_one_of_several_api_servers::RULE,
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
    super::cfg_18_proxy_replacement_value::RULE,
    super::cfg_19_cluster_name::RULE,
    super::cfg_20_multi_pool_in_tunnel::RULE,
    super::cfg_21_eni_in_tunnel::RULE,
    super::cfg_22_no_conntrack_rules::RULE,
    super::cfg_23_skip_without_direct_routes::RULE,
    super::cfg_24_options_that_exclude_each_other::RULE,
    super::cfg_25_configuration_drift::RULE,
    super::cfg_26_nodes_configured_apart::RULE,
    super::cfg_27_mixed_versions::RULE,
    super::cfg_28_ingress_lacks_what_it_needs::RULE,
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
    super::cidr_14_node_without_pod_cidr::RULE,
    super::cidr_15_other_components_disagree::RULE,
    super::cidr_16_health_address_of_other_network::RULE,
    super::cidr_17_public_address_space::RULE,
    super::cidr_18_bridge_overlap::RULE,
    super::cni_01_not_initialized::RULE,
    super::cni_02_no_conflist::RULE,
    super::cni_03_runtime_folder::RULE,
    super::cni_04_other_configuration::RULE,
    super::cni_05_unmanaged_pods::RULE,
    super::cni_06_plugin_missing::RULE,
    super::cni_08_kubelet::RULE,
    super::cni_09_dead_agent::RULE,
    super::dns_01_loop::RULE,
    super::dns_02_nobody_answers::RULE,
    super::dns_03_upstream::RULE,
    super::dns_04_node_local_cache::RULE,
    super::dns_05_host_asks_cluster::RULE,
    super::dns_06_host_forwarder::RULE,
    super::dns_07_wildcard_search_domain::RULE,
    super::dns_08_fqdn_policy::RULE,
    super::host_02_host_firewall::RULE,
    super::host_03_other_vxlan_device::RULE,
    super::host_04_other_plugins::RULE,
    super::host_05_reverse_path_filter::RULE,
    super::host_06_foreign_routes::RULE,
    super::host_07_network_manager::RULE,
    super::host_08_lease::RULE,
    super::host_10_chains_removed::RULE,
    super::host_13_clocks::RULE,
    super::kp_01_two_proxies::RULE,
    super::kp_02_no_proxy::RULE,
    super::kp_03_left_rules::RULE,
    super::kp_04_ipvs::RULE,
    super::kp_05_service_on_node_address::RULE,
    super::kp_06_cluster_cidr::RULE,
    super::kp_07_socket_of_pods::RULE,
    super::krn_01_version::RULE,
    super::krn_02_parts_missing::RULE,
    super::krn_03_ipv6_disabled::RULE,
    super::krn_04_two_kinds_of_iptables::RULE,
    super::krn_05_mounts::RULE,
    super::krn_07_node_ports::RULE,
    super::mtu_01_larger_than_network::RULE,
    super::mtu_02_nodes_differ::RULE,
    super::op_01_operator::RULE,
    super::op_02_replicas::RULE,
    super::op_03_operator_taints::RULE,
    super::op_04_custom_resources::RULE,
    super::op_05_lease::RULE,
    super::plt_07_same_internal_address::RULE,
    super::pod_01_image_pull::RULE,
    super::pod_02_crash_loop::RULE,
    super::pod_03_sandbox::RULE,
    super::pod_04_terminating::RULE,
    super::pod_05_range_full::RULE,
    super::pod_06_unschedulable::RULE,
    super::pod_07_probes::RULE,
    super::pod_08_core_dns::RULE,
    super::rt_01_protected_address_leaves_through_cilium::RULE,
    super::rt_02_missing_pod_route::RULE,
    super::rt_03_misdirected_pod_route::RULE,
    super::rt_04_no_shared_network::RULE,
    super::rt_05_node_address_on_wrong_link::RULE,
    super::rt_06_local_rule::RULE,
    super::rt_07_stale_routes_and_links::RULE,
    super::rt_08_asymmetric_multihoming::RULE,
    super::rt_09_forwarding_off::RULE,
    super::sch_01_agent_not_ready::RULE,
    super::sch_02_network_unavailable::RULE,
    super::sch_03_uninitialized::RULE,
    super::sch_04_agents_not_scheduled::RULE,
    super::val_01_unknown_key::RULE,
    super::val_02_removed_key::RULE,
    super::val_03_wrong_type::RULE,
    super::val_04_api_server_auto::RULE,
    super::val_05_depends_on_cluster::RULE,
    super::val_06_generated_certificates::RULE,
    super::val_07_kubernetes_version::RULE,
    super::val_08_upgrade::RULE,
    super::val_11_chart_refuses::RULE,
];

/// Finds a rule by its code; case does not matter.
pub fn find(code: &str) -> Option<&'static Rule> {
    let mut rules = RULES.iter().chain([&SCHEMA]);
    rules.find(|rule| rule.code.0.eq_ignore_ascii_case(code))
}

/// What the schema of a chart says; who has a chart at hand asks it.
pub const SCHEMA: Rule = super::schema::RULE;

/// The codes most like one that no rule has.
pub fn alike(code: &str) -> Vec<&'static str> {
    let code = code.to_ascii_uppercase();
    let codes = RULES.iter().chain([&SCHEMA]).map(|rule| rule.code.0);
    suggest::alike(&code, codes)
}

/// A check of the catalogue that no rule makes yet.
pub struct NotYet {
    /// Codes, or what of a rule is missing.
    pub what: &'static str,
    /// What it waits for.
    pub why: &'static str,
}

/// What is planned, and why it is not there. Nothing stands in for it.
pub const NOT_YET: &[NotYet] = &[
    NotYet {
        what: "RT-10",
        why: "routes that take addresses from pods are CIDR-02's; which of them the cloud or DHCP put there no fact tells",
    },
    NotYet {
        what: "The part of RT-07 that looks for BPF programs on network devices",
        why: "it needs an inventory of BPF",
    },
    NotYet {
        what: "AG-07, AG-10",
        why: "they need certificates, which lie in Secrets beside their keys, and the state of BPF maps",
    },
    NotYet {
        what: "The part of CNI-04 that looks for `….cilium_bak`",
        why: "collectors list the files that runtimes read, and no others",
    },
    NotYet { what: "CNI-07", why: "it needs the time at which CRI-O was started" },
    NotYet {
        what: "The part of CNI-05 about pods with addresses of their node's pod CIDR",
        why: "CiliumEndpoints are read of those namespaces only that have pods with other addresses",
    },
    NotYet {
        what: "The part of SCH-03 that finds the controller of the cloud provider",
        why: "workloads of others than Cilium, kube-proxy and DNS are not read",
    },
    NotYet {
        what: "HOST-01, MTU-03, PLT-02, PLT-03, PLT-05, PLT-06",
        why: "only packets that are sent, or the cloud's own API, tell whether something in between drops them",
    },
    NotYet {
        what: "The part of HOST-02 about rules in nftables",
        why: "the agent's image has no `nft`, and iptables does not show firewalld's table",
    },
    NotYet {
        what: "CNI-03, HOST-06, HOST-07, HOST-08, KRN-02 and KRN-05 of a whole cluster",
        why: "agents' containers do not see the hosts' /etc, /run and mounts; --local judges them on each node",
    },
    NotYet {
        what: "HOST-14",
        why: "whether what a VPN left is still in use no fact tells; RT-03 and CIDR-18 find where it is in the way",
    },
    NotYet {
        what: "HOST-09",
        why: "Docker's chains hand on what is not theirs, and whether Cilium's are entered is HOST-10's; the order of rules and the policies of chains are not counted",
    },
    NotYet {
        what: "HOST-11",
        why: "kube-proxy's and ufw's own rules drop packets of state INVALID on healthy nodes too; RT-08 finds the asymmetric ways on which it hurts",
    },
    NotYet { what: "HOST-12", why: "BPF programs of others are not read from agents' pods" },
    NotYet {
        what: "KRN-06",
        why: "the kernel's log is not read; what lockdown and SELinux refuse an agent it says at its end (AG-01)",
    },
    NotYet {
        what: "The part of KRN-04 about kernels without the older tables",
        why: "agents take the kind that the kernel has, and an agent that finds neither ends at its start (AG-01)",
    },
    NotYet {
        what: "The part of KRN-02 about policies on layer 7, and of KRN-03 about ip6tables",
        why: "agents fall back where the targets of iptables are missing, and say so in their log",
    },
    NotYet {
        what: "MTU-04",
        why: "when a pod got its MTU no fact tells; MTU-01 finds pods with one that is too large",
    },
    NotYet {
        what: "PLT-01, PLT-04, PLT-08",
        why: "drivers and offloads of devices are not read; nodes with a router in between (Hetzner) are RT-04's",
    },
    NotYet {
        what: "The part of DNS-02 and DNS-03 that asks servers and Services",
        why: "probes ask them, and causes judge the answers; these rules judge what addresses and objects tell",
    },
    NotYet {
        what: "DNS-05 for servers that lie in a pod CIDR",
        why: "CIDR-01 and RT-01 name DNS servers among the addresses that nodes depend on",
    },
    NotYet {
        what: "The part of KP-03 about kube-proxy's nftables mode",
        why: "the agent's image has no `nft`, and iptables does not show its table",
    },
    NotYet {
        what: "KP-02 of one host with `--local`",
        why: "the host's files do not tell how Cilium is configured",
    },
    NotYet { what: "API-07", why: "KP-04 says it of kube-proxy's IPVS mode, with the version" },
    NotYet { what: "CFG-17", why: "VAL-02 says the same of every key that a chart no longer has" },
    NotYet {
        what: "VAL-09",
        why: "`--reuse-values` is given to Helm and seen by nobody else; the command that is proposed gives all values",
    },
    NotYet {
        what: "VAL-10",
        why: "keys that values give twice are told where they are read; those of the rendered ConfigMap (charts 1.14.0 to 1.14.2) do not come about with `tunnel`, which is proposed there",
    },
    NotYet {
        what: "VAL-12",
        why: "which images a chart pulls and whether a mirror has them takes a registry's answer",
    },
];

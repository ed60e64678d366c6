use super::{
    Finding, Judgement, Remedy, Severity,
    pod_networks::{aggregated, pod_networks},
    premise, rule, spelling,
};
use crate::{
    facts::{CiliumConfig, Family, IpamMode, RoutingMode},
    view::View,
};

rule! {
    /// ## What it checks
    /// Native routing with masquerade needs to know in which network packets keep the addresses of
    /// pods: `ipv4NativeRoutingCIDR`, and `ipv6NativeRoutingCIDR` where IPv6 is on. Exempt are the
    /// IPAM modes `eni` and `alibabacloud` (IPv4), and from 1.15 on the ip-masq-agent, whose list
    /// says it.
    ///
    /// ## Why it hurts
    /// No agent starts: "native routing cidr must be configured". Charts before 1.18 say nothing.
    /// Later ones refuse, but only where `enableIPv4Masquerade: true` was written out: left to its
    /// default it is on as well, and installs.
    ///
    /// ## Fix
    /// Set it to the network of all pods.
    ///
    /// ## References
    /// - Cilium source: `checkIPv4NativeRoutingCIDR` in `pkg/option/config.go`
    /// - Cilium documentation, "Masquerading"
    "CFG-02", Block, Configuration, "native routing without its CIDR", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::config(view, out) else { return };
    if config.routing != RoutingMode::Native {
        out.not_applicable(format!("routing {}", config.routing));
        return;
    }
    for family in [Family::V4, Family::V6] {
        let lacks_it = config.masquerades(family) && config.native_routing_cidr(family).is_none();
        if !lacks_it || family == Family::V4 && has_addresses_of_cloud(config) {
            continue;
        }
        if config.masquerading.ip_masq_agent {
            let Some(version) = premise::version(config, out) else { return };
            if version.is_at_least((1, 15, 0)) {
                continue;
            }
        }
        out.found(finding(view, config, family));
    }
}

fn has_addresses_of_cloud(config: &CiliumConfig) -> bool {
    matches!(&config.ipam, IpamMode::Other(mode) if mode == "eni" || mode == "alibabacloud")
}

fn finding(view: &View<'_>, config: &CiliumConfig, family: Family) -> Finding {
    let key = spelling::native_routing_key(family);
    let networks = aggregated(&pod_networks(view, config, family));
    Finding::about(RULE.code, Severity::Block, key)
        .saying(
            format!("native routing and masquerade are on for {family}, and {key} is not set"),
            "no agent starts: native routing cidr must be configured",
        )
        .seen(config.origin.clone(), format!("routing native, no {key}"))
        .mended_by(
            Remedy::text("set it to the network of all pods")
                .with_values(spelling::native_routing_cidr(family, &networks)),
        )
}

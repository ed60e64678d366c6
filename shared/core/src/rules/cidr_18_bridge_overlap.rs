use ipnet::IpNet;

use super::{Basis, Evidence, Finding, Judgement, Remedy, Severity, premise, rule};
use crate::{
    facts::{Address, Link, LinkName, NodeFacts},
    prefix::{GivenPrefix, overlap},
    view::View,
};

rule! {
    /// ## What it checks
    /// Pod CIDRs, the cluster pool and service CIDRs against the networks of devices that other
    /// software brings along: docker0 and `br-*`, libvirt's `virbr*`, podman, LXC, and VPNs (`wg*`,
    /// `tun*`, `tap*`, tailscale0, ZeroTier).
    ///
    /// ## Why it hurts
    /// Containers, virtual machines or the other end of the VPN cannot be reached, or pods cannot.
    /// It often shows only when the first container starts, or when the VPN connects.
    ///
    /// ## Fix
    /// Move the pods to another pool, or the bridge to another network (docker:
    /// `default-address-pools` in daemon.json).
    ///
    /// ## References
    /// - cilium/cilium issues 9793, 21188
    "CIDR-18", Warn, Configuration, "a bridge or a VPN shares addresses with the cluster", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let networks = networks_of_values(view);
    let has_claims = view.pod_cidrs().iter().any(|claim| !claim.is_only_of_other_plugins());
    if networks.is_empty() && !has_claims {
        premise::no_cluster_network(view, out);
        return;
    }
    if !premise::has_nodes(view, out) {
        return;
    }
    for node in view.nodes() {
        match node.facts.addresses.get() {
            Err(why) => out.missing_on(node.name(), "addresses", why),
            Ok(addresses) => {
                for own in addresses.iter().filter(|own| is_bridge_or_vpn(node.facts, own)) {
                    // The CIDRs in use before the pool that contains them. A subnet that only another
                    // plugin's file names is that of a bridge itself.
                    let claims = view.pod_cidrs_overlapping(own.network()).into_iter();
                    let mut claims = claims.filter(|claim| !claim.is_only_of_other_plugins());
                    let claim = claims.next().map(|claim| ("pod CIDR", claim.prefix));
                    let mut others = networks.iter().copied();
                    let hit = claim
                        .or_else(|| others.find(|(_, net)| overlap(*net, own.network()).is_some()));
                    if let Some((what, net)) = hit {
                        out.found(finding(node.facts, own, what, net));
                    }
                }
            }
        }
    }
}

/// Networks of the cluster that its configuration names.
fn networks_of_values(view: &View<'_>) -> Vec<(&'static str, IpNet)> {
    let mut networks = Vec::new();
    if let Some(config) = view.config() {
        let pool = config.pool_v4.iter().chain(&config.pool_v6);
        networks.extend(
            pool.filter_map(|text| text.parse::<GivenPrefix>().ok())
                .map(|given| ("pool", given.prefix())),
        );
    }
    if let Ok(services) = view.service_cidrs() {
        networks
            .extend(services.into_iter().flatten().map(|given| ("service CIDR", given.prefix())));
    }
    networks
}

const PREFIXES: [&str; 14] = [
    "docker",
    "br-",
    "virbr",
    "podman",
    "cni-podman",
    "lxcbr",
    "lxdbr",
    "incusbr",
    "wg",
    "tun",
    "tap",
    "tailscale",
    "zt",
    "ppp",
];

fn is_bridge_or_vpn(node: &NodeFacts, own: &Address) -> bool {
    let is_by_name = PREFIXES.iter().any(|prefix| own.link.as_str().starts_with(prefix));
    // `tunl0` is Calico's, and the kernel's.
    let is_excluded = own.link.leads_into_cilium() || LinkName::is_other_cni(&own.link);
    let is_vpn_by_kind = || {
        let kind = node
            .links
            .items()
            .iter()
            .find(|link| link.name == own.link)
            .and_then(|link: &Link| link.kind.as_deref());
        matches!(kind, Some("wireguard" | "tun"))
    };
    let is_link_local = match own.address {
        std::net::IpAddr::V4(v4) => v4.is_link_local(),
        std::net::IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    !is_excluded && !is_link_local && (is_by_name || is_vpn_by_kind())
}

fn finding(node: &NodeFacts, own: &Address, what: &str, net: IpNet) -> Finding {
    Finding {
        code: RULE.code,
        severity: Severity::Warn,
        basis: Basis::Observed,
        subject: own.link.to_string(),
        nodes: vec![node.name.clone()],
        summary: format!(
            "{} on {} shares addresses with the {what} {net}",
            own.network(),
            own.link
        ),
        evidence: vec![
            Evidence::new(
                format!("addresses of {}", node.name),
                format!("{}/{} on {}", own.address, own.prefix_len, own.link),
            ),
            Evidence::new(what, net.to_string()),
        ],
        impact: "containers, virtual machines or VPN peers cannot be reached, or pods cannot"
            .into(),
        remedy: Remedy::text(format!(
            "move the pods to a free pool (see CIDR-12), or {} to another network",
            own.link
        )),
    }
}

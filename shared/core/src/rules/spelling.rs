//! Helm values that several rules tell users to write, in the spelling of the version in question.

use ipnet::IpNet;

use crate::{
    chart::{ChartVersion, kube_proxy_replacement},
    facts::{CiliumConfig, Family},
    view::View,
};

/// Whether the one value `tunnel` says what `routingMode` and `tunnelProtocol` say since 1.14. The charts
/// 1.14.0 to 1.14.2 know those, and then write the keys into the ConfigMap twice: Helm takes the last,
/// Flux and kustomize refuse it (cilium/cilium issue 27756).
fn has_tunnel(config: &CiliumConfig) -> bool {
    let version = config.version.as_ref();
    version.is_some_and(|version| (version.major, version.minor, version.patch) < (1, 14, 3))
}

/// The value that says how packets get from node to node. 1.14 takes
/// the old one too.
pub(super) fn routing_key(view: &View<'_>, config: &CiliumConfig) -> &'static str {
    let is_given = |key| view.chart_values().is_some_and(|values| values.given(key).is_some());
    if has_tunnel(config) || (is_given("tunnel") && !is_given("routingMode")) {
        "tunnel"
    } else {
        "routingMode"
    }
}

/// Packets between nodes go as they are.
pub(super) fn native(config: &CiliumConfig) -> &'static str {
    if has_tunnel(config) { "tunnel: disabled\n" } else { "routingMode: native\n" }
}

/// They are encapsulated in VXLAN.
pub(crate) fn vxlan(config: &CiliumConfig) -> &'static str {
    if has_tunnel(config) {
        "tunnel: vxlan\n"
    } else {
        "routingMode: tunnel\ntunnelProtocol: vxlan\n"
    }
}

/// Cilium does all of kube-proxy's work. Until 1.13 that was `strict`.
pub(super) fn proxy_replacement(config: &CiliumConfig) -> String {
    let version = config.version.clone().map(ChartVersion::from);
    let on = version.map_or("true", |version| kube_proxy_replacement(&version)[0]);
    format!("kubeProxyReplacement: {on}\n")
}

/// The value that says in which network packets keep the addresses of pods.
pub(super) fn native_routing_key(family: Family) -> &'static str {
    match family {
        Family::V4 => "ipv4NativeRoutingCIDR",
        Family::V6 => "ipv6NativeRoutingCIDR",
    }
}

/// That value, for all pods. It takes one network: where pods live in several that are no larger
/// one together, the user must know.
pub(super) fn native_routing_cidr(family: Family, networks: &[IpNet]) -> String {
    let key = native_routing_key(family);
    match networks {
        [network] => format!("{key}: {network}\n"),
        _ => format!("{key}: NETWORK-OF-ALL-PODS\n"),
    }
}

/// CiliumLocalRedirectPolicies are read. The value has had a map of its own since 1.18.
pub(super) fn local_redirect_policies(config: &CiliumConfig) -> &'static str {
    let version = config.version.as_ref();
    if version.is_some_and(|version| (version.major, version.minor) >= (1, 18)) {
        "localRedirectPolicies:\n  enabled: true\n"
    } else {
        "localRedirectPolicy: true\n"
    }
}

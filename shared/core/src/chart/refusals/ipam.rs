//! Addresses of pods.

use super::{PLAIN, Refusal, Spans, since};
use crate::chart::ChartValues;

/// Once the charts knew the singular keys no more, they refused them; 1.19 ignores them.
const CHECKED_POOLS: Spans = &[((1, 14, 0), (1, 19, 0))];

pub(super) const REFUSALS: &[Refusal] = &[
    Refusal {
        message: "Value ipam.operator.clusterPoolIPv4PodCIDR removed, use \
                  ipam.operator.clusterPoolIPv4PodCIDRList instead",
        charts: CHECKED_POOLS,
        keys: &["ipam.operator.clusterPoolIPv4PodCIDR"],
        refuses: |values| {
            has_singular(values, "ipv4.enabled", "ipam.operator.clusterPoolIPv4PodCIDR")
        },
        fix: "write a list in `ipam.operator.clusterPoolIPv4PodCIDRList`",
        ..PLAIN
    },
    Refusal {
        message: "Value ipam.operator.clusterPoolIPv6PodCIDR removed, use \
                  ipam.operator.clusterPoolIPv6PodCIDRList instead",
        charts: CHECKED_POOLS,
        keys: &["ipam.operator.clusterPoolIPv6PodCIDR"],
        refuses: |values| {
            has_singular(values, "ipv6.enabled", "ipam.operator.clusterPoolIPv6PodCIDR")
        },
        fix: "write a list in `ipam.operator.clusterPoolIPv6PodCIDRList`",
        ..PLAIN
    },
    Refusal {
        message: "ipam.mode=eni requires eni.enabled=true",
        charts: since!(20),
        keys: &["eni.enabled", "ipam.mode"],
        refuses: |values| values.is("ipam.mode", "eni") && !values.is_truthy("eni.enabled"),
        fix: "turn the support of AWS on",
        values: "eni:\n  enabled: true\n",
        ..PLAIN
    },
    Refusal {
        message: "nativeRoutingCIDRFromClusterPool requires exactly one CIDR in \
                  ipam.operator.clusterPoolIPv4PodCIDRList; set ipv4NativeRoutingCIDR explicitly \
                  instead",
        charts: since!(20),
        keys: &["nativeRoutingCIDRFromClusterPool", "ipam.operator.clusterPoolIPv4PodCIDRList"],
        refuses: |values| {
            takes_pool(values, "ipv4.enabled", "ipv4NativeRoutingCIDR")
                && !has_one(values, "ipam.operator.clusterPoolIPv4PodCIDRList")
        },
        fix: "set `ipv4NativeRoutingCIDR` to a network that holds all of the pool",
        ..PLAIN
    },
    Refusal {
        message: "nativeRoutingCIDRFromClusterPool requires exactly one CIDR in \
                  ipam.operator.clusterPoolIPv6PodCIDRList; set ipv6NativeRoutingCIDR explicitly \
                  instead",
        charts: since!(20),
        keys: &["nativeRoutingCIDRFromClusterPool", "ipam.operator.clusterPoolIPv6PodCIDRList"],
        refuses: |values| {
            takes_pool(values, "ipv6.enabled", "ipv6NativeRoutingCIDR")
                && !has_one(values, "ipam.operator.clusterPoolIPv6PodCIDRList")
        },
        fix: "set `ipv6NativeRoutingCIDR` to a network that holds all of the pool",
        ..PLAIN
    },
];

/// The mode that templates ask for.
pub(super) fn mode(values: &ChartValues<'_>) -> String {
    if values.is_truthy("eni.enabled") {
        return "eni".into();
    }
    let mode = values.text("ipam.mode").filter(|mode| !mode.is_empty());
    mode.unwrap_or_else(|| "cluster-pool".into())
}

/// `hasKey`: an empty value is refused too.
fn has_singular(values: &ChartValues<'_>, family: &str, key: &str) -> bool {
    mode(values) == "cluster-pool"
        && values.is_truthy(family)
        && values.given(key).is_some_and(|value| !value.is_null())
}

fn takes_pool(values: &ChartValues<'_>, family: &str, instead: &str) -> bool {
    values.is_truthy("nativeRoutingCIDRFromClusterPool")
        && values.is("routingMode", "native")
        && mode(values) == "cluster-pool"
        && values.is_truthy(family)
        && !values.is_truthy(instead)
}

fn has_one(values: &ChartValues<'_>, key: &str) -> bool {
    let value = values.get(key);
    value.as_ref().and_then(|value| value.as_array()).is_some_and(|items| items.len() == 1)
}

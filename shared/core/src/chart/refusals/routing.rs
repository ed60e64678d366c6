//! How packets get from node to node.

use super::{PLAIN, Refusal, Spans, since};
use crate::chart::{ChartValues, refusals::ipam};

/// Charts that hold the routing mode against the platform.
const CHECKED: Spans = &[((1, 14, 6), super::EVER)];

pub(super) const REFUSALS: &[Refusal] = &[
    Refusal {
        message: "RoutingMode must be set to native when gke.enabled=true",
        charts: CHECKED,
        keys: &["routingMode", "gke.enabled"],
        refuses: |values| {
            values.is_truthy("gke.enabled")
                && values.is_truthy("routingMode")
                && !values.is("routingMode", "native")
        },
        fix: "GKE routes pods itself",
        values: "routingMode: native\n",
        ..PLAIN
    },
    Refusal {
        message: "RoutingMode must be set to tunnel when aksbyocni.enabled=true",
        charts: CHECKED,
        keys: &["routingMode", "aksbyocni.enabled"],
        refuses: |values| {
            !values.is_truthy("gke.enabled")
                && values.is_truthy("aksbyocni.enabled")
                && values.is_truthy("routingMode")
                && !values.is("routingMode", "tunnel")
        },
        fix: "AKS does not route pods of a CNI plugin of your own",
        values: "routingMode: tunnel\n",
        ..PLAIN
    },
    Refusal {
        message: "ipv4NativeRoutingCIDR must be set when routingMode is native",
        charts: since!(18),
        keys: &["ipv4NativeRoutingCIDR", "routingMode"],
        // The value as given: since 1.18 the default is null, which is on for the agent and off
        // for this check.
        refuses: |values| {
            is_native_with(values, "ipv4.enabled", "enableIPv4Masquerade")
                && !matches!(ipam::mode(values).as_str(), "eni" | "alibabacloud")
                && !values.is_truthy("ipv4NativeRoutingCIDR")
        },
        fix: "name the network in which pods reach each other without masquerade: the cluster's \
              pod CIDR",
        ..PLAIN
    },
    Refusal {
        message: "ipv6NativeRoutingCIDR must be set when routingMode is native",
        charts: since!(18),
        keys: &["ipv6NativeRoutingCIDR", "routingMode"],
        refuses: |values| {
            is_native_with(values, "ipv6.enabled", "enableIPv6Masquerade")
                && !values.is_truthy("ipv6NativeRoutingCIDR")
        },
        fix: "name the network in which pods reach each other without masquerade: the cluster's \
              IPv6 pod CIDR",
        ..PLAIN
    },
];

fn is_native_with(values: &ChartValues<'_>, family: &str, masquerade: &str) -> bool {
    values.is("routingMode", "native")
        && values.is_truthy(family)
        && values.is_truthy(masquerade)
        && !values.is_truthy("ipMasqAgent.enabled")
        && !values.is_truthy("nativeRoutingCIDRFromClusterPool")
}

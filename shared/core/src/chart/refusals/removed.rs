//! Keys that charts refuse since they no longer take them.

use super::{EVER, PLAIN, Refusal, Spans, since};
use crate::chart::ChartValues;

/// Charts that refuse what 1.15 removed: the check came late, and in two lines.
const CHECKED_1_15: Spans = &[((1, 15, 8), (1, 16, 0)), ((1, 16, 2), EVER)];
/// Charts that refuse what 1.16 removed.
const CHECKED_1_16: Spans = &[((1, 16, 2), EVER)];

pub(super) const REFUSALS: &[Refusal] = &[
    Refusal {
        message: "enableCiliumEndpointSlice was deprecated in v1.16 and has been removed in \
                  v1.18. For details please refer to \
                  https://docs.cilium.io/en/v1.18/operations/upgrade/#helm-options",
        charts: since!(18),
        keys: &["enableCiliumEndpointSlice"],
        refuses: |values| values.is_truthy("enableCiliumEndpointSlice"),
        fix: "use `ciliumEndpointSlice.enabled`",
        values: "ciliumEndpointSlice:\n  enabled: true\n",
        ..PLAIN
    },
    Refusal {
        message: "ciliumEndpointSlice.sliceMode has been removed in v1.18. For details please \
                  refer to https://docs.cilium.io/en/v1.18/operations/upgrade/#helm-options",
        charts: since!(18),
        keys: &["ciliumEndpointSlice.sliceMode"],
        refuses: |values| values.is_truthy("ciliumEndpointSlice.sliceMode"),
        fix: "leave it out; there is one mode",
        ..PLAIN
    },
    Refusal {
        message: "encryption.{keyFile,mountPath,secretName,interface} were deprecated in v1.14 \
                  and has been removed in v1.16. For details please refer to \
                  https://docs.cilium.io/en/v1.16/operations/upgrade/#helm-options",
        charts: CHECKED_1_16,
        keys: OLD_ENCRYPTION,
        refuses: |values| any(values, OLD_ENCRYPTION),
        fix: "move these keys below `encryption.ipsec`",
        ..PLAIN
    },
    Refusal {
        message: "proxy.prometheus.enabled and proxy.prometheus.port were deprecated in v1.14 and \
                  has been removed in v1.16. For details please refer to \
                  https://docs.cilium.io/en/v1.16/operations/upgrade/#helm-options",
        charts: CHECKED_1_16,
        keys: &["proxy.prometheus.enabled", "proxy.prometheus.port"],
        // `enabled` goes through `toString`: `false` is refused too.
        refuses: |values| {
            values.text("proxy.prometheus.enabled").is_some_and(|text| !text.is_empty())
                || values.is_truthy("proxy.prometheus.port")
        },
        fix: "use `envoy.prometheus.enabled` and `envoy.prometheus.port`",
        ..PLAIN
    },
    Refusal {
        message: "endpointStatus has been removed in v1.16. For details please refer to \
                  https://docs.cilium.io/en/v1.16/operations/upgrade/#helm-options",
        charts: CHECKED_1_16,
        keys: &["endpointStatus"],
        refuses: |values| values.is_truthy("endpointStatus"),
        fix: "leave it out; there is no such feature any more",
        ..PLAIN
    },
    Refusal {
        message: "remoteNodeIdentity was deprecated in v1.15 and has been removed in v1.16. For \
                  details please refer to \
                  https://docs.cilium.io/en/v1.16/operations/upgrade/#helm-options",
        charts: CHECKED_1_16,
        keys: &["remoteNodeIdentity"],
        refuses: |values| values.is_truthy("remoteNodeIdentity"),
        fix: "leave it out; it is always on",
        ..PLAIN
    },
    Refusal {
        message: "containerRuntime.integration was deprecated in v1.14 and has been removed in \
                  v1.16. For details please refer to \
                  https://docs.cilium.io/en/v1.16/operations/upgrade/#helm-options",
        charts: CHECKED_1_16,
        keys: &["containerRuntime.integration"],
        refuses: |values| values.is_truthy("containerRuntime.integration"),
        fix: "leave it out; the container runtime is no longer asked",
        ..PLAIN
    },
    Refusal {
        message: "etcd.managed was deprecated in v1.10 has been removed in v1.16. For details \
                  please refer to \
                  https://docs.cilium.io/en/v1.16/operations/upgrade/#helm-options",
        charts: CHECKED_1_16,
        keys: &["etcd.managed"],
        refuses: |values| values.is_truthy("etcd.managed"),
        fix: "run an etcd of your own, and name it in `etcd.endpoints`",
        ..PLAIN
    },
    Refusal {
        message: "tunnel was deprecated in v1.14 and has been removed in v1.15. For details \
                  please refer to \
                  https://docs.cilium.io/en/v1.15/operations/upgrade/#helm-options",
        charts: CHECKED_1_15,
        keys: &["tunnel"],
        refuses: |values| values.is_truthy("tunnel"),
        fix: "write `routingMode: native` for `tunnel: disabled`; else `routingMode: tunnel` and \
              `tunnelProtocol`",
        ..PLAIN
    },
    Refusal {
        message: "clustermesh.apiserver.tls.ca.cert and clustermesh.apiserver.tls.ca.key were \
                  deprecated in v1.14 and has been removed in v1.15. For details please refer to \
                  https://docs.cilium.io/en/v1.15/operations/upgrade/#helm-options",
        charts: CHECKED_1_15,
        keys: MESH_CA,
        refuses: |values| any(values, MESH_CA),
        fix: "use `tls.ca.cert` and `tls.ca.key`",
        ..PLAIN
    },
    Refusal {
        message: "enableK8sEventHandover was deprecated in v1.14 and has been removed in v1.15. \
                  For details please refer to \
                  https://docs.cilium.io/en/v1.15/operations/upgrade/#helm-options",
        charts: CHECKED_1_15,
        keys: &["enableK8sEventHandover"],
        refuses: |values| values.is_truthy("enableK8sEventHandover"),
        fix: "leave it out; there is no such feature any more",
        ..PLAIN
    },
    Refusal {
        message: "enableCnpStatusUpdates was deprecated in v1.14 and has been removed in v1.15. \
                  For details please refer to \
                  https://docs.cilium.io/en/v1.15/operations/upgrade/#helm-options",
        charts: CHECKED_1_15,
        keys: &["enableCnpStatusUpdates"],
        refuses: |values| values.is_truthy("enableCnpStatusUpdates"),
        fix: "leave it out; there is no such feature any more",
        ..PLAIN
    },
];

const OLD_ENCRYPTION: &[&str] = &[
    "encryption.keyFile",
    "encryption.mountPath",
    "encryption.secretName",
    "encryption.interface",
];

const MESH_CA: &[&str] = &["clustermesh.apiserver.tls.ca.cert", "clustermesh.apiserver.tls.ca.key"];

fn any(values: &ChartValues<'_>, keys: &[&str]) -> bool {
    keys.iter().any(|key| values.is_truthy(key))
}

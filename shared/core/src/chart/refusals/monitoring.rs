//! ServiceMonitors, which need the CRDs of the Prometheus operator.

use super::{EVER, PLAIN, Refusal};
use crate::chart::ChartValues;

pub(super) const REFUSALS: &[Refusal] = &[
    Refusal {
        message: "Service Monitor requires monitoring.coreos.com/v1 CRDs. Please refer to \
                  https://github.com/prometheus-operator/prometheus-operator/blob/master/example/\
                  prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
        charts: &[((1, 12, 0), (1, 13, 1))],
        refuses: |values| {
            values.is_truthy("prometheus.enabled")
                && (values.is_truthy("prometheus.serviceMonitor.enabled")
                    || values.is_truthy("operator.prometheus.serviceMonitor.enabled"))
        },
        ..NO_CRDS
    },
    Refusal {
        message: "Service Monitor requires monitoring.coreos.com/v1 CRDs. Please refer to \
                  https://github.com/prometheus-operator/prometheus-operator/blob/main/example/\
                  prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
        charts: &[((1, 13, 1), (1, 13, 5))],
        refuses: wants_monitors,
        ..NO_CRDS
    },
    Refusal {
        message: "Service Monitor requires monitoring.coreos.com/v1 CRDs. Please refer to \
                  https://github.com/prometheus-operator/prometheus-operator/blob/main/example/\
                  prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml or set \
                  .Values.prometheus.serviceMonitor.trustCRDsExist=true",
        charts: &[((1, 13, 5), EVER)],
        refuses: |values| {
            wants_monitors(values) && !values.is_truthy("prometheus.serviceMonitor.trustCRDsExist")
        },
        values: "prometheus:\n  serviceMonitor:\n    trustCRDsExist: true\n",
        ..NO_CRDS
    },
];

const NO_CRDS: Refusal = Refusal {
    keys: &[
        "prometheus.serviceMonitor.enabled",
        "operator.prometheus.serviceMonitor.enabled",
        "envoy.prometheus.serviceMonitor.enabled",
        "hubble.relay.prometheus.serviceMonitor.enabled",
    ],
    depends: Some("whether the cluster has the CRDs of monitoring.coreos.com/v1"),
    fix: "install the CRDs of the Prometheus operator first",
    ..PLAIN
};

fn wants_monitors(values: &ChartValues<'_>) -> bool {
    ["prometheus", "operator.prometheus", "envoy.prometheus", "hubble.relay.prometheus"].iter().any(
        |of| {
            values.is_truthy(&format!("{of}.enabled"))
                && values.is_truthy(&format!("{of}.serviceMonitor.enabled"))
        },
    )
}

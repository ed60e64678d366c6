//! The operator.

use super::{PLAIN, Refusal, since};
use crate::chart::ChartValues;

pub(super) const REFUSALS: &[Refusal] = &[
    Refusal {
        message: "if Cilium Endpoint Slice is enabled (.Values.enableCiliumEndpointSlice=true), \
                  it requires .Values.disableEndpointCRD=false",
        charts: &[((1, 14, 0), (1, 16, 0))],
        keys: &["disableEndpointCRD", "enableCiliumEndpointSlice"],
        refuses: |values| values.is_truthy("enableCiliumEndpointSlice") && has_no_crd(values),
        ..NO_ENDPOINTS
    },
    Refusal {
        message: "if Cilium Endpoint Slice is enabled (.Values.ciliumEndpointSlice.enabled=true), \
                  it requires .Values.disableEndpointCRD=false",
        charts: since!(16),
        keys: &["disableEndpointCRD", "ciliumEndpointSlice.enabled", "enableCiliumEndpointSlice"],
        // The old key counted until it was removed.
        refuses: |values| {
            let by_old_key = !values.version().is_at_least((1, 18, 0))
                && values.is_truthy("enableCiliumEndpointSlice");
            (by_old_key || values.is_truthy("ciliumEndpointSlice.enabled")) && has_no_crd(values)
        },
        ..NO_ENDPOINTS
    },
    Refusal {
        message: "Cannot have operator.setNodeTaintsMaxNodes and not operator.removeNodeTaints = \
                  false",
        charts: since!(14),
        keys: &["operator.removeNodeTaints", "operator.setNodeTaints"],
        refuses: |values| {
            values.is_truthy("operator.setNodeTaints")
                && !values.is_truthy("operator.removeNodeTaints")
        },
        fix: "let the operator remove the taints that it sets",
        values: "operator:\n  removeNodeTaints: true\n",
        ..PLAIN
    },
];

const NO_ENDPOINTS: Refusal = Refusal {
    fix: "leave CiliumEndpoints on: the slices are made of them",
    values: "disableEndpointCRD: false\n",
    ..PLAIN
};

/// The templates compare with `true`; a text is something else to them.
fn has_no_crd(values: &ChartValues<'_>) -> bool {
    values.get("disableEndpointCRD").is_some_and(|value| *value == serde_json::Value::Bool(true))
}

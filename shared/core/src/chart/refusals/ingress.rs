//! Ingress, Gateway API and Envoy.

use super::{EVER, PLAIN, Refusal, since};
use crate::chart::{ChartValues, refusals::kube_proxy};

pub(super) const REFUSALS: &[Refusal] = &[
    Refusal {
        message: "Ingress or Gateway API controller requires .Values.l7Proxy to be set to 'true'",
        charts: &[((1, 12, 11), (1, 13, 0)), ((1, 13, 4), (1, 13, 7)), ((1, 14, 0), (1, 14, 2))],
        refuses: |values| has_controller(values) && is_proxy_off(values),
        ..PROXY_OFF
    },
    Refusal {
        message: "Ingress or Gateway API controller or Envoy L7 Load Balancer  requires \
                  .Values.l7Proxy to be set to 'true'",
        charts: &[((1, 13, 7), (1, 14, 0)), ((1, 14, 2), EVER)],
        refuses: |values| {
            (has_controller(values) || values.is("loadBalancer.l7.backend", "envoy"))
                && is_proxy_off(values)
        },
        ..PROXY_OFF
    },
    Refusal {
        message: "Cilium Ingress services of type 'LoadBalancer' or 'NodePort' need an \
                  externalTrafficPolicy set to 'Cluster' or 'Local'.",
        charts: since!(16),
        keys: &["ingressController.service.externalTrafficPolicy"],
        refuses: |values| {
            let of_type = |name| values.is("ingressController.service.type", name);
            values.is_truthy("ingressController.enabled")
                && (of_type("LoadBalancer") || of_type("NodePort"))
                && !is_policy(values, "ingressController.service.externalTrafficPolicy")
        },
        fix: "choose `Cluster`, or `Local` to keep the addresses of clients",
        values: "ingressController:\n  service:\n    externalTrafficPolicy: Cluster\n",
        ..PLAIN
    },
    Refusal {
        message: "Cilium GatewayAPI needs an externalTrafficPolicy set to 'Cluster' or 'Local'.",
        charts: since!(16),
        keys: &["gatewayAPI.externalTrafficPolicy"],
        refuses: |values| {
            values.is_truthy("gatewayAPI.enabled")
                && !is_policy(values, "gatewayAPI.externalTrafficPolicy")
        },
        fix: "choose `Cluster`, or `Local` to keep the addresses of clients",
        values: "gatewayAPI:\n  externalTrafficPolicy: Cluster\n",
        ..PLAIN
    },
    Refusal {
        message: "Ingress/Gateway API controller requires .Values.kubeProxyReplacement to be set \
                  to either 'partial' or 'strict'",
        charts: &[((1, 13, 0), (1, 14, 0))],
        keys: &["kubeProxyReplacement", "ingressController.enabled", "gatewayAPI.enabled"],
        refuses: |values| {
            has_controller(values)
                && values.given("kubeProxyReplacement").is_some_and(|value| !value.is_null())
                && !values.is("kubeProxyReplacement", "partial")
                && !values.is("kubeProxyReplacement", "strict")
        },
        fix: "let Cilium replace kube-proxy",
        values: "kubeProxyReplacement: strict\n",
        ..PLAIN
    },
    Refusal {
        message: "Ingress/Gateway API controller and EnvoyConfig require \
                  .Values.kubeProxyReplacement to be explicitly set to 'false' or 'true'",
        charts: since!(14),
        keys: &[
            "kubeProxyReplacement",
            "ingressController.enabled",
            "gatewayAPI.enabled",
            "envoyConfig.enabled",
        ],
        refuses: |values| {
            let is_old = kube_proxy::first_release(values) < (1, 14);
            (has_controller(values) || values.is_truthy("envoyConfig.enabled"))
                && (values.text("kubeProxyReplacement").as_deref() == Some("disabled")
                    || (values.get("kubeProxyReplacement").is_none() && is_old))
        },
        fix: "say whether Cilium replaces kube-proxy",
        values: "kubeProxyReplacement: true\n",
        ..PLAIN
    },
];

const PROXY_OFF: Refusal = Refusal {
    keys: &["l7Proxy"],
    fix: "leave the L7 proxy on",
    values: "l7Proxy: true\n",
    ..PLAIN
};

fn has_controller(values: &ChartValues<'_>) -> bool {
    values.is_truthy("ingressController.enabled") || values.is_truthy("gatewayAPI.enabled")
}

/// The templates ask `hasKey` first: where null took the default away, they say nothing.
fn is_proxy_off(values: &ChartValues<'_>) -> bool {
    values.get("l7Proxy").is_some() && !values.is_truthy("l7Proxy")
}

fn is_policy(values: &ChartValues<'_>, key: &str) -> bool {
    values.is(key, "Cluster") || values.is(key, "Local")
}

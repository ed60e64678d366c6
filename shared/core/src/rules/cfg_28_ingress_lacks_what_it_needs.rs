use super::{Finding, Judgement, Remedy, Severity, premise, rule, spelling, values::nested};
use crate::view::View;

rule! {
    /// ## What it checks
    /// Whether Ingress and Gateway API have what they need: the L7 proxy, and kube-proxy replaced
    /// (until 1.18 `nodePort.enabled` is enough). What the chart refuses itself is VAL-11's; it
    /// takes `kubeProxyReplacement: false` from 1.14 on, and does not see what `extraConfig` and
    /// hands do to the ConfigMap.
    ///
    /// ## Why it hurts
    /// The operator says "Gateway API support requires kube-proxy-replacement enabled" in its log
    /// and goes on without: the GatewayClass stays unknown, Ingresses get no address.
    ///
    /// ## Fix
    /// Turn on what is missing.
    ///
    /// ## References
    /// - Cilium documentation, "Gateway API Support", "Ingress": prerequisites
    /// - Cilium source: `operator/pkg/gateway-api/cell.go`
    "CFG-28", Error, Configuration, "Ingress or Gateway API lacks what it needs", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::config(view, out) else { return };
    let key = match (config.ingress_controller, config.gateway_api) {
        (_, true) => "gatewayAPI.enabled",
        (true, false) => "ingressController.enabled",
        (false, false) => {
            out.not_applicable("neither Ingress nor Gateway API is on");
            return;
        }
    };
    if premise::is_refused(view, &[key, "l7Proxy", "kubeProxyReplacement"], out) {
        return;
    }
    let finding = |what: &str| {
        Finding::about(RULE.code, Severity::Error, key)
            .saying(
                format!("{key} is on, {what}"),
                "the operator goes on without: no Gateway or Ingress is answered",
            )
            .seen(config.origin.clone(), what.to_owned())
    };
    if !config.l7_proxy {
        out.found(
            finding("the L7 proxy is off").mended_by(
                Remedy::text("leave the proxy on").with_values(nested("l7Proxy", "true")),
            ),
        );
    }
    match premise::answers_node_ports(config) {
        Some(true) => {}
        Some(false) => out.found(
            finding("kube-proxy is not replaced").mended_by(
                Remedy::text(
                    "let Cilium replace kube-proxy; agents then need the API server's address",
                )
                .with_values(spelling::proxy_replacement(config)),
            ),
        ),
        None => out.unknown("NodePort", "only the kernel or the agent decides about it"),
    }
}

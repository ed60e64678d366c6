use super::{Finding, Judgement, Remedy, Severity, premise, rule};
use crate::{
    facts::{CiliumConfig, LoadBalancerMode, RoutingMode, TunnelProtocol},
    view::View,
};

rule! {
    /// ## What it checks
    /// Services that are answered directly (`loadBalancer.mode` `dsr` or `hybrid`): with the VXLAN
    /// tunnel, and until 1.13 with any; and with `dsrDispatch: geneve` where the protocol is not
    /// Geneve.
    ///
    /// ## Why it hurts
    /// No agent starts: "mode cannot be used with vxlan tunneling". Helm installs it.
    ///
    /// ## Fix
    /// Native routing, or Geneve with `dsrDispatch: geneve` (from 1.14 on); or the mode `snat`.
    ///
    /// ## References
    /// - Cilium source: `daemon/cmd/kube_proxy_replacement.go`
    /// - Cilium documentation, "Direct Server Return (DSR)"
    "CFG-14", Block, Configuration, "direct answers of Services through a tunnel", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::config(view, out) else { return };
    let mode = match &config.load_balancer.mode {
        LoadBalancerMode::Dsr => "dsr",
        LoadBalancerMode::Hybrid => "hybrid",
        LoadBalancerMode::Snat | LoadBalancerMode::Unknown(_) => {
            out.not_applicable("Services are not answered directly");
            return;
        }
    };
    match premise::answers_node_ports(config) {
        Some(true) => {}
        Some(false) => {
            out.not_applicable("Cilium does not answer NodePorts");
            return;
        }
        None => {
            out.unknown("NodePort", "only the kernel or the agent decides about it");
            return;
        }
    }
    let protocol = match &config.routing {
        RoutingMode::Tunnel(protocol) => Some(protocol),
        // CFG-15 judges modes that there are not.
        RoutingMode::Native | RoutingMode::Unknown(_) => None,
    };
    let is_geneve = protocol == Some(&TunnelProtocol::Geneve)
        || config.tunnel_protocol.as_deref() == Some("geneve");
    let dispatch = config.load_balancer.dsr_dispatch.as_deref();
    if dispatch == Some("geneve") && !is_geneve {
        out.found(
            finding(config, "loadBalancer.dsrDispatch", mode, "dispatch geneve needs Geneve")
                .mended_by(
                    Remedy::text("set the protocol too").with_values("tunnelProtocol: geneve\n"),
                ),
        );
        return;
    }
    match protocol {
        Some(TunnelProtocol::Vxlan) => {}
        Some(TunnelProtocol::Geneve) => {
            let Some(version) = premise::version(config, out) else { return };
            if version.is_at_least((1, 14, 0)) {
                return;
            }
        }
        Some(TunnelProtocol::Unknown(_)) | None => return,
    }
    out.found(
        finding(config, "loadBalancer.mode", mode, "cannot be used with this tunnel").mended_by(
            Remedy::text("answer through the node that was asked; or route natively")
                .with_values("loadBalancer:\n  mode: snat\n"),
        ),
    );
}

fn finding(config: &CiliumConfig, key: &str, mode: &str, why: &str) -> Finding {
    Finding::about(RULE.code, Severity::Block, key)
        .saying(
            format!("Services are to be answered directly ({mode}), routing {}", config.routing),
            format!("no agent starts: {mode} {why}"),
        )
        .seen(config.origin.clone(), format!("bpf-lb-mode {mode}, routing {}", config.routing))
}

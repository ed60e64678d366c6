use super::{Finding, Judgement, Remedy, Severity, premise, rule, spelling};
use crate::{
    facts::{CiliumConfig, RoutingMode, TunnelProtocol},
    view::View,
};

rule! {
    /// ## What it checks
    /// Whether the routing mode is one that there is: `native` or `tunnel`, until 1.13 `vxlan`,
    /// `geneve` or `disabled` of `tunnel`; and whether the protocol is `vxlan` or `geneve`. `hybrid`
    /// comes with 1.21; of 1.20 it is not known.
    ///
    /// ## Why it hurts
    /// No agent starts: "invalid routing mode", "invalid tunnel protocol". No chart checks it.
    ///
    /// ## Fix
    /// Write a mode that there is.
    ///
    /// ## References
    /// - Cilium source: `Validate` in `pkg/option/config.go`, `pkg/datapath/tunnel`
    "CFG-15", Block, Configuration, "a routing mode that there is not", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::config(view, out) else { return };
    match &config.routing {
        RoutingMode::Unknown(mode) if mode == "hybrid" => judge_hybrid(view, config, out),
        RoutingMode::Unknown(mode) => out.found(no_mode(view, config, mode)),
        RoutingMode::Native | RoutingMode::Tunnel(_) => {}
    }
    let protocol = match &config.routing {
        RoutingMode::Tunnel(TunnelProtocol::Unknown(protocol)) => Some(protocol.as_str()),
        _ => config.tunnel_protocol.as_deref(),
    };
    if let Some(protocol) = protocol.filter(|protocol| !matches!(*protocol, "vxlan" | "geneve")) {
        // Until 1.13, and of charts that still take it, `tunnel` is the protocol.
        let key = match spelling::routing_key(view, config) {
            "tunnel" if config.tunnel_protocol.is_none() => "tunnel",
            _ => "tunnelProtocol",
        };
        out.found(finding(config, key, protocol, "invalid tunnel protocol"));
    }
}

fn judge_hybrid(view: &View<'_>, config: &CiliumConfig, out: &mut Judgement) {
    let Some(version) = premise::version(config, out) else { return };
    if version.is_at_least((1, 21, 0)) {
        return;
    }
    if version.is_at_least((1, 20, 0)) {
        out.unknown("routing mode hybrid", "whether agents of 1.20 take it is not known");
    } else {
        out.found(no_mode(view, config, "hybrid"));
    }
}

fn no_mode(view: &View<'_>, config: &CiliumConfig, mode: &str) -> Finding {
    finding(config, spelling::routing_key(view, config), mode, "invalid routing mode")
}

fn finding(config: &CiliumConfig, key: &str, value: &str, why: &str) -> Finding {
    Finding::about(RULE.code, Severity::Block, key)
        .saying(
            format!("{key} is `{value}`, which Cilium does not know"),
            format!("no agent starts: {why}"),
        )
        .seen(config.origin.clone(), format!("{key} {value}"))
        .mended_by(
            Remedy::text("encapsulate, or route natively, in this version's spelling").with_values(
                format!("{}# or: {}", spelling::vxlan(config), spelling::native(config)),
            ),
        )
}

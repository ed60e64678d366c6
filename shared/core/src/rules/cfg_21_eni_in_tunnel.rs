use super::{Finding, Judgement, Remedy, Severity, premise, rule};
use crate::{
    facts::{IpamMode, RoutingMode},
    view::View,
};

rule! {
    /// ## What it checks
    /// Whether pods have addresses of AWS network interfaces (`eni.enabled`, `ipam.mode: eni`) while
    /// packets between nodes are encapsulated.
    ///
    /// ## Why it hurts
    /// Agents since 1.17 do not start: "Cannot specify IPAM mode eni in tunnel mode". Charts 1.14 to
    /// 1.18 make a tunnel of `eni.enabled` alone. Agents before encapsulate what the network of AWS
    /// routes by itself.
    ///
    /// ## Fix
    /// Say `routingMode: native` yourself.
    ///
    /// ## References
    /// - Cilium documentation, "AWS ENI": `routingMode`
    /// - Cilium source: `Validate` in `pkg/option/config.go`
    "CFG-21", Block, Configuration, "addresses of AWS interfaces need native routing", judge
}

/// The first agents that check it.
const REFUSES: (u64, u64, u64) = (1, 17, 0);

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::config(view, out) else { return };
    if config.ipam != IpamMode::Other("eni".into()) {
        out.not_applicable(format!("IPAM mode {} is not that of AWS interfaces", config.ipam));
        return;
    }
    if !matches!(config.routing, RoutingMode::Tunnel(_)) {
        return;
    }
    let Some(version) = premise::version(config, out) else { return };
    let (severity, impact) = if version.is_at_least(REFUSES) {
        (Severity::Block, "no agent starts: Cannot specify IPAM mode eni in tunnel mode")
    } else {
        (
            Severity::Warn,
            "what the network of AWS routes by itself is encapsulated; agents since 1.17 do not \
             start",
        )
    };
    let key = super::spelling::routing_key(view, config);
    out.found(
        Finding::about(RULE.code, severity, key)
            .saying(format!("IPAM mode eni stands with routing mode {}", config.routing), impact)
            .seen(config.origin.clone(), format!("ipam eni, routing mode {}", config.routing))
            .mended_by(
                Remedy::text("the network of AWS knows the way to pods: route natively")
                    .with_values(super::spelling::native(config)),
            ),
    );
}

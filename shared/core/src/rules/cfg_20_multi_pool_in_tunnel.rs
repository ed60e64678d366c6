use super::{Finding, Judgement, Remedy, Severity, premise, rule, spelling};
use crate::{
    facts::{IpamMode, RoutingMode},
    view::View,
};

rule! {
    /// ## What it checks
    /// Whether addresses come from several pools (`ipam.mode: multi-pool`) while packets between
    /// nodes are encapsulated, with agents before 1.18.
    ///
    /// ## Why it hurts
    /// No agent starts: "Cannot specify IPAM mode multi-pool in tunnel mode". No chart checks it,
    /// and the tunnel is the default.
    ///
    /// ## Fix
    /// Route natively, take one pool (`cluster-pool`), or Cilium 1.18.
    ///
    /// ## References
    /// - cilium/cilium pull request 38483
    /// - Cilium documentation, "Multi-Pool": limitations
    "CFG-20", Block, Configuration, "several pools need native routing", judge
}

/// The first version in which tunnels take several pools.
const IN_TUNNEL: (u64, u64, u64) = (1, 18, 0);

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::config(view, out) else { return };
    if config.ipam != IpamMode::MultiPool {
        out.not_applicable(format!("IPAM mode {} has no several pools", config.ipam));
        return;
    }
    if !matches!(config.routing, RoutingMode::Tunnel(_)) {
        return;
    }
    let Some(version) = premise::version(config, out) else { return };
    if version.is_at_least(IN_TUNNEL) {
        return;
    }
    out.found(
        Finding::about(RULE.code, Severity::Block, "ipam.mode")
            .saying(
                format!("{version} has no several pools in routing mode {}", config.routing),
                "no agent starts: Cannot specify IPAM mode multi-pool in tunnel mode",
            )
            .seen(
                config.origin.clone(),
                format!("ipam {}, routing mode {}", config.ipam, config.routing),
            )
            .mended_by(
                Remedy::text(
                    "route natively (the network between the nodes must then know the way to \
                     pods), take one pool, or Cilium 1.18",
                )
                .with_values(format!(
                    "{}autoDirectNodeRoutes: true # where nodes share a network\n",
                    spelling::native(config)
                )),
            ),
    );
}

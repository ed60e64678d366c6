use super::{Finding, Judgement, Remedy, Severity, premise, rule};
use crate::view::View;

rule! {
    /// ## What it checks
    /// Whether `directRoutingSkipUnreachable` is on while `autoDirectNodeRoutes`, of which it takes
    /// nodes out, is off.
    ///
    /// ## Why it hurts
    /// No agent starts: "cannot be enabled when auto-direct-node-routes is not enabled". No chart
    /// checks it. Versions before 1.16 do not have the option.
    ///
    /// ## Fix
    /// Turn both on, or neither.
    ///
    /// ## References
    /// - Cilium documentation, "Routing": native routing
    /// - Cilium source: `Validate` in `pkg/option/config.go`
    "CFG-23", Block, Configuration, "skipping unreachable nodes needs direct routes", judge
}

/// The first version with the option.
const SINCE: (u64, u64, u64) = (1, 16, 0);

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::config(view, out) else { return };
    if !config.skip_unreachable_nodes || config.auto_direct_node_routes {
        return;
    }
    let Some(version) = premise::version(config, out) else { return };
    if !version.is_at_least(SINCE) {
        out.not_applicable(format!("{version} has no such option"));
        return;
    }
    out.found(
        Finding::about(RULE.code, Severity::Block, "directRoutingSkipUnreachable")
            .saying(
                "directRoutingSkipUnreachable is on without autoDirectNodeRoutes",
                "no agent starts: direct-routing-skip-unreachable cannot be enabled when \
                 auto-direct-node-routes is not enabled",
            )
            .seen(
                config.origin.clone(),
                "direct-routing-skip-unreachable true, auto-direct-node-routes false",
            )
            .mended_by(
                Remedy::text(
                    "without routes there are no nodes to skip; where nodes share a network and \
                     the mode is native, turn both on",
                )
                .with_values(
                    "directRoutingSkipUnreachable: false\n# or: autoDirectNodeRoutes: true\n",
                ),
            ),
    );
}

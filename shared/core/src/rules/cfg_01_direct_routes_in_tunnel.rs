use super::{Finding, Judgement, Remedy, Severity, premise, rule, spelling};
use crate::{facts::RoutingMode, view::View};

rule! {
    /// ## What it checks
    /// Whether `autoDirectNodeRoutes` is on although packets between nodes are encapsulated.
    ///
    /// ## Why it hurts
    /// No agent starts: "auto-direct-node-routes cannot be used with tunneling". Helm installs it in
    /// every version. Who wrote `tunnel: disabled` can get here too: the charts 1.15.0 to 1.15.7,
    /// 1.16.0 and 1.16.1 take no notice of that value, and encapsulate.
    ///
    /// ## Fix
    /// `autoDirectNodeRoutes: false`; or native routing, in the version's own spelling.
    ///
    /// ## References
    /// - Cilium source: `initEnv` in `daemon/cmd/daemon_main.go`
    "CFG-01", Block, Configuration, "direct routes between nodes in tunnel mode", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::config(view, out) else { return };
    if !(config.auto_direct_node_routes && matches!(config.routing, RoutingMode::Tunnel(_))) {
        return;
    }
    let wants_native = view.chart_values().is_some_and(|values| {
        values.given("tunnel").and_then(|value| value.as_str()) == Some("disabled")
    });
    let remedy = if wants_native {
        Remedy::text("write native routing as this chart reads it, instead of `tunnel`")
            .with_values(spelling::native(config))
    } else {
        Remedy::text("turn autoDirectNodeRoutes off; or route natively")
            .with_values("autoDirectNodeRoutes: false\n")
    };
    out.found(
        Finding::about(RULE.code, Severity::Block, "autoDirectNodeRoutes")
            .saying(
                "autoDirectNodeRoutes is on, and packets between nodes are encapsulated",
                "no agent starts: auto-direct-node-routes cannot be used with tunneling",
            )
            .seen(
                config.origin.clone(),
                format!("auto-direct-node-routes true, routing {}", config.routing),
            )
            .mended_by(remedy),
    );
}

use super::{Finding, Judgement, Remedy, Severity, premise, rule};
use crate::{
    chart::{ChartValues, Effect, advice},
    facts::{CiliumConfig, RoutingMode, TunnelProtocol},
    view::View,
};

rule! {
    /// ## What it checks
    /// Whether the values choose the routing mode in the spelling that their chart reads: `tunnel`
    /// until 1.14, `routingMode` and `tunnelProtocol` since. What is compared is the mode that the
    /// values ask for and the mode that the cluster would run.
    ///
    /// ## Why it hurts
    /// Charts until 1.13 take no notice of `routingMode`, charts 1.15.0 to 1.15.7, 1.16.0 and 1.16.1
    /// none of `tunnel`: who asks for native routing gets a vxlan tunnel, and what belongs to native
    /// routing (`autoDirectNodeRoutes`) then stops the agents. Later charts refuse `tunnel`. 1.14
    /// reads both; where they disagree, `routingMode` wins.
    ///
    /// ## Fix
    /// Say it in the spelling of the version.
    ///
    /// ## References
    /// - Cilium documentation, "Upgrade Guide" to 1.14 and 1.15: `tunnel`
    /// - `templates/cilium-configmap.yaml` and `templates/validate.yaml` of the chart
    "CFG-16", Block, Configuration, "the routing mode is said in another version's words", judge
}

/// The first chart that reads `routingMode` and `tunnelProtocol`.
const NEW_WORDS: (u64, u64, u64) = (1, 14, 0);

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::config(view, out) else { return };
    let Some(values) = premise::values(view, out) else { return };
    let old = word(&values, "tunnel");
    if !values.version().is_at_least(NEW_WORDS) {
        if let Some((key, wanted)) = wanted_in_new_words(&values) {
            judge_ignored(view, config, key, &wanted, out);
        }
        return;
    }
    let Some(old) = old else { return };
    let wanted = wanted_in_old_words(&old);
    match advice("tunnel", values.version()).map(|advice| advice.effect) {
        Some(Effect::Ignored) => judge_ignored(view, config, "tunnel", &wanted, out),
        // What runs was not refused.
        Some(Effect::Fails) if view.proposal().is_some() => {
            out.found(refused(&values, &old, &wanted));
        }
        Some(Effect::Fails) => {}
        None | Some(Effect::Deprecated) => judge_both(config, &values, &old, &wanted, out),
    }
}

fn word(values: &ChartValues<'_>, key: &str) -> Option<String> {
    let text = values.given(key)?.as_str()?;
    (!text.is_empty()).then(|| text.to_owned())
}

/// What `tunnel` asks for; words that it does not take are CFG-15's.
fn wanted_in_old_words(word: &str) -> RoutingMode {
    match word {
        "disabled" => RoutingMode::Native,
        protocol => RoutingMode::Tunnel(protocol_of(protocol)),
    }
}

fn wanted_in_new_words(values: &ChartValues<'_>) -> Option<(&'static str, RoutingMode)> {
    let protocol = word(values, "tunnelProtocol");
    let tunnel = RoutingMode::Tunnel(protocol_of(protocol.as_deref().unwrap_or("vxlan")));
    match word(values, "routingMode").as_deref() {
        Some("native") => Some(("routingMode", RoutingMode::Native)),
        Some("tunnel") if protocol.is_none() => Some(("routingMode", tunnel)),
        Some("tunnel") | None if protocol.is_some() => Some(("tunnelProtocol", tunnel)),
        Some(other) => Some(("routingMode", RoutingMode::Unknown(other.to_owned()))),
        None => None,
    }
}

fn protocol_of(word: &str) -> TunnelProtocol {
    match word {
        "vxlan" => TunnelProtocol::Vxlan,
        "geneve" => TunnelProtocol::Geneve,
        other => TunnelProtocol::Unknown(other.to_owned()),
    }
}

/// A key without effect matters where the mode is not the one it asks for: `extraConfig`, another
/// key beside it, or the default may say the same.
fn judge_ignored(
    view: &View<'_>,
    config: &CiliumConfig,
    key: &'static str,
    wanted: &RoutingMode,
    out: &mut Judgement,
) {
    if *wanted == config.routing {
        return;
    }
    let is_about_tunnels =
        matches!((wanted, &config.routing), (RoutingMode::Tunnel(_), RoutingMode::Tunnel(_)));
    let severity = match (is_about_tunnels, view.proposal()) {
        (true, _) => Severity::Warn,
        (false, Some(_)) => Severity::Block,
        (false, None) => Severity::Error,
    };
    out.found(
        Finding::about(RULE.code, severity, key)
            .saying(
                format!(
                    "{key} asks for {wanted}, and has no effect: the mode is {}",
                    config.routing
                ),
                consequence(wanted, &config.routing),
            )
            .seen(config.origin.clone(), format!("routing mode {}", config.routing))
            .mended_by(
                Remedy::text("say it in the words of this version")
                    .with_values(spelled(config, key, wanted)),
            ),
    );
}

fn consequence(wanted: &RoutingMode, mode: &RoutingMode) -> String {
    match (wanted, mode) {
        (RoutingMode::Native, RoutingMode::Tunnel(_)) => {
            "packets between nodes are encapsulated: a smaller MTU, UDP that firewalls must let \
             through, and agents that do not start where autoDirectNodeRoutes is on"
        }
        (RoutingMode::Tunnel(_), RoutingMode::Native) => {
            "packets between nodes carry the addresses of pods, which the network between the \
             nodes has to route"
        }
        _ => "packets between nodes go another way than was asked for",
    }
    .to_owned()
}

fn refused(values: &ChartValues<'_>, word: &str, wanted: &RoutingMode) -> Finding {
    let without = match wanted {
        RoutingMode::Native => "; and without it the mode would be tunnel (vxlan)",
        _ => "",
    };
    let version = values.version();
    Finding::about(RULE.code, Severity::Block, "tunnel")
        .saying(
            format!(
                "tunnel asks for {wanted}, but charts since 1.15 know routingMode only{without}"
            ),
            format!("chart {version} stops, and installs nothing"),
        )
        .seen("values", format!("tunnel {word}"))
        .mended_by(
            Remedy::text("say it in the words of this version, and leave `tunnel` out")
                .with_values(in_new_words(wanted)),
        )
}

/// Where 1.14 reads both.
fn judge_both(
    config: &CiliumConfig,
    values: &ChartValues<'_>,
    old: &str,
    wanted: &RoutingMode,
    out: &mut Judgement,
) {
    let Some(new) = word(values, "routingMode") else { return };
    let severity = if *wanted == config.routing { Severity::Info } else { Severity::Warn };
    out.found(
        Finding::about(RULE.code, severity, "tunnel")
            .saying(
                format!("both tunnel and routingMode are given: the mode is {}", config.routing),
                "`routingMode` wins, and charts since 1.15 take no notice of `tunnel` or refuse it",
            )
            .seen("values", format!("tunnel {old}, routingMode {new}"))
            .mended_by(
                Remedy::text("leave `tunnel` out").with_values(in_new_words(&config.routing)),
            ),
    );
}

fn spelled(config: &CiliumConfig, key: &str, wanted: &RoutingMode) -> String {
    match (key, wanted) {
        ("tunnel", _) => in_new_words(wanted),
        (_, RoutingMode::Native) => "tunnel: disabled\n".into(),
        (_, RoutingMode::Tunnel(TunnelProtocol::Geneve)) => "tunnel: geneve\n".into(),
        (_, RoutingMode::Tunnel(_)) => super::spelling::vxlan(config).into(),
        (_, RoutingMode::Unknown(_)) => "tunnel: vxlan\n# or: tunnel: disabled\n".into(),
    }
}

fn in_new_words(mode: &RoutingMode) -> String {
    match mode {
        RoutingMode::Native => "routingMode: native\n".into(),
        RoutingMode::Tunnel(TunnelProtocol::Geneve) => {
            "routingMode: tunnel\ntunnelProtocol: geneve\n".into()
        }
        RoutingMode::Tunnel(_) | RoutingMode::Unknown(_) => {
            "routingMode: tunnel\ntunnelProtocol: vxlan\n".into()
        }
    }
}

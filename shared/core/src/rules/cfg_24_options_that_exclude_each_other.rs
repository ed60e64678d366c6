use super::{Finding, Judgement, Remedy, Severity, premise, rule, spelling, values::nested};
use crate::{
    facts::{CiliumConfig, Encryption, RoutingMode},
    view::View,
};

rule! {
    /// ## What it checks
    /// Options that agents do not take together: `localRouterIP` with a tunnel, with IPsec, or
    /// without `endpointRoutes`; IPsec with the host firewall; the egress gateway without masquerade in
    /// BPF; the L7 proxy without iptables rules
    /// (from 1.20 on `bpf.tproxy` does without them); and neither IPv4 nor IPv6. That GKE needs
    /// native routing and AKS with a CNI of one's own a tunnel, the chart says itself (VAL-11).
    ///
    /// ## Why it hurts
    /// No agent starts. Helm installs it.
    ///
    /// ## Fix
    /// Give up one of the two.
    ///
    /// ## References
    /// - Cilium source: `Validate` and `Populate` in `pkg/option/config.go`,
    ///   `daemon/cmd/daemon_main.go`
    "CFG-24", Block, Configuration, "options that exclude each other", judge
}

/// Two options that agents do not take together.
struct Clash {
    subject: &'static str,
    what: &'static str,
    why: &'static str,
    fix: &'static str,
    values: String,
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::config(view, out) else { return };
    for clash in local_router(config).into_iter().chain(others(view, config, out)) {
        out.found(
            Finding::about(RULE.code, Severity::Block, clash.subject)
                .saying(clash.what, format!("no agent starts: {}", clash.why))
                .seen(config.origin.clone(), clash.what)
                .mended_by(Remedy::text(clash.fix).with_values(clash.values)),
        );
    }
}

fn local_router(config: &CiliumConfig) -> Option<Clash> {
    config.local_router_v4.as_ref()?;
    let clash = |what, fix, values| Clash {
        subject: "localRouterIP",
        what,
        why: "cannot specify local-router-ipv4",
        fix,
        values,
    };
    if matches!(config.routing, RoutingMode::Tunnel(_)) {
        let values = spelling::native(config).to_owned();
        Some(clash("localRouterIP with a tunnel", "leave it out, or route natively", values))
    } else if !config.endpoint_routes {
        let values = nested("endpointRoutes.enabled", "true");
        let what = "localRouterIP without a route for each pod";
        Some(clash(what, "leave it out, or make such routes", values))
    } else if config.encryption == Encryption::Ipsec {
        let values = nested("encryption.type", "wireguard");
        Some(clash("localRouterIP with IPsec", "leave it out, or encrypt with WireGuard", values))
    } else {
        None
    }
}

fn others(view: &View<'_>, config: &CiliumConfig, out: &mut Judgement) -> Vec<Clash> {
    let mut clashes = Vec::new();
    if config.encryption == Encryption::Ipsec && config.host_firewall {
        clashes.push(Clash {
            subject: "hostFirewall.enabled",
            what: "the host firewall with IPsec",
            why: "IPSec cannot be used with the host firewall",
            fix: "turn one of the two off, or encrypt with WireGuard",
            values: nested("encryption.type", "wireguard"),
        });
    }
    if config.egress_gateway && !(config.masquerade_v4 && config.masquerading.bpf) {
        clashes.push(Clash {
            subject: "egressGateway.enabled",
            what: "the egress gateway without masquerade in BPF",
            why: "egress gateway requires --enable-ipv4-masquerade and --enable-bpf-masquerade",
            fix: "let BPF masquerade, or turn the gateway off",
            values: nested("enableIPv4Masquerade", "true") + &nested("bpf.masquerade", "true"),
        });
    }
    if !config.ipv4 && !config.ipv6 {
        clashes.push(Clash {
            subject: "ipv4.enabled",
            what: "neither IPv4 nor IPv6",
            why: "either IPv4 or IPv6 addressing must be enabled",
            fix: "turn one of the two on",
            values: nested("ipv4.enabled", "true"),
        });
    }
    if config.l7_proxy && !config.iptables_rules && !does_without_iptables(view, config, out) {
        clashes.push(Clash {
            subject: "l7Proxy",
            what: "the L7 proxy without iptables rules",
            why: "L7 proxy requires iptables rules",
            fix: "let agents install their rules, or turn the proxy off",
            values: nested("l7Proxy", "false"),
        });
    }
    clashes
}

/// Whether packets get to the proxy in BPF, or that is not known.
fn does_without_iptables(view: &View<'_>, config: &CiliumConfig, out: &mut Judgement) -> bool {
    let Some(version) = premise::version(config, out) else { return true };
    let is_on = premise::written(view, "enable-bpf-tproxy").as_deref() == Some("true")
        || view.chart_values().is_some_and(|values| values.is_truthy("bpf.tproxy"));
    is_on && version.is_at_least((1, 20, 0))
}

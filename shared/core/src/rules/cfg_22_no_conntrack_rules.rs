use super::{Finding, Judgement, Remedy, Severity, premise, rule, spelling};
use crate::{
    facts::{CiliumConfig, ProxyReplacement, RoutingMode},
    view::View,
};

rule! {
    /// ## What it checks
    /// Whether `installNoConntrackIptablesRules` has what agents demand for it: native routing, IPv4,
    /// all of kube-proxy's work in Cilium, and masquerade in BPF or none.
    ///
    /// ## Why it hurts
    /// No agent starts: "install-no-conntrack-iptables-rules requires ...". No chart checks it.
    /// Beside another plugin and in clouds the charts turn the option off.
    ///
    /// ## Fix
    /// Leave it out, or give it what it needs.
    ///
    /// ## References
    /// - Cilium documentation, "Tuning Guide": bypass iptables connection tracking
    /// - Cilium source: `pkg/option/config.go`, `daemon/cmd/kube_proxy_replacement.go`
    "CFG-22", Block, Configuration, "bypassing connection tracking lacks what it needs", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::config(view, out) else { return };
    if !config.no_conntrack_rules {
        return;
    }
    let lacking = lacking(config);
    if lacking.is_empty() {
        return;
    }
    let (needs, values): (Vec<&str>, Vec<String>) = lacking.into_iter().unzip();
    let needs = needs.join(", ");
    out.found(
        Finding::about(RULE.code, Severity::Block, "installNoConntrackIptablesRules")
            .saying(
                format!("installNoConntrackIptablesRules is on without {needs}"),
                "no agent starts: install-no-conntrack-iptables-rules requires it",
            )
            .seen(
                config.origin.clone(),
                format!(
                    "install-no-conntrack-iptables-rules true, routing mode {}",
                    config.routing
                ),
            )
            .mended_by(Remedy::text("turn it off, or give it all that it needs").with_values(
                format!(
                    "installNoConntrackIptablesRules: false\n# or all of:\n{}",
                    commented(&values.concat())
                ),
            )),
    );
}

/// What is missing, and the values that bring it.
fn lacking(config: &CiliumConfig) -> Vec<(&'static str, String)> {
    let mut lacking = Vec::new();
    if matches!(config.routing, RoutingMode::Tunnel(_)) {
        lacking.push(("native routing", spelling::native(config).to_owned()));
    }
    if !config.ipv4 {
        lacking.push(("IPv4", "ipv4:\n  enabled: true\n".to_owned()));
    }
    // What other words mean, and whether there are such, is CFG-18's.
    if matches!(config.kube_proxy_replacement, ProxyReplacement::Off | ProxyReplacement::Partial) {
        lacking.push(("all of kube-proxy's work", spelling::proxy_replacement(config)));
    }
    if config.masquerade_v4 && !config.masquerading.bpf {
        lacking.push(("masquerade in BPF", "bpf:\n  masquerade: true\n".to_owned()));
    }
    lacking
}

fn commented(values: &str) -> String {
    values.split_inclusive('\n').flat_map(|line| ["# ", line]).collect()
}

use super::{Finding, Judgement, Remedy, Severity, premise, rule};
use crate::{
    facts::NodeName,
    view::{View, listing},
};

rule! {
    /// ## What it checks
    /// Where Cilium has IPv6 on, whether the nodes' kernels have it switched off
    /// (`net.ipv6.conf.all.disable_ipv6`).
    ///
    /// ## Why it hurts
    /// Agents end at their start: they cannot give `cilium_host` an IPv6 address, nor set rules by
    /// ip6tables.
    ///
    /// ## Fix
    /// Switch IPv6 on in the kernel, or off in Cilium.
    ///
    /// ## References
    /// - Linux documentation, ip-sysctl: disable_ipv6
    /// - cilium/cilium issue 18513
    "KRN-03", Error, Configuration, "IPv6 is on in Cilium and off in the kernel", judge
}

const SYSCTL: &str = "net.ipv6.conf.all.disable_ipv6";

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::config(view, out) else { return };
    if !config.ipv6 {
        out.not_applicable("Cilium has IPv6 off");
        return;
    }
    if !premise::has_nodes(view, out) {
        return;
    }
    let mut off: Vec<&NodeName> = Vec::new();
    for node in view.nodes() {
        match node.facts.sysctls.get().map(|all| all.get(SYSCTL).map(|value| value.trim())) {
            Ok(Some("1")) => off.push(node.name()),
            Ok(Some(_)) => {}
            Ok(None) => out.unknown_on(node.name(), SYSCTL, "was not among the sysctls read"),
            Err(why) => out.missing_on(node.name(), SYSCTL, why),
        }
    }
    let Some(first) = off.first() else { return };
    let words: Vec<String> = off.iter().map(ToString::to_string).collect();
    let mut finding = Finding::about(RULE.code, Severity::Error, "ipv6.enabled")
        .saying(
            format!("Cilium has IPv6 on, and the kernel of {first} has it off"),
            "agents of such nodes end at their start",
        )
        .seen(config.origin.clone(), "enable-ipv6 true")
        .seen(format!("sysctls of {}", listing(&words)), format!("{SYSCTL} = 1"))
        .mended_by(
            Remedy::text(
                "switch IPv6 off in Cilium, or on in these kernels, also for later starts \
                          (/etc/sysctl.d, `ipv6.disable` on the kernel's command line)",
            )
            .with_values("ipv6:\n  enabled: false\n")
            .with_commands([
                format!("# on {}: or", listing(&words)),
                format!("sysctl -w {SYSCTL}=0"),
            ]),
        );
    finding.nodes = off.into_iter().cloned().collect();
    out.found(finding);
}

use super::{Finding, Judgement, Remedy, Severity, premise, rule};
use crate::view::View;

rule! {
    /// ## What it checks
    /// Options of masquerade that only iptables knows, together with `bpf.masquerade`:
    /// `egressMasqueradeInterfaces`, and from 1.15 on `enableMasqueradeRouteSource`.
    ///
    /// ## Why it hurts
    /// From 1.16 on no agent starts: "BPF masquerade does not allow to specify devices". Until 1.15
    /// agents silently masquerade with iptables instead. With the source of the route no agent
    /// starts at all.
    ///
    /// ## Fix
    /// Drop the option; in BPF, `devices` says where packets are masqueraded.
    ///
    /// ## References
    /// - Cilium source: `daemon/cmd/daemon.go`
    "CFG-09", Block, Configuration, "masquerade in BPF with options of iptables", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::config(view, out) else { return };
    let options = &config.masquerading;
    if !options.bpf {
        out.not_applicable("masquerade in BPF is off");
        return;
    }
    if options.interfaces.is_empty() && !options.route_source {
        return;
    }
    let Some(version) = premise::version(config, out) else { return };
    if !options.interfaces.is_empty() {
        let (severity, impact) = if version.is_at_least((1, 16, 0)) {
            (Severity::Block, "no agent starts: BPF masquerade does not allow to specify devices")
        } else {
            (Severity::Warn, "agents masquerade with iptables instead, and only their log says so")
        };
        out.found(
            Finding::about(RULE.code, severity, "egressMasqueradeInterfaces")
                .saying("masquerade in BPF is on, and takes no list of interfaces", impact)
                .seen(
                    config.origin.clone(),
                    format!("egress-masquerade-interfaces {}", options.interfaces.join(" ")),
                )
                .mended_by(
                    Remedy::text("drop it; `devices` says where BPF masquerades")
                        .with_values("egressMasqueradeInterfaces: \"\"\n"),
                ),
        );
    }
    if options.route_source && version.is_at_least((1, 15, 0)) {
        out.found(
            Finding::about(RULE.code, Severity::Block, "enableMasqueradeRouteSource")
                .saying(
                    "masquerade in BPF is on, and cannot take the source of the route",
                    "no agent starts: BPF masquerading to route source is not supported",
                )
                .seen(config.origin.clone(), "enable-masquerade-to-route-source true")
                .mended_by(
                    Remedy::text("turn one of the two off")
                        .with_values("enableMasqueradeRouteSource: false\n"),
                ),
        );
    }
}

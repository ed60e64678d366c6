use super::{Finding, Judgement, Remedy, Severity, premise, rule};
use crate::{facts::Family, view::View};

rule! {
    /// ## What it checks
    /// Whether `bpf.masquerade` is on although packets are masqueraded in no family that is on.
    ///
    /// ## Why it hurts
    /// From 1.16 on no agent starts: "BPF masquerade requires --enable-ipv4-masquerade". Before, the
    /// value has no effect.
    ///
    /// ## Fix
    /// Turn masquerade on; or, if it is meant to be off (see CFG-03), `bpf.masquerade` off.
    ///
    /// ## References
    /// - Cilium source: `daemon/cmd/daemon.go`
    "CFG-08", Block, Configuration, "masquerade in BPF with masquerade off", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::config(view, out) else { return };
    if !config.masquerading.bpf {
        out.not_applicable("masquerade in BPF is off");
        return;
    }
    if config.masquerades(Family::V4) || config.masquerades(Family::V6) {
        return;
    }
    let Some(version) = premise::version(config, out) else { return };
    let (severity, impact) = if version.is_at_least((1, 16, 0)) {
        (Severity::Block, "no agent starts: BPF masquerade requires --enable-ipv4-masquerade")
    } else {
        (Severity::Warn, "the value has no effect: packets of pods keep the pod's address")
    };
    out.found(
        Finding::about(RULE.code, severity, "bpf.masquerade")
            .saying("masquerade is to be done in BPF, and is off", impact)
            .seen(
                config.origin.clone(),
                "enable-bpf-masquerade true, masquerade off for IPv4 and IPv6",
            )
            .mended_by(
                Remedy::text("turn masquerade on; or bpf.masquerade off, if that is meant")
                    .with_values("enableIPv4Masquerade: true\n"),
            ),
    );
}

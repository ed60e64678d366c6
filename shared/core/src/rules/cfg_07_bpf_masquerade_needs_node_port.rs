use super::{Finding, Judgement, Remedy, Severity, premise, rule, spelling};
use crate::{chart::ChartVersion, facts::CiliumConfig, view::View};

rule! {
    /// ## What it checks
    /// Whether `bpf.masquerade` has what it needs: kube-proxy's replacement, or at least NodePort,
    /// until 1.18; the rules of iptables from 1.20 on.
    ///
    /// ## Why it hurts
    /// 1.16 to 1.18: no agent starts, "BPF masquerade requires NodePort". Before, agents silently
    /// masquerade with iptables instead. From 1.19 on it works without; since 1.20 no agent starts
    /// without the rules of iptables.
    ///
    /// ## Fix
    /// Turn kube-proxy's replacement on, or `bpf.masquerade` off.
    ///
    /// ## References
    /// - Cilium source: `daemon/cmd/daemon.go`, `pkg/datapath/linux/config/config.go`
    "CFG-07", Block, Configuration, "masquerade in BPF lacks what it needs", judge
}

const KEY: &str = "bpf.masquerade";

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::config(view, out) else { return };
    if !config.masquerading.bpf {
        out.not_applicable("masquerade in BPF is off");
        return;
    }
    let answers = premise::answers_node_ports(config);
    if answers == Some(true) && config.iptables_rules {
        return;
    }
    let Some(version) = premise::version(config, out) else { return };
    if version.is_at_least((1, 20, 0)) && !config.iptables_rules {
        out.found(without_iptables(config));
    }
    if version.is_at_least((1, 19, 0)) {
        return;
    }
    match answers {
        Some(true) => {}
        Some(false) => out.found(without_node_port(config, &version)),
        None => out.unknown(
            "NodePort",
            format!(
                "kube-proxy-replacement {}",
                String::from(config.kube_proxy_replacement.clone())
            ),
        ),
    }
}

fn without_node_port(config: &CiliumConfig, version: &ChartVersion) -> Finding {
    let (severity, impact) = if version.is_at_least((1, 16, 0)) {
        (Severity::Block, "no agent starts: BPF masquerade requires NodePort")
    } else {
        (Severity::Warn, "agents masquerade with iptables instead, and only their log says so")
    };
    Finding::about(RULE.code, severity, KEY)
        .saying("masquerade in BPF is on, and Cilium does not answer NodePorts", impact)
        .seen(
            config.origin.clone(),
            format!(
                "enable-bpf-masquerade true, kube-proxy-replacement {}",
                String::from(config.kube_proxy_replacement.clone())
            ),
        )
        .mended_by(
            Remedy::text(
                "let Cilium do kube-proxy's work (with the API server's address, once kube-proxy \
                 is gone), or set bpf.masquerade to false",
            )
            .with_values(spelling::proxy_replacement(config)),
        )
}

fn without_iptables(config: &CiliumConfig) -> Finding {
    Finding::about(RULE.code, Severity::Block, "extraConfig.install-iptables-rules")
        .saying(
            "masquerade in BPF is on, and the rules of iptables are off",
            "no agent starts: masquerade in BPF requires iptables rules",
        )
        .seen(config.origin.clone(), "enable-bpf-masquerade true, install-iptables-rules false")
        .mended_by(
            Remedy::text("leave them on")
                .with_values("extraConfig:\n  install-iptables-rules: \"true\"\n"),
        )
}

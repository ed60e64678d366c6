use super::{
    Finding, Judgement, Remedy, Severity,
    pod_networks::{aggregated, pod_networks},
    premise, rule, spelling,
    way_back::ways_back,
};
use crate::{
    facts::{CiliumConfig, Family},
    view::View,
};

rule! {
    /// ## What it checks
    /// Whether Cilium's ip-masq-agent is on without a list of its own; and whether it is on without
    /// `bpf.masquerade`.
    ///
    /// ## Why it hurts
    /// Without a list it takes all private space for the cluster's: packets of pods to 10.0.0.0/8,
    /// 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10 and some more keep the pod's address. The
    /// internet works; hosts of the LAN answer to an address that they have no way to. Without
    /// `bpf.masquerade` no agent starts: "BPF ip-masq-agent requires".
    ///
    /// Where something may know the way back to pods (a cloud, BGP), it only says so.
    ///
    /// ## Fix
    /// List what must keep its address: the network of the pods, at most.
    ///
    /// ## References
    /// - Cilium documentation, "Masquerading"
    /// - Cilium source: `defaultNonMasqCIDRs` in `pkg/ipmasq`
    "CFG-06", Block, Configuration, "the ip-masq-agent's list", judge
}

const KEY: &str = "ipMasqAgent.config";

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::config(view, out) else { return };
    if !config.masquerading.ip_masq_agent {
        out.not_applicable("the ip-masq-agent is off");
        return;
    }
    if !config.masquerading.bpf {
        out.found(
            Finding::about(RULE.code, Severity::Block, "bpf.masquerade")
                .saying(
                    "the ip-masq-agent is on, and masquerade in BPF is not",
                    "no agent starts: BPF ip-masq-agent requires bpf.masquerade",
                )
                .seen(config.origin.clone(), "enable-ip-masq-agent true, no enable-bpf-masquerade")
                .mended_by(
                    Remedy::text("turn it on, which takes kube-proxy's replacement before 1.19")
                        .with_values(format!(
                            "bpf:\n  masquerade: true\n{}",
                            spelling::proxy_replacement(config)
                        )),
                ),
        );
    }
    let Some(values) = view.chart_values() else {
        out.unknown("list of the ip-masq-agent", "no Helm values are known");
        return;
    };
    if !values.is_truthy(KEY) {
        out.found(without_list(view, config));
    }
}

fn without_list(view: &View<'_>, config: &CiliumConfig) -> Finding {
    let ways = ways_back(view, config);
    let severity = if ways.is_empty() { Severity::Warn } else { Severity::Info };
    let networks = aggregated(&pod_networks(view, config, Family::V4));
    let mut list: Vec<String> = networks.iter().map(ToString::to_string).collect();
    if list.is_empty() {
        list.push("NETWORK-OF-ALL-PODS".into());
    }
    let list = list.join(", ");
    let mut finding = Finding::about(RULE.code, severity, KEY)
        .saying(
            "the ip-masq-agent has no list in the values, and its own holds all private space",
            "packets of pods to private addresses keep the pod's address; hosts without a way to \
             it cannot answer",
        )
        .seen(config.origin.clone(), format!("enable-ip-masq-agent true, no {KEY}"))
        .mended_by(
            Remedy::text(
                "list what must keep its address; unless the ConfigMap ip-masq-agent was made by \
                 other means",
            )
            .with_values(format!("ipMasqAgent:\n  config:\n    nonMasqueradeCIDRs: [{list}]\n")),
        );
    finding.evidence.extend(ways.into_iter().map(|way| way.evidence));
    finding
}

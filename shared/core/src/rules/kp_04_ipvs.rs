use super::{Finding, Judgement, Remedy, Severity, api_server, premise, rule};
use crate::{
    facts::{CiliumConfig, ProxyReplacement},
    view::View,
};

rule! {
    /// ## What it checks
    /// kube-proxy in IPVS mode beside Cilium. From 1.19 on it judges that agents which are told no
    /// address of the API server go by its Service. Where Cilium replaces kube-proxy, KP-01 speaks.
    ///
    /// ## Why it hurts
    /// IPVS gives every address of a Service to the node itself (`kube-ipvs0`), where Cilium does not
    /// expect it: upstream does not test the pair, and host firewall, node ports and L7 policies go
    /// wrong in ways that differ from version to version. Agents of 1.19 do not reach the API server
    /// through such an address when they start: `Init:0/6` for ever after the upgrade.
    ///
    /// ## Fix
    /// Tell agents where the API server is. Then go over to kube-proxy's iptables mode, or let Cilium
    /// replace kube-proxy.
    ///
    /// ## References
    /// - cilium/cilium issues 18610, 27982, 44464
    "KP-04", Block, Configuration, "kube-proxy runs in IPVS mode beside Cilium", judge
}

/// The first version whose agents do not start through IPVS.
const STUCK: (u64, u64) = (1, 19);

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::config(view, out) else { return };
    if config.kube_proxy_replacement == ProxyReplacement::Full {
        out.not_applicable("Cilium replaces kube-proxy");
        return;
    }
    let Some(proxy) = premise::kube_proxy_config(view, out) else { return };
    if proxy.mode == "ipvs" {
        let Some(version) = &config.version else {
            out.unknown("Cilium's version", format!("nothing tells it for {}", config.origin));
            return;
        };
        let is_stuck = (version.major, version.minor) >= STUCK && config.api_server.is_none();
        out.found(finding(view, config, is_stuck));
    }
}

fn finding(view: &View<'_>, config: &CiliumConfig, is_stuck: bool) -> Finding {
    let (severity, subject, impact) = if is_stuck {
        (
            Severity::Block,
            "k8sServiceHost",
            "agents do not reach the API server when they start, and stay in Init",
        )
    } else {
        (
            Severity::Info,
            "kube-proxy",
            "upstream does not test the pair; agents of 1.19 need the API server's address",
        )
    };
    let remedy = if is_stuck {
        api_server::remedy(
            view,
            config,
            "tell agents an address of the API server that is no Service",
        )
    } else {
        Remedy::text("go over to kube-proxy's iptables mode, or let Cilium replace kube-proxy")
            .with_commands([
                "kubectl -n kube-system edit configmap kube-proxy   # mode: iptables",
                "kubectl -n kube-system rollout restart daemonset kube-proxy",
            ])
    };
    Finding::about(RULE.code, severity, subject)
        .saying("kube-proxy runs in IPVS mode, which Cilium does not expect", impact)
        .seen("ConfigMap kube-system/kube-proxy", "mode ipvs")
        .seen(
            config.origin.clone(),
            if config.api_server.is_some() {
                "the API server's address is told"
            } else {
                "no address of the API server"
            },
        )
        .mended_by(remedy)
}

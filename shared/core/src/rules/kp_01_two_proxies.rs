use super::{Finding, Judgement, Remedy, Severity, command::quoted, premise, rule, spelling};
use crate::{
    facts::{CiliumConfig, Component, ProxyReplacement},
    view::{KubeProxy, View},
};

rule! {
    /// ## What it checks
    /// Whether kube-proxy still runs where Cilium does all of its work: `kubeProxyReplacement: true`,
    /// before 1.14 `strict`. Beside `partial`, which 1.15 was the last to know, and `false`, it belongs
    /// there.
    ///
    /// ## Why it hurts
    /// Both answer for the same Services, neither knows of the other. What Cilium does not take falls
    /// to kube-proxy, whose rules nobody looks at any more; both listen for the health checks of load
    /// balancers; and every Service costs time in iptables.
    ///
    /// ## Fix
    /// Remove kube-proxy, then its rules from each node. Before, tell agents where the API server is
    /// (API-01): until then they may reach it through kube-proxy.
    ///
    /// ## References
    /// - Cilium documentation, "Kubernetes Without kube-proxy"
    "KP-01", Warn, Configuration, "kube-proxy runs where Cilium replaces it", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::config(view, out) else { return };
    match &config.kube_proxy_replacement {
        ProxyReplacement::Full => {}
        other => {
            let word = String::from(other.clone());
            out.not_applicable(format!("kube-proxy replacement is {word}"));
            return;
        }
    }
    match view.kube_proxy() {
        Ok(KubeProxy::Running(shown) | KubeProxy::NotReady(shown)) => {
            out.found(finding(view, config, &shown));
        }
        Ok(KubeProxy::Absent) => {}
        Err(why) => out.missing("kube-proxy", &why),
    }
}

fn finding(view: &View<'_>, config: &CiliumConfig, shown: &str) -> Finding {
    let mut remedy = Remedy::text("remove kube-proxy, and its rules from each node");
    if config.api_server.is_none() {
        remedy = Remedy::text(
            "first tell agents where the API server is: with kube-proxy they lose the way to it at their next \
             start. Then remove kube-proxy, and its rules from each node",
        )
        .with_values(format!(
            "{}k8sServiceHost: ADDRESS-OF-THE-API-SERVER\nk8sServicePort: 6443\n",
            spelling::proxy_replacement(config)
        ));
    }
    let mut workloads = view.facts.cluster.workloads(Component::KubeProxy);
    let commands = match workloads.next() {
        Some(workload) => {
            let namespace = quoted(&workload.namespace);
            vec![
                format!("kubectl -n {namespace} delete daemonset {}", quoted(&workload.name)),
                "# kubeadm would bring it back at its next upgrade".into(),
                format!("kubectl -n {namespace} delete configmap kube-proxy"),
                "# on each node".into(),
                super::kube_proxy_rules::REMOVE_CHAINS.into(),
            ]
        }
        // Static pods are of the distribution.
        None => vec![
            "# RKE2: `disable-kube-proxy: true` in /etc/rancher/rke2/config.yaml of the servers"
                .into(),
            "# then, on each node".into(),
            super::kube_proxy_rules::REMOVE_CHAINS.into(),
        ],
    };
    Finding::about(RULE.code, Severity::Warn, "kubeProxyReplacement")
        .saying(
            "Cilium replaces kube-proxy, and kube-proxy is there as well",
            "both answer for the same Services, and neither knows what the other does",
        )
        .seen(config.origin.clone(), "kube-proxy replacement is on")
        .seen("kube-proxy", shown)
        .mended_by(remedy.with_commands(commands))
}

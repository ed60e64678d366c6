use super::{
    Evidence, Finding, Judgement, Remedy, Severity, api_server, kube_proxy_rules, premise, rule,
    spelling,
};
use crate::{
    facts::{CiliumConfig, ProxyReplacement},
    view::{KubeProxy, View},
};

rule! {
    /// ## What it checks
    /// Whether anybody answers Services: kube-proxy does not run, and Cilium does not do its work
    /// (`kubeProxyReplacement` is `false`, `disabled` or not set). `partial` counts as enough with
    /// `nodePort.enabled`. Of a kube-proxy that is there and not ready, it says the same. What may run outside
    /// pods (k3s, MicroK8s, hosts) cannot be seen: then nothing is said. A kube-router that serves
    /// Services, or a chained plugin, counts as somebody.
    ///
    /// ## Why it hurts
    /// Hosts reach no Service; pods reach those that Cilium turns for them, which hides it. An agent
    /// that starts anew does not find the API server at 10.96.0.1 and its like. It is what plain
    /// `helm install` gives on a cluster that was made with `--skip-phases=addon/kube-proxy`, because
    /// the chart's default is off; the `cilium` command looks first.
    ///
    /// ## Fix
    /// Let Cilium replace kube-proxy, and tell it where the API server is. Or install kube-proxy.
    ///
    /// ## References
    /// - Cilium documentation, "Kubernetes Without kube-proxy"
    /// - kubeadm documentation, `kubeadm init phase addon kube-proxy`
    "KP-02", Block, Configuration, "nobody answers Services", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::judged_config(view, out) else { return };
    match &config.kube_proxy_replacement {
        ProxyReplacement::Full => {
            out.not_applicable("Cilium replaces kube-proxy");
            return;
        }
        ProxyReplacement::Partial if config.node_port => {
            out.not_applicable("Cilium answers Services, of type NodePort too");
            return;
        }
        ProxyReplacement::Probe | ProxyReplacement::Unknown(_) => {
            out.unknown("who answers Services", "the kernel decides, or nobody knows the value");
            return;
        }
        ProxyReplacement::Partial | ProxyReplacement::Off => {}
    }
    if let Some(mode) = config.chaining_mode.as_deref().filter(|mode| *mode != "none") {
        out.not_applicable(format!(
            "another plugin is in the chain ({mode}), which may answer Services"
        ));
        return;
    }
    let (shown, is_down) = match view.kube_proxy() {
        Ok(KubeProxy::Running(_)) => return,
        Ok(KubeProxy::NotReady(shown)) => (shown, true),
        Ok(KubeProxy::Absent) => ("neither a DaemonSet nor a pod of it exists".to_owned(), false),
        Err(why) => {
            out.missing("kube-proxy", &why);
            return;
        }
    };
    if let Some(other) = other_proxy(view) {
        out.not_applicable(format!("{other} may answer Services"));
        return;
    }
    out.found(finding(view, &config, &shown, is_down));
}

/// A pod of a plugin that answers Services on its own.
fn other_proxy(view: &View<'_>) -> Option<String> {
    const OTHERS: [&str; 3] = ["kube-router", "antrea-agent", "kpng"];
    let rows = view.facts.cluster.pods.known().map_or(&[][..], |pods| pods.rows());
    let is_other = |name: &str| OTHERS.iter().any(|other| name.starts_with(other));
    let row = rows.iter().find(|row| row.is_well() && is_other(&row.name))?;
    Some(format!("pod {}/{}", row.namespace, row.name))
}

fn finding(view: &View<'_>, config: &CiliumConfig, shown: &str, is_down: bool) -> Finding {
    let word = match config.kube_proxy_replacement {
        ProxyReplacement::Partial => "partial, without NodePorts",
        _ => "off",
    };
    let mut evidence = vec![
        Evidence::new(config.origin.clone(), format!("kube-proxy replacement is {word}")),
        Evidence::new("kube-proxy", shown),
    ];
    // Rules without anybody who keeps them hide it, until a pod moves or the node is rebooted.
    let stale =
        view.nodes().iter().find(|node| kube_proxy_rules::with_services(node).next().is_some());
    evidence.extend(stale.map(|node| {
        Evidence::new(
            format!("iptables of {}", node.name()),
            "rules of kube-proxy are still there; nobody keeps them up to date",
        )
    }));
    let what = "let Cilium do kube-proxy's work, and tell it where the API server is";
    let mut remedy = api_server::remedy(view, config, what);
    remedy.values.insert_str(0, &spelling::proxy_replacement(config));
    if is_down {
        remedy = Remedy::text("find out why kube-proxy is not ready").with_commands([
            "kubectl -n kube-system get pods -l k8s-app=kube-proxy -o wide",
            "kubectl -n kube-system logs -l k8s-app=kube-proxy --tail=20",
        ]);
    }
    let impact = if stale.is_some() {
        "Services work as they did when kube-proxy went, and break with every pod that moves"
    } else {
        "hosts reach no Service, the API server's among them; pods may still reach some"
    };
    let mut finding = Finding::about(RULE.code, Severity::Block, "kubeProxyReplacement").saying(
        "nobody answers Services: kube-proxy does not run, and Cilium does not replace it",
        impact,
    );
    finding.evidence = evidence;
    finding.mended_by(remedy)
}

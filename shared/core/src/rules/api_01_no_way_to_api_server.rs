use super::{Basis, Evidence, Finding, Judgement, Remedy, Severity, api_server, premise, rule};
use crate::{
    facts::{CiliumConfig, ProxyReplacement},
    view::{KubeProxy, View},
};

rule! {
    /// ## What it checks
    /// Where Cilium replaces kube-proxy and kube-proxy does not run, agents must be told where the
    /// API server is: `k8sServiceHost` and `k8sServicePort`; from 1.18 also `k8s.apiServerURLs` or
    /// `k8sServiceHostRef`. An address that pods take from a ConfigMap counts as told. kube-proxy
    /// inside k3s or MicroK8s, or as a service of the hosts, cannot be seen: then nothing is said.
    ///
    /// ## Why it hurts
    /// An agent that is told nothing asks the Service `kubernetes`. Nobody answers for it before
    /// the agent itself runs, so agents stay in `Init` with `dial tcp 10.96.0.1:443: i/o timeout`.
    /// Agents that started while kube-proxy's rules were still there go on, until their node is
    /// rebooted.
    ///
    /// ## Fix
    /// Set the address of an API server, or of the load balancer before them, that each node
    /// reaches without a Service.
    ///
    /// ## References
    /// - Cilium documentation, "Kubernetes Without kube-proxy"
    /// - cilium/cilium issues 20679, 28823, 29094, 35440
    "API-01", Block, Configuration, "agents have no way to the API server", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::judged_config(view, out) else { return };
    match &config.kube_proxy_replacement {
        ProxyReplacement::Full => {}
        other => {
            let word = String::from(other.clone());
            out.not_applicable(format!("kube-proxy replacement is {word}"));
            return;
        }
    }
    if config.api_server.is_some() {
        return;
    }
    // Without the DaemonSet the environment of the agents is not known.
    if view.proposal().is_none()
        && let Err(why) = view.facts.cluster.daemon_sets.get()
    {
        out.missing("environment of the agents", why);
        return;
    }
    let evidence = match view.kube_proxy() {
        Err(why) => {
            out.missing("kube-proxy", &why);
            return;
        }
        Ok(KubeProxy::Running(_)) => return,
        Ok(KubeProxy::NotReady(shown)) => Evidence::new("API server", shown),
        Ok(KubeProxy::Absent) => {
            Evidence::new("API server", "neither a DaemonSet nor a pod of kube-proxy exists")
        }
    };
    out.found(finding(view, &config, evidence));
}

fn finding(view: &View<'_>, config: &CiliumConfig, kube_proxy: Evidence) -> Finding {
    let agents = view.facts.cluster.agents.items();
    let all_run = !agents.is_empty() && agents.iter().all(|agent| agent.ready);
    let (severity, impact) = if view.proposal().is_none() && all_run {
        let impact = "agents run, but do not come back after a reboot of their node";
        (Severity::Warn, impact)
    } else {
        let impact =
            "agents stay in Init: nobody answers for the Service `kubernetes` before they run";
        (Severity::Block, impact)
    };
    let remedy: Remedy = api_server::remedy(
        view,
        config,
        "tell agents an address of the API server that nodes reach without a Service",
    );
    Finding {
        code: RULE.code,
        severity,
        basis: Basis::Observed,
        subject: "k8sServiceHost".into(),
        nodes: Vec::new(),
        summary: "Cilium replaces kube-proxy, kube-proxy does not run, and agents are not told \
                  where the API server is"
            .into(),
        evidence: vec![
            Evidence::new(
                config.origin.clone(),
                "kube-proxy replacement is on, no address of the API server",
            ),
            kube_proxy,
        ],
        impact: impact.into(),
        remedy,
    }
}

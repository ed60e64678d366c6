use std::net::IpAddr;

use super::{Finding, Judgement, Remedy, Severity, api_server, premise, rule};
use crate::view::View;

rule! {
    /// ## What it checks
    /// Whether agents are given the address of one API server, while the cluster has several.
    ///
    /// ## Why it hurts
    /// When that one is down, no agent of the cluster reaches the others: pods are not started,
    /// Services do not follow, although the control plane is there.
    ///
    /// ## Fix
    /// Give the address that stands before all of them: a virtual address, a load balancer, a proxy
    /// on each node. From 1.18 on `k8s.apiServerURLs` takes all of them.
    ///
    /// ## References
    /// - Cilium documentation, "Kubernetes Without kube-proxy": API server high availability
    "API-06", Warn, Configuration, "all agents hang on one of several API servers", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::config(view, out) else { return };
    let Some(server) = &config.api_server else {
        out.not_applicable("agents are given no address (API-01)");
        return;
    };
    if premise::written(view, "k8s-api-server-urls").is_some_and(|urls| urls.contains([' ', ','])) {
        // Agents go on to the next when one is down.
        return;
    }
    let Ok(address) = server.host.parse::<IpAddr>() else {
        out.not_applicable("the address is none of a single server");
        return;
    };
    let servers = match view.facts.cluster.api_servers.get() {
        Ok(servers) => servers,
        Err(why) => {
            out.missing("API servers", why);
            return;
        }
    };
    if servers.len() < 2 || !servers.contains(&address) {
        return;
    }
    let shared = api_server::named(view).into_iter().map(|(named, _)| named).find(|named| {
        let named: Option<IpAddr> = named.host.parse().ok();
        named.is_none_or(|named| !servers.contains(&named))
    });
    let remedy = match shared {
        Some(shared) => Remedy::text("give the address that stands before all of them")
            .with_values(api_server::as_values(&shared)),
        None if api_server::takes_urls(view, config) => {
            Remedy::text("give all of them, instead of k8sServiceHost")
                .with_values(api_server::urls(servers, &server.port))
        }
        None => Remedy::text("put a virtual address or a load balancer before them, and give that"),
    };
    let mut finding = Finding::about(RULE.code, Severity::Warn, "k8sServiceHost").saying(
        format!("all agents are given {address}, one of {} API servers", servers.len()),
        "when it is down, no agent reaches the others",
    );
    for server in servers.iter().take(SHOWN) {
        finding = finding.seen("EndpointSlice default/kubernetes", server.to_string());
    }
    out.found(finding.mended_by(remedy));
}

/// Servers that are quoted.
const SHOWN: usize = 5;

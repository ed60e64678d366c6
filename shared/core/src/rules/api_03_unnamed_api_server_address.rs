use std::net::IpAddr;

use super::{Finding, Judgement, Remedy, Severity, api_server, premise, rule};
use crate::view::View;

rule! {
    /// ## What it checks
    /// Whether the address that agents are to be given for the API server is one that the cluster
    /// itself names: what kubeadm was told, what `cluster-info` says, what EndpointSlices publish,
    /// or the address of a node. Nothing is sent there: whether it answers is not tried.
    ///
    /// ## Why it hurts
    /// `cilium install` copies the address from the kubeconfig of whoever runs it. Behind a VPN, an
    /// SSH tunnel or NAT that is one that only this machine reaches, and no agent starts.
    ///
    /// ## Fix
    /// Give an address that the cluster names, or try it from each node.
    ///
    /// ## References
    /// - cilium/cilium-cli source: `GetAPIServerHostAndPort`
    "API-03", Warn, Configuration, "an API server address that nothing in the cluster names", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::config(view, out) else { return };
    let Some(server) = api_server::written(config, out) else { return };
    let Ok(address) = server.host.parse::<IpAddr>() else {
        // Clouds give the API server names of which the cluster itself knows nothing.
        out.not_applicable("names are API-02's");
        return;
    };
    if address.is_loopback() || api_server::is_reached(view, config) {
        return;
    }
    let named = api_server::named(view);
    if named.is_empty() {
        out.unknown("addresses of the API server", "nothing that names one was read");
        return;
    }
    let is_named = named.iter().any(|(known, _)| known.host.parse() == Ok(address))
        || view.is_node_address(address);
    // Services are API-02's.
    let mut services = view.service_cidrs().into_iter().flatten().flatten();
    let is_of_service = services.any(|given| given.prefix().contains(&address));
    if is_named || is_of_service {
        return;
    }
    let mut finding = Finding::about(RULE.code, Severity::Warn, "k8sServiceHost").saying(
        format!("nothing in the cluster names {} as its API server", server.host),
        "no agent starts if only the machine of whoever installs reaches it",
    );
    for (known, source) in named.iter().take(SHOWN) {
        finding = finding.seen(*source, format!("{} port {}", known.host, known.port));
    }
    out.found(
        finding.mended_by(
            Remedy::text(
                "give an address that the cluster names; or make sure that each node \
                          reaches this one",
            )
            .with_values(api_server::values(view))
            .with_commands([
                "# on each node".to_owned(),
                format!("curl -k {}", super::quoted(&format!("https://{server}/livez"))),
            ]),
        ),
    );
}

/// Addresses that are quoted.
const SHOWN: usize = 3;

//! Where agents should ask for the API server, as Helm values.

use std::net::IpAddr;

use super::Remedy;
use crate::{chart::ChartVersion, facts::CiliumConfig, view::View};

/// The port where API servers listen, if nobody says otherwise.
const USUAL_PORT: u16 = 6443;

/// A remedy with the addresses that the cluster publishes; a placeholder where none is known.
pub(super) fn remedy(view: &View<'_>, config: &CiliumConfig, text: &str) -> Remedy {
    let servers = view.facts.cluster.api_servers.items();
    let port = view.facts.cluster.api_server_port.known().copied().unwrap_or(USUAL_PORT);
    let Some(first) = servers.first() else {
        return Remedy::text(format!(
            "{text}; the cluster's addresses are not known, take one from `kubectl get \
             endpointslices -n default -l kubernetes.io/service-name=kubernetes`"
        ));
    };
    if takes_urls(view, config) && servers.len() > 1 {
        let urls: Vec<String> = servers.iter().map(|server| url(*server, port)).collect();
        return Remedy::text(text)
            .with_values(format!("k8s:\n  apiServerURLs: \"{}\"\n", urls.join(" ")));
    }
    Remedy::text(text)
        .with_values(format!("k8sServiceHost: \"{first}\"\nk8sServicePort: \"{port}\"\n"))
}

/// `k8s.apiServerURLs` came with 1.18.
pub(super) fn takes_urls(view: &View<'_>, config: &CiliumConfig) -> bool {
    let chart = view.chart_values().map(|values| values.version().clone());
    let of_image = || {
        let version = config.version.as_ref()?;
        Some(ChartVersion::new(version.major, version.minor, version.patch))
    };
    chart.or_else(of_image).is_some_and(|version| version.is_at_least((1, 18, 0)))
}

fn url(server: IpAddr, port: u16) -> String {
    match server {
        IpAddr::V4(server) => format!("https://{server}:{port}"),
        IpAddr::V6(server) => format!("https://[{server}]:{port}"),
    }
}

/// The key that a finding is about: `k8s.apiServerURLs` wins over the others where it is given.
pub(super) fn key(view: &View<'_>, otherwise: &'static str) -> &'static str {
    let urls = "k8s.apiServerURLs";
    let has_urls = view.chart_values().is_some_and(|values| values.is_truthy(urls));
    if has_urls { urls } else { otherwise }
}

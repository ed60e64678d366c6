//! What is known about the way from agents to the API server.

use std::net::IpAddr;

use super::{Judgement, Remedy};
use crate::{
    chart::ChartVersion,
    facts::{ApiServer, CiliumConfig},
    view::View,
};

/// The addresses that the cluster itself names for its API server, the best one first: what it was
/// set up with, what it tells those who join, what it publishes.
pub(super) fn named(view: &View<'_>) -> Vec<(ApiServer, &'static str)> {
    let cluster = &view.facts.cluster;
    let endpoint = cluster.kubeadm.known().map(|kubeadm| kubeadm.control_plane_endpoint.as_str());
    let endpoint = endpoint.filter(|endpoint| !endpoint.is_empty()).map(|endpoint| {
        (ApiServer::of_url(endpoint, USUAL_PORT), "kubeadm-config, controlPlaneEndpoint")
    });
    let info = cluster.cluster_info.known().map(|info| info.server.as_str());
    let info = info
        .filter(|server| !server.is_empty())
        .map(|server| (ApiServer::of_url(server, "443"), "ConfigMap kube-public/cluster-info"));
    let port = cluster_port(view);
    let published = cluster.api_servers.items().iter().map(move |address| {
        let host = address.to_string();
        let server = ApiServer { host, port: port.clone(), from: None };
        (server, "EndpointSlice default/kubernetes")
    });
    let all = endpoint.into_iter().chain(info).chain(published);
    all.filter(|(server, _)| !is_loopback(&server.host)).collect()
}

/// The address that agents are given, where it is written out.
pub(super) fn written<'c>(config: &'c CiliumConfig, out: &mut Judgement) -> Option<&'c ApiServer> {
    let server = config.api_server.as_ref();
    let written = server.filter(|server| server.from.is_none() && server.host != "auto");
    if written.is_none() {
        out.not_applicable("no address is written out");
    }
    written
}

/// The port of an API server that says nothing else.
const USUAL_PORT: &str = "6443";

/// Helm values that lead agents to the API server: the best address that is known.
pub(super) fn values(view: &View<'_>) -> String {
    match named(view).first() {
        Some((server, _)) => as_values(server),
        None => "k8sServiceHost: ADDRESS\nk8sServicePort: 6443\n".to_owned(),
    }
}

/// A text that is no plain word is quoted as JSON, which is YAML too.
pub(super) fn as_values(server: &ApiServer) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
    let host = if server.host.bytes().all(is_plain) {
        server.host.clone()
    } else {
        serde_json::Value::from(server.host.as_str()).to_string()
    };
    format!("k8sServiceHost: {host}\nk8sServicePort: {}\n", server.port)
}

/// `localhost`, or an address of the machine itself.
pub(super) fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether agents do reach the API server as they are configured: those that run are ready. Nothing
/// is known of that before an installation, or where the proposal gives another address.
pub(super) fn is_reached(view: &View<'_>, config: &CiliumConfig) -> bool {
    let live = view.facts.cluster.config.known();
    let is_unchanged = live.is_some_and(|live| live.api_server == config.api_server);
    let agents = view.facts.cluster.agents.items();
    is_unchanged && !agents.is_empty() && agents.iter().all(|agent| agent.ready)
}

/// A remedy with the best address that is known; all that are published, where the chart takes them.
pub(super) fn remedy(view: &View<'_>, config: &CiliumConfig, text: &str) -> Remedy {
    let named = named(view);
    let servers = view.facts.cluster.api_servers.items();
    if takes_urls(view, config) && servers.len() > 1 {
        let port = cluster_port(view);
        return Remedy::text(text).with_values(urls(servers, &port));
    }
    match named.first() {
        Some((server, _)) => Remedy::text(text).with_values(as_values(server)),
        None => Remedy::text(format!(
            "{text}; the cluster's addresses are not known, take one from `kubectl get \
             endpointslices -n default -l kubernetes.io/service-name=kubernetes`"
        )),
    }
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

/// Helm values with all servers, from 1.18 on.
pub(super) fn urls(servers: &[IpAddr], port: &str) -> String {
    let url = |server: &IpAddr| match server {
        IpAddr::V4(server) => format!("https://{server}:{port}"),
        IpAddr::V6(server) => format!("https://[{server}]:{port}"),
    };
    let urls: Vec<String> = servers.iter().map(url).collect();
    format!("k8s:\n  apiServerURLs: \"{}\"\n", urls.join(" "))
}

/// The port that is published, else the usual one.
fn cluster_port(view: &View<'_>) -> String {
    let published = view.facts.cluster.api_server_port.known();
    published.map_or_else(|| USUAL_PORT.to_owned(), u16::to_string)
}

/// The key that a finding is about: `k8s.apiServerURLs` wins over the others where it is given.
pub(super) fn key(view: &View<'_>, otherwise: &'static str) -> &'static str {
    let urls = "k8s.apiServerURLs";
    let has_urls = view.chart_values().is_some_and(|values| values.is_truthy(urls));
    if has_urls { urls } else { otherwise }
}

//! Where agents find the API server: `k8sServiceHost` and `k8sServicePort`.
//!
//! `cilium install` copies both from the kubeconfig, which says how *this* machine gets there: by a
//! tunnel, a gateway, an address beyond NAT. Here the cluster is asked first, and everything it and
//! the kubeconfig say is compared.

use std::{collections::BTreeSet, net::IpAddr};

use kcilium_cluster::kubeconfig::ServerUrl;
use kcilium_core::facts::{Facts, KubeNode, NodeAddressKind};

use super::{
    Conflict, Subject, cidrs,
    endpoint::{Endpoint, Place, only_here},
};

const KUBECONFIG: &str = "kubeconfig";
const SLICE: &str = "EndpointSlice default/kubernetes";

/// The port of an API server that says nothing else.
const USUAL_PORT: u16 = 6443;

/// The choice, and what it was made from.
#[derive(Clone, Debug, Default)]
pub struct ApiServer {
    chosen: Option<Endpoint>,
    /// Every place that could be used.
    usable: Vec<Place>,
    remarks: Vec<String>,
}

impl ApiServer {
    pub(super) fn endpoint(&self) -> Option<&Endpoint> {
        self.chosen.as_ref()
    }

    pub(super) fn remarks(&self) -> &[String] {
        &self.remarks
    }
}

/// A place that something names, and why it cannot be used.
struct Candidate {
    place: Place,
    /// The place as it was written.
    shown: String,
    source: String,
    /// Why the source is to be believed.
    reason: &'static str,
    unfit: Option<String>,
}

/// Chooses among all that is named: what the cluster itself was set up with, before what it
/// publishes, before what this machine uses.
pub(super) fn choose(subject: &Subject<'_>) -> ApiServer {
    let members = members(subject.facts);
    let candidates = candidates(subject);
    let mut usable: Vec<&Candidate> = candidates.iter().filter(|it| it.unfit.is_none()).collect();
    let is_member = |candidate: &Candidate| {
        candidate.place.address().is_some_and(|address| members.contains(&address))
    };
    if members.len() > 1 {
        // One of several servers may go away; what stands before all of them stays.
        usable.sort_by_key(|candidate| is_member(candidate));
    } else if usable.iter().any(|it| it.source == SLICE) {
        // Nothing but the kubeconfig says that this address is known to the nodes.
        usable.sort_by_key(|it| {
            it.source == KUBECONFIG && it.place.address().is_some() && !is_member(it)
        });
    }
    let mut server = ApiServer {
        usable: usable.iter().map(|candidate| candidate.place.clone()).collect(),
        ..ApiServer::default()
    };
    let kubeconfig = candidates.iter().find(|candidate| candidate.source == KUBECONFIG);
    let Some(chosen) = usable.first() else {
        let unfit: Vec<String> = candidates
            .iter()
            .filter_map(|it| Some(format!("{} ({}) {}", it.shown, it.source, it.unfit.as_ref()?)))
            .collect();
        let why = if unfit.is_empty() { "nothing names one".into() } else { unfit.join("; ") };
        server.remarks.push(format!(
            "no address of the API server can be given to agents: {why}; add --set \
             k8sServiceHost=HOST,k8sServicePort=PORT,kubeProxyReplacement=true"
        ));
        return server;
    };
    server.chosen = Some(Endpoint {
        host: chosen.place.host.clone(),
        port: chosen.place.port,
        source: chosen.source.clone(),
        reason: reason(chosen, kubeconfig, &usable),
    });
    server.remarks.extend(doubts(chosen, is_member(chosen), &members, subject));
    server
}

/// Why it is this one, and not the kubeconfig's.
fn reason(chosen: &Candidate, kubeconfig: Option<&Candidate>, usable: &[&Candidate]) -> String {
    let others: Vec<&str> = usable
        .iter()
        .filter(|it| it.source != chosen.source && it.place == chosen.place)
        .map(|it| it.source.as_str())
        .collect();
    let agreement = match &others[..] {
        [] => String::new(),
        [other] => format!("; {other} says the same"),
        [others @ .., last] => format!("; {} and {last} say the same", others.join(", ")),
    };
    let kubeconfig =
        kubeconfig.filter(|it| it.place != chosen.place).map_or_else(String::new, |it| {
            let why = it.unfit.as_deref().unwrap_or("is how this machine gets there");
            format!("; the kubeconfig's {} {why}", it.shown)
        });
    format!("{}{agreement}{kubeconfig}", chosen.reason)
}

/// What may be wrong with the choice.
fn doubts(
    chosen: &Candidate,
    is_member: bool,
    members: &BTreeSet<IpAddr>,
    subject: &Subject<'_>,
) -> Vec<String> {
    let mut doubts = Vec::new();
    let place = &chosen.place;
    if is_member && members.len() > 1 {
        let better = if subject.version.is_at_least((1, 18, 0)) {
            "list all of them in k8s.apiServerURLs, or give the address of a load balancer"
        } else {
            "give the address of a load balancer before them"
        };
        doubts.push(format!(
            "k8sServiceHost is {}, one of {} API servers: agents lose the cluster with it; \
             {better}",
            place.host,
            members.len()
        ));
    }
    let is_elsewhere = place.address().is_some() && !is_member && !members.is_empty();
    if is_elsewhere && chosen.source == KUBECONFIG {
        let published: Vec<String> = members.iter().map(ToString::to_string).collect();
        doubts.push(format!(
            "k8sServiceHost is {}, of which only the kubeconfig knows; the cluster publishes {}: \
             make sure that nodes reach it",
            place.host,
            published.join(", ")
        ));
    }
    doubts
}

/// The addresses of the API servers themselves.
fn members(facts: &Facts) -> BTreeSet<IpAddr> {
    let published: BTreeSet<IpAddr> =
        facts.cluster.api_servers.items().iter().map(IpAddr::to_canonical).collect();
    if !published.is_empty() {
        return published;
    }
    control_plane(facts).filter_map(internal_address).collect()
}

fn candidates(subject: &Subject<'_>) -> Vec<Candidate> {
    let facts = subject.facts;
    let cluster = &facts.cluster;
    let mut found = Vec::new();
    let mut add = |place: Place, shown: String, source: &str, reason, unfit: Option<String>| {
        let unfit = unfit.or_else(|| unfit_host(facts, &place));
        found.push(Candidate { place, shown, source: source.to_owned(), reason, unfit });
    };
    if let Some(kubeadm) = cluster.kubeadm.known()
        && let Some(place) = Place::of_kubeadm(&kubeadm.control_plane_endpoint)
    {
        let shown = place.to_string();
        let reason = "it is the control plane's endpoint, which nodes joined by";
        add(place, shown, "ConfigMap kube-system/kubeadm-config", reason, None);
    }
    if let Some(info) = cluster.cluster_info.known()
        && let Ok(url) = ServerUrl::parse(&info.server)
    {
        let reason = "it is what the cluster tells nodes that join it";
        let unfit = unfit_url(&url);
        add(
            Place::of_url(&url),
            url.to_string(),
            "ConfigMap kube-public/cluster-info",
            reason,
            unfit,
        );
    }
    if let Some(url) = &subject.kubeconfig.server
        && let Ok(url) = ServerUrl::parse(url)
    {
        let reason = "this machine reaches the API server there, and nothing of the cluster names \
                      a better place";
        let unfit = unfit_url(&url);
        add(Place::of_url(&url), url.to_string(), KUBECONFIG, reason, unfit);
    }
    let port = || {
        let flag = |pod: &kcilium_core::facts::ControlPlanePod| {
            pod.flags.get("secure-port")?.parse::<u16>().ok()
        };
        cluster
            .api_server_port
            .known()
            .copied()
            .or_else(|| cluster.control_plane.items().iter().find_map(flag))
            .unwrap_or(USUAL_PORT)
    };
    for address in cluster.api_servers.items() {
        let place = Place { host: address.to_string(), port: port() };
        let shown = place.to_string();
        add(place, shown, SLICE, "the API server publishes it as its own", None);
    }
    for node in control_plane(facts) {
        let Some(address) = internal_address(node) else { continue };
        let place = Place { host: address.to_string(), port: port() };
        let shown = place.to_string();
        let source = format!("node {}", node.name);
        add(place, shown, &source, "it is the address of a node of the control plane", None);
    }
    found
}

/// Why a URL cannot be given to agents, which speak TLS to host and port.
fn unfit_url(url: &ServerUrl) -> Option<String> {
    if !url.is_tls() {
        return Some("speaks plain HTTP, as `kubectl proxy` does".into());
    }
    let path = url.uri().path();
    (!matches!(path, "" | "/")).then(|| format!("is a gateway's ({path}), which agents cannot use"))
}

/// Why a host cannot be given to agents.
fn unfit_host(facts: &Facts, place: &Place) -> Option<String> {
    if let Some(why) = only_here(&place.host) {
        return Some(why.to_owned());
    }
    let Some(address) = place.address() else {
        let is_of_cluster = ["kubernetes.default", "kubernetes"]
            .iter()
            .any(|name| place.host == *name || place.host.starts_with(&format!("{name}.svc")));
        let is_service = is_of_cluster || place.host.contains(".svc.");
        return is_service
            .then(|| "is a name within the cluster, which Cilium has to make work".into());
    };
    if cidrs::services(facts).iter().any(|cidr| cidr.contains(&address)) {
        return Some("is a Service's address, which Cilium has to make work".into());
    }
    let pods = cidrs::pods(facts)?;
    let cidr = pods.cidrs.iter().find(|cidr| cidr.contains(&address))?;
    Some(format!("is of the pod CIDR {cidr}"))
}

fn control_plane(facts: &Facts) -> impl Iterator<Item = &KubeNode> {
    let is_control_plane =
        |node: &&KubeNode| node.roles().any(|role| matches!(role, "control-plane" | "master"));
    facts.cluster.nodes.items().iter().filter(is_control_plane)
}

fn internal_address(node: &KubeNode) -> Option<IpAddr> {
    let mut addresses = node.addresses.iter();
    addresses.find(|it| it.kind == NodeAddressKind::InternalIP).map(|it| it.address.to_canonical())
}

impl ApiServer {
    /// What the user's own address has against it.
    pub(super) fn conflicts(&self, subject: &Subject<'_>) -> Vec<Conflict> {
        let mut conflicts = Vec::new();
        let (Some(node), Some(host)) =
            (subject.given("k8sServiceHost"), subject.given_text("k8sServiceHost"))
        else {
            return conflicts;
        };
        // The chart's own word from 1.16 on.
        if host == "auto" || host.is_empty() {
            return conflicts;
        }
        let port = subject.given_text("k8sServicePort").and_then(|port| port.parse().ok());
        let place = Place { host, port: port.unwrap_or(USUAL_PORT) };
        let found = self.chosen.as_ref();
        let found_host = found.map_or("nothing better", |it| it.host.as_str());
        let source = found.map_or("the cluster", |it| it.source.as_str());
        if let Some(why) = unfit_host(subject.facts, &place) {
            let reason = format!("{} {why}", place.host);
            conflicts.push(Conflict::new("k8sServiceHost", node, found_host, source, &reason));
            return conflicts;
        }
        let same_host: Vec<&Place> =
            self.usable.iter().filter(|it| it.host == place.host).collect();
        let Some(found) = found else { return conflicts };
        if same_host.is_empty() && place.address().is_some() {
            let reason = "nothing of the cluster knows the other address";
            conflicts.push(Conflict::new("k8sServiceHost", node, &found.host, source, reason));
        } else if let (Some(port), [first, ..], Some(node)) =
            (port, &same_host[..], subject.given("k8sServicePort"))
            && same_host.iter().all(|it| it.port != port)
        {
            let reason = format!("that is the port of {}", first.host);
            let expected = first.port.to_string();
            conflicts.push(Conflict::new("k8sServicePort", node, &expected, source, &reason));
        }
        conflicts
    }
}

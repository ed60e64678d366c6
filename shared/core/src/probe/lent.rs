//! Probes in networks of pods that are there: from which pods, what a shell can ask, and what several
//! pods' answers come to.
//!
//! Nothing is created for them. But a pod's policies count, and it is seen as the sender.

use std::{collections::HashSet, net::IpAddr};

use super::{
    Outcome, Probe, ProbeRequest, ProbeResult, Question,
    matrix::{Cell, Destination},
};
use crate::{
    facts::{CiliumEndpoint, Fact, NetworkPolicy, PodNetwork, PodRow, PolicyEnforcement},
    view::{NodeView, View},
};

/// In how many pods' networks of a node the same is asked. One alone may suffer from something of its
/// own.
pub const PODS: usize = 2;

/// As many pods are looked for: some have ended since they were listed, or cannot be entered.
const CANDIDATES: usize = 12;

/// Pods of a node whose networks would do, the best first: those that are ready and that no policy is
/// known to hold back, and of these the cluster's own before its users'.
pub fn candidates(view: &View<'_>, node: &NodeView<'_>) -> Vec<PodNetwork> {
    let cluster = &view.facts.cluster;
    let nodes = cluster.nodes.items();
    let of_nodes: HashSet<IpAddr> =
        nodes.iter().flat_map(|node| &node.addresses).map(|it| it.address).collect();
    let pods = cluster.pods.known().map_or(&[][..], |pods| pods.rows());
    let here = pods.iter().filter(|pod| pod.node.as_ref() == Some(node.name()));
    let ready = here.filter(|pod| &*pod.status == "Running" && pod.is_well());
    let mut found: Vec<(u8, &PodRow, IpAddr)> = ready
        .filter_map(|pod| Some((pod, pod.address?)))
        .filter(|(_, address)| !of_nodes.contains(address))
        .map(|(pod, address)| (doubts(view, pod), pod, address))
        .collect();
    found.sort_by_key(|(doubts, pod, _)| (*doubts, &pod.namespace, &pod.name));
    found.truncate(CANDIDATES);
    let network = |(_, pod, address): (u8, &PodRow, IpAddr)| PodNetwork {
        namespace: pod.namespace.to_string(),
        name: pod.name.to_string(),
        address,
    };
    found.into_iter().map(network).collect()
}

/// The more, the less another pod can be taken for it.
fn doubts(view: &View<'_>, pod: &PodRow) -> u8 {
    let is_of_cluster = &*pod.namespace == "kube-system" || &*pod.namespace == view.namespace();
    let is_held = view.facts.cluster.policies().into_iter().flat_map(Fact::items).any(|policy| {
        holds(policy) && (policy.namespace.is_empty() || *policy.namespace == *pod.namespace)
    });
    // Only some namespaces' endpoints are read. A pod that is not among them may be unmanaged.
    let endpoints = view.facts.cluster.cilium_endpoints.items();
    let of_namespace = |it: &&CiliumEndpoint| *it.namespace == *pod.namespace;
    let mut of_namespace = endpoints.iter().filter(of_namespace).peekable();
    let is_unmanaged =
        of_namespace.peek().is_some() && !of_namespace.any(|it| *it.name == *pod.name);
    4 * u8::from(is_unmanaged) + 2 * u8::from(is_held) + u8::from(!is_of_cluster)
}

fn holds(policy: &NetworkPolicy) -> bool {
    policy.isolates_egress || policy.denies_egress
}

/// Whether a policy may be why a pod does not get out: none is known of where all were read.
pub fn may_be_held(view: &View<'_>) -> bool {
    match view.config().map(|config| &config.policy_enforcement) {
        Some(PolicyEnforcement::Never) => return false,
        Some(PolicyEnforcement::Default) => {}
        _ => return true,
    }
    let may_hold = |list: &Fact<Vec<NetworkPolicy>>| {
        list.known().is_none_or(|policies| policies.iter().any(holds))
    };
    view.facts.cluster.policies().into_iter().any(may_hold)
}

/// Of a request what a shell can ask: connections, and names of servers that are known by address. A
/// server of TLS is only connected to.
#[must_use]
pub fn of_shell(request: ProbeRequest) -> ProbeRequest {
    let mut probes: Vec<Probe> = Vec::new();
    for Probe { id, timeout_ms, question } in request.probes {
        let (id, question) = match (Cell::of(&id), question) {
            (Some(cell), Question::Tls { host, port, .. }) if host.ip().is_some() => {
                let question = Question::Tcp { host, port };
                (cell.id(&format!("tcp/{}", question.target())), question)
            }
            (Some(_), question @ Question::Dns { server: Some(_), .. }) => (id, question),
            (Some(_), question @ Question::Tcp { .. }) if is_by_address(&question) => {
                (id, question)
            }
            _ => continue,
        };
        if probes.iter().all(|probe| probe.id != id) {
            probes.push(Probe { id, timeout_ms, question });
        }
    }
    ProbeRequest { probes, ..request }
}

fn is_by_address(question: &Question) -> bool {
    matches!(question, Question::Tcp { host, .. } if host.ip().is_some())
}

/// What the same questions from several pods' networks come to: what one of them reaches, can be
/// reached from the node's pods.
pub fn best(of_pods: Vec<Vec<ProbeResult>>) -> Vec<ProbeResult> {
    let mut best: Vec<ProbeResult> = Vec::new();
    for result in of_pods.into_iter().flatten() {
        match best.iter_mut().find(|known| known.id == result.id) {
            None => best.push(result),
            Some(known) if rank(result.outcome) > rank(known.outcome) => *known = result,
            Some(_) => {}
        }
    }
    best
}

fn rank(outcome: Outcome) -> u8 {
    match (outcome, outcome.is_reached()) {
        (Outcome::Ok, _) => 3,
        (_, Some(true)) => 2,
        (_, Some(false)) => 1,
        (_, None) => 0,
    }
}

/// Pods that got no answer where another pod of the node did, with a target of each. The cluster's DNS does
/// not count: a pod of it would ask itself.
pub fn behind(of_pods: &[(PodNetwork, Vec<ProbeResult>)]) -> Vec<(&PodNetwork, &str)> {
    let is_reached = |result: &ProbeResult| result.outcome.is_reached() == Some(true);
    let is_dns = |result: &ProbeResult| {
        let destination = Cell::of(&result.id).map(|cell| cell.destination);
        matches!(destination, Some(Destination::ClusterDns | Destination::ClusterDnsPod))
    };
    let others_reach = |lost: &ProbeResult| {
        let mut all = of_pods.iter().flat_map(|(_, results)| results);
        all.any(|result| result.id == lost.id && is_reached(result))
    };
    let first = of_pods.iter().filter_map(|(pod, results)| {
        let lost = results.iter().filter(|it| it.outcome.is_reached() == Some(false));
        let mut lost = lost.filter(|it| !is_dns(it));
        Some((pod, lost.find(|it| others_reach(it))?.target.as_str()))
    });
    first.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        facts::Facts,
        probe::{Endpoint, Targets, matrix::Vantage, plan},
    };

    fn facts() -> Facts {
        let pod = |namespace: &str, name: &str, address: &str, status: &str, ready: u16| {
            json!({"namespace": namespace, "name": name, "node": "node1", "address": address,
                "status": status, "ready": ready, "containers": 1})
        };
        let policy = json!({"kind": "NetworkPolicy", "namespace": "closed", "name": "all",
            "isolatesEgress": true});
        let endpoint =
            json!({"namespace": "shop", "name": "front", "state": "ready", "addresses": []});
        serde_json::from_value(json!({
            "nodes": [{"name": "node1"}],
            "cluster": {
                "nodes": {"known": [{"name": "node1",
                    "addresses": [{"kind": "InternalIP", "address": "10.0.0.5"}]}]},
                "networkPolicies": {"known": [policy]},
                "ciliumEndpoints": {"known": [endpoint]},
                "pods": {"known": [
                    pod("closed", "held", "10.244.0.1", "Running", 1),
                    pod("kube-system", "cilium-x", "10.0.0.5", "Running", 1),
                    pod("kube-system", "coredns", "10.244.0.2", "Running", 1),
                    pod("shop", "front", "10.244.0.3", "Running", 1),
                    pod("shop", "old", "10.244.0.4", "Running", 1),
                    pod("shop", "sick", "10.244.0.5", "Running", 0),
                    pod("shop", "done", "10.244.0.6", "Completed", 0),
                ]},
            },
        }))
        .unwrap()
    }

    #[test]
    fn pods_that_nothing_holds_back_come_first_and_those_of_no_use_not_at_all() {
        let facts = facts();
        let view = View::new(&facts);
        let found = candidates(&view, &view.nodes()[0]);
        let names: Vec<&str> = found.iter().map(|pod| pod.name.as_str()).collect();
        assert_eq!(names, ["coredns", "front", "held", "old"]);
    }

    #[test]
    fn a_shell_is_asked_what_it_can_do_and_the_same_of_both_vantages() {
        let targets = Targets {
            gateways: vec![Endpoint::from(IpAddr::from([10, 0, 0, 1]))],
            api_service: vec![Endpoint::from(IpAddr::from([10, 96, 0, 1]))],
            dns_servers: vec![Endpoint::from(IpAddr::from([10, 0, 0, 1]))],
            ..Targets::default()
        };
        let [pod, host] = [Vantage::Pod, Vantage::Host].map(|vantage| {
            let ids = of_shell(plan::of_targets(&targets, vantage)).probes.into_iter();
            ids.map(|probe| probe.id.as_str().split_once('/').unwrap().1.to_owned())
                .collect::<Vec<_>>()
        });
        assert_eq!(pod, host);
        assert_eq!(
            pod[..5],
            [
                "gateway/tcp/10.0.0.1:53",
                "gateway/tcp/10.0.0.1:80",
                "api-service/tcp/10.96.0.1:443",
                "resolver/dns/one.one.one.one A at 10.0.0.1:53/udp",
                "resolver/dns/one.one.one.one A at 10.0.0.1:53/tcp",
            ]
        );
        assert!(pod[5..].iter().all(|id| id.starts_with("internet-address/tcp/")), "{pod:?}");
    }

    #[test]
    fn what_one_pod_reaches_counts_and_the_other_is_named() {
        let result = |target: &str, outcome| {
            ProbeResult::new(format!("pod/lan/tcp/{target}").into(), "tcp", target, outcome)
        };
        let network = |name: &str| PodNetwork {
            namespace: "a".into(),
            name: name.into(),
            address: [10, 244, 0, 1].into(),
        };
        let first = vec![result("x", Outcome::Timeout), result("y", Outcome::Timeout)];
        let second = vec![result("x", Outcome::Refused), result("y", Outcome::Timeout)];
        let both = [(network("one"), first.clone()), (network("two"), second.clone())];
        assert_eq!(behind(&both), [(&both[0].0, "x")]);
        let outcomes: Vec<Outcome> =
            best(vec![first, second]).into_iter().map(|it| it.outcome).collect();
        assert_eq!(outcomes, [Outcome::Refused, Outcome::Timeout]);
    }
}

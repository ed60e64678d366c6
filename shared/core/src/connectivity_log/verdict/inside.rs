//! Pods that do not reach each other, nodes or Services.

use super::{
    super::{
        action::{Destination, Family},
        tally::Tally,
    },
    Check, Confidence, LogVerdict, Reach, configured, doctor,
};

pub(super) fn verdict(tally: &Tally, family: Family) -> Option<LogVerdict> {
    let to = |destination| Reach::to(tally, family, destination);
    let same = to(Destination::PodOnSameNode);
    let other = to(Destination::PodOnOtherNode);
    let service = to(Destination::Service);
    let ports = to(Destination::NodePort);
    if same.is_dead() {
        return Some(on_a_node(&same));
    }
    if other.failed() > 0 {
        return Some(between_nodes(&same, &other));
    }
    let services = service.failed() + ports.failed();
    (services > 0 && same.passed() + other.passed() > 0).then(|| of_services(&service, &ports))
}

fn says(what: Destination, reach: &Reach) -> Option<String> {
    (reach.failed() + reach.passed() > 0)
        .then(|| format!("{}: {}", what.in_words(), reach.in_words()))
}

fn on_a_node(same: &Reach) -> LogVerdict {
    LogVerdict {
        cause: "C-LOCALDP",
        confidence: Confidence::Undetermined,
        title: "pods do not even reach pods on their own node".into(),
        because: says(Destination::PodOnSameNode, same).into_iter().collect(),
        or: vec!["the pods of the test never became ready".into()],
        next: vec![
            Check::new(
                "kubectl -n kube-system exec ds/cilium -c cilium-agent -- cilium endpoint list",
                "endpoints that are not `ready`",
            ),
            doctor("agents in trouble, leftovers of other plugins, pods that Cilium does not know"),
        ],
    }
}

fn between_nodes(same: &Reach, other: &Reach) -> LogVerdict {
    let is_clear = other.is_dead() && same.is_fine();
    let because = [(Destination::PodOnSameNode, same), (Destination::PodOnOtherNode, other)]
        .into_iter()
        .filter_map(|(what, reach)| says(what, reach))
        .collect();
    LogVerdict {
        cause: "C-OVERLAY",
        confidence: if is_clear { Confidence::Likely } else { Confidence::Undetermined },
        title: if other.is_dead() {
            "packets between pods do not get from node to node: with a tunnel its UDP port is blocked".into()
        } else {
            "packets between pods do not always get from node to node".into()
        },
        because,
        or: vec![
            "without a tunnel: nodes or routers lack routes to the pod CIDRs, or the network drops addresses of pods \
             (security groups, anti-spoofing)"
                .into(),
            "broken checksum offload of the network card: ping passes and TCP does not".into(),
        ],
        next: vec![
            configured(
                "routing-mode",
                "`tunnel`: open UDP 8472 (VXLAN) or 6081 (Geneve) between nodes; `native`: look at routes. Before 1.14 \
                 the key is `tunnel`",
            ),
            Check::new(
                "kubectl -n kube-system exec ds/cilium -c cilium-agent -- cilium-health status",
                "nodes reachable and their endpoints not",
            ),
            doctor("missing routes, and whether tunnel and routes fit together"),
        ],
    }
}

fn of_services(service: &Reach, ports: &Reach) -> LogVerdict {
    let because = [(Destination::Service, service), (Destination::NodePort, ports)]
        .into_iter()
        .filter_map(|(what, reach)| says(what, reach))
        .chain(["pods reach each other by address".into()])
        .collect();
    LogVerdict {
        cause: "C-SVC",
        confidence: if service.is_dead() { Confidence::Likely } else { Confidence::Undetermined },
        title: "Services and ports of nodes are not translated to pods".into(),
        because,
        or: vec!["a host firewall drops what arrives at ports of nodes".into()],
        next: vec![
            configured(
                "kube-proxy-replacement",
                "`false` or `disabled`: then kube-proxy has to run; `true` or `strict`: Cilium does it",
            ),
            Check::new(
                "kubectl -n kube-system get daemonset kube-proxy",
                "no kube-proxy, although Cilium does not replace it",
            ),
            Check::new(
                "kubectl -n kube-system exec ds/cilium -c cilium-agent -- cilium service list",
                "Services without backends, or none",
            ),
        ],
    }
}

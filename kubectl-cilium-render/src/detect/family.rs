//! Values that stand for one thing, and must not be given in two ways.

use super::{Subject, finding::Findings};

/// If the user gives any of the first keys, none of the second is added.
const EXCLUSIVE: [(&[&str], &[&str]); 5] = [
    // From 1.14.3 a chart ignores `tunnel` where `routingMode` is set, and fails from 1.15.
    (&["tunnel"], &["routingMode", "tunnelProtocol"]),
    (&["routingMode", "tunnelProtocol"], &["tunnel"]),
    // "Both k8sServiceHostRef and k8sServiceHost are set", says the chart from 1.18.
    (&["k8sServiceHostRef"], &["k8sServiceHost"]),
    (&["k8s.apiServerURLs"], &["k8sServiceHost", "k8sServicePort"]),
    (
        &["ipam.operator.clusterPoolIPv4PodCIDR", "ipam.operator.clusterPoolIPv6PodCIDR"],
        &["ipam.operator.clusterPoolIPv4PodCIDRList", "ipam.operator.clusterPoolIPv6PodCIDRList"],
    ),
];

/// Takes back what would be beside the user's own way to say it, or would be of no use with it.
pub(super) fn give_way(subject: &Subject<'_>, findings: &mut Findings) {
    let mut remove: Vec<&str> = EXCLUSIVE
        .iter()
        .filter(|(given, _)| given.iter().any(|key| subject.gives(key)))
        .flat_map(|(_, keys)| keys.iter().copied())
        .collect();
    if subject.given_text("routingMode").is_some_and(|mode| mode == "native") {
        remove.push("tunnelProtocol");
    }
    let mode = subject.given_text("ipam.mode");
    if mode.is_some_and(|mode| !mode.starts_with("cluster-pool")) {
        findings.found.retain(|it| !it.key.starts_with("ipam.operator."));
    }
    findings.found.retain(|it| !remove.contains(&it.key));
}

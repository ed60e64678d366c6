//! What `cilium install` sets whatever the cluster is like.

use kcilium_core::facts::{RoutingMode, TunnelProtocol};

use super::{Subject, distribution::Recognised, finding::Findings};

const SOURCE: &str = "convention of `cilium install`";

/// Adds it.
pub(super) fn find(subject: &Subject<'_>, recognised: &Recognised, findings: &mut Findings) {
    let version = subject.version;
    findings.convention(
        "operator.replicas",
        1,
        SOURCE,
        "two operators never share a node, so that the chart's second one stays pending where \
         there is one node",
    );
    // Dropped with cilium-cli 0.16, whose charts are 1.15 and later.
    if !version.is_at_least((1, 15, 0)) {
        let reason = "it is the chart's own default, written out";
        findings.convention("serviceAccounts.cilium.name", "cilium", SOURCE, reason);
        findings.convention("serviceAccounts.operator.name", "cilium-operator", SOURCE, reason);
    }
    if recognised.distribution.routes_pods() {
        return;
    }
    let family = ["tunnel", "routingMode", "tunnelProtocol"];
    if let Some(running) = subject.facts.cluster.config.known()
        && running.routing != RoutingMode::Tunnel(TunnelProtocol::Vxlan)
        && !family.iter().any(|key| subject.gives(key))
    {
        findings.remark(format!(
            "Cilium runs with routing mode {}, and these values change it to a VXLAN tunnel, as \
             `cilium install` would; give the release's own values with -f to keep it",
            running.routing
        ));
    }
    let reason = "a tunnel needs nothing of the network between the nodes";
    // Charts 1.14.0 to 1.14.2 write keys twice where `routingMode` is set (cilium#27756).
    if version.is_at_least((1, 14, 3)) {
        findings.convention("routingMode", "tunnel", SOURCE, reason);
        findings.convention("tunnelProtocol", "vxlan", SOURCE, reason);
    } else {
        findings.convention("tunnel", "vxlan", SOURCE, reason);
    }
}

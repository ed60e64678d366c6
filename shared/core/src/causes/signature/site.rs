//! What a signature is held against: one node, with what is known of it.

use crate::{
    causes::Check,
    facts::{CiliumConfig, Family, Masquerading, PodNetwork, RoutingMode},
    probe::{lent, readings::Readings},
    rules::{Evidence, Finding, Severity, quoted},
    view::{NodeView, View},
};

/// A node; or the cluster, where nothing is known of nodes.
pub(super) struct Site<'c> {
    pub(super) view: &'c View<'c>,
    pub(super) node: Option<&'c NodeView<'c>>,
    pub(super) readings: Readings<'c>,
    /// The configuration that the node should have: per-node overrides count.
    pub(super) config: Option<CiliumConfig>,
    /// Findings that no earlier cause explains, about this node or about the cluster.
    pub(super) findings: Vec<&'c Finding>,
}

impl<'c> Site<'c> {
    pub(super) fn new(
        view: &'c View<'c>,
        node: Option<&'c NodeView<'c>>,
        findings: Vec<&'c Finding>,
    ) -> Self {
        let own = node.and_then(|node| view.node_config(node.name()).ok());
        Self {
            view,
            node,
            readings: node.map_or_else(Readings::default, |node| Readings::of(node.facts)),
            config: own.or_else(|| view.config().cloned()),
            findings,
        }
    }

    /// Findings of a rule.
    pub(super) fn of_rule(&self, code: &'static str) -> impl Iterator<Item = &'c Finding> + '_ {
        self.findings.iter().copied().filter(move |finding| finding.code.0 == code)
    }

    /// Evidence of the first finding of a rule that is at least this severe.
    pub(super) fn evidence_of(
        &self,
        code: &'static str,
        severity: Severity,
    ) -> Option<Vec<Evidence>> {
        let finding = self.of_rule(code).find(|finding| finding.severity >= severity)?;
        Some(finding.evidence.clone())
    }

    /// What the agent itself says about masquerade. It is what the node does, whatever the ConfigMap
    /// says since.
    pub(super) fn masquerading(&self) -> Option<&'c Masquerading> {
        self.node?.facts.agent_status.known()?.masquerading.as_ref()
    }

    /// Whether packets of pods that leave get the node's address, and who says so.
    pub(super) fn masquerades(&self) -> Option<(bool, Evidence)> {
        let config = self.config.as_ref();
        if let (Some(node), Some(status)) = (self.node, self.masquerading()) {
            // `enabled` is about either family; only its absence is certain for each.
            let is_v4 =
                status.enabled && config.is_none_or(|config| !config.ipv6 || config.masquerade_v4);
            let word = if is_v4 { "enabled" } else { "disabled" };
            let fact = format!("the agent says: masquerading {word}");
            return Some((is_v4, Evidence::new(format!("agent of {}", node.name()), fact)));
        }
        let config = config?;
        let is_on = config.masquerades(Family::V4);
        let fact = format!("enable-ipv4-masquerade {is_on}, routing {}", config.routing);
        Some((is_on, Evidence::new(config.origin.clone(), fact)))
    }

    /// Whether packets to pods of other nodes are encapsulated.
    pub(super) fn tunnels(&self) -> Option<bool> {
        let status = self.node.and_then(|node| node.facts.agent_status.known());
        match status.and_then(|status| status.routing_mode.as_deref()) {
            Some(mode) => Some(mode.eq_ignore_ascii_case("tunnel")),
            None => Some(matches!(self.config.as_ref()?.routing, RoutingMode::Tunnel(_))),
        }
    }

    /// Whether what pods' probes say holds for all pods of the node. It does not where the node itself was
    /// not probed as a control, and where policies of the very pods that lent their networks may count.
    pub(super) fn is_certain(&self) -> bool {
        let is_lent = !self.lent_networks().is_empty();
        self.readings.is_controlled() && !(is_lent && lent::may_be_held(self.view))
    }

    /// Where probes started.
    pub(super) fn vantage(&self) -> String {
        let place = self.place();
        let lent = self.lent_networks().iter().map(ToString::to_string).collect::<Vec<_>>();
        match &lent[..] {
            [] => format!("probes of {place}"),
            pods => format!("probes of {place}, in the network of {}", pods.join(" and of ")),
        }
    }

    /// Pods that lent their networks to probes.
    fn lent_networks(&self) -> &'c [PodNetwork] {
        self.node.map_or(&[], |node| &node.facts.lent_networks)
    }

    /// What a pod of our own tells where those that lent their networks may be held back.
    pub(super) fn with_own_pod(&self) -> Option<Check> {
        let node = self.node.filter(|_| !self.lent_networks().is_empty() && !self.is_certain())?;
        Some(Check::new(
            format!("kubectl cilium-doctor --probe --nodes {}", quoted(node.name().as_str())),
            "the same from a pod of its own, which policies for the pods that were probed from do not hold back",
        ))
    }

    /// How a command names the node.
    pub(super) fn place(&self) -> String {
        self.node.map_or_else(|| "each node".into(), |node| node.name().to_string())
    }
}

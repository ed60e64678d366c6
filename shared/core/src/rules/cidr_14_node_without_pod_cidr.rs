use super::{Finding, Judgement, Remedy, Severity, premise, rule};
use crate::{
    facts::{
        CiliumConfig, ClusterFacts, ControlPlaneComponent, ControlPlanePod, Family, IpamMode,
        KubeNode,
    },
    view::View,
};

rule! {
    /// ## What it checks
    /// In IPAM mode `kubernetes`, whether each Node carries a block for each address family that is
    /// on: in `spec.podCIDRs`, or in Cilium's annotation. Where Nodes have none it says what
    /// kube-controller-manager was told.
    ///
    /// ## Why it hurts
    /// In this mode nobody else gives a node addresses. Its agent waits ("required IPv4 PodCIDR not
    /// available") and ends, again and again; no pod starts there.
    ///
    /// ## Fix
    /// Let kube-controller-manager allocate: `--allocate-node-cidrs=true` and `--cluster-cidr`
    /// (kubeadm: `--pod-network-cidr`). On a cluster without Cilium's pods yet, IPAM mode
    /// `cluster-pool` needs no such thing; of a cluster in use the mode cannot be changed.
    ///
    /// ## References
    /// - Cilium documentation, "Kubernetes Host Scope"
    /// - cilium/cilium issues 12956, 14505
    "CIDR-14", Block, Configuration, "nodes have no pod CIDR", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::config(view, out) else { return };
    if config.ipam != IpamMode::Kubernetes {
        out.not_applicable(format!("IPAM mode {} does not use the Nodes' pod CIDRs", config.ipam));
        return;
    }
    let cluster = &view.facts.cluster;
    let Some(nodes) = premise::known(view, &cluster.nodes, "Nodes", out) else { return };
    for family in [Family::V4, Family::V6] {
        let is_on = match family {
            Family::V4 => config.ipv4,
            Family::V6 => config.ipv6,
        };
        let without: Vec<&KubeNode> =
            nodes.iter().filter(|node| is_on && !has_block(node, family)).collect();
        if !without.is_empty() {
            out.found(finding(config, cluster, family, &without, nodes.len()));
        }
    }
}

/// Agents take the annotation where `spec.podCIDRs` lacks the family; it was renamed in 1.13.
fn has_block(node: &KubeNode, family: Family) -> bool {
    let version = match family {
        Family::V4 => "ipv4",
        Family::V6 => "ipv6",
    };
    let of_family = node.pod_cidrs.iter().any(|cidr| Family::of_prefix(*cidr) == family);
    of_family
        || ["network.cilium.io/", "io.cilium.network."].iter().any(|prefix| {
            let value = node.annotations.get(&format!("{prefix}{version}-pod-cidr"));
            value.is_some_and(|text| text.parse::<ipnet::IpNet>().is_ok())
        })
}

fn finding(
    config: &CiliumConfig,
    cluster: &ClusterFacts,
    family: Family,
    without: &[&KubeNode],
    all: usize,
) -> Finding {
    let count = without.len();
    let mut finding = Finding::about(RULE.code, Severity::Block, "ipam.mode")
        .saying(
            format!(
                "{count} of {all} nodes have no {family} pod CIDR, and IPAM mode kubernetes needs one"
            ),
            "the agents of these nodes do not start: required PodCIDR not available",
        )
        .seen(config.origin.clone(), "IPAM mode kubernetes");
    for node in without.iter().take(3) {
        finding = finding.seen(format!("Node {}", node.name), in_words(node));
    }
    for manager in managers(cluster) {
        let flag = |name: &str| manager.flags.get(name).map_or("not given", String::as_str);
        finding = finding.seen(
            format!("pod {}/{}", manager.namespace, manager.name),
            format!(
                "--allocate-node-cidrs {}, --cluster-cidr {}",
                flag("allocate-node-cidrs"),
                flag("cluster-cidr")
            ),
        );
    }
    let exhausted = cluster.events.items().iter().find(|it| it.reason == "CIDRNotAvailable");
    if let Some(event) = exhausted {
        finding = finding.seen("event CIDRNotAvailable", event.message.clone());
    }
    finding.nodes = without.iter().map(|node| node.name.clone()).collect();
    finding.mended_by(remedy(exhausted.is_some()))
}

fn in_words(node: &KubeNode) -> String {
    match node.pod_cidrs.as_slice() {
        [] => "spec.podCIDRs is empty".into(),
        cidrs => {
            let cidrs: Vec<String> = cidrs.iter().map(ToString::to_string).collect();
            format!("spec.podCIDRs has only {}", cidrs.join(", "))
        }
    }
}

fn managers(cluster: &ClusterFacts) -> impl Iterator<Item = &ControlPlanePod> {
    let all = cluster.control_plane.items().iter();
    all.filter(|pod| pod.component == ControlPlaneComponent::ControllerManager)
}

fn remedy(is_exhausted: bool) -> Remedy {
    if is_exhausted {
        return Remedy::text(
            "the controller manager's --cluster-cidr is used up: give it a larger network, or a \
             longer --node-cidr-mask-size",
        );
    }
    Remedy::text(
        "let kube-controller-manager allocate pod CIDRs, out of a network that nothing else uses \
         (see CIDR-12); or, before the first pod runs on Cilium, let Cilium's own operator do it",
    )
    .with_values("ipam:\n  mode: cluster-pool\n")
    .with_commands([
        "# on each control plane node, in /etc/kubernetes/manifests/kube-controller-manager.yaml add",
        "#   - --allocate-node-cidrs=true",
        "#   - --cluster-cidr=POD_CIDR",
        "kubectl get nodes -o custom-columns=NAME:.metadata.name,CIDRS:.spec.podCIDRs",
    ])
}

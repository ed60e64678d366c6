//! Steps that give pods other addresses.

use ipnet::IpNet;

use crate::{
    facts::IpamMode,
    prefix::overlap,
    rules::{Remedy, free_pools, pool_values, quoted},
    view::{NodeView, View},
};

/// The steps, in order. Values and commands only where they are known to fit the IPAM mode: in the
/// modes of the clouds, what they would change is not what is wrong.
pub(super) fn steps(view: &View<'_>) -> Vec<Remedy> {
    let mode = view.config().map(|config| &config.ipam);
    if let Some(mode @ (IpamMode::MultiPool | IpamMode::Other(_))) = mode {
        return vec![Remedy::text(format!(
            "Move the pods to networks that are free. In IPAM mode {mode} their addresses do not come from the cluster \
             pool: change the networks where they are allocated. No values are offered for it here."
        ))];
    }
    let pools = free_pools(view);
    let values = pools.as_ref().and_then(|pools| Some((pools, pool_values(view, pools)?)));
    let Some((pools, values)) = values else {
        return vec![Remedy::text(
            "Choose a pool that no network of yours uses; all usual ones are taken here. The next step depends on it, \
             so none is offered.",
        )];
    };
    let mut steps = Vec::new();
    if mode.is_none() {
        let namespace = quoted(view.namespace());
        steps.push(
            Remedy::text(
                "Find out who allocates pod CIDRs. `cluster-pool` and `kubernetes` are mended as below; with any other \
                 answer stop here, and change the networks where they are allocated.",
            )
            .with_commands([format!(
                "kubectl -n {namespace} get configmap cilium-config -o jsonpath='{{.data.ipam}}'"
            )]),
        );
    }
    steps.push(choose(view, mode, pools, values));
    steps.push(apply(view));
    steps
}

fn choose(view: &View<'_>, mode: Option<&IpamMode>, pools: &[IpNet], values: String) -> Remedy {
    let names: Vec<String> = pools.iter().map(ToString::to_string).collect();
    let mut text = format!(
        "Choose a pool that is free: {} touches nothing that these nodes know (VPNs and other sites they cannot see).",
        names.join(" and ")
    );
    text.push_str(match mode {
        Some(IpamMode::ClusterPool) if allocated_by_kubernetes_is_free(view) => {
            " Kubernetes has allocated pod CIDRs of its own, which are free as well: `ipam.mode: kubernetes` would use \
             those instead."
        }
        Some(IpamMode::Kubernetes) => {
            " The pod CIDRs in use come from Kubernetes, which cannot move them on a running cluster, so Cilium has to \
             allocate from a pool of its own."
        }
        _ => "",
    });
    text.push_str(" Save as cilium-pool.yaml:");
    Remedy::text(text).with_values(values)
}

/// Whether `spec.podCIDRs` of all Nodes are set and touch no network of the LAN.
fn allocated_by_kubernetes_is_free(view: &View<'_>) -> bool {
    let nodes = view.facts.cluster.nodes.items();
    let mut networks = view.nodes().iter().flat_map(NodeView::lan_routes);
    !nodes.is_empty()
        && nodes.iter().all(|node| !node.pod_cidrs.is_empty())
        && !networks.any(|route| {
            nodes
                .iter()
                .flat_map(|node| &node.pod_cidrs)
                .any(|cidr| overlap(*cidr, route.destination).is_some())
        })
}

fn apply(view: &View<'_>) -> Remedy {
    let namespace = quoted(view.namespace());
    let version = view.config().and_then(|config| config.version.as_ref());
    let mut commands = Vec::new();
    let version = if let Some(version) = version {
        version.to_string()
    } else {
        commands.push(format!("helm -n {namespace} list --filter '^cilium$'"));
        commands.push("VERSION=x.y.z   # the chart version that it shows".to_owned());
        "\"$VERSION\"".to_owned()
    };
    commands.extend([
        format!("helm -n {namespace} get values cilium -o yaml > cilium-values.yaml"),
        format!(
            "helm -n {namespace} upgrade cilium cilium/cilium --version {version} -f cilium-values.yaml -f cilium-pool.yaml"
        ),
        format!("kubectl -n {namespace} rollout restart deployment/cilium-operator"),
        "kubectl delete ciliumnodes --all".to_owned(),
        format!("kubectl -n {namespace} rollout restart daemonset/cilium"),
        "# then every pod that is not on the host network, node by node:".to_owned(),
        "kubectl drain NODE --ignore-daemonsets --delete-emptydir-data && kubectl uncordon NODE".to_owned(),
    ]);
    Remedy::text(
        "Apply it. CiliumNodes keep their blocks until they are deleted; agents then take new ones, and pods must \
         be recreated to get addresses from them. Plan an outage of all pods. Routes to the old pod CIDRs that stay \
         (RT-07) go with a reboot, or with `ip route del`.",
    )
    .with_commands(commands)
}

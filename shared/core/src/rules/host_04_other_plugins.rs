use std::collections::BTreeMap;

use super::{Finding, Judgement, Remedy, Severity, command::quoted, premise, rule};
use crate::{
    facts::{LinkName, NodeName, Pods},
    view::{NodeView, View, listing},
};

rule! {
    /// ## What it checks
    /// Devices of Calico, Flannel, Weave, kube-router and Antrea on nodes where Cilium's agent runs, in a
    /// cluster that has no pod of that plugin any more. Where Cilium is chained to another plugin, and
    /// where a CNI file still names one (CNI-04), nothing is said; k3s runs Flannel without a pod, so
    /// there it cannot be told.
    ///
    /// ## Why it hurts
    /// Their routes and rules of iptables go on: they take packets of pods whose addresses they claim,
    /// masquerade them, or drop them. A VXLAN device may keep the tunnel's port (HOST-03), and agents on
    /// BGP may see blackholes of Calico's daemon as ways.
    ///
    /// ## Fix
    /// Restart the pods that still hang on the old network (CNI-05), delete the devices, and reboot the
    /// node when it can be spared, which takes the rules along.
    ///
    /// ## References
    /// - Cilium documentation, "Migrating a Cluster to Cilium"
    "HOST-04", Warn, State, "another CNI plugin left its devices", judge
}

/// A plugin: beginnings of its pods' names and of its CNI files' plugins, its devices, and beginnings of
/// its pods' devices.
struct Plugin {
    name: &'static str,
    pods: &'static [&'static str],
    types: &'static [&'static str],
    devices: &'static [&'static str],
    endpoints: Option<&'static str>,
}

const PLUGINS: [Plugin; 5] = [
    Plugin {
        name: "Calico",
        pods: &["calico-", "canal-"],
        types: &["calico"],
        devices: &[
            "vxlan.calico",
            "vxlan-v6.calico",
            "wireguard.cali",
            "bpfin.cali",
            "bpfout.cali",
        ],
        endpoints: Some("cali"),
    },
    Plugin {
        name: "Flannel",
        pods: &["kube-flannel", "canal-"],
        types: &["flannel"],
        devices: &["flannel.1", "flannel-v6.1", "flannel-wg", "flannel-wg-v6"],
        endpoints: None,
    },
    Plugin {
        name: "Weave",
        pods: &["weave-net"],
        types: &["weave-net"],
        devices: &["weave", "datapath", "vxlan-6784"],
        endpoints: Some("vethwe"),
    },
    Plugin {
        name: "kube-router",
        pods: &["kube-router"],
        types: &["kube-router"],
        devices: &["kube-bridge", "kube-dummy-if"],
        endpoints: None,
    },
    Plugin {
        name: "Antrea",
        pods: &["antrea-"],
        types: &["antrea"],
        devices: &["antrea-gw0", "antrea-tun0"],
        endpoints: None,
    },
];

impl Plugin {
    fn owns(&self, link: &LinkName) -> bool {
        let name = link.as_str();
        self.devices.contains(&name)
            || self
                .endpoints
                .is_some_and(|start| name.strip_prefix(start).is_some_and(|rest| !rest.is_empty()))
    }

    fn has_pods(&self, pods: &Pods) -> bool {
        let is_own = |name: &str| self.pods.iter().any(|start| name.starts_with(start));
        pods.rows().iter().any(|row| is_own(&row.name))
    }

    fn has_file(&self, node: &NodeView<'_>) -> bool {
        let plugins = node.facts.cni_files.items().iter().flat_map(|file| &file.plugins);
        plugins.into_iter().any(|plugin| self.types.contains(&plugin.as_str()))
    }
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::config(view, out) else { return };
    if let Some(mode) = &config.chaining_mode {
        out.not_applicable(format!("Cilium is chained to another plugin ({mode})"));
        return;
    }
    if !premise::has_nodes(view, out) {
        return;
    }
    let Some(pods) = premise::known(view, &view.facts.cluster.pods, "pods", out) else { return };
    let gone: Vec<&Plugin> = PLUGINS.iter().filter(|plugin| !plugin.has_pods(pods)).collect();
    let mut found: BTreeMap<&str, Vec<(&NodeName, Vec<&LinkName>)>> = BTreeMap::new();
    for node in view.nodes() {
        if !premise::runs_agent(view, node, out) {
            continue;
        }
        let links = match node.facts.links.get() {
            Ok(links) => links,
            Err(why) => {
                out.missing_on(node.name(), "devices", why);
                continue;
            }
        };
        for plugin in gone.iter().filter(|plugin| !plugin.has_file(node)) {
            let own: Vec<&LinkName> =
                links.iter().map(|link| &link.name).filter(|name| plugin.owns(name)).collect();
            if own.is_empty() {
                continue;
            }
            if plugin.name == "Flannel" && is_k3s(view, node.name()) {
                out.unknown_on(node.name(), "Flannel", "k3s runs it without a pod, if it does");
                continue;
            }
            found.entry(plugin.name).or_default().push((node.name(), own));
        }
    }
    for (plugin, nodes) in found {
        out.found(finding(plugin, &nodes));
    }
}

fn is_k3s(view: &View<'_>, name: &NodeName) -> bool {
    let mut nodes = view.facts.cluster.nodes.items().iter();
    let node = nodes.find(|node| node.name == *name);
    // Nobody knows: then it may be.
    node.is_none_or(|node| {
        ["+k3s", "+rke2"].iter().any(|it| node.info.kubelet_version.contains(it))
    })
}

fn finding(plugin: &str, nodes: &[(&NodeName, Vec<&LinkName>)]) -> Finding {
    let names: Vec<String> = nodes.iter().map(|(node, _)| node.to_string()).collect();
    let mut devices: Vec<&str> =
        nodes.iter().flat_map(|(_, links)| links.iter().map(|link| link.as_str())).collect();
    devices.sort_unstable();
    devices.dedup();
    let commands = devices.iter().take(20).map(|device| format!("ip link del {}", quoted(device)));
    let mut finding = Finding::about(RULE.code, Severity::Warn, plugin)
        .saying(
            format!("{} has devices of {plugin}, and no pod of it runs", listing(&names)),
            "its routes and rules go on to take, masquerade or drop packets of pods",
        )
        .mended_by(
            Remedy::text(
                "restart the pods that are left on its network (CNI-05), then delete the devices; a \
                 reboot takes its rules of iptables along",
            )
            .with_commands(
                [format!("# on {}", listing(&names))].into_iter().chain(commands),
            ),
        );
    for (node, links) in nodes.iter().take(3) {
        let links: Vec<String> = links.iter().map(ToString::to_string).collect();
        finding = finding.seen(format!("devices of {node}"), listing(&links));
    }
    finding = finding.seen("pods", format!("none of {plugin}"));
    finding.nodes = nodes.iter().map(|(node, _)| (*node).clone()).collect();
    finding
}

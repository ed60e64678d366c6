use std::collections::BTreeMap;

use super::{
    Basis, Evidence, Finding, Judgement, Remedy, Severity, command::quoted, node_taints::names,
    premise, rule,
};
use crate::{
    facts::{CniFile, NodeName},
    view::View,
};

rule! {
    /// ## What it checks
    /// CNI files of other plugins beside Cilium's. Runtimes take the first file by name. Files that
    /// hand on to Cilium (Multus) do not count.
    ///
    /// ## Why it hurts
    /// A file before Cilium's takes all new pods away from Cilium. One behind it waits: when a node
    /// starts and the agent has not written its file yet, the runtime takes what there is, and the
    /// first pods are not managed (CNI-05). Bridges of Podman and CRI-O are mostly harmless, and
    /// only mentioned.
    ///
    /// ## Fix
    /// Remove the other plugin and its file. With `cni.exclusive` (the default) agents rename such
    /// files to `….cilium_bak` when they start.
    ///
    /// ## References
    /// - Cilium documentation, "Helm reference: cni.exclusive"
    /// - k8snetworkplumbingwg/multus-cni issue 1132
    "CNI-04", Error, State, "another CNI plugin's file is there", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    if !premise::has_nodes(view, out) {
        return;
    }
    let mut groups: BTreeMap<(&str, Severity), Vec<NodeName>> = BTreeMap::new();
    for node in view.nodes() {
        let files = match node.facts.cni_files.get() {
            Ok(files) => files,
            Err(why) => {
                out.missing_on(node.name(), "CNI files", why);
                continue;
            }
        };
        let Some(own) =
            files.iter().filter(|file| file.is_cilium()).map(|it| it.name.as_str()).min()
        else {
            continue;
        };
        for file in files.iter().filter(|file| is_of_other_plugin(file)) {
            let severity = match () {
                () if file.name.as_str() < own => Severity::Error,
                () if is_bridge_of_host(&file.name) => Severity::Info,
                () => Severity::Warn,
            };
            groups.entry((&file.name, severity)).or_default().push(node.name().clone());
        }
    }
    for ((file, severity), nodes) in groups {
        out.found(finding(file, severity, nodes));
    }
}

/// Plugins that hand each pod on to the next file are in nobody's way.
fn is_of_other_plugin(file: &CniFile) -> bool {
    let hands_on =
        |plugin: &String| matches!(plugin.as_str(), "multus" | "multus-shim" | "loopback");
    file.broken.is_none() && !file.is_cilium() && !file.plugins.iter().any(hands_on)
}

/// Files that packages of Podman and CRI-O bring along.
fn is_bridge_of_host(name: &str) -> bool {
    ["podman", "crio"].iter().any(|tool| name.contains(tool))
}

fn finding(file: &str, severity: Severity, mut nodes: Vec<NodeName>) -> Finding {
    nodes.sort_unstable();
    let is_first = severity == Severity::Error;
    let order = if is_first { "comes before Cilium's" } else { "lies beside Cilium's" };
    let impact = if is_first {
        "new pods get the other plugin's network, not Cilium's"
    } else {
        "pods that start before the agent after a reboot may get the other plugin's network"
    };
    Finding {
        code: RULE.code,
        severity,
        basis: Basis::Observed,
        subject: file.into(),
        summary: format!("{file} {order} on {}", names(&nodes)),
        evidence: vec![Evidence::new(format!("/etc/cni/net.d of {}", names(&nodes)), file)],
        impact: impact.into(),
        remedy: Remedy::text("if nothing else needs the file, move it away; then restart pods that are not managed (CNI-05)")
            .with_commands([format!("# on {}", names(&nodes)), format!("mv {} /root/", quoted(&format!("/etc/cni/net.d/{file}")))]),
        nodes,
    }
}

use super::{Finding, Judgement, Remedy, Severity, premise, rule};
use crate::{
    facts::RuntimeConfig,
    view::{NodeView, View},
};

rule! {
    /// ## What it checks
    /// Whether the container runtime of a host reads the folder into which Cilium writes its CNI
    /// configuration. A folder that containerd or CRI-O is told to read (`conf_dir`, `network_dir`) and
    /// that has no file of Cilium is wrong where `/etc/cni/net.d` has one. Of the distributions k3s, RKE2
    /// and k0s are looked for. The host's own files tell it, so it is judged with `--local`.
    ///
    /// ## Why it hurts
    /// The runtime says "cni plugin not initialized", and no pod gets a network, while the agent runs and
    /// finds nothing wrong.
    ///
    /// ## Fix
    /// Let Cilium write into the runtime's folder (`cni.confPath`), or let the runtime read Cilium's.
    ///
    /// ## References
    /// - Cilium documentation, "Adjusting CNI configuration"
    /// - containerd documentation, "CRI Plugin Config Guide"
    "CNI-03", Error, State, "the runtime reads another CNI folder", judge
}

/// Where the chart has the agent write.
const FOLDER: &str = "/etc/cni/net.d";

fn judge(view: &View<'_>, out: &mut Judgement) {
    if !premise::has_nodes(view, out) {
        return;
    }
    for node in view.nodes() {
        let what = "configuration of the container runtime";
        let Some(runtimes) = premise::of_host(node, |host| &host.runtimes, what, out) else {
            continue;
        };
        let cilium = match node.facts.cni_files.get() {
            Ok(files) => files.iter().find(|file| file.is_cilium()),
            // Nothing was written there, so nothing is missed elsewhere.
            Err(why) if why.is_absent() => None,
            Err(why) => {
                out.missing_on(node.name(), FOLDER, why);
                continue;
            }
        };
        let Some(cilium) = cilium else { continue };
        // A runtime that is no longer used may have left its configuration: one that fits is enough.
        let fits = |it: &RuntimeConfig| it.folder == FOLDER || it.files.contains(&cilium.name);
        if let Some(other) = runtimes.first().filter(|_| !runtimes.iter().any(fits)) {
            out.found(finding(node, other, &cilium.name));
        }
    }
}

fn finding(node: &NodeView<'_>, other: &RuntimeConfig, cilium: &str) -> Finding {
    let RuntimeConfig { file, folder, files } = other;
    let there = if files.is_empty() { "no configuration".to_owned() } else { files.join(", ") };
    Finding::about(RULE.code, Severity::Error, folder.clone())
        .on(node.name())
        .saying(
            format!("the runtime reads {folder}, and Cilium's configuration lies in {FOLDER}"),
            "no new pod on this node gets a network, or one of another plugin",
        )
        .seen(format!("{file} of {}", node.name()), format!("CNI folder {folder}"))
        .seen(format!("{folder} of {}", node.name()), there)
        .seen(format!("{FOLDER} of {}", node.name()), cilium)
        .mended_by(
            Remedy::text("let Cilium write into the runtime's folder")
                .with_values(format!("cni:\n  confPath: {folder}\n")),
        )
}

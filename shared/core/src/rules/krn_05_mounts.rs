use super::{Finding, Judgement, Remedy, Severity, premise, rule};
use crate::{
    facts::{Mount, ProxyReplacement},
    view::{NodeView, View},
};

rule! {
    /// ## What it checks
    /// Mounts of a host on which an agent runs, or shall run: BPF's file system at `/sys/fs/bpf`, a
    /// cgroup2 file system anywhere, and whether mounts below `/sys/fs/bpf` reach other mount namespaces
    /// (shared). The host's own files tell it, so it is judged with `--local`.
    ///
    /// ## Why it hurts
    /// Without the BPF file system on the host agents mount one that goes with them, and with each
    /// restart connections of pods are lost. Without cgroup2 nothing is there for programs that turn
    /// Services into pods for the host's own sockets. Where mounts are not shared, as on hosts without
    /// systemd, runtimes refuse to start the agent: "is not a shared mount".
    ///
    /// ## Fix
    /// Mount them, also at later starts; or let the chart do it (`bpf.autoMount.enabled`,
    /// `cgroup.autoMount.enabled`, which are on unless they are switched off).
    ///
    /// ## References
    /// - Cilium documentation, "System Requirements", "Mounted eBPF filesystem"
    /// - Kubernetes documentation, "Volumes", "Mount propagation"
    "KRN-05", Error, State, "a mount that Cilium needs is missing", judge
}

const BPF: &str = "/sys/fs/bpf";

fn judge(view: &View<'_>, out: &mut Judgement) {
    if !premise::has_nodes(view, out) {
        return;
    }
    for node in view.nodes() {
        let Some(mounts) = premise::of_host(node, |host| &host.mounts, "mounts", out) else {
            continue;
        };
        let is_mounted = |kind: &str| mounts.iter().any(|mount| mount.kind == kind);
        let Some(runs) = view.agent_runs_on(node.facts) else {
            out.unknown_on(node.name(), "agent", "nobody knows whether one runs");
            continue;
        };
        if runs && !mounts.iter().any(|mount| mount.kind == "bpf" && mount.point == BPF) {
            out.found(no_bpf(view, node));
        }
        if runs && !is_mounted("cgroup2") {
            out.found(no_cgroup(view, node));
        }
        // Where one runs it was started all the same.
        if let Some(holder) = holder(mounts, BPF).filter(|holder| !runs && !holder.shared) {
            out.found(Finding { basis: premise::basis(view), ..not_shared(node, holder) });
        }
    }
}

/// The mount in which a path lies; of two at one place the later is on top.
fn holder<'m>(mounts: &'m [Mount], path: &str) -> Option<&'m Mount> {
    mounts.iter().filter(|mount| mount.holds(path)).max_by_key(|mount| mount.point.len())
}

fn no_bpf(view: &View<'_>, node: &NodeView<'_>) -> Finding {
    Finding::about(RULE.code, Severity::Warn, BPF)
        .on(node.name())
        .saying(
            format!(
                "the BPF file system is not mounted on the host, and an agent runs on {}",
                node.name()
            ),
            "what the agent keeps there goes with it, and connections of pods with each restart",
        )
        .seen(format!("mounts of {}", node.name()), format!("no mount of type bpf at {BPF}"))
        .mended_by(Remedy::text("mount it, also at later starts").with_commands([
            format!("# on {}, and in /etc/fstab", node.name()),
            format!("mount -t bpf bpf {BPF}"),
            super::restart_agent(view.namespace(), node.name()),
        ]))
}

fn no_cgroup(view: &View<'_>, node: &NodeView<'_>) -> Finding {
    let replaces =
        view.config().is_some_and(|config| config.kube_proxy_replacement == ProxyReplacement::Full);
    let severity = if replaces { Severity::Error } else { Severity::Warn };
    Finding::about(RULE.code, severity, "cgroup2")
        .on(node.name())
        .saying(
            format!("no cgroup2 file system is mounted on {}", node.name()),
            "where Cilium replaces kube-proxy, the host itself reaches no Service",
        )
        .seen(format!("mounts of {}", node.name()), "no mount of type cgroup2")
        .mended_by(
            Remedy::text("let the chart mount it")
                .with_values("cgroup:\n  autoMount:\n    enabled: true\n"),
        )
}

fn not_shared(node: &NodeView<'_>, holder: &Mount) -> Finding {
    let point = &holder.point;
    Finding::about(RULE.code, Severity::Error, point.clone())
        .on(node.name())
        .saying(
            format!("mounts below {point} do not reach containers"),
            "the runtime refuses to start the agent: is not a shared mount",
        )
        .seen(
            format!("mounts of {}", node.name()),
            format!("{point} ({}) holds {BPF} and is private", holder.kind),
        )
        .mended_by(Remedy::text("make it shared, also at later starts").with_commands([
            format!("# on {}", node.name()),
            format!("mount --make-rshared {}", super::quoted(point)),
        ]))
}

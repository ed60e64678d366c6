use std::collections::BTreeMap;

use super::{
    Basis, Evidence, Finding, Judgement, Remedy, Severity,
    command::quoted,
    pods::{self, Group, Trouble},
    premise, rule,
};
use crate::{
    facts::{Component, ContainerStatus},
    view::View,
};

rule! {
    /// ## What it checks
    /// Agents that do not get past their init containers, by the container that is in the way.
    ///
    /// ## Why it hurts
    /// The agent does not start: the node gets no CNI file, and no pod with an address of its own.
    ///
    /// ## Fix
    /// `config` waits for the API server: without kube-proxy, set `k8sServiceHost` and
    /// `k8sServicePort`. `mount-cgroup` and `apply-sysctl-overwrites` run programs on the host, which
    /// SELinux, AppArmor or `noexec` forbid. `mount-bpf-fs` needs a privileged container.
    /// `install-cni-binaries` needs a folder that can be written (`cni.binPath`). `wait-for-kube-proxy`
    /// waits for kube-proxy's rules.
    ///
    /// ## References
    /// - Cilium documentation, "Kubernetes without kube-proxy"
    "AG-02", Error, State, "an agent is stuck in its init containers", judge
}

/// Seconds that an init container may take.
const PATIENCE: i64 = 60;

fn judge(view: &View<'_>, out: &mut Judgement) {
    if premise::agents(view, out).is_none() {
        return;
    }
    let Some(troubles) = pods::in_trouble(view, out) else { return };
    let mut groups: BTreeMap<&str, (Group<'_>, &ContainerStatus)> = BTreeMap::new();
    for trouble in troubles.iter().filter(|trouble| trouble.component() == Component::Agent) {
        if let Some(container) = stuck(view, trouble) {
            let (group, _) =
                groups.entry(&container.name).or_insert_with(|| (Group::default(), container));
            group.push(trouble.row, last_words(container));
        }
    }
    for (_, (group, container)) in groups {
        out.found(finding(&group, container));
    }
}

/// The init container that does not end as it should. Images that are not pulled are POD-01's.
fn stuck<'a>(view: &View<'_>, trouble: &Trouble<'a>) -> Option<&'a ContainerStatus> {
    let containers = trouble.detail?.containers.iter().filter(|container| container.init);
    let is_done =
        |it: &ContainerStatus| it.terminated.as_ref().is_some_and(|end| end.exit_code == 0);
    let first = containers.into_iter().find(|container| !is_done(container))?;
    let is_looping = first.waiting.as_ref().is_some_and(|it| it.reason == "CrashLoopBackOff");
    let is_slow =
        view.seconds_since(first.running_since.as_deref()).is_some_and(|age| age >= PATIENCE);
    (is_looping || first.terminated.is_some() || first.restarts > 0 || is_slow).then_some(first)
}

fn last_words(container: &ContainerStatus) -> &str {
    let ends = [&container.terminated, &container.last_terminated];
    let said = ends.into_iter().flatten().map(|end| end.message.as_str());
    said.chain(container.waiting.iter().map(|it| it.message.as_str()))
        .find(|message| !message.is_empty())
        .unwrap_or_default()
}

fn finding(group: &Group<'_>, container: &ContainerStatus) -> Finding {
    let name = container.name.as_str();
    let text = match name {
        "config" => {
            "it reads the configuration from the API server and does not reach it; where no kube-proxy runs, give the \
             chart the API server's own address and port"
        }
        "mount-cgroup" | "apply-sysctl-overwrites" | "clean-cilium-state" => {
            "it runs a program on the host, which SELinux, AppArmor, `noexec` or a read-only folder forbids"
        }
        "mount-bpf-fs" => "it mounts the BPF file system, for which it must be privileged",
        "install-cni-binaries" => {
            "it copies the CNI plugin to the node; give the chart a folder that can be written"
        }
        "wait-for-kube-proxy" => {
            "it waits for the rules of kube-proxy: see whether kube-proxy runs"
        }
        _ => "read what it says",
    };
    let values = match name {
        "config" => "k8sServiceHost: ADDRESS   # of the API server\nk8sServicePort: 6443",
        "install-cni-binaries" => "cni:\n  binPath: /opt/cni/bin   # a folder that can be written",
        _ => "",
    };
    let mut evidence = group.evidence();
    if let Some(end) = container.terminated.as_ref().or(container.last_terminated.as_ref()) {
        evidence.push(Evidence::new(
            format!("init container {name}"),
            format!("ended with exit code {} {}", end.exit_code, end.reason),
        ));
    }
    let logs = group.rows().take(1).map(|row| {
        format!(
            "kubectl -n {} logs {} -c {}",
            quoted(&row.namespace),
            quoted(&row.name),
            quoted(name)
        )
    });
    Finding {
        code: RULE.code,
        severity: Severity::Error,
        basis: Basis::Observed,
        subject: name.into(),
        nodes: group.nodes(),
        summary: format!(
            "the agent does not get past its init container {name}: {}",
            group.sentence("waits", "wait")
        ),
        evidence,
        impact: "these nodes have no agent, and so no network for new pods".into(),
        remedy: Remedy::text(text).with_values(values).with_commands(logs),
    }
}

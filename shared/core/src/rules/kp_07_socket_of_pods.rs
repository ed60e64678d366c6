use super::{Finding, Judgement, Remedy, Severity, premise, rule};
use crate::{facts::PodRow, view::View};

rule! {
    /// ## What it checks
    /// Whether something runs that must see the addresses of Services in pods' packets (Istio's
    /// sidecars and ztunnel, Linkerd, KubeVirt's virtual machines, Kata and gVisor sandboxes by their
    /// installers) while Cilium turns connections to their endpoints at the pod's socket already:
    /// kube-proxy replacement without `socketLB.hostNamespaceOnly`. The key is there since 1.12. That
    /// pods of these are inside a mesh at all is not looked at.
    ///
    /// ## Why it hurts
    /// A sidecar that sees the address of a pod instead of the Service's does not know which Service
    /// is meant: routes, mTLS and telemetry of the mesh do not apply. A virtual machine's packets pass
    /// no socket of the host, and those of its launcher pod do.
    ///
    /// ## Fix
    /// `socketLB.hostNamespaceOnly: true`; then restart the agents.
    ///
    /// ## References
    /// - Cilium documentation, "Integration with Istio", "Socket LoadBalancer Bypass in Pod Namespace"
    "KP-07", Warn, Configuration, "Services are turned before a sidecar sees them", judge
}

/// Beginnings of the names of pods, and what they are of.
const OTHERS: [(&str, &str); 8] = [
    ("istiod-", "Istio"),
    ("ztunnel-", "Istio"),
    ("linkerd-destination-", "Linkerd"),
    ("virt-handler-", "KubeVirt"),
    ("virt-launcher-", "KubeVirt"),
    ("kata-deploy-", "Kata Containers"),
    ("gvisor-", "gVisor"),
    ("runsc-", "gVisor"),
];

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::config(view, out) else { return };
    if !premise::replaces_kube_proxy(config, "Cilium does not replace kube-proxy", out) {
        return;
    }
    if config.load_balancer.socket_of_host_only {
        out.not_applicable("sockets of pods are left alone");
        return;
    }
    let Some(pods) = premise::known(view, &view.facts.cluster.pods, "pods", out) else { return };
    let mut found: Vec<(&str, &PodRow)> = Vec::new();
    for row in pods.rows() {
        let other = OTHERS.iter().find(|(prefix, _)| row.name.starts_with(prefix));
        if let Some((_, name)) = other.filter(|(_, name)| !found.iter().any(|it| it.0 == *name)) {
            found.push((name, row));
        }
    }
    for (name, row) in found {
        let pod = format!("pod {}/{}", row.namespace, row.name);
        out.found(
            Finding::about(RULE.code, Severity::Warn, "socketLB.hostNamespaceOnly")
                .saying(
                    format!(
                        "{name} is there, and Cilium turns connections to Services at pods' sockets"
                    ),
                    format!(
                        "{name} sees pods in place of Services, and its own rules do not apply"
                    ),
                )
                .seen("pods", pod)
                .seen(config.origin.clone(), "bpf-lb-sock-hostns-only is not true")
                .mended_by(
                    Remedy::text("turn them at the pod's device instead, after the sidecar")
                        .with_values("socketLB:\n  hostNamespaceOnly: true\n"),
                ),
        );
    }
}

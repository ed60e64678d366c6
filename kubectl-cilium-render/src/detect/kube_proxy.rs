//! Whether kube-proxy runs, and what follows: `kubeProxyReplacement`, and the API server's address.

use kcilium_core::{
    chart::ChartVersion,
    facts::{Component, Facts, KubeNode, PodRow, Unavailable, Workload},
};
use serde_json::{Value as Json, json};

use super::{
    Conflict, Subject,
    api_server::ApiServer,
    distribution::{Distribution, Recognised},
    finding::Findings,
    node_arguments::NodeArguments,
};

/// Whether kube-proxy runs. What is not known is not absent: agents that replace a kube-proxy which
/// is there do little harm, but agents without either lose the cluster's Services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    /// This shows it.
    Present(String),
    /// It was looked for, here.
    Absent(String),
    /// Why it cannot be told.
    Unknown(String),
}

/// Looks for kube-proxy in all its forms: a DaemonSet, static pods (RKE2, GKE), or built in (K3s,
/// MicroK8s).
pub(super) fn presence(facts: &Facts, recognised: &Recognised) -> Presence {
    let cluster = &facts.cluster;
    let daemon_set = cluster.daemon_sets.items().iter().find(|it| is_kube_proxy(it));
    if let Some(found) = daemon_set.filter(|it| it.pods.desired > 0) {
        return Presence::Present(format!("DaemonSet {}/{}", found.namespace, found.name));
    }
    let pods = pods(facts);
    if let Ok(Some(pod)) = pods {
        return Presence::Present(format!("pod {}/{}", pod.namespace, pod.name));
    }
    if let Some(presence) = built_in(cluster.nodes.items(), recognised) {
        return presence;
    }
    if cluster.kubeadm.known().is_some_and(|it| it.kube_proxy_disabled) {
        return Presence::Absent("ConfigMap kube-system/kubeadm-config (proxy.disabled)".into());
    }
    if let Err(why) = cluster.daemon_sets.get() {
        return Presence::Unknown(unread("DaemonSets", why));
    }
    // kubeadm knows no other form than its DaemonSet, which always has its label.
    let is_kubeadm = cluster.kubeadm.known().is_some();
    match pods {
        Err(why) if !is_kubeadm => Presence::Unknown(unread("pods of kube-system", &why)),
        _ => Presence::Absent(match daemon_set {
            Some(it) => format!("DaemonSet {}/{} (no node wants its pods)", it.namespace, it.name),
            None => "DaemonSets and pods, none of which is kube-proxy".into(),
        }),
    }
}

fn unread(what: &str, why: &Unavailable) -> String {
    format!("{what} could not be read ({why})")
}

/// As `cilium install` recognises it, or by its labels. On Windows nodes it serves Windows only.
fn is_kube_proxy(workload: &Workload) -> bool {
    let system = workload.node_selector.get("kubernetes.io/os");
    (workload.component == Component::KubeProxy || workload.name.contains("kube-proxy"))
        && system.is_none_or(|system| system != "windows")
        && !workload.name.contains("windows")
}

/// A pod of it, whatever made the pod.
fn pods(facts: &Facts) -> Result<Option<PodRow>, Unavailable> {
    let is_kube_proxy = |row: &&PodRow| {
        &*row.namespace == "kube-system"
            && row.name.contains("kube-proxy")
            && !row.name.contains("windows")
    };
    let cluster = &facts.cluster;
    match (cluster.kube_proxy_pods.get(), cluster.pods.get()) {
        (Ok(rows), _) => Ok(rows.iter().find(is_kube_proxy).cloned()),
        (Err(_), Ok(pods)) => Ok(pods.rows().iter().find(is_kube_proxy).cloned()),
        (Err(narrow), Err(all)) => {
            Err(if cluster.kube_proxy_pods.is_not_collected() { all } else { narrow }.clone())
        }
    }
}

/// Where kube-proxy is part of a larger program, its flags tell.
fn built_in(nodes: &[KubeNode], recognised: &Recognised) -> Option<Presence> {
    let Recognised { distribution, by } = recognised;
    if *distribution == Distribution::Microk8s {
        return Some(Presence::Present(format!("{by}: MicroK8s has kube-proxy built in")));
    }
    if !distribution.is_k3s() && *distribution != Distribution::Rke2 {
        return None;
    }
    let mut servers = nodes.iter().filter_map(|node| {
        let arguments = NodeArguments::of(node).filter(NodeArguments::is_server)?;
        Some((node, arguments.is_on("disable-kube-proxy")))
    });
    Some(match servers.next() {
        None => Presence::Unknown(format!(
            "K3s has kube-proxy built in ({by}), and no server says whether it was turned off"
        )),
        Some((node, true)) => {
            Presence::Absent(format!("node {} (its argument --disable-kube-proxy)", node.name))
        }
        Some((node, false)) => Presence::Present(format!(
            "node {} (its arguments, without --disable-kube-proxy)",
            node.name
        )),
    })
}

/// Where kube-proxy is absent, Cilium takes its place, and agents need an address of the API server
/// that is not a Service's.
pub(super) fn find(
    subject: &Subject<'_>,
    presence: &Presence,
    api_server: &ApiServer,
    findings: &mut Findings,
) {
    match presence {
        Presence::Present(_) => {}
        Presence::Unknown(why) => {
            let keys = ["kubeProxyReplacement", "k8sServiceHost", "k8sServicePort"];
            if !keys.iter().all(|key| subject.gives(key)) {
                let place = api_server.endpoint().map_or_else(String::new, |endpoint| {
                    format!(" (they would be {} and {})", endpoint.host, endpoint.port)
                });
                findings.remark(format!(
                    "whether kube-proxy runs is not known: {why}; kubeProxyReplacement, \
                     k8sServiceHost and k8sServicePort{place} are left to you"
                ));
            }
        }
        Presence::Absent(source) => {
            findings.remarks.extend(api_server.remarks().iter().cloned());
            let Some(endpoint) = api_server.endpoint() else { return };
            let reason = "kube-proxy is absent, so Cilium has to do its work";
            findings.evidence("kubeProxyReplacement", replacement(subject.version), source, reason);
            let source = &endpoint.source;
            findings.evidence("k8sServiceHost", &*endpoint.host, source, &endpoint.reason);
            findings.evidence("k8sServicePort", endpoint.port, source, &endpoint.reason);
            if is_off(subject) {
                findings.remark(
                    "k8sServiceHost and k8sServicePort are set although kubeProxyReplacement is \
                     off: without kube-proxy agents reach the API server by no other address",
                );
            }
        }
    }
}

/// The word that turns it on. 1.14 takes both; the newer one is a boolean.
fn replacement(version: &ChartVersion) -> Json {
    if version.is_at_least((1, 15, 0)) { json!(true) } else { json!("strict") }
}

/// What the user says of `kubeProxyReplacement`, if anything that is on or off.
pub(super) fn is_on(text: &str) -> Option<bool> {
    match text {
        "true" | "strict" => Some(true),
        "false" | "disabled" | "partial" | "probe" => Some(false),
        _ => None,
    }
}

fn is_off(subject: &Subject<'_>) -> bool {
    let given = subject.given_text("kubeProxyReplacement");
    given.is_some_and(|text| is_on(&text) == Some(false))
}

/// The user turns the replacement on although kube-proxy runs. (Off although it does not is a
/// value that replaces a detected one.)
pub(super) fn conflict(subject: &Subject<'_>, presence: &Presence) -> Option<Conflict> {
    let Presence::Present(source) = presence else { return None };
    let node = subject.given("kubeProxyReplacement")?;
    let is_on = subject.given_text("kubeProxyReplacement").and_then(|text| is_on(&text));
    is_on.filter(|on| *on)?;
    Some(Conflict::new(
        "kubeProxyReplacement",
        node,
        "kube-proxy runs too",
        source,
        "both then do the same work; when kube-proxy is taken away, k8sServiceHost and \
         k8sServicePort must be set",
    ))
}

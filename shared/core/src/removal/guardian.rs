//! Who else manages an installation, and would put back what is removed.

use serde::{Deserialize, Serialize};

use super::object::Meta;

/// Somebody who would install Cilium again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Guardian {
    /// Who, such as `Argo CD`.
    pub who: String,
    /// How that was seen.
    pub evidence: String,
    /// What to do there first.
    pub remedy: String,
}

impl Guardian {
    /// A guardian.
    pub fn new(
        who: impl Into<String>,
        evidence: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { who: who.into(), evidence: evidence.into(), remedy: remedy.into() }
    }
}

/// Says who manages an object, by the marks that such programs leave on all of theirs. `what` is the
/// object, such as `DaemonSet kube-system/cilium`.
pub fn guardian(what: &str, meta: &Meta) -> Option<Guardian> {
    let annotation = |key: &str| meta.annotations.get(key).map(String::as_str);
    let label = |key: &str| meta.labels.get(key).map(String::as_str);
    let mark = |key: &str, value: &str| format!("{what} has {key}={value}");
    if let Some(id) = annotation("argocd.argoproj.io/tracking-id") {
        let application = id.split(':').next().unwrap_or(id);
        return Some(argo(application, mark("argocd.argoproj.io/tracking-id", id)));
    }
    if let Some(application) = label("argocd.argoproj.io/instance") {
        return Some(argo(application, mark("argocd.argoproj.io/instance", application)));
    }
    for (kind, short) in [("helm", "helmrelease"), ("kustomize", "kustomization")] {
        let key = format!("{kind}.toolkit.fluxcd.io/name");
        if let Some(name) = label(&key) {
            let namespace = label(&format!("{kind}.toolkit.fluxcd.io/namespace"));
            let namespace = namespace.unwrap_or("flux-system");
            return Some(Guardian::new(
                format!("Flux ({short} {namespace}/{name})"),
                mark(&key, name),
                format!(
                    "take it out of the Git repository, or: flux suspend {short} {name} -n \
                     {namespace}"
                ),
            ));
        }
    }
    if let Some(set) = annotation("objectset.rio.cattle.io/id").filter(|it| it.contains("fleet")) {
        return Some(Guardian::new(
            "Rancher Fleet",
            mark("objectset.rio.cattle.io/id", set),
            "take it out of the GitRepo that Fleet deploys",
        ));
    }
    if let Some(addon) = label("addon.kops.k8s.io/name") {
        return Some(Guardian::new(
            "kOps",
            mark("addon.kops.k8s.io/name", addon),
            "kops edit cluster, choose another spec.networking, then kops update cluster --yes",
        ));
    }
    if let Some(by) = label("kubernetes.azure.com/managedby") {
        return Some(aks(mark("kubernetes.azure.com/managedby", by)));
    }
    if let Some(mode) = label("addonmanager.kubernetes.io/mode") {
        return Some(aks(mark("addonmanager.kubernetes.io/mode", mode)));
    }
    if let Some(owner) = label("olm.owner") {
        return Some(Guardian::new(
            "the Operator Lifecycle Manager",
            mark("olm.owner", owner),
            "kubectl delete ciliumconfigs --all -A, then delete the Subscription",
        ));
    }
    None
}

fn argo(application: &str, evidence: String) -> Guardian {
    Guardian::new(
        format!("Argo CD (application {application})"),
        evidence,
        format!(
            "take it out of the Git repository, or: argocd app set {application} --sync-policy none"
        ),
    )
}

fn aks(evidence: String) -> Guardian {
    Guardian::new(
        "Azure Kubernetes Service",
        evidence,
        "az aks update --network-dataplane azure …, or a new cluster: AKS puts back what is deleted",
    )
}

#[cfg(test)]
mod tests {
    use super::guardian;
    use crate::removal::Meta;

    fn labelled(key: &str, value: &str) -> Meta {
        Meta { labels: [(key.to_owned(), value.to_owned())].into(), ..Meta::default() }
    }

    #[test]
    fn marks_name_their_owners() {
        let who = |key, value| guardian("DaemonSet a/cilium", &labelled(key, value)).unwrap().who;
        assert_eq!(who("argocd.argoproj.io/instance", "net"), "Argo CD (application net)");
        let flux = "Flux (helmrelease flux-system/cilium)";
        assert_eq!(who("helm.toolkit.fluxcd.io/name", "cilium"), flux);
        assert_eq!(who("addon.kops.k8s.io/name", "networking.cilium.io"), "kOps");
        assert_eq!(guardian("x", &labelled("app.kubernetes.io/managed-by", "Helm")), None);
    }
}

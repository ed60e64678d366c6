//! Whether kube-proxy answers Services.

use super::{NodeView, View};
use crate::facts::{Component, HostService, KubeNode, Unavailable};

/// What is known of kube-proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KubeProxy {
    /// It runs; this is what shows it.
    Running(String),
    /// It is there, and no pod of it is ready; this is what shows it.
    NotReady(String),
    /// Neither a workload nor a pod of it exists.
    Absent,
}

impl KubeProxy {
    /// Whether it is there to go by its configuration. One of which no pod is ready yet starts, or is
    /// started again: what it is told is as wrong then.
    pub fn is_there(&self) -> bool {
        match self {
            Self::Running(_) | Self::NotReady(_) => true,
            Self::Absent => false,
        }
    }
}

impl View<'_> {
    /// Whether kube-proxy answers Services.
    ///
    /// # Errors
    /// When that cannot be told: objects were not read, or it may run outside pods.
    pub fn kube_proxy(&self) -> Result<KubeProxy, Unavailable> {
        let cluster = &self.facts.cluster;
        let mut stopped = None;
        for workload in cluster.workloads(Component::KubeProxy) {
            let (ready, desired) = (workload.pods.ready, workload.pods.desired);
            let shown = format!(
                "DaemonSet {}/{}: {ready} of {desired} pods are ready",
                workload.namespace, workload.name
            );
            if ready > 0 {
                return Ok(KubeProxy::Running(shown));
            }
            // Talos and EKS switch it off with a selector that fits no node.
            if desired > 0 {
                stopped = Some(shown);
            }
        }
        // Static pods of RKE2 and GKE are in no DaemonSet.
        let all = cluster.pods.known().map_or(&[][..], |pods| pods.rows());
        for pod in cluster.kube_proxy_pods.items().iter().chain(all) {
            if &*pod.namespace != "kube-system" || !pod.name.contains("kube-proxy") {
                continue;
            }
            let shown = format!("pod {}/{}: {}", pod.namespace, pod.name, pod.status);
            if pod.is_well() {
                return Ok(KubeProxy::Running(shown));
            }
            stopped.get_or_insert(shown);
        }
        if let Some(shown) = stopped {
            return Ok(KubeProxy::NotReady(shown));
        }
        cluster.daemon_sets.get().map_err(Clone::clone)?;
        if cluster.kube_proxy_pods.known().is_none() {
            cluster.pods.get().map_err(Clone::clone)?;
        }
        match self.outside_pods()? {
            Some(why) => Err(Unavailable::failed("kube-proxy", why)),
            None => Ok(KubeProxy::Absent),
        }
    }

    /// Whether kube-proxy runs, or may run within another process, on a host whose processes were seen;
    /// none where there is no such host. It tells nothing of other nodes.
    pub fn kube_proxy_process(&self, node: &NodeView<'_>) -> Option<bool> {
        let services = node.facts.host.as_deref()?.services.known()?;
        let is_proxy = |service: &HostService| {
            matches!(service, HostService::KubeProxy | HostService::EmbeddedProxy)
        };
        Some(services.iter().any(is_proxy))
    }

    /// Why kube-proxy may run without a pod, where it may.
    fn outside_pods(&self) -> Result<Option<String>, Unavailable> {
        let cluster = &self.facts.cluster;
        let nodes = cluster.nodes.get().map_err(Clone::clone)?;
        let control_plane = cluster.control_plane.get().map_err(Clone::clone)?;
        let embedded = |node: &&KubeNode| {
            node.info.kubelet_version.contains("+k3s")
                || node.labels.keys().any(|label| label.starts_with("microk8s.io/"))
        };
        if let Some(node) = nodes.iter().find(embedded) {
            let name = &node.name;
            return Ok(Some(format!(
                "node {name} may run it inside k3s or MicroK8s, without a pod"
            )));
        }
        // k0s runs its control plane without pods, and kube-proxy as a DaemonSet; providers hide
        // the control plane.
        let is_by_hand = |node: &KubeNode| {
            node.provider_id.is_empty() && !node.info.kubelet_version.contains("+k0s")
        };
        Ok((control_plane.is_empty() && nodes.iter().all(is_by_hand)).then(|| {
            "the control plane does not run as pods, so kube-proxy may be a service of the hosts"
                .to_owned()
        }))
    }
}

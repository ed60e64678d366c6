//! Which Kubernetes it is, and what Cilium needs to be told there.

use kcilium_core::facts::KubeNode;
use serde_json::json;

use super::{Subject, finding::Findings};

/// A Kubernetes that needs values of its own, or is known for its kube-proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Distribution {
    Aks,
    Eks,
    Gke,
    K3s,
    Kind,
    Microk8s,
    Minikube,
    RancherDesktop,
    Rke2,
    Talos,
    /// Any other, kubeadm's among them.
    Other,
}

/// A distribution, and what gave it away.
#[derive(Clone, Debug)]
pub(super) struct Recognised {
    pub(super) distribution: Distribution,
    pub(super) by: String,
}

impl Distribution {
    fn name(self) -> &'static str {
        match self {
            Self::Aks => "AKS",
            Self::Eks => "EKS",
            Self::Gke => "GKE",
            Self::K3s => "K3s",
            Self::Kind => "kind",
            Self::Microk8s => "MicroK8s",
            Self::Minikube => "minikube",
            Self::RancherDesktop => "Rancher Desktop",
            Self::Rke2 => "RKE2",
            Self::Talos => "Talos",
            Self::Other => "Kubernetes",
        }
    }

    /// Whether the cloud's own network carries pods, so that no tunnel is asked for.
    pub(super) fn routes_pods(self) -> bool {
        matches!(self, Self::Aks | Self::Eks | Self::Gke)
    }

    /// Whether it is K3s at heart, with kube-proxy built in.
    pub(super) fn is_k3s(self) -> bool {
        matches!(self, Self::K3s | Self::RancherDesktop)
    }

    /// What only this distribution's nodes have.
    fn mark(self, node: &KubeNode) -> Option<String> {
        let label = |name: &str| node.labels.contains_key(name).then(|| format!("label {name}"));
        let kubelet = &node.info.kubelet_version;
        let is_instance = |kind: &str| {
            let names = ["node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type"];
            names.iter().any(|name| node.labels.get(*name).is_some_and(|found| found == kind))
        };
        let if_so = |so: bool, what: String| so.then_some(what);
        match self {
            Self::Aks => label("kubernetes.azure.com/cluster"),
            Self::Eks => label("eks.amazonaws.com/nodegroup")
                .or_else(|| label("alpha.eksctl.io/cluster-name"))
                .or_else(|| {
                    let is_amazons =
                        kubelet.contains("-eks-") && node.provider_id.starts_with("aws:");
                    if_so(is_amazons, format!("kubelet {kubelet}"))
                }),
            Self::Gke => label("cloud.google.com/gke-nodepool")
                .or_else(|| label("cloud.google.com/gke-os-distribution")),
            Self::K3s => if_so(kubelet.contains("+k3s"), format!("kubelet {kubelet}"))
                .or_else(|| if_so(is_instance("k3s"), "instance type k3s".into())),
            Self::Kind => {
                if_so(node.provider_id.starts_with("kind:"), format!("ID {}", node.provider_id))
            }
            Self::Microk8s => label("microk8s.io/cluster"),
            Self::Minikube => label("minikube.k8s.io/name"),
            Self::RancherDesktop => {
                let is_vm = node.name.as_str() == "lima-rancher-desktop";
                if_so(is_vm, "its name".into())
            }
            Self::Rke2 => if_so(kubelet.contains("+rke2"), format!("kubelet {kubelet}"))
                .or_else(|| if_so(is_instance("rke2"), "instance type rke2".into())),
            Self::Talos => {
                let system = &node.info.os_image;
                if_so(system.starts_with("Talos"), format!("system {system}"))
            }
            Self::Other => None,
        }
    }
}

/// Those with a mark of their own. Rancher Desktop's node has K3s' too, so it comes first.
const MARKED: [Distribution; 10] = [
    Distribution::RancherDesktop,
    Distribution::Minikube,
    Distribution::Microk8s,
    Distribution::Kind,
    Distribution::Gke,
    Distribution::Eks,
    Distribution::Aks,
    Distribution::Talos,
    Distribution::Rke2,
    Distribution::K3s,
];

/// Recognises it by its nodes, else by the names in the kubeconfig, which are what `cilium install`
/// goes by.
pub(super) fn recognise(subject: &Subject<'_>) -> Recognised {
    let nodes = subject.facts.cluster.nodes.items();
    let by_node = MARKED.iter().find_map(|distribution| {
        let (node, mark) = nodes.iter().find_map(|node| Some((node, distribution.mark(node)?)))?;
        let by = format!("node {} ({mark})", node.name);
        Some(Recognised { distribution: *distribution, by })
    });
    by_node.or_else(|| by_names(subject)).unwrap_or_else(|| Recognised {
        distribution: Distribution::Other,
        by: "no mark of another".into(),
    })
}

fn by_names(subject: &Subject<'_>) -> Option<Recognised> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let (cluster, context) = (text(&subject.kubeconfig.cluster), text(&subject.kubeconfig.context));
    let server = text(&subject.kubeconfig.server);
    let host = server.split("://").last().unwrap_or_default();
    let host = host.split(['/', ':']).next().unwrap_or_default();
    let is = |name: &str| cluster == name || context == name;
    let begins = |name: &str| cluster.starts_with(name) || context.starts_with(name);
    let (distribution, by) = if is("minikube") {
        (Distribution::Minikube, "kubeconfig (its name)")
    } else if is("rancher-desktop") {
        (Distribution::RancherDesktop, "kubeconfig (its name)")
    } else if begins("kind-") {
        (Distribution::Kind, "kubeconfig (its name)")
    } else if cluster.starts_with("gke_") {
        (Distribution::Gke, "kubeconfig (its name)")
    } else if cluster.ends_with(".eksctl.io") {
        (Distribution::Eks, "kubeconfig (its name)")
    } else if host.ends_with("eks.amazonaws.com") {
        (Distribution::Eks, "kubeconfig (its server)")
    } else if host.ends_with("azmk8s.io") {
        (Distribution::Aks, "kubeconfig (its server)")
    } else if cluster.starts_with("microk8s-") || context == "microk8s" {
        (Distribution::Microk8s, "kubeconfig (its name)")
    } else {
        return None;
    };
    Some(Recognised { distribution, by: by.to_owned() })
}

/// Adds the values that a distribution needs.
pub(super) fn find(subject: &Subject<'_>, recognised: &Recognised, findings: &mut Findings) {
    let Recognised { distribution, by } = recognised;
    let is_at_least = |minor, patch| subject.version.is_at_least((1, minor, patch));
    let mut set = |key, value, reason: &str| {
        let reason = format!("this is {}, {reason}", distribution.name());
        findings.evidence(key, value, by, &reason);
    };
    let own_cidrs = "which gives each node its pod CIDR";
    match distribution {
        Distribution::Kind => set("ipam.mode", json!("kubernetes"), own_cidrs),
        Distribution::Microk8s => {
            let snap = "/var/snap/microk8s/current";
            let reason = "which keeps its files within its snap";
            set("cni.binPath", json!(format!("{snap}/opt/cni/bin")), reason);
            set("cni.confPath", json!(format!("{snap}/args/cni-network")), reason);
            set("daemon.runPath", json!(format!("{snap}/var/run/cilium")), reason);
        }
        Distribution::RancherDesktop => {
            set("cni.binPath", json!("/usr/libexec/cni"), "whose CNI plugins are there");
        }
        Distribution::Talos => {
            set("ipam.mode", json!("kubernetes"), own_cidrs);
            let mounted = "which has the cgroup file system mounted there";
            set("cgroup.autoMount.enabled", json!(false), mounted);
            set("cgroup.hostRoot", json!("/sys/fs/cgroup"), mounted);
            // The keys are there from 1.13 on.
            if is_at_least(13, 0) {
                let reason = "which lets no pod load kernel modules";
                let agent = "CHOWN KILL NET_ADMIN NET_RAW IPC_LOCK SYS_ADMIN SYS_RESOURCE \
                             DAC_OVERRIDE FOWNER SETGID SETUID";
                let words = |text: &str| json!(text.split_whitespace().collect::<Vec<_>>());
                set("securityContext.capabilities.ciliumAgent", words(agent), reason);
                let clean = words("NET_ADMIN SYS_ADMIN SYS_RESOURCE");
                set("securityContext.capabilities.cleanCiliumState", clean, reason);
            }
        }
        Distribution::Gke => {
            set("ipam.mode", json!("kubernetes"), own_cidrs);
            set("gke.enabled", json!(true), "whose network routes pods");
            set(
                "cni.binPath",
                json!("/home/kubernetes/bin"),
                "whose system is read-only elsewhere",
            );
            let reason = "whose kubelets are set up for another network at first";
            set("nodeinit.enabled", json!(true), reason);
            set("nodeinit.reconfigureKubelet", json!(true), reason);
            set("nodeinit.removeCbrBridge", json!(true), "whose own bridge is of no use then");
            let reason = "whose own rules masquerade what Cilium does";
            set("gke.disableDefaultSnat", json!(true), reason);
            if !subject.gives("ipv4NativeRoutingCIDR") {
                findings.remark(
                    "GKE does not tell its pod CIDR by its nodes; add --set \
                     ipv4NativeRoutingCIDR=CIDR with the cluster's clusterIpv4Cidr",
                );
            }
        }
        Distribution::Eks => {
            let reason = "whose network gives pods addresses of the VPC";
            set("ipam.mode", json!("eni"), reason);
            set("eni.enabled", json!(true), reason);
            if is_at_least(14, 3) {
                set("routingMode", json!("native"), reason);
            } else {
                set("tunnel", json!("disabled"), reason);
            }
            // As cilium-cli 0.16.23; later ones leave it to the agent.
            let interfaces = if is_at_least(17, 0) { "eth+ ens+" } else { "eth+" };
            if !is_at_least(18, 0) {
                let reason = "whose nodes' first interfaces have such names";
                set("egressMasqueradeInterfaces", json!(interfaces), reason);
            }
            if !is_at_least(13, 2) {
                set("nodeinit.enabled", json!(true), "and charts up to 1.13.1 need it there");
            }
            findings.remark(
                "on EKS the DaemonSet kube-system/aws-node must be kept off the nodes of Cilium; \
                 nothing is changed here",
            );
        }
        Distribution::Aks => {
            let reason = "and with its own IPAM Cilium would need Azure's credentials";
            set("aksbyocni.enabled", json!(true), reason);
            // As cilium-cli before 0.19.5.
            if !is_at_least(19, 0) {
                set("nodeinit.enabled", json!(true), "and charts before 1.19 need it there");
            }
            findings.remark("these values are for AKS clusters made with --network-plugin none");
        }
        Distribution::K3s | Distribution::Minikube | Distribution::Rke2 | Distribution::Other => {}
    }
}

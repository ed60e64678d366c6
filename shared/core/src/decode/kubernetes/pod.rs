//! Pods.

use std::{collections::BTreeMap, net::IpAddr};

use serde::Deserialize;

use super::{
    list::{FromApi, Object},
    metadata::Metadata,
    pod_status,
};
use crate::{
    decode::DecodeError,
    facts::{
        AgentPod, Component, Condition, ContainerStatus, ControlPlaneComponent, ControlPlanePod,
        ObjectReference, PodDetail, PodRow, Termination, Waiting,
    },
    redaction,
};

/// Flags of the control plane that bear on the network; the rest is nobody's business.
const FLAGS: [&str; 15] = [
    "advertise-address",
    "allocate-node-cidrs",
    "apiserver-count",
    "bind-address",
    "cloud-provider",
    "cluster-cidr",
    "cluster-name",
    "configure-cloud-routes",
    "feature-gates",
    "node-cidr-mask-size",
    "node-cidr-mask-size-ipv4",
    "node-cidr-mask-size-ipv6",
    "secure-port",
    "service-cluster-ip-range",
    "service-node-port-range",
];

/// A Pod, as far as any fact looks at it.
#[derive(Debug, Deserialize)]
pub struct Pod {
    metadata: Metadata,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: PodStatus,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    node_name: Option<String>,
    host_network: bool,
    containers: Vec<SpecContainer>,
    init_containers: Vec<SpecContainer>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct SpecContainer {
    pub(super) name: String,
    pub(super) image: String,
    command: Vec<String>,
    args: Vec<String>,
    pub(super) restart_policy: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PodStatus {
    pub(super) phase: String,
    pub(super) reason: String,
    message: String,
    #[serde(rename = "podIP")]
    pod_ip: String,
    #[serde(rename = "podIPs")]
    pod_ips: Vec<PodIp>,
    start_time: Option<String>,
    pub(super) conditions: Vec<Condition>,
    pub(super) container_statuses: Vec<RawStatus>,
    pub(super) init_container_statuses: Vec<RawStatus>,
}

#[derive(Debug, Deserialize)]
struct PodIp {
    #[serde(default)]
    ip: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RawStatus {
    pub(super) name: String,
    pub(super) ready: bool,
    pub(super) started: Option<bool>,
    pub(super) restart_count: u32,
    pub(super) state: RawState,
    last_state: RawState,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawState {
    pub(super) waiting: Option<Waiting>,
    pub(super) running: Option<Running>,
    pub(super) terminated: Option<Termination>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Running {
    started_at: Option<String>,
}

impl FromApi for Pod {
    const KIND: &'static str = "Pod";

    fn from_api(object: &Object<'_>) -> Result<Option<Self>, DecodeError> {
        object.read().map(Some)
    }
}

impl Pod {
    /// What it is by its labels and containers.
    pub fn component(&self) -> Component {
        let names = self.spec.containers.iter().map(|container| container.name.as_str());
        Component::of(&self.metadata.labels, names)
    }

    /// The row that kubectl prints of it.
    pub fn row(&self) -> PodRow {
        let printed = self.printed();
        PodRow {
            namespace: self.metadata.namespace.as_str().into(),
            name: self.metadata.name.as_str().into(),
            node: self.spec.node_name.as_deref().map(Into::into),
            address: self.addresses().first().copied(),
            status: printed.status.into(),
            ready: printed.ready,
            containers: printed.containers,
            restarts: printed.restarts,
        }
    }

    /// The agent that it is, once it has a node.
    pub fn agent(&self) -> Option<AgentPod> {
        if self.component() != Component::Agent {
            return None;
        }
        let agent = self.spec.containers.iter().find(|it| it.name == "cilium-agent")?;
        let conditions = &self.status.conditions;
        Some(AgentPod {
            ready: conditions.iter().any(|it| it.kind == "Ready" && it.holds()),
            namespace: self.metadata.namespace.clone(),
            image: agent.image.clone(),
            started: self.status.start_time.clone(),
            ..AgentPod::named(self.metadata.name.clone(), self.spec.node_name.clone()?)
        })
    }

    /// The part of the control plane that it is.
    pub fn control_plane(&self) -> Option<ControlPlanePod> {
        let (component, container) = self.spec.containers.iter().find_map(|container| {
            let component = match container.name.as_str() {
                "kube-apiserver" => ControlPlaneComponent::ApiServer,
                "kube-controller-manager" => ControlPlaneComponent::ControllerManager,
                _ => return None,
            };
            Some((component, container))
        })?;
        Some(ControlPlanePod {
            component,
            namespace: self.metadata.namespace.clone(),
            name: self.metadata.name.clone(),
            node: self.spec.node_name.as_deref().map(Into::into),
            flags: flags(container.command.iter().chain(&container.args)),
        })
    }

    /// All that is kept of a pod in trouble.
    pub fn detail(&self) -> PodDetail {
        let init = self.spec.init_containers.iter().map(|container| {
            container_status(container, &self.status.init_container_statuses, true)
        });
        let regular = self.spec.containers.iter();
        let regular = regular
            .map(|container| container_status(container, &self.status.container_statuses, false));
        PodDetail {
            namespace: self.metadata.namespace.clone(),
            name: self.metadata.name.clone(),
            component: self.component(),
            node: self.spec.node_name.as_deref().map(Into::into),
            phase: self.status.phase.clone(),
            status: self.printed().status,
            reason: self.status.reason.clone(),
            message: redaction::prose(&self.status.message),
            host_network: self.spec.host_network,
            addresses: self.addresses(),
            owner: self.owner(),
            created: self.metadata.creation_timestamp.clone(),
            started: self.status.start_time.clone(),
            deletion: self.metadata.deletion_timestamp.clone(),
            conditions: self.status.conditions.clone(),
            containers: init.chain(regular).collect(),
        }
    }

    fn printed(&self) -> pod_status::Printed {
        let is_deleted = self.metadata.deletion_timestamp.is_some();
        let (init, regular) = (&self.spec.init_containers, self.spec.containers.len());
        pod_status::print(&self.status, init, regular, is_deleted)
    }

    /// API servers before 1.16 knew one address only.
    fn addresses(&self) -> Vec<IpAddr> {
        let status = &self.status;
        let all: Vec<IpAddr> = status.pod_ips.iter().filter_map(|it| it.ip.parse().ok()).collect();
        if all.is_empty() { status.pod_ip.parse().into_iter().collect() } else { all }
    }

    fn owner(&self) -> Option<ObjectReference> {
        let owner = self.metadata.owner_references.iter().find(|owner| owner.controller)?;
        let namespace = match owner.kind.as_str() {
            "Node" => String::new(),
            _ => self.metadata.namespace.clone(),
        };
        Some(ObjectReference { kind: owner.kind.clone(), namespace, name: owner.name.clone() })
    }
}

fn container_status(spec: &SpecContainer, statuses: &[RawStatus], init: bool) -> ContainerStatus {
    let known = ContainerStatus {
        name: spec.name.clone(),
        image: spec.image.clone(),
        init,
        ..ContainerStatus::default()
    };
    let Some(status) = statuses.iter().find(|status| status.name == spec.name) else {
        return known;
    };
    let waiting = |waiting: &Waiting| Waiting {
        message: redaction::prose(&waiting.message),
        ..waiting.clone()
    };
    let terminated = |terminated: &Termination| Termination {
        message: redaction::prose(&terminated.message),
        ..terminated.clone()
    };
    ContainerStatus {
        ready: status.ready,
        restarts: status.restart_count,
        running_since: status.state.running.as_ref().and_then(|it| it.started_at.clone()),
        waiting: status.state.waiting.as_ref().map(waiting),
        terminated: status.state.terminated.as_ref().map(terminated),
        last_terminated: status.last_state.terminated.as_ref().map(terminated),
        ..known
    }
}

/// `--name=value`, `--name value`, and `--name` alone for `--name=true`.
fn flags<'a>(words: impl Iterator<Item = &'a String>) -> BTreeMap<String, String> {
    let mut flags = BTreeMap::new();
    let mut words = words.peekable();
    while let Some(word) = words.next() {
        let Some(flag) = word.strip_prefix("--") else { continue };
        let (name, value) = match flag.split_once('=') {
            Some((name, value)) => (name, value),
            None => {
                (flag, words.next_if(|next| !next.starts_with('-')).map_or("true", String::as_str))
            }
        };
        if FLAGS.contains(&name) {
            flags.insert(name.to_owned(), value.to_owned());
        }
    }
    flags
}

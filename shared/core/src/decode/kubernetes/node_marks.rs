//! What Cilium wrote on Nodes.

use serde::Deserialize;

use super::{
    list::{FromApi, Object},
    metadata::{Metadata, nullable},
};
use crate::{
    decode::DecodeError,
    facts::{Condition, NodeInfo, Taint},
    removal::{Host, NodeFound, NodeMarks, is_node_annotation},
};

/// The reason that agents and the operator give for a network that is there.
const IS_UP: &str = "CiliumIsUp";

/// Labels of nodes that have the control plane; kubeadm gave the second up to 1.23.
const CONTROL_PLANE: [&str; 2] =
    ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"];

impl FromApi for NodeFound {
    const KIND: &'static str = "Node";

    /// All taints are listed: which are Cilium's its configuration says.
    fn from_api(object: &Object<'_>) -> Result<Option<Self>, DecodeError> {
        #[derive(Deserialize)]
        struct Raw {
            metadata: Metadata,
            #[serde(default)]
            spec: Spec,
            #[serde(default)]
            status: Status,
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Spec {
            #[serde(deserialize_with = "nullable")]
            taints: Vec<Taint>,
            #[serde(rename = "podCIDRs", deserialize_with = "nullable")]
            pod_cidrs: Vec<String>,
        }
        #[derive(Default, Deserialize)]
        #[serde(default, rename_all = "camelCase")]
        struct Status {
            #[serde(deserialize_with = "nullable")]
            conditions: Vec<Condition>,
            node_info: NodeInfo,
            #[serde(deserialize_with = "nullable")]
            addresses: Vec<Address>,
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Address {
            address: String,
        }
        let Raw { metadata, spec, status } = object.read()?;
        let mut annotations: Vec<String> = metadata.annotations.into_keys().collect();
        annotations.retain(|key| is_node_annotation(key));
        let is_up = |it: &Condition| it.kind == "NetworkUnavailable" && it.reason == IS_UP;
        let is_silent = |it: &Condition| it.kind == "Ready" && it.status == "Unknown";
        let mut taints: Vec<String> = spec.taints.into_iter().map(|taint| taint.key).collect();
        // One for each effect.
        taints.sort();
        taints.dedup();
        // Host names are addresses, too, and CIDRs that make no sense are told by the doctor.
        let addresses = status.addresses.iter().filter_map(|it| it.address.parse().ok()).collect();
        let host = Host {
            name: metadata.name.clone(),
            pod_cidrs: spec.pod_cidrs.iter().filter_map(|cidr| cidr.parse().ok()).collect(),
            addresses,
            is_control_plane: CONTROL_PLANE.iter().any(|it| metadata.labels.contains_key(*it)),
        };
        let marks = NodeMarks {
            name: metadata.name,
            annotations,
            taints,
            is_up_condition: status.conditions.iter().any(is_up),
            is_silent: status.conditions.iter().any(is_silent),
            is_talos: status.node_info.os_image.contains("Talos"),
        };
        Ok(Some(Self { marks, host }))
    }
}

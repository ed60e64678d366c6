//! Nodes and CiliumNodes.

use std::{collections::BTreeMap, net::IpAddr};

use serde::Deserialize;

use super::{
    list::{FromApi, Object},
    metadata::{Metadata, nullable, prefixes},
};
use crate::{
    decode::DecodeError,
    facts::{CiliumNode, Condition, KubeNode, NodeAddress, NodeAddressKind, NodeInfo, Taint},
    redaction,
};

#[derive(Deserialize)]
struct RawAddress {
    #[serde(rename = "type")]
    kind: NodeAddressKind,
    #[serde(alias = "ip")]
    address: String,
}

/// Host names stand among the addresses of a Node; they are left out.
fn node_addresses(raw: Vec<RawAddress>) -> Vec<NodeAddress> {
    raw.into_iter()
        .filter_map(|raw| Some(NodeAddress { kind: raw.kind, address: raw.address.parse().ok()? }))
        .collect()
}

/// Whether an annotation of a Node is Cilium's. Before 1.13 they were `io.cilium.network.…`.
fn is_cilium_annotation(name: &str) -> bool {
    name.starts_with("network.cilium.io/") || name.starts_with("io.cilium.network.")
}

/// In these K3s and RKE2 keep the flags that they were started with, as a list in JSON.
const NODE_ARGUMENTS: [&str; 2] = ["k3s.io/node-args", "rke2.io/node-args"];

/// The same list without secrets; nothing where it is none. K3s hides its own tokens, but not
/// whatever the flags of the kubelet may hold.
fn node_arguments(text: &str) -> Option<String> {
    let words: Vec<String> = serde_json::from_str(text).ok()?;
    serde_json::to_string(&redaction::command(&words)).ok()
}

impl FromApi for KubeNode {
    const KIND: &'static str = "Node";

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
            #[serde(rename = "podCIDRs")]
            pod_cidrs: Vec<String>,
            #[serde(rename = "providerID")]
            provider_id: String,
            taints: Vec<Taint>,
            unschedulable: bool,
        }
        #[derive(Default, Deserialize)]
        #[serde(default, rename_all = "camelCase")]
        struct Status {
            addresses: Vec<RawAddress>,
            capacity: Capacity,
            conditions: Vec<Condition>,
            images: Vec<Image>,
            node_info: NodeInfo,
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Capacity {
            pods: Option<String>,
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Image {
            #[serde(deserialize_with = "nullable")]
            names: Vec<String>,
        }

        let Raw { metadata, spec, status } = object.read()?;
        let images = u32::try_from(status.images.len()).unwrap_or(u32::MAX);
        let names = status.images.into_iter().flat_map(|image| image.names);
        let mut annotations = metadata.annotations_if(is_cilium_annotation);
        annotations.extend(NODE_ARGUMENTS.into_iter().filter_map(|name| {
            Some((name.to_owned(), node_arguments(metadata.annotations.get(name)?)?))
        }));
        Ok(Some(Self {
            pod_cidrs: prefixes("spec.podCIDRs", &spec.pod_cidrs)?,
            addresses: node_addresses(status.addresses),
            max_pods: status.capacity.pods.and_then(|pods| pods.parse().ok()),
            annotations,
            labels: metadata.labels,
            taints: spec.taints,
            unschedulable: spec.unschedulable,
            conditions: status.conditions,
            info: status.node_info,
            provider_id: spec.provider_id,
            images,
            cilium_images: names.filter(|name| name.contains("cilium")).collect(),
            created: metadata.creation_timestamp,
            ..Self::named(metadata.name)
        }))
    }
}

impl FromApi for CiliumNode {
    const KIND: &'static str = "CiliumNode";

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
            addresses: Vec<RawAddress>,
            health: BTreeMap<String, IpAddr>,
            ipam: Ipam,
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Ipam {
            #[serde(rename = "podCIDRs")]
            pod_cidrs: Vec<String>,
            pools: Pools,
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Pools {
            allocated: Vec<AllocatedPool>,
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct AllocatedPool {
            cidrs: Vec<String>,
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Status {
            ipam: StatusIpam,
        }
        #[derive(Default, Deserialize)]
        #[serde(default, rename_all = "kebab-case")]
        struct StatusIpam {
            operator_status: OperatorStatus,
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct OperatorStatus {
            error: String,
        }

        let Raw { metadata, spec, status } = object.read()?;
        let mut pod_cidrs = prefixes("spec.ipam.podCIDRs", &spec.ipam.pod_cidrs)?;
        for pool in &spec.ipam.pools.allocated {
            pod_cidrs.extend(prefixes("spec.ipam.pools.allocated", &pool.cidrs)?);
        }
        Ok(Some(Self {
            pod_cidrs,
            addresses: node_addresses(spec.addresses),
            health: spec.health.into_values().collect(),
            operator_error: status.ipam.operator_status.error,
            ..Self::named(metadata.name)
        }))
    }
}

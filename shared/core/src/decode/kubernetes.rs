//! API objects as `kubectl get -o json` prints them: a single object or a list.
//!
//! Only the fields that facts need are named; everything else is skipped while decoding.

use std::{collections::BTreeMap, net::IpAddr};

use ipnet::IpNet;
use semver::Version;
use serde::Deserialize;

use super::DecodeError;
use crate::facts::{
    AgentPod, CiliumConfig, CiliumNode, KubeNode, NodeAddress, NodeAddressKind, NodeName,
};

/// A list of objects, or one object.
fn objects<T: for<'de> Deserialize<'de>>(json: &str) -> Result<Vec<T>, DecodeError> {
    let mut value: serde_json::Value = serde_json::from_str(json)?;
    if let Some(items) = value.get_mut("items") {
        // `items: null` is how Go writes an empty list.
        return Ok(Option::deserialize(items.take())?.unwrap_or_default());
    }
    if value.get("metadata").is_some() {
        return Ok(vec![T::deserialize(value)?]);
    }
    Err(DecodeError::new("neither a Kubernetes object nor a list of them"))
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

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

fn prefixes(object: &str, texts: &[String]) -> Result<Vec<IpNet>, DecodeError> {
    texts
        .iter()
        .map(|text| {
            text.parse::<IpNet>()
                .map(|net| net.trunc())
                .map_err(|_| DecodeError::new(format!("{object}: `{text}` is not a CIDR")))
        })
        .collect()
}

/// CiliumNodes.
pub fn cilium_nodes(json: &str) -> Result<Vec<CiliumNode>, DecodeError> {
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

    objects::<Raw>(json)?
        .into_iter()
        .map(|raw| {
            let object = format!("CiliumNode {}", raw.metadata.name);
            let mut pod_cidrs = prefixes(&object, &raw.spec.ipam.pod_cidrs)?;
            for pool in &raw.spec.ipam.pools.allocated {
                pod_cidrs.extend(prefixes(&object, &pool.cidrs)?);
            }
            Ok(CiliumNode {
                name: NodeName::from(raw.metadata.name),
                pod_cidrs,
                addresses: node_addresses(raw.spec.addresses),
                health: raw.spec.health.into_values().collect(),
                operator_error: raw.status.ipam.operator_status.error,
            })
        })
        .collect()
}

/// Nodes.
pub fn nodes(json: &str) -> Result<Vec<KubeNode>, DecodeError> {
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
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Status {
        addresses: Vec<RawAddress>,
        capacity: Capacity,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Capacity {
        pods: Option<String>,
    }

    objects::<Raw>(json)?
        .into_iter()
        .map(|raw| {
            let object = format!("Node {}", raw.metadata.name);
            Ok(KubeNode {
                pod_cidrs: prefixes(&object, &raw.spec.pod_cidrs)?,
                name: NodeName::from(raw.metadata.name),
                addresses: node_addresses(raw.status.addresses),
                max_pods: raw.status.capacity.pods.and_then(|pods| pods.parse().ok()),
            })
        })
        .collect()
}

/// The live configuration: the ConfigMap `cilium-config` among ConfigMaps of any namespace.
/// `None` says that there is none.
pub fn cilium_config(
    json: &str,
    version: Option<&Version>,
) -> Result<Option<CiliumConfig>, DecodeError> {
    #[derive(Deserialize)]
    struct Raw {
        metadata: Metadata,
        #[serde(default)]
        data: BTreeMap<String, String>,
    }
    let found = objects::<Raw>(json)?.into_iter().find(|raw| raw.metadata.name == "cilium-config");
    found
        .map(|raw| {
            let namespace = &raw.metadata.namespace;
            super::cilium_config::from_config_map(&raw.data, namespace, version.cloned())
        })
        .transpose()
}

/// Cilium's version: tag of the `cilium-agent` image of the DaemonSet labelled `k8s-app=cilium`.
pub fn agent_version(json: &str) -> Result<Option<Version>, DecodeError> {
    #[derive(Deserialize)]
    struct Raw {
        metadata: Metadata,
        spec: Spec,
    }
    #[derive(Deserialize)]
    struct Spec {
        template: Template,
    }
    #[derive(Deserialize)]
    struct Template {
        spec: PodSpec,
    }
    #[derive(Deserialize)]
    struct PodSpec {
        #[serde(default)]
        containers: Vec<Container>,
    }
    #[derive(Deserialize)]
    struct Container {
        name: String,
        #[serde(default)]
        image: String,
    }
    Ok(objects::<Raw>(json)?
        .into_iter()
        .filter(|raw| is_agent(&raw.metadata))
        .flat_map(|raw| raw.spec.template.spec.containers)
        .filter(|container| container.name == "cilium-agent")
        .find_map(|container| image_version(&container.image)))
}

fn is_agent(metadata: &Metadata) -> bool {
    metadata.labels.get("k8s-app").is_some_and(|app| app == "cilium")
}

/// `quay.io/cilium/cilium:v1.14.2@sha256:…` → 1.14.2.
fn image_version(image: &str) -> Option<Version> {
    let without_digest = image.split('@').next()?;
    let (_, tag) = without_digest.rsplit_once(':')?;
    Version::parse(tag.strip_prefix('v').unwrap_or(tag)).ok()
}

/// What Pods tell: the agents, and the API servers' `--service-cluster-ip-range`.
pub struct PodFacts {
    /// Agent pods that are bound to a node.
    pub agents: Vec<AgentPod>,
    /// Service CIDRs, as written; empty where the API server does not run as a pod.
    pub service_cidrs: Vec<String>,
}

/// Pods.
pub fn pods(json: &str) -> Result<PodFacts, DecodeError> {
    #[derive(Deserialize)]
    struct Raw {
        metadata: Metadata,
        #[serde(default)]
        spec: Spec,
        #[serde(default)]
        status: Status,
    }
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "camelCase")]
    struct Spec {
        node_name: Option<String>,
        containers: Vec<Container>,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Container {
        name: String,
        command: Vec<String>,
        args: Vec<String>,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Status {
        conditions: Vec<Condition>,
    }
    #[derive(Deserialize)]
    struct Condition {
        #[serde(rename = "type")]
        kind: String,
        status: String,
    }

    let mut facts = PodFacts { agents: Vec::new(), service_cidrs: Vec::new() };
    for raw in objects::<Raw>(json)? {
        let containers = &raw.spec.containers;
        if is_agent(&raw.metadata)
            && containers.iter().any(|container| container.name == "cilium-agent")
            && let Some(node) = raw.spec.node_name
        {
            let ready = raw
                .status
                .conditions
                .iter()
                .any(|condition| condition.kind == "Ready" && condition.status == "True");
            facts.agents.push(AgentPod { node: node.into(), name: raw.metadata.name, ready });
        } else if let Some(server) =
            containers.iter().find(|container| container.name == "kube-apiserver")
        {
            let words = server.command.iter().chain(&server.args);
            let ranges = words.filter_map(|word| word.strip_prefix("--service-cluster-ip-range="));
            for cidr in ranges.flat_map(|list| list.split(',')) {
                if !facts.service_cidrs.iter().any(|known| known == cidr) {
                    facts.service_cidrs.push(cidr.to_owned());
                }
            }
        }
    }
    Ok(facts)
}

/// ServiceCIDRs (`networking.k8s.io`): their CIDRs, as written.
pub fn service_cidrs(json: &str) -> Result<Vec<String>, DecodeError> {
    #[derive(Deserialize)]
    struct Raw {
        #[serde(default)]
        spec: Spec,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Spec {
        cidrs: Vec<String>,
    }
    Ok(objects::<Raw>(json)?.into_iter().flat_map(|raw| raw.spec.cidrs).collect())
}

/// Addresses of the API servers: EndpointSlices of the Service `default/kubernetes`.
pub fn api_servers(json: &str) -> Result<Vec<IpAddr>, DecodeError> {
    #[derive(Deserialize)]
    struct Raw {
        metadata: Metadata,
        #[serde(default)]
        endpoints: Option<Vec<Endpoint>>,
    }
    #[derive(Deserialize)]
    struct Endpoint {
        #[serde(default)]
        addresses: Vec<String>,
    }
    Ok(objects::<Raw>(json)?
        .into_iter()
        .filter(|raw| {
            raw.metadata.namespace == "default"
                && raw.metadata.labels.get("kubernetes.io/service-name").map(String::as_str)
                    == Some("kubernetes")
        })
        .flat_map(|raw| raw.endpoints.unwrap_or_default())
        .flat_map(|endpoint| endpoint.addresses)
        .filter_map(|address| address.parse().ok())
        .collect())
}

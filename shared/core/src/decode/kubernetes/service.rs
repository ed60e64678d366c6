//! Services, EndpointSlices and ServiceCIDRs.

use std::{collections::BTreeMap, net::IpAddr};

use serde::Deserialize;

use super::{
    list::{FromApi, Object},
    metadata::{Metadata, nullable},
};
use crate::{
    decode::DecodeError,
    facts::{Service, ServiceEndpoint, ServiceEndpoints, ServicePort, ServiceType, TrafficPolicy},
};

/// Texts that are addresses. `None` stands among the cluster IPs of a headless Service, and names
/// among the endpoints of some slices.
fn addresses(texts: Vec<String>) -> Vec<IpAddr> {
    texts.into_iter().filter_map(|text| text.parse().ok()).collect()
}

/// Whether Cilium reads an annotation. Before 1.13 those of global services were `io.cilium/…`.
fn is_cilium_annotation(name: &str) -> bool {
    ["service.cilium.io/", "io.cilium/", "lbipam.cilium.io/"].iter().any(|it| name.starts_with(it))
}

impl FromApi for Service {
    const KIND: &'static str = "Service";

    fn from_api(object: &Object<'_>) -> Result<Option<Self>, DecodeError> {
        #[derive(Deserialize)]
        struct Raw {
            metadata: Metadata,
            spec: Spec,
            #[serde(default)]
            status: Status,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Spec {
            #[serde(default, rename = "type")]
            kind: ServiceType,
            #[serde(default, rename = "clusterIPs")]
            cluster_ips: Vec<String>,
            #[serde(default, rename = "clusterIP")]
            cluster_ip: String,
            #[serde(default, rename = "externalIPs")]
            external_ips: Vec<String>,
            #[serde(default)]
            ports: Vec<ServicePort>,
            #[serde(default)]
            external_traffic_policy: TrafficPolicy,
            load_balancer_class: Option<String>,
            #[serde(default, deserialize_with = "nullable")]
            selector: BTreeMap<String, String>,
        }
        #[derive(Default, Deserialize)]
        #[serde(default, rename_all = "camelCase")]
        struct Status {
            load_balancer: LoadBalancer,
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct LoadBalancer {
            #[serde(deserialize_with = "nullable")]
            ingress: Vec<Ingress>,
        }
        #[derive(Deserialize)]
        struct Ingress {
            #[serde(default)]
            ip: String,
        }

        let Raw { metadata, spec, status } = object.read()?;
        // API servers before 1.20 knew one address only.
        let cluster_ips = match &spec.cluster_ips[..] {
            [] => vec![spec.cluster_ip],
            _ => spec.cluster_ips,
        };
        let ingress = status.load_balancer.ingress.into_iter().map(|it| it.ip).collect();
        Ok(Some(Self {
            kind: spec.kind,
            cluster_ips: addresses(cluster_ips),
            external_ips: addresses(spec.external_ips),
            load_balancer_ips: addresses(ingress),
            ports: spec.ports,
            external_traffic_policy: spec.external_traffic_policy,
            load_balancer_class: spec.load_balancer_class,
            selector: spec.selector,
            annotations: metadata.annotations_if(is_cilium_annotation),
            namespace: metadata.namespace,
            name: metadata.name,
        }))
    }
}

impl FromApi for ServiceEndpoints {
    const KIND: &'static str = "EndpointSlice";

    /// `None` for slices that belong to no Service.
    fn from_api(object: &Object<'_>) -> Result<Option<Self>, DecodeError> {
        #[derive(Deserialize)]
        struct Raw {
            metadata: Metadata,
            #[serde(default, deserialize_with = "nullable")]
            endpoints: Vec<Endpoint>,
            #[serde(default, deserialize_with = "nullable")]
            ports: Vec<Port>,
        }
        #[derive(Deserialize)]
        struct Port {
            port: Option<u16>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Endpoint {
            #[serde(default)]
            addresses: Vec<String>,
            #[serde(default)]
            conditions: Conditions,
            node_name: Option<String>,
            target_ref: Option<Target>,
        }
        #[derive(Default, Deserialize)]
        struct Conditions {
            ready: Option<bool>,
        }
        #[derive(Deserialize)]
        struct Target {
            #[serde(default)]
            kind: String,
            #[serde(default)]
            name: String,
        }

        let Raw { mut metadata, endpoints, ports } = object.read()?;
        let Some(service) = metadata.labels.remove("kubernetes.io/service-name") else {
            return Ok(None);
        };
        let endpoints = endpoints.into_iter().map(|raw| ServiceEndpoint {
            addresses: addresses(raw.addresses),
            // Not said means yes.
            ready: raw.conditions.ready.unwrap_or(true),
            node: raw.node_name.map(Into::into),
            pod: raw.target_ref.filter(|it| it.kind == "Pod").map(|it| it.name),
        });
        Ok(Some(Self {
            namespace: metadata.namespace,
            service,
            ports: ports.into_iter().filter_map(|it| it.port).collect(),
            endpoints: endpoints.collect(),
        }))
    }
}

/// A ServiceCIDR (`networking.k8s.io`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceCidr {
    /// Name.
    pub name: String,
    /// `spec.cidrs`, as written.
    pub cidrs: Vec<String>,
}

impl FromApi for ServiceCidr {
    const KIND: &'static str = "ServiceCIDR";

    fn from_api(object: &Object<'_>) -> Result<Option<Self>, DecodeError> {
        #[derive(Deserialize)]
        struct Raw {
            metadata: Metadata,
            #[serde(default)]
            spec: Spec,
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Spec {
            cidrs: Vec<String>,
        }
        let Raw { metadata, spec } = object.read()?;
        Ok(Some(Self { name: metadata.name, cidrs: spec.cidrs }))
    }
}

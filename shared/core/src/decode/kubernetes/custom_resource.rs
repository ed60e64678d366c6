//! Cilium's CRDs, CiliumEndpoints, CiliumNodeConfigs and CiliumLocalRedirectPolicies.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    list::{FromApi, Object},
    metadata::{Metadata, nullable},
};
use crate::{
    decode::DecodeError,
    facts::{
        CiliumEndpoint, CiliumNodeConfig, Condition, CustomResource, CustomResourceVersion,
        LabelSelector, LocalRedirectPolicy,
    },
    redaction,
};

impl FromApi for CustomResource {
    const KIND: &'static str = "CustomResourceDefinition";

    /// `None` for other groups.
    fn from_api(object: &Object<'_>) -> Result<Option<Self>, DecodeError> {
        #[derive(Deserialize)]
        struct Raw {
            metadata: Metadata,
            spec: Spec,
            #[serde(default)]
            status: Status,
        }
        #[derive(Deserialize)]
        struct Spec {
            group: String,
            names: Names,
            #[serde(default)]
            versions: Vec<CustomResourceVersion>,
        }
        #[derive(Deserialize)]
        struct Names {
            kind: String,
        }
        #[derive(Default, Deserialize)]
        #[serde(default, rename_all = "camelCase")]
        struct Status {
            #[serde(deserialize_with = "nullable")]
            conditions: Vec<Condition>,
            #[serde(deserialize_with = "nullable")]
            stored_versions: Vec<String>,
        }

        let Raw { mut metadata, spec, status } = object.read()?;
        if spec.group != "cilium.io" {
            return Ok(None);
        }
        let is_established = |it: &Condition| it.kind == "Established" && it.holds();
        Ok(Some(Self {
            schema_version: metadata.labels.remove("io.cilium.k8s.crd.schema.version"),
            name: metadata.name,
            kind: spec.names.kind,
            versions: spec.versions,
            stored_versions: status.stored_versions,
            established: status.conditions.iter().any(is_established),
        }))
    }
}

impl FromApi for CiliumEndpoint {
    const KIND: &'static str = "CiliumEndpoint";

    fn from_api(object: &Object<'_>) -> Result<Option<Self>, DecodeError> {
        #[derive(Deserialize)]
        struct Raw {
            metadata: Metadata,
            #[serde(default)]
            status: Status,
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Status {
            state: String,
            #[serde(deserialize_with = "nullable")]
            identity: Identity,
            #[serde(deserialize_with = "nullable")]
            networking: Networking,
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Identity {
            id: Option<u64>,
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Networking {
            #[serde(deserialize_with = "nullable")]
            addressing: Vec<Pair>,
            node: String,
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Pair {
            ipv4: String,
            ipv6: String,
        }

        let Raw { metadata, status } = object.read()?;
        let pairs = status.networking.addressing.into_iter();
        Ok(Some(Self {
            namespace: metadata.namespace,
            name: metadata.name,
            state: status.state,
            addresses: pairs
                .flat_map(|pair| [pair.ipv4, pair.ipv6])
                .filter_map(|text| text.parse().ok())
                .collect(),
            identity: status.identity.id,
            node: status.networking.node.parse().ok(),
        }))
    }
}

impl FromApi for CiliumNodeConfig {
    const KIND: &'static str = "CiliumNodeConfig";

    fn from_api(object: &Object<'_>) -> Result<Option<Self>, DecodeError> {
        #[derive(Deserialize)]
        struct Raw {
            metadata: Metadata,
            #[serde(default)]
            spec: Spec,
        }
        #[derive(Default, Deserialize)]
        #[serde(default, rename_all = "camelCase")]
        struct Spec {
            node_selector: Option<LabelSelector>,
            defaults: BTreeMap<String, String>,
        }
        let Raw { metadata, mut spec } = object.read()?;
        redaction::map(&mut spec.defaults);
        Ok(Some(Self {
            namespace: metadata.namespace,
            name: metadata.name,
            nodes: spec.node_selector,
            defaults: spec.defaults,
        }))
    }
}

impl FromApi for LocalRedirectPolicy {
    const KIND: &'static str = "CiliumLocalRedirectPolicy";

    fn from_api(object: &Object<'_>) -> Result<Option<Self>, DecodeError> {
        #[derive(Deserialize)]
        struct Raw {
            metadata: Metadata,
            #[serde(default)]
            spec: Spec,
        }
        #[derive(Default, Deserialize)]
        #[serde(default, rename_all = "camelCase")]
        struct Spec {
            redirect_frontend: Frontend,
        }
        #[derive(Default, Deserialize)]
        #[serde(default, rename_all = "camelCase")]
        struct Frontend {
            service_matcher: Option<ServiceMatcher>,
            address_matcher: Option<AddressMatcher>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct ServiceMatcher {
            service_name: String,
        }
        #[derive(Deserialize)]
        struct AddressMatcher {
            ip: String,
        }
        let Raw { metadata, spec } = object.read()?;
        let frontend = spec.redirect_frontend;
        Ok(Some(Self {
            namespace: metadata.namespace,
            name: metadata.name,
            service: frontend.service_matcher.map(|matcher| matcher.service_name),
            address: frontend.address_matcher.and_then(|matcher| matcher.ip.parse().ok()),
        }))
    }
}

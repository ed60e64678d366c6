//! The cluster's DNS.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::facts::NodeName;

/// A ConfigMap with a `Corefile`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Corefile {
    /// Namespace.
    pub namespace: String,
    /// `coredns`, `node-local-dns`, or what the distribution calls it.
    pub name: String,
    /// The text, redacted.
    pub text: String,
}

/// A CiliumLocalRedirectPolicy: what goes to a frontend goes to pods of the same node instead.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LocalRedirectPolicy {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// The Service whose address is the frontend, which is in the policy's namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The address that is the frontend.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
}

/// An EndpointSlice: some of a Service's endpoints.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceEndpoints {
    /// Namespace.
    pub namespace: String,
    /// Name of the Service.
    pub service: String,
    /// Their ports, in the order of the slice.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<u16>,
    /// The endpoints.
    pub endpoints: Vec<ServiceEndpoint>,
}

/// An endpoint of a Service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceEndpoint {
    /// Its addresses; names are left out.
    pub addresses: Vec<IpAddr>,
    /// Whether it takes connections.
    pub ready: bool,
    /// Node of the pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeName>,
    /// Name of the pod, which is in the Service's namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
}

impl ServiceEndpoints {
    /// Whether these are endpoints of that Service.
    pub fn is_of(&self, namespace: &str, service: &str) -> bool {
        self.namespace == namespace && self.service == service
    }
}

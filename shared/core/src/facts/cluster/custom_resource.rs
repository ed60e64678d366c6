//! Cilium's own kinds.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// A CustomResourceDefinition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CustomResource {
    /// Such as `ciliumnodes.cilium.io`.
    pub name: String,
    /// Such as `CiliumNode`.
    pub kind: String,
    /// Versions that the definition knows.
    pub versions: Vec<CustomResourceVersion>,
    /// Versions in which objects may be stored.
    pub stored_versions: Vec<String>,
    /// Whether the API server serves it.
    pub established: bool,
    /// `io.cilium.k8s.crd.schema.version`, by which operators know whether it is theirs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema_version: Option<String>,
}

/// A version of a custom resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CustomResourceVersion {
    /// Such as `v2alpha1`.
    pub name: String,
    /// Whether clients may ask for it.
    pub served: bool,
    /// Whether new objects are stored in it.
    pub storage: bool,
}

/// A CiliumEndpoint: a pod that Cilium manages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CiliumEndpoint {
    /// Namespace of the pod.
    pub namespace: String,
    /// Name of the pod.
    pub name: String,
    /// `status.state`: `ready`, `waiting-for-identity`, `not-ready` …
    pub state: String,
    /// Addresses of both families.
    pub addresses: Vec<IpAddr>,
    /// `status.identity.id`; 5 is `init`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<u64>,
    /// `status.networking.node`: the address of its node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<IpAddr>,
}

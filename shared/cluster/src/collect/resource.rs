//! Collections of the API, and the permission that reading them takes.

/// A kind of objects, as paths name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resource {
    /// The group; empty for the core.
    pub group: &'static str,
    /// The version.
    pub version: &'static str,
    /// The plural name.
    pub plural: &'static str,
}

impl Resource {
    const fn new(group: &'static str, version: &'static str, plural: &'static str) -> Self {
        Self { group, version, plural }
    }

    pub(crate) const CONFIG_MAPS: Self = Self::new("", "v1", "configmaps");
    pub(crate) const EVENTS: Self = Self::new("", "v1", "events");
    /// Namespaces.
    pub const NAMESPACES: Self = Self::new("", "v1", "namespaces");
    /// Nodes.
    pub const NODES: Self = Self::new("", "v1", "nodes");
    pub(crate) const PODS: Self = Self::new("", "v1", "pods");
    /// Secrets.
    pub const SECRETS: Self = Self::new("", "v1", "secrets");
    pub(crate) const SERVICE_ACCOUNTS: Self = Self::new("", "v1", "serviceaccounts");
    pub(crate) const SERVICES: Self = Self::new("", "v1", "services");
    pub(crate) const CUSTOM_RESOURCES: Self =
        Self::new("apiextensions.k8s.io", "v1", "customresourcedefinitions");
    pub(crate) const DAEMON_SETS: Self = Self::new("apps", "v1", "daemonsets");
    pub(crate) const DEPLOYMENTS: Self = Self::new("apps", "v1", "deployments");
    pub(crate) const CILIUM_NODES: Self = Self::new("cilium.io", "v2", "ciliumnodes");
    pub(crate) const CILIUM_ENDPOINTS: Self = Self::new("cilium.io", "v2", "ciliumendpoints");
    pub(crate) const LOCAL_REDIRECT_POLICIES: Self =
        Self::new("cilium.io", "v2", "ciliumlocalredirectpolicies");
    pub(crate) const CILIUM_POLICIES: Self = Self::new("cilium.io", "v2", "ciliumnetworkpolicies");
    pub(crate) const CILIUM_CLUSTER_POLICIES: Self =
        Self::new("cilium.io", "v2", "ciliumclusterwidenetworkpolicies");
    /// v2 from 1.16; v2alpha1 from 1.13 to 1.19.
    pub(crate) const CILIUM_NODE_CONFIGS: [Self; 2] = [
        Self::new("cilium.io", "v2", "ciliumnodeconfigs"),
        Self::new("cilium.io", "v2alpha1", "ciliumnodeconfigs"),
    ];
    pub(crate) const LEASES: Self = Self::new("coordination.k8s.io", "v1", "leases");
    /// v1 from Kubernetes 1.21; v1beta1 before.
    pub(crate) const ENDPOINT_SLICES: [Self; 2] = [
        Self::new("discovery.k8s.io", "v1", "endpointslices"),
        Self::new("discovery.k8s.io", "v1beta1", "endpointslices"),
    ];
    pub(crate) const NETWORK_POLICIES: Self =
        Self::new("networking.k8s.io", "v1", "networkpolicies");
    /// v1 from Kubernetes 1.33; v1beta1 from 1.31.
    pub(crate) const SERVICE_CIDRS: [Self; 2] = [
        Self::new("networking.k8s.io", "v1", "servicecidrs"),
        Self::new("networking.k8s.io", "v1beta1", "servicecidrs"),
    ];

    /// The path of the collection, in one namespace or in all.
    pub fn path(&self, namespace: Option<&str>) -> String {
        let root = match self.group {
            "" => format!("/api/{}", self.version),
            group => format!("/apis/{group}/{}", self.version),
        };
        match namespace {
            Some(namespace) => format!("{root}/namespaces/{namespace}/{}", self.plural),
            None => format!("{root}/{}", self.plural),
        }
    }

    /// The name by which RBAC knows it, such as `ciliumnodes.cilium.io`.
    pub fn qualified(&self) -> String {
        match self.group {
            "" => self.plural.to_owned(),
            group => format!("{}.{group}", self.plural),
        }
    }

    /// A permission in words, such as `list pods in namespace kube-system`.
    pub fn need(&self, verb: &str, namespace: Option<&str>) -> String {
        match namespace {
            Some(namespace) => format!("{verb} {} in namespace {namespace}", self.qualified()),
            None => format!("{verb} {}", self.qualified()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Resource;

    #[test]
    fn paths_and_permissions() {
        assert_eq!(Resource::NODES.path(None), "/api/v1/nodes");
        assert_eq!(
            Resource::DAEMON_SETS.path(Some("kube-system")),
            "/apis/apps/v1/namespaces/kube-system/daemonsets"
        );
        assert_eq!(Resource::CILIUM_NODES.need("list", None), "list ciliumnodes.cilium.io");
        assert_eq!(Resource::PODS.need("get", Some("a")), "get pods in namespace a");
    }
}

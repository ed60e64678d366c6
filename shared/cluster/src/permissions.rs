//! What the doctor reads, as RBAC names it: for `auth`, for the roles in docs/rbac.yaml, and for
//! whoever wonders which fact a missing permission costs.

use futures_util::{StreamExt as _, stream};
use kcilium_core::facts::{Facts, Unavailable};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{Api, ApiError, collect::Resource};

/// One permission.
#[derive(Clone, Copy, Debug)]
pub struct Permission {
    /// The verb, such as `list`.
    pub verb: &'static str,
    /// The kind.
    pub resource: Resource,
    /// Such as `exec`; empty for the objects themselves.
    pub subresource: &'static str,
    /// Where it is needed.
    pub place: Place,
    /// The role of docs/rbac.yaml that grants it.
    pub role: Role,
    /// Takes from facts what cannot be read without it.
    pub remove: fn(&mut Facts, &Unavailable),
}

/// Where a permission is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In all namespaces, or for kinds that have none.
    Cluster,
    /// In Cilium's namespace.
    Home,
    /// For one object.
    Object {
        /// Its namespace; none for Cilium's.
        namespace: Option<&'static str>,
        /// Its name.
        name: &'static str,
    },
    /// In this namespace.
    Namespace(&'static str),
}

/// The graded roles of docs/rbac.yaml; each adds to the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Reads objects, no Secrets.
    Api,
    /// Reads logs of containers that fail.
    Logs,
    /// Looks at nodes by running a script in their agents.
    Exec,
    /// Reads the Helm release, which is a Secret in Cilium's namespace.
    Helm,
    /// Puts a program on nodes for a while.
    Prober,
}

impl Role {
    /// The name in docs/rbac.yaml.
    pub fn name(self) -> &'static str {
        match self {
            Self::Api => "kcilium-api",
            Self::Logs => "kcilium-logs",
            Self::Exec => "kcilium-exec",
            Self::Helm => "kcilium-helm",
            Self::Prober => "kcilium-prober",
        }
    }
}

macro_rules! without {
    ($($field:ident),+) => {
        |facts, why| { $( facts.cluster.$field = Err(why.clone()).into(); )+ }
    };
}

const fn list(resource: Resource, remove: fn(&mut Facts, &Unavailable)) -> Permission {
    Permission {
        verb: "list",
        resource,
        subresource: "",
        place: Place::Cluster,
        role: Role::Api,
        remove,
    }
}

const fn object(
    namespace: Option<&'static str>,
    name: &'static str,
    remove: fn(&mut Facts, &Unavailable),
) -> Permission {
    Permission {
        verb: "get",
        place: Place::Object { namespace, name },
        ..list(Resource::CONFIG_MAPS, remove)
    }
}

fn without_nodes(facts: &mut Facts, why: &Unavailable) {
    for node in &mut facts.nodes {
        *node = kcilium_core::facts::NodeFacts::unavailable(node.name.clone(), why);
    }
}

/// All that the doctor asks for.
pub const ALL: &[Permission] = &[
    list(Resource::NODES, without!(nodes)),
    list(Resource::CILIUM_NODES, without!(cilium_nodes)),
    object(None, "cilium-config", without!(config, config_data)),
    list(Resource::DAEMON_SETS, without!(daemon_sets)),
    list(Resource::DEPLOYMENTS, without!(deployments)),
    list(Resource::PODS, without!(pods, agents, control_plane)),
    Permission { verb: "get", ..list(Resource::PODS, without!(troubled_pods, logs)) },
    Permission {
        verb: "get",
        subresource: "log",
        role: Role::Logs,
        ..list(Resource::PODS, without!(logs))
    },
    list(Resource::NAMESPACES, |_, _| {}),
    list(Resource::CILIUM_NODE_CONFIGS[0], without!(cilium_node_configs)),
    list(Resource::CILIUM_ENDPOINTS, without!(cilium_endpoints)),
    list(Resource::SERVICES, without!(services)),
    list(Resource::ENDPOINT_SLICES[0], without!(api_servers, api_server_port, dns_endpoints)),
    list(Resource::SERVICE_CIDRS[0], without!(service_cidrs)),
    list(Resource::EVENTS, without!(events)),
    list(Resource::NETWORK_POLICIES, without!(network_policies)),
    list(Resource::CILIUM_POLICIES, without!(cilium_network_policies)),
    list(Resource::CILIUM_CLUSTER_POLICIES, without!(cilium_clusterwide_network_policies)),
    list(Resource::LOCAL_REDIRECT_POLICIES, without!(local_redirect_policies)),
    list(Resource::CUSTOM_RESOURCES, without!(custom_resources)),
    list(Resource::LEASES, without!(leases)),
    object(Some("kube-system"), "kubeadm-config", without!(kubeadm)),
    object(Some("kube-public"), "cluster-info", without!(cluster_info)),
    object(Some("kube-system"), "kube-proxy", without!(kube_proxy)),
    object(Some("kube-system"), "kubelet-config", without!(kubelet_config)),
    object(Some("kube-system"), "coredns", without!(corefiles)),
    Permission {
        verb: "create",
        subresource: "exec",
        place: Place::Home,
        role: Role::Exec,
        ..list(Resource::PODS, without_nodes)
    },
    // Before Kubernetes 1.35 this is what a WebSocket needs, and only this.
    Permission {
        verb: "get",
        subresource: "exec",
        place: Place::Home,
        role: Role::Exec,
        ..list(Resource::PODS, without_nodes)
    },
    Permission {
        place: Place::Home,
        role: Role::Helm,
        ..list(Resource::SECRETS, without!(releases))
    },
    Permission {
        verb: "get",
        place: Place::Home,
        role: Role::Helm,
        ..list(Resource::SECRETS, without!(releases))
    },
    // Where HELM_DRIVER is configmap.
    Permission {
        place: Place::Home,
        role: Role::Helm,
        ..list(Resource::CONFIG_MAPS, without!(releases))
    },
    Permission {
        verb: "get",
        place: Place::Home,
        role: Role::Helm,
        ..list(Resource::CONFIG_MAPS, without!(releases))
    },
];

const fn staging(verb: &'static str, resource: Resource, subresource: &'static str) -> Permission {
    let place = Place::Cluster;
    Permission { verb, resource, subresource, place, role: Role::Prober, remove: |_, _| {} }
}

/// What putting a program on nodes takes, beyond [`ALL`]. In all namespaces, because each run has a
/// new one.
pub const PROBER: &[Permission] = &[
    staging("create", Resource::NAMESPACES, ""),
    staging("delete", Resource::NAMESPACES, ""),
    staging("create", Resource::SERVICE_ACCOUNTS, ""),
    staging("deletecollection", Resource::SERVICE_ACCOUNTS, ""),
    staging("create", Resource::CONFIG_MAPS, ""),
    staging("deletecollection", Resource::CONFIG_MAPS, ""),
    staging("create", Resource::PODS, ""),
    staging("list", Resource::PODS, ""),
    staging("deletecollection", Resource::PODS, ""),
    staging("get", Resource::PODS, "log"),
];

/// What telling cleaners on nodes to begin takes, beyond [`PROBER`].
pub const CLEANER: &[Permission] = &[staging("patch", Resource::PODS, "")];

/// What letting pods send everything takes, beyond [`PROBER`].
pub const ALLOWER: &[Permission] = &[
    staging("create", Resource::CILIUM_POLICIES, ""),
    staging("deletecollection", Resource::CILIUM_POLICIES, ""),
];

/// The same where images were pulled with Secrets. Without it, kubelets from Kubernetes 1.35 on may
/// not let the pods use them.
pub const PULL_SECRETS: &[Permission] =
    &[staging("create", Resource::SECRETS, ""), staging("deletecollection", Resource::SECRETS, "")];

/// What sending the program into running pods takes, where ConfigMaps are turned down.
pub const DELIVERY: &[Permission] =
    &[staging("create", Resource::PODS, "exec"), staging("get", Resource::PODS, "exec")];

impl Permission {
    /// In words, such as `get pods/exec in namespace kube-system`.
    pub fn in_words(&self, home: &str) -> String {
        let mut resource = self.resource.qualified();
        if !self.subresource.is_empty() {
            resource = match resource.split_once('.') {
                Some((plural, group)) => format!("{plural}/{}.{group}", self.subresource),
                None => format!("{resource}/{}", self.subresource),
            };
        }
        let verb = self.verb;
        match self.place {
            Place::Cluster => format!("{verb} {resource}"),
            Place::Home => format!("{verb} {resource} in namespace {home}"),
            Place::Namespace(namespace) => format!("{verb} {resource} in namespace {namespace}"),
            Place::Object { namespace, name } => {
                format!("{verb} {resource} {}/{name}", namespace.unwrap_or(home))
            }
        }
    }

    fn attributes(&self, home: &str) -> serde_json::Value {
        let (namespace, name) = match self.place {
            Place::Cluster => ("", ""),
            Place::Home => (home, ""),
            Place::Namespace(namespace) => (namespace, ""),
            Place::Object { namespace, name } => (namespace.unwrap_or(home), name),
        };
        json!({
            "verb": self.verb,
            "group": self.resource.group,
            "version": self.resource.version,
            "resource": self.resource.plural,
            "subresource": self.subresource,
            "namespace": namespace,
            "name": name,
        })
    }
}

/// The API server's word about a permission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whether it is granted.
    pub allowed: bool,
    /// What the authorizer adds, if anything.
    pub reason: String,
}

/// How many questions are under way.
const AT_ONCE: usize = 8;

/// Asks the API server which permissions the user has; the answers are in the order of the
/// permissions.
pub async fn review(
    api: &Api,
    permissions: &[Permission],
    home: &str,
) -> Vec<Result<Answer, ApiError>> {
    stream::iter(permissions)
        .map(|permission| review_one(api, permission, home))
        .buffered(AT_ONCE)
        .collect()
        .await
}

/// Those that the user does not have.
///
/// # Errors
/// When the API server does not say.
pub async fn missing<'a>(
    api: &Api,
    permissions: &'a [Permission],
    home: &str,
) -> Result<Vec<&'a Permission>, ApiError> {
    let mut missing = Vec::new();
    for (permission, answer) in permissions.iter().zip(review(api, permissions, home).await) {
        if !answer?.allowed {
            missing.push(permission);
        }
    }
    Ok(missing)
}

async fn review_one(api: &Api, permission: &Permission, home: &str) -> Result<Answer, ApiError> {
    #[derive(Deserialize)]
    struct Review {
        status: Status,
    }
    #[derive(Deserialize)]
    struct Status {
        allowed: bool,
        #[serde(default)]
        reason: String,
    }
    let body = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": permission.attributes(home)},
    });
    let answer =
        api.review("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", &body).await?;
    let Review { status } = serde_json::from_slice(&answer)
        .map_err(|error| ApiError::Unreadable { reason: error.to_string() })?;
    Ok(Answer { allowed: status.allowed, reason: status.reason })
}

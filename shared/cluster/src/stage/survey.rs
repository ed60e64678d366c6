//! What must be known of a node before something is put on it.

use k8s_openapi::{
    List,
    api::core::v1::{Node, NodeSystemInfo, Pod},
};
use kcilium_core::facts::NodeName;
use serde::Deserialize;

use super::{
    absence::Absence,
    image::{self, Image},
};
use crate::{Api, ApiError, Form, PageSize, Pages, collect::Resource};

/// Labels of nodes without a kubelet on a machine: what runs there has no node to look at.
const VIRTUAL: [(&str, &str); 2] =
    [("type", "virtual-kubelet"), ("eks.amazonaws.com/compute-type", "fargate")];

/// A node that something can be put on.
#[derive(Clone, Debug)]
pub(super) struct Site {
    /// `amd64`, `arm64` …
    pub(super) architecture: String,
    /// The image that it has.
    pub(super) image: Image,
}

/// Where to look, and what to take if nothing is found.
pub(super) struct Survey<'a> {
    pub(super) api: &'a Api,
    /// Cilium's namespace.
    pub(super) home: &'a str,
    /// The image that the user named.
    pub(super) image: Option<&'a str>,
}

impl Survey<'_> {
    /// Looks at a node, or says why nothing can be put there.
    pub(super) async fn node(&self, name: &NodeName) -> Result<Site, Absence> {
        let node = [("fieldSelector", format!("metadata.name={name}"))];
        let agent = [
            ("labelSelector", "k8s-app=cilium".to_owned()),
            ("fieldSelector", format!("spec.nodeName={name}")),
        ];
        let (nodes, agents) = tokio::join!(
            list::<Node>(self.api, Resource::NODES, None, &node),
            list::<Pod>(self.api, Resource::PODS, Some(self.home), &agent),
        );
        let nodes = nodes.map_err(|error| Absence::of(&error, &Resource::NODES.need("list", None)));
        let node = nodes?.into_iter().next().ok_or(Absence::NoNode)?;
        let status = node.status.unwrap_or_default();
        let info = status.node_info.unwrap_or_default();
        let labels = node.metadata.labels.unwrap_or_default();
        let has = |(key, value): &(&str, &str)| labels.get(*key).is_some_and(|it| it == value);
        if VIRTUAL.iter().any(has) || !is_linux(&info) {
            return Err(Absence::NotLinux);
        }
        // `False` is no obstacle: a node without a network runs pods in the host's. `Unknown` means
        // that nobody has heard of the kubelet for a while.
        let ready = status.conditions.iter().flatten().find(|it| it.type_ == "Ready");
        if let Some(silent) = ready.filter(|ready| ready.status == "Unknown") {
            let why = silent.message.clone().unwrap_or_default();
            return Err(Absence::NotReady { why });
        }
        // Without the right to see agents there may still be an image that is known.
        let agents = agents.unwrap_or_default();
        let cached = status.images.unwrap_or_default();
        let image = image::choose(agents.iter().find(|it| is_alive(it)), &cached, self.image);
        Ok(Site { architecture: info.architecture, image: image.ok_or(Absence::NoImage)? })
    }
}

fn is_linux(info: &NodeSystemInfo) -> bool {
    matches!(info.operating_system.as_str(), "" | "linux")
}

/// Whether the pod's image is in use, and thus on the node.
fn is_alive(agent: &Pod) -> bool {
    let statuses = agent.status.iter().filter_map(|status| status.container_statuses.as_ref());
    statuses.flatten().any(|status| !status.image_id.is_empty())
}

/// Whether CiliumNetworkPolicies can be created. Everybody may ask which kinds there are.
pub(super) async fn has_policies(api: &Api) -> Result<bool, ApiError> {
    #[derive(Deserialize)]
    struct Kinds {
        #[serde(default)]
        resources: Vec<Kind>,
    }
    #[derive(Deserialize)]
    struct Kind {
        name: String,
    }
    let Resource { group, version, plural } = Resource::CILIUM_POLICIES;
    let json = match api.get(&format!("/apis/{group}/{version}"), Form::Json).await {
        Err(ApiError::NotFound { .. }) => return Ok(false),
        json => json?,
    };
    match serde_json::from_slice::<Kinds>(&json) {
        Ok(Kinds { resources }) => Ok(resources.iter().any(|it| it.name == plural)),
        Err(error) => Err(ApiError::Unreadable { reason: error.to_string() }),
    }
}

/// Reads a collection to its end.
pub(super) async fn list<T: serde::de::DeserializeOwned + k8s_openapi::ListableResource>(
    api: &Api,
    resource: Resource,
    namespace: Option<&str>,
    query: &[(&str, String)],
) -> Result<Vec<T>, ApiError> {
    let path = resource.path(namespace);
    let query: Vec<_> = query.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let pages = Pages { path: &path, query: &query, form: Form::Json, size: PageSize::Objects };
    let decode = |json: &[u8]| match serde_json::from_slice::<List<T>>(json) {
        Ok(page) => Ok((page.items, page.metadata.continue_)),
        Err(error) => Err(ApiError::Unreadable { reason: error.to_string() }),
    };
    api.list(&pages, decode).await
}

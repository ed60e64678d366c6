//! Which kubelet has a container, and where it listens.

use serde_json::Value;

use crate::{
    object::{at, list, text},
    resource::GroupResource,
    status::{ApiError, ApiResult, Subject},
    store::{Key, Store},
};

/// A pod, and which of its containers is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Container {
    /// The pod's namespace.
    pub namespace: String,
    /// The pod's name.
    pub pod: String,
    /// The container's name.
    pub name: String,
    /// The node that the pod is bound to, possibly empty.
    pub node: String,
}

/// Where a kubelet listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// A name or an address.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// Finds the container that is asked for; a pod's only one needs no name.
pub(super) fn container(
    store: &Store,
    namespace: &str,
    pod: &str,
    wanted: &str,
) -> ApiResult<Container> {
    let pods = Subject { group: "", resource: "pods", name: pod };
    let object = store
        .get(&GroupResource::new("", "pods"), &Key::new(namespace, pod))
        .ok_or_else(|| ApiError::not_found(&pods))?
        .value();
    Ok(Container {
        namespace: namespace.to_owned(),
        pod: pod.to_owned(),
        name: choose(&object, pod, wanted)?,
        node: text(&object, &["spec", "nodeName"]).to_owned(),
    })
}

fn choose(object: &Value, pod: &str, wanted: &str) -> ApiResult<String> {
    let names: Vec<&str> = ["initContainers", "containers", "ephemeralContainers"]
        .iter()
        .flat_map(|field| list(object, &["spec", field]))
        .map(|container| text(container, &["name"]))
        .collect();
    if !wanted.is_empty() {
        return if names.contains(&wanted) {
            Ok(wanted.to_owned())
        } else {
            let why = format!("container {wanted} is not valid for pod {pod}");
            Err(ApiError::bad_request(why))
        };
    }
    // Only the lasting containers are counted, but all are named.
    match list(object, &["spec", "containers"]) {
        [only] => Ok(text(only, &["name"]).to_owned()),
        [] => {
            Err(ApiError::bad_request(format!("a container name must be specified for pod {pod}")))
        }
        _ => Err(ApiError::bad_request(format!(
            "a container name must be specified for pod {pod}, choose one of: [{}]",
            names.join(" ")
        ))),
    }
}

/// The kinds of addresses that are tried, as `--kubelet-preferred-address-types` has it.
///
/// A node's InternalIP is in a namespace of its own as a rule; where the kubelet listens for the
/// API server is said by an ExternalDNS then.
const PREFERRED: [&str; 3] = ["ExternalDNS", "InternalIP", "Hostname"];
/// Where a kubelet listens if its Node does not say.
const DEFAULT_PORT: u16 = 10250;

/// Finds where the node's kubelet listens.
pub(super) fn kubelet(store: &Store, node: &str) -> ApiResult<Address> {
    // An API server speaks of the resource in the request, though it is a Node that it misses.
    let missing = Subject { group: "", resource: "pods", name: node };
    let object = store
        .get(&GroupResource::new("", "nodes"), &Key::new("", node))
        .ok_or_else(|| ApiError::not_found(&missing))?
        .value();
    let addresses = list(&object, &["status", "addresses"]);
    let host = PREFERRED
        .iter()
        .find_map(|kind| addresses.iter().find(|address| text(address, &["type"]) == *kind))
        .map(|address| text(address, &["address"]).to_owned())
        .ok_or_else(|| {
            ApiError::new(500, "", "no preferred addresses found; known addresses: []")
        })?;
    let port = at(&object, &["status", "daemonEndpoints", "kubeletEndpoint", "Port"])
        .and_then(Value::as_u64)
        .and_then(|port| u16::try_from(port).ok())
        .filter(|port| *port != 0);
    Ok(Address { host, port: port.unwrap_or(DEFAULT_PORT) })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::choose;

    #[test]
    fn containers_are_chosen() {
        let pod = json!({"spec": {
            "initContainers": [{"name": "a"}],
            "containers": [{"name": "b"}],
        }});
        assert_eq!(choose(&pod, "x", "").unwrap(), "b");
        assert_eq!(choose(&pod, "x", "a").unwrap(), "a");
        let error = choose(&pod, "x", "c").unwrap_err();
        assert_eq!(error.message, "container c is not valid for pod x");
        let pod = json!({"spec": {"containers": [{"name": "a"}, {"name": "b"}]}});
        let error = choose(&pod, "x", "").unwrap_err();
        assert_eq!(
            error.message,
            "a container name must be specified for pod x, choose one of: [a b]"
        );
    }
}

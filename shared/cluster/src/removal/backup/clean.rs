//! Objects as people wrote them.

use serde_json::{Map, Value, json};

/// What of `metadata` a person writes.
const WRITTEN: [&str; 4] = ["name", "namespace", "labels", "annotations"];

/// What kubectl remembers of an object.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Leaves what a person wrote; says whether a person wrote it at all. What belongs to another object,
/// such as the Envoy configuration of an Ingress, is made anew by whoever made it.
pub(super) fn clean(object: &mut Value, api_version: &str, kind: &str) -> bool {
    let is_owned = object
        .pointer("/metadata/ownerReferences")
        .and_then(Value::as_array)
        .is_some_and(|owners| !owners.is_empty());
    let Some(fields) = object.as_object_mut().filter(|_| !is_owned) else { return false };
    fields.remove("status");
    if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|field, _| WRITTEN.contains(&field.as_str()));
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.remove(LAST_APPLIED);
        }
        metadata.retain(|_, value| !value.as_object().is_some_and(Map::is_empty));
    }
    // Items of lists need not say what they are.
    fields.insert("apiVersion".into(), json!(api_version));
    fields.insert("kind".into(), json!(kind));
    true
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::clean;

    #[test]
    fn what_the_server_adds_is_taken_off() {
        let mut object = json!({
            "metadata": {
                "name": "a", "namespace": "b", "uid": "1", "resourceVersion": "2",
                "creationTimestamp": "x", "generation": 1, "managedFields": [],
                "finalizers": ["x/y"],
                "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"},
            },
            "spec": {"endpointSelector": {}},
            "status": {"conditions": []},
        });
        assert!(clean(&mut object, "cilium.io/v2", "CiliumNetworkPolicy"));
        assert_eq!(
            object,
            json!({
                "apiVersion": "cilium.io/v2",
                "kind": "CiliumNetworkPolicy",
                "metadata": {"name": "a", "namespace": "b"},
                "spec": {"endpointSelector": {}},
            })
        );
        let mut owned =
            json!({"metadata": {"name": "a", "ownerReferences": [{"kind": "Ingress"}]}});
        assert!(!clean(&mut owned, "cilium.io/v2", "CiliumEnvoyConfig"));
    }
}

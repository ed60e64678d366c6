//! The scale subresource: a workload seen as a number.

use serde_json::{Value, json};

use crate::{
    object::{meta, text},
    resource::ServedVersion,
    status::{ApiError, ApiResult, Cause, Subject},
    table::select,
};

fn path<'a>(version: &'a ServedVersion, field: &str, otherwise: &'a str) -> &'a str {
    match version.scale.as_ref().map_or("", |scale| text(scale, &[field])) {
        "" => otherwise,
        path => path,
    }
}

/// The Scale of an object.
pub(crate) fn of(object: &Value, version: &ServedVersion) -> Value {
    let number = |path: &str| {
        select(object, path).first().and_then(|value| value.as_i64()).unwrap_or_default()
    };
    let selector = match path(version, "labelSelectorPath", "") {
        "" => {
            let labels = object["spec"]["selector"]["matchLabels"].as_object();
            let parts: Vec<_> = labels
                .into_iter()
                .flatten()
                .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
                .collect();
            json!(parts.join(","))
        }
        path => select(object, path).first().map_or(Value::Null, |&value| value.clone()),
    };
    json!({
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": meta(object, "name"),
            "namespace": meta(object, "namespace"),
            "uid": meta(object, "uid"),
            "resourceVersion": meta(object, "resourceVersion"),
            "creationTimestamp": meta(object, "creationTimestamp"),
        },
        "spec": {"replicas": number(path(version, "specReplicasPath", ".spec.replicas"))},
        "status": {
            "replicas": number(path(version, "statusReplicasPath", ".status.replicas")),
            "selector": selector,
        },
    })
}

/// Writes what the Scale wants into the object.
pub(crate) fn set(object: &mut Value, version: &ServedVersion, scale: &Value) -> ApiResult<()> {
    let replicas = scale["spec"]["replicas"].as_i64().unwrap_or_default();
    if replicas < 0 {
        let subject =
            Subject { group: "autoscaling", resource: "Scale", name: meta(object, "name") };
        let cause =
            Cause::invalid("spec.replicas", &json!(replicas), "must be greater than or equal to 0");
        return Err(ApiError::invalid(&subject, &[cause]));
    }
    let mut place = &mut *object;
    for field in path(version, "specReplicasPath", ".spec.replicas").split('.').skip(1) {
        place = &mut place[field];
    }
    *place = json!(replicas);
    if let Some(wanted) = scale["metadata"]["resourceVersion"].as_str().filter(|v| !v.is_empty()) {
        object["metadata"]["resourceVersion"] = json!(wanted);
    }
    Ok(())
}

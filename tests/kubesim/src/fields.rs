//! Field selectors: which fields each kind can be selected by, and how.

use serde_json::Value;

use crate::{
    object::at,
    resource::{Resource, ServedVersion},
    status::{ApiError, ApiResult},
};

/// `a=b,c!=d` over fields of objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FieldSelector(Vec<(String, bool, String)>);

impl FieldSelector {
    /// Reads the selector, and refuses fields that the kind cannot be selected by.
    pub(crate) fn parse(
        selector: &str,
        resource: &Resource,
        version: &ServedVersion,
    ) -> ApiResult<Self> {
        let mut terms = Vec::new();
        for term in selector.split(',').filter(|term| !term.is_empty()) {
            let found = [("!=", false), ("==", true), ("=", true)]
                .into_iter()
                .find_map(|(sign, equal)| term.split_once(sign).map(|(f, v)| (f, equal, v)));
            let (field, equal, value) = found.ok_or_else(|| {
                ApiError::bad_request(format!(
                    "invalid selector: {selector:?}; can't understand {term:?}"
                ))
            })?;
            if !selectable(resource, version, field) {
                return Err(ApiError::bad_request(unknown(resource, field)));
            }
            terms.push((field.to_owned(), equal, value.replace('\\', "")));
        }
        Ok(Self(terms))
    }

    /// Whether every object matches.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the object matches.
    pub(crate) fn matches(&self, object: &Value) -> bool {
        self.0.iter().all(|(field, equal, value)| (field_of(object, field) == *value) == *equal)
    }
}

fn field_of(object: &Value, field: &str) -> String {
    // Events have had their source in two places.
    if field == "source" && object["kind"] == "Event" {
        let old = at(object, &["source", "component"]).and_then(Value::as_str);
        let new = at(object, &["reportingComponent"]).and_then(Value::as_str);
        return old.or(new).unwrap_or_default().to_owned();
    }
    let path: Vec<_> = field.split('.').filter(|step| !step.is_empty()).collect();
    match at(object, &path) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Bool(flag)) => flag.to_string(),
        Some(Value::Number(number)) => number.to_string(),
        _ => absent(field).to_owned(),
    }
}

/// What a field counts as when the object does not have it: the zero value of its type.
fn absent(field: &str) -> &'static str {
    match field {
        "spec.unschedulable" | "spec.hostNetwork" => "false",
        "status.successful" | "status.replicas" => "0",
        _ => "",
    }
}

const EVENT: &[&str] = &[
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
];
const POD: &[&str] = &[
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "spec.hostNetwork",
    "status.phase",
    "status.podIP",
    "status.nominatedNodeName",
];

fn selectable(resource: &Resource, version: &ServedVersion, field: &str) -> bool {
    if matches!(field, "metadata.name" | "metadata.namespace") {
        return true;
    }
    let fields: &[&str] = match (&*resource.id.group, &*resource.id.plural) {
        ("", "pods") => POD,
        ("", "events") => EVENT,
        ("", "namespaces") => &["status.phase", "name"],
        ("", "nodes") => &["spec.unschedulable"],
        ("", "secrets") => &["type"],
        ("", "services") => &["spec.clusterIP", "spec.type"],
        ("", "replicationcontrollers") | ("apps", "replicasets") => &["status.replicas"],
        ("batch", "jobs") => &["status.successful"],
        ("certificates.k8s.io", _) => &["spec.signerName"],
        _ => &[],
    };
    fields.contains(&field)
        || version.selectable.iter().any(|path| path.trim_start_matches('.') == field)
}

/// Upstream's conversion functions each have their own words for it.
fn unknown(resource: &Resource, field: &str) -> String {
    let special = resource.traits.custom
        || matches!(
            (&*resource.id.group, &*resource.id.plural),
            (
                "",
                "pods"
                    | "events"
                    | "namespaces"
                    | "nodes"
                    | "secrets"
                    | "services"
                    | "replicationcontrollers"
            ) | ("certificates.k8s.io" | "apps", _)
        );
    if &*resource.id.plural == "jobs" {
        format!("field label {field:?} not supported for Job")
    } else if special {
        format!("field label not supported: {field}")
    } else {
        format!(
            "{field:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
        )
    }
}

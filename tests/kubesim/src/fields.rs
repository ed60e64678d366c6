//! Field selectors: which fields each kind can be selected by, and how.

use serde_json::{Map, Value};

use crate::{
    object::{at, group_version, meta, text},
    packed::{Head, Object},
    resource::{Resource, ServedVersion},
    status::{ApiError, ApiResult},
    store::Key,
};

/// `a=b,c!=d` over fields of objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FieldSelector(Vec<Term>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    field: String,
    equal: bool,
    value: String,
    /// The field is one of a custom resource's own, which heads do not have.
    custom: bool,
}

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
                    "invalid selector: '{selector}'; can't understand '{term}'"
                ))
            })?;
            let custom = selectable_by_definition(version, field);
            if !custom && !selectable(resource, field) {
                return Err(ApiError::bad_request(unknown(resource, field)));
            }
            let (field, value) = (field.to_owned(), value.replace('\\', ""));
            terms.push(Term { field, equal, value, custom });
        }
        Ok(Self(terms))
    }

    /// Whether every object matches.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the object matches.
    pub(crate) fn matches(&self, key: &Key, object: &Object, head: &Head) -> bool {
        self.0.iter().all(|term| {
            let found = match term.field.as_str() {
                "metadata.name" => key.name.clone(),
                "metadata.namespace" => key.namespace.clone(),
                field if term.custom => field_of(&object.value(), field),
                field => {
                    head.fields.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
                }
            };
            (found == term.value) == term.equal
        })
    }
}

/// The fields that objects of this one's built-in kind can be selected by.
pub(crate) fn index(object: &Value) -> Map<String, Value> {
    let (group, _) = group_version(text(object, &["apiVersion"]));
    let kind = text(object, &["kind"]);
    indexed(group, kind)
        .iter()
        .map(|&field| {
            let value = match (kind, field) {
                ("Event", "source") => source(object).to_owned(),
                ("Namespace", "name") => meta(object, "name").to_owned(),
                _ => field_of(object, field),
            };
            (field.to_owned(), Value::from(value))
        })
        .collect()
}

/// Events have had their source in two places.
fn source(event: &Value) -> &str {
    let old = at(event, &["source", "component"]).and_then(Value::as_str);
    let new = at(event, &["reportingComponent"]).and_then(Value::as_str);
    old.or(new).unwrap_or_default()
}

fn field_of(object: &Value, field: &str) -> String {
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

fn indexed(group: &str, kind: &str) -> &'static [&'static str] {
    match (group, kind) {
        ("", "Pod") => POD,
        ("", "Event") => EVENT,
        ("", "Namespace") => &["status.phase", "name"],
        ("", "Node") => &["spec.unschedulable"],
        ("", "Secret") => &["type"],
        ("", "Service") => &["spec.clusterIP", "spec.type"],
        ("", "ReplicationController") => &["status.replicas"],
        ("batch", "Job") => &["status.successful"],
        ("certificates.k8s.io", _) => &["spec.signerName"],
        _ => &[],
    }
}

fn selectable(resource: &Resource, field: &str) -> bool {
    matches!(field, "metadata.name" | "metadata.namespace")
        || indexed(&resource.id.group, &resource.kind).contains(&field)
}

fn selectable_by_definition(version: &ServedVersion, field: &str) -> bool {
    version.selectable.iter().any(|path| path.trim_start_matches('.') == field)
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
            ) | ("certificates.k8s.io", _)
        );
    if &*resource.id.plural == "jobs" {
        format!("field label {field:?} not supported for batchv1.Job")
    } else if special {
        format!("field label not supported: {field}")
    } else {
        format!(
            "{field:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
        )
    }
}

//! The columns of built-in kinds, and how their cells are made.

mod network;
mod node;
mod pod;
mod workload;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    object::{list, meta, number, text},
    resource::Resource,
    table::{Column, age},
};

/// Makes an object's cells.
pub(crate) type Cells = fn(&Value, Timestamp) -> Vec<Value>;

const NAME: Column = ("Name", "string", "name", 0);
const AGE: Column = ("Age", "string", "", 0);

const fn shown(name: &'static str) -> Column {
    (name, "string", "", 0)
}
const fn count(name: &'static str) -> Column {
    (name, "integer", "", 0)
}
const fn wide(name: &'static str) -> Column {
    (name, "string", "", 1)
}

const BINDING: &[Column] =
    &[NAME, shown("Role"), AGE, wide("Users"), wide("Groups"), wide("ServiceAccounts")];
const EVENT: &[Column] = &[
    shown("Last Seen"),
    shown("Type"),
    shown("Reason"),
    shown("Object"),
    wide("Subobject"),
    wide("Source"),
    shown("Message"),
    wide("First Seen"),
    wide("Count"),
    ("Name", "string", "name", 1),
];

/// The columns of a built-in kind and what makes its cells; none for the general ones.
pub(crate) fn of(resource: &Resource) -> Option<(&'static [Column], Cells)> {
    if resource.traits.custom {
        return None;
    }
    Some(match &*resource.id.plural {
        "pods" => (pod::POD, pod::pod),
        "nodes" => (node::NODE, node::node),
        "deployments" => (workload::DEPLOYMENT, workload::deployment),
        "daemonsets" => (workload::DAEMON_SET, workload::daemon_set),
        "replicasets" => (workload::REPLICA_SET, workload::replica_set),
        "statefulsets" => (workload::STATEFUL_SET, workload::stateful_set),
        "jobs" => (workload::JOB, workload::job),
        "services" => (network::SERVICE, network::service),
        "events" => (EVENT, event),
        "configmaps" => (const { &[NAME, count("Data"), AGE] }, |object, now| {
            let data = fields(object, "data") + fields(object, "binaryData");
            vec![name(object), json!(data), old(object, now)]
        }),
        "secrets" => (const { &[NAME, shown("Type"), count("Data"), AGE] }, |object, now| {
            vec![
                name(object),
                object["type"].clone(),
                json!(fields(object, "data")),
                old(object, now),
            ]
        }),
        "namespaces" => (const { &[NAME, shown("Status"), AGE] }, |object, now| {
            vec![name(object), object["status"]["phase"].clone(), old(object, now)]
        }),
        "serviceaccounts" => (const { &[NAME, count("Secrets"), AGE] }, |object, now| {
            vec![name(object), json!(list(object, &["secrets"]).len()), old(object, now)]
        }),
        "endpoints" => (const { &[NAME, shown("Endpoints"), AGE] }, |object, now| {
            vec![name(object), json!(network::endpoints(object)), old(object, now)]
        }),
        "endpointslices" => (network::ENDPOINT_SLICE, network::endpoint_slice),
        "ingressclasses" => {
            (const { &[NAME, shown("Controller"), shown("Parameters"), AGE] }, |object, now| {
                let parameters = match text(object, &["spec", "parameters", "name"]) {
                    "" => "<none>".to_owned(),
                    name => format!("{}/{name}", text(object, &["spec", "parameters", "kind"])),
                };
                let controller = object["spec"]["controller"].clone();
                vec![name(object), controller, json!(parameters), old(object, now)]
            })
        }
        "networkpolicies" => (const { &[NAME, shown("Pod-Selector"), AGE] }, |object, now| {
            let selector = selector(&object["spec"]["podSelector"]);
            vec![name(object), json!(selector), old(object, now)]
        }),
        "leases" => (const { &[NAME, shown("Holder"), AGE] }, |object, now| {
            vec![name(object), json!(text(object, &["spec", "holderIdentity"])), old(object, now)]
        }),
        "rolebindings" | "clusterrolebindings" => (BINDING, binding),
        "roles" | "clusterroles" | "customresourcedefinitions" => {
            (const { &[NAME, ("Created At", "date", "", 0)] }, |object, _| {
                vec![name(object), json!(meta(object, "creationTimestamp"))]
            })
        }
        _ => (const { &[NAME, AGE] }, |object, now| vec![name(object), old(object, now)]),
    })
}

fn name(object: &Value) -> Value {
    json!(meta(object, "name"))
}

fn old(object: &Value, now: Timestamp) -> Value {
    json!(age(meta(object, "creationTimestamp"), now))
}

fn fields(object: &Value, field: &str) -> usize {
    object[field].as_object().map_or(0, serde_json::Map::len)
}

fn or_none(text: &str) -> Value {
    if text.is_empty() { json!("<none>") } else { json!(text) }
}

fn selector(selector: &Value) -> String {
    let mut parts = Vec::new();
    for (key, value) in selector["matchLabels"].as_object().into_iter().flatten() {
        parts.push(format!("{key}={}", value.as_str().unwrap_or_default()));
    }
    for expression in list(selector, &["matchExpressions"]) {
        let key = text(expression, &["key"]);
        let values: Vec<_> =
            list(expression, &["values"]).iter().filter_map(Value::as_str).collect();
        parts.push(match text(expression, &["operator"]) {
            "In" => format!("{key} in ({})", values.join(",")),
            "NotIn" => format!("{key} notin ({})", values.join(",")),
            "Exists" => key.to_owned(),
            _ => format!("!{key}"),
        });
    }
    if parts.is_empty() { "<none>".to_owned() } else { parts.join(",") }
}

fn plain_selector(labels: &Value) -> String {
    let labels: Vec<_> = labels
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    labels.join(",")
}

fn binding(object: &Value, now: Timestamp) -> Vec<Value> {
    let role =
        format!("{}/{}", text(object, &["roleRef", "kind"]), text(object, &["roleRef", "name"]));
    let subjects = |kind: &str| {
        let subjects = list(object, &["subjects"]).iter().filter(|subject| subject["kind"] == kind);
        let name = |subject| match (text(subject, &["namespace"]), text(subject, &["name"])) {
            ("", name) => name.to_owned(),
            (namespace, name) => format!("{namespace}/{name}"),
        };
        json!(subjects.map(name).collect::<Vec<_>>().join(", "))
    };
    vec![
        name(object),
        json!(role),
        old(object, now),
        subjects("User"),
        subjects("Group"),
        subjects("ServiceAccount"),
    ]
}

fn event(object: &Value, now: Timestamp) -> Vec<Value> {
    let first = [text(object, &["firstTimestamp"]), text(object, &["eventTime"])]
        .into_iter()
        .find(|time| !time.is_empty())
        .unwrap_or_default();
    let last = match text(object, &["lastTimestamp"]) {
        "" => first,
        last => last,
    };
    let involved = &object["involvedObject"];
    let kind = text(involved, &["kind"]).to_lowercase();
    let mut source = text(object, &["source", "component"]).to_owned();
    if let host @ [_, ..] = text(object, &["source", "host"]).as_bytes() {
        source = format!("{source}, {}", String::from_utf8_lossy(host));
    }
    let seen = number(object, &["count"]).max(1);
    vec![
        json!(age(last, now)),
        json!(text(object, &["type"])),
        json!(text(object, &["reason"])),
        json!(format!("{kind}/{}", text(involved, &["name"]))),
        json!(text(involved, &["fieldPath"])),
        json!(source),
        json!(text(object, &["message"]).trim()),
        json!(age(first, now)),
        json!(seen.to_string()),
        name(object),
    ]
}

//! How lists inside objects merge: as a whole, as a set, or item by item under a key.

use serde_json::Value;

use crate::object::{at, text};

/// How one list merges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ListKind {
    /// It is replaced.
    Atomic,
    /// Plain values, each there once.
    Set,
    /// Objects that these fields tell apart.
    Map(Vec<String>),
}

/// What is known of a kind's shape: the schema of a custom resource, or a built-in kind.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape<'a> {
    /// The kind's name.
    Builtin(&'a str),
    /// The OpenAPI schema of the whole object.
    Custom(Option<&'a Value>),
}

/// Lists of built-in kinds by the field they are in, whatever surrounds it.
const BY_FIELD: &[(&str, &[&str])] = &[
    ("containers", &["name"]),
    ("initContainers", &["name"]),
    ("ephemeralContainers", &["name"]),
    ("env", &["name"]),
    ("volumeMounts", &["mountPath"]),
    ("volumeDevices", &["devicePath"]),
    ("volumes", &["name"]),
    ("imagePullSecrets", &["name"]),
    ("hostAliases", &["ip"]),
    ("topologySpreadConstraints", &["topologyKey", "whenUnsatisfiable"]),
    ("resourceClaims", &["name"]),
    ("schedulingGates", &["name"]),
    ("conditions", &["type"]),
    ("podIPs", &["ip"]),
    ("webhooks", &["name"]),
    ("matchConditions", &["name"]),
];

/// Lists that are keyed in one kind only.
const BY_KIND: &[(&str, &str, &[&str])] = &[
    ("Service", "spec.ports", &["port", "protocol"]),
    ("ServiceAccount", "secrets", &["name"]),
    ("Node", "status.addresses", &["type"]),
];

impl Shape<'_> {
    /// How the list at `path` merges; the path is of field names, items leave no trace in it.
    pub(crate) fn list(&self, path: &[&str]) -> ListKind {
        match path {
            ["metadata", "finalizers"] => return ListKind::Set,
            ["metadata", "ownerReferences"] => return keyed(&["uid"]),
            _ => {}
        }
        match self {
            Self::Builtin(kind) => builtin(kind, path),
            Self::Custom(schema) => schema.map_or(ListKind::Atomic, |schema| custom(schema, path)),
        }
    }
}

fn keyed(keys: &[&str]) -> ListKind {
    ListKind::Map(keys.iter().map(|&key| key.to_owned()).collect())
}

fn builtin(kind: &str, path: &[&str]) -> ListKind {
    let Some((field, above)) = path.split_last() else { return ListKind::Atomic };
    if *field == "ports"
        && above.last().is_some_and(|parent| parent.to_lowercase().ends_with("containers"))
    {
        return keyed(&["containerPort", "protocol"]);
    }
    let whole = path.join(".");
    if let Some((_, _, keys)) = BY_KIND.iter().find(|(k, p, _)| *k == kind && *p == whole) {
        return keyed(keys);
    }
    if (kind, whole.as_str()) == ("Node", "spec.podCIDRs") {
        return ListKind::Set;
    }
    BY_FIELD
        .iter()
        .find(|(name, _)| name == field)
        .map_or(ListKind::Atomic, |(_, keys)| keyed(keys))
}

fn custom(schema: &Value, path: &[&str]) -> ListKind {
    let mut schema = schema;
    for field in path {
        // An item's schema stands for the list that it is in.
        if let Some(items) = schema.get("items") {
            schema = items;
        }
        let next =
            at(schema, &["properties", field]).or_else(|| schema.get("additionalProperties"));
        let Some(next) = next else { return ListKind::Atomic };
        schema = next;
    }
    match text(schema, &["x-kubernetes-list-type"]) {
        "set" => ListKind::Set,
        "map" => ListKind::Map(
            crate::object::list(schema, &["x-kubernetes-list-map-keys"])
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
        ),
        _ => ListKind::Atomic,
    }
}

//! Requests in protobuf, which newer clients send for the built-in kinds they have types for.
//!
//! Answers stay JSON: such clients accept both.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use crate::object::stamp;

/// What every such body begins with.
const MAGIC: &[u8] = b"k8s\0";

/// How a field's bytes are read.
#[derive(Clone, Copy)]
enum Type {
    Text,
    Bytes,
    Number,
    Flag,
    Time,
    IntOrText,
    Texts,
    TextMap,
    BytesMap,
    Message(&'static [Field]),
    Messages(&'static [Field]),
}

/// A field: its number on the wire, its name in JSON, its type.
type Field = (u64, &'static str, Type);

use Type::{
    Bytes, BytesMap, Flag, IntOrText, Message, Messages, Number, Text, TextMap, Texts, Time,
};

const OWNER: &[Field] = &[
    (1, "kind", Text),
    (3, "name", Text),
    (4, "uid", Text),
    (5, "apiVersion", Text),
    (6, "controller", Flag),
    (7, "blockOwnerDeletion", Flag),
];
const META: &[Field] = &[
    (1, "name", Text),
    (2, "generateName", Text),
    (3, "namespace", Text),
    (5, "uid", Text),
    (6, "resourceVersion", Text),
    (7, "generation", Number),
    (8, "creationTimestamp", Time),
    (9, "deletionTimestamp", Time),
    (11, "labels", TextMap),
    (12, "annotations", TextMap),
    (13, "ownerReferences", Messages(OWNER)),
    (14, "finalizers", Texts),
];
const NAMED: &[Field] = &[(1, "name", Text)];
const SELECTOR: &[Field] = &[
    (1, "matchLabels", TextMap),
    (
        2,
        "matchExpressions",
        Messages(&[(1, "key", Text), (2, "operator", Text), (3, "values", Texts)]),
    ),
];
const PORT: &[Field] = &[
    (1, "name", Text),
    (2, "hostPort", Number),
    (3, "containerPort", Number),
    (4, "protocol", Text),
];
const CONTAINER: &[Field] = &[
    (1, "name", Text),
    (2, "image", Text),
    (3, "command", Texts),
    (4, "args", Texts),
    (5, "workingDir", Text),
    (6, "ports", Messages(PORT)),
    (7, "env", Messages(&[(1, "name", Text), (2, "value", Text)])),
    (14, "imagePullPolicy", Text),
];
const POD: &[Field] = &[
    (2, "containers", Messages(CONTAINER)),
    (3, "restartPolicy", Text),
    (4, "terminationGracePeriodSeconds", Number),
    (7, "nodeSelector", TextMap),
    (8, "serviceAccountName", Text),
    (10, "nodeName", Text),
    (11, "hostNetwork", Flag),
    (20, "initContainers", Messages(CONTAINER)),
];
const TEMPLATE: &[Field] = &[(1, "metadata", Message(META)), (2, "spec", Message(POD))];
const RULES: &[Field] = &[
    (1, "verbs", Texts),
    (2, "apiGroups", Texts),
    (3, "resources", Texts),
    (4, "resourceNames", Texts),
    (5, "nonResourceURLs", Texts),
];
const ROLE: &[Field] = &[(1, "metadata", Message(META)), (2, "rules", Messages(RULES))];
const BINDING: &[Field] = &[
    (1, "metadata", Message(META)),
    (
        2,
        "subjects",
        Messages(&[
            (1, "kind", Text),
            (2, "apiGroup", Text),
            (3, "name", Text),
            (4, "namespace", Text),
        ]),
    ),
    (3, "roleRef", Message(&[(1, "apiGroup", Text), (2, "kind", Text), (3, "name", Text)])),
];
const SERVICE: &[Field] = &[
    (
        1,
        "ports",
        Messages(&[
            (1, "name", Text),
            (2, "protocol", Text),
            (3, "port", Number),
            (4, "targetPort", IntOrText),
            (5, "nodePort", Number),
        ]),
    ),
    (2, "selector", TextMap),
    (3, "clusterIP", Text),
    (4, "type", Text),
    (5, "externalIPs", Texts),
    (7, "sessionAffinity", Text),
    (10, "externalName", Text),
];
const ACCESS: &[Field] = &[
    (
        1,
        "resourceAttributes",
        Message(&[
            (1, "namespace", Text),
            (2, "verb", Text),
            (3, "group", Text),
            (4, "version", Text),
            (5, "resource", Text),
            (6, "subresource", Text),
            (7, "name", Text),
        ]),
    ),
    (2, "nonResourceAttributes", Message(&[(1, "path", Text), (2, "verb", Text)])),
];

const DELETION: &[Field] = &[
    (1, "gracePeriodSeconds", Number),
    (2, "preconditions", Message(&[(1, "uid", Text), (2, "resourceVersion", Text)])),
    (3, "orphanDependents", Flag),
    (4, "propagationPolicy", Text),
    (5, "dryRun", Texts),
];
const REFERENCE: &[Field] = &[
    (1, "kind", Text),
    (2, "namespace", Text),
    (3, "name", Text),
    (4, "uid", Text),
    (5, "apiVersion", Text),
];
const BOUND: &[Field] =
    &[(1, "kind", Text), (2, "apiVersion", Text), (3, "name", Text), (4, "uid", Text)];

/// The kinds that are read, by their name; none of these names is in two groups.
const KINDS: &[(&str, &[Field])] = &[
    (
        "Namespace",
        &[(1, "metadata", Message(META)), (2, "spec", Message(&[(1, "finalizers", Texts)]))],
    ),
    (
        "ConfigMap",
        &[
            (1, "metadata", Message(META)),
            (2, "data", TextMap),
            (3, "binaryData", BytesMap),
            (4, "immutable", Flag),
        ],
    ),
    (
        "Secret",
        &[
            (1, "metadata", Message(META)),
            (2, "data", BytesMap),
            (3, "type", Text),
            (4, "stringData", TextMap),
            (5, "immutable", Flag),
        ],
    ),
    (
        "ServiceAccount",
        &[
            (1, "metadata", Message(META)),
            (3, "imagePullSecrets", Messages(NAMED)),
            (4, "automountServiceAccountToken", Flag),
        ],
    ),
    ("Service", &[(1, "metadata", Message(META)), (2, "spec", Message(SERVICE))]),
    ("Pod", TEMPLATE),
    (
        "Deployment",
        &[
            (1, "metadata", Message(META)),
            (
                2,
                "spec",
                Message(&[
                    (1, "replicas", Number),
                    (2, "selector", Message(SELECTOR)),
                    (3, "template", Message(TEMPLATE)),
                    (5, "minReadySeconds", Number),
                    (6, "revisionHistoryLimit", Number),
                ]),
            ),
        ],
    ),
    ("Role", ROLE),
    ("ClusterRole", ROLE),
    ("RoleBinding", BINDING),
    ("ClusterRoleBinding", BINDING),
    ("SelfSubjectAccessReview", &[(1, "metadata", Message(META)), (2, "spec", Message(ACCESS))]),
    (
        "SelfSubjectRulesReview",
        &[(1, "metadata", Message(META)), (2, "spec", Message(&[(1, "namespace", Text)]))],
    ),
    ("SelfSubjectReview", &[(1, "metadata", Message(META))]),
    ("DeleteOptions", DELETION),
    ("Eviction", &[(1, "metadata", Message(META)), (2, "deleteOptions", Message(DELETION))]),
    ("Binding", &[(1, "metadata", Message(META)), (2, "target", Message(REFERENCE))]),
    (
        "TokenRequest",
        &[
            (1, "metadata", Message(META)),
            (
                2,
                "spec",
                Message(&[
                    (1, "audiences", Texts),
                    (3, "boundObjectRef", Message(BOUND)),
                    (4, "expirationSeconds", Number),
                ]),
            ),
        ],
    ),
];

/// Reads an object; none if the bytes or the kind are not understood.
pub(crate) fn read(body: &[u8]) -> Option<Value> {
    let body = body.strip_prefix(MAGIC)?;
    let envelope = message(
        body,
        &[(1, "type", Message(&[(1, "apiVersion", Text), (2, "kind", Text)])), (2, "raw", Bytes)],
    )?;
    let kind = envelope["type"]["kind"].as_str()?;
    let (_, fields) = KINDS.iter().find(|(name, _)| *name == kind)?;
    let raw = STANDARD.decode(envelope["raw"].as_str().unwrap_or_default()).ok()?;
    let mut object = message(&raw, fields)?;
    object["apiVersion"] = envelope["type"]["apiVersion"].clone();
    object["kind"] = json!(kind);
    Some(object)
}

/// A value as the wire has it.
enum Wire<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn next<'a>(bytes: &mut &'a [u8]) -> Option<(u64, Wire<'a>)> {
    let tag = varint(bytes)?;
    let wire = match tag & 7 {
        0 => Wire::Number(varint(bytes)?),
        2 => {
            let length = usize::try_from(varint(bytes)?).ok()?;
            let (head, rest) = bytes.split_at_checked(length)?;
            *bytes = rest;
            Wire::Bytes(head)
        }
        // Kubernetes' types have no fixed-width numbers.
        _ => return None,
    };
    Some((tag >> 3, wire))
}

fn message(mut bytes: &[u8], fields: &[Field]) -> Option<Value> {
    let mut object = Map::new();
    while !bytes.is_empty() {
        let (number, wire) = next(&mut bytes)?;
        let Some((_, name, kind)) = fields.iter().find(|(known, ..)| *known == number) else {
            // Refusing is better than losing what the table does not know.
            if blank(&wire, 8) {
                continue;
            }
            return None;
        };
        let slot = object.entry((*name).to_owned()).or_insert(Value::Null);
        set(slot, *kind, &wire)?;
    }
    // Zero values are how the wire says nothing, but where the field is optional in Go too.
    object.retain(|name, value| match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Number(number) => number.as_i64() != Some(0) || OPTIONAL.contains(&name.as_str()),
        Value::Bool(flag) => *flag || name != "hostNetwork",
        _ => true,
    });
    Some(Value::Object(object))
}

/// Numbers that mean something when they are 0.
const OPTIONAL: &[&str] =
    &["replicas", "revisionHistoryLimit", "gracePeriodSeconds", "terminationGracePeriodSeconds"];

/// Whether a field says nothing: Go structs are written even if nothing in them is set.
fn blank(wire: &Wire<'_>, depth: u8) -> bool {
    let mut bytes = match wire {
        Wire::Number(number) => return *number == 0,
        Wire::Bytes(bytes) => *bytes,
    };
    while !bytes.is_empty() {
        match (next(&mut bytes), depth) {
            (Some((_, wire)), 1..) if blank(&wire, depth - 1) => {}
            _ => return false,
        }
    }
    true
}

fn set(slot: &mut Value, kind: Type, wire: &Wire<'_>) -> Option<()> {
    let bytes = match (kind, wire) {
        (Type::Flag, Wire::Number(number)) => {
            *slot = json!(*number != 0);
            return Some(());
        }
        (Type::Number, Wire::Number(number)) => {
            *slot = json!(number.cast_signed());
            return Some(());
        }
        (_, Wire::Bytes(bytes)) => *bytes,
        _ => return None,
    };
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
    match kind {
        Type::Text => *slot = json!(text(bytes)?),
        Type::Bytes => *slot = json!(STANDARD.encode(bytes)),
        Type::Texts => push(slot, json!(text(bytes)?)),
        Type::Message(fields) => *slot = message(bytes, fields)?,
        Type::Messages(fields) => push(slot, message(bytes, fields)?),
        Type::TextMap | Type::BytesMap => {
            let value = if matches!(kind, Type::TextMap) { Text } else { Bytes };
            let entry = message(bytes, &[(1, "key", Text), (2, "value", value)])?;
            let key = entry["key"].as_str().unwrap_or_default();
            crate::object::default(slot, key, json!(entry["value"].as_str().unwrap_or_default()));
        }
        Type::Time => {
            let time = message(bytes, &[(1, "seconds", Number)])?;
            // The zero time has the seconds of the year 1, or none at all.
            let seconds = time["seconds"].as_i64().filter(|seconds| *seconds > 0);
            *slot = seconds
                .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
                .map_or(Value::Null, |time| json!(stamp(time)));
        }
        Type::IntOrText => {
            let either =
                message(bytes, &[(1, "type", Number), (2, "int", Number), (3, "text", Text)])?;
            *slot =
                if either["type"] == 1 { either["text"].clone() } else { either["int"].clone() };
        }
        Type::Number | Type::Flag => return None,
    }
    Some(())
}

fn push(slot: &mut Value, item: Value) {
    match slot {
        Value::Array(items) => items.push(item),
        _ => *slot = json!([item]),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn an_object_is_read() {
        let field = |number: u8, bytes: &[u8]| {
            let length = u8::try_from(bytes.len()).unwrap();
            [&[number << 3 | 2, length], bytes].concat()
        };
        let entry = [field(1, b"key"), field(2, b"value")].concat();
        let raw = [field(1, &field(1, b"x")), field(2, &entry)].concat();
        let kind = [field(1, b"v1"), field(2, b"ConfigMap")].concat();
        let body = [b"k8s\0".to_vec(), field(1, &kind), field(2, &raw)].concat();
        assert_eq!(
            super::read(&body),
            Some(json!({
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": "x"},
                "data": {"key": "value"},
            }))
        );
    }
}

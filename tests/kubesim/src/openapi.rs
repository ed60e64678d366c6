//! The OpenAPI that kubectl and helm read: enough to find a kind's schema and what its PATCH takes.

use serde_json::{Map, Value, json};

use crate::{
    object::api_version,
    resource::{Registry, Resource, ServedVersion},
};

const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// `/openapi/v3`: one document per group and version.
pub(crate) fn index(registry: &Registry) -> Value {
    let mut paths = Map::new();
    for (group, versions) in registry.groups() {
        for version in versions {
            let path = path_of(&group, &version);
            let url = format!("/openapi/v3/{path}?hash={}", registry.all().len());
            paths.insert(path, json!({"serverRelativeURL": url}));
        }
    }
    json!({"paths": paths})
}

fn path_of(group: &str, version: &str) -> String {
    if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") }
}

/// `/openapi/v3/PATH`.
pub(crate) fn document(registry: &Registry, path: &str) -> Option<Value> {
    let (group, version) = match path.split('/').collect::<Vec<_>>().as_slice() {
        ["api", version] => (String::new(), (*version).to_owned()),
        ["apis", group, version] => ((*group).to_owned(), (*version).to_owned()),
        _ => return None,
    };
    let (mut paths, mut schemas) = (Map::new(), Map::new());
    for kind in registry.all().iter().filter(|kind| *kind.id.group == *group) {
        let Some(served) = kind.version(&version) else { continue };
        let name = schema_name(kind, served);
        schemas.insert(name.clone(), schema(kind, served, "#/components/schemas/"));
        let scope = if kind.namespaced { "/namespaces/{namespace}" } else { "" };
        let whole = format!("/{path}{scope}/{}", kind.id.plural);
        let gvk = gvk(kind, served);
        let body = json!({"content": {"*/*": {"schema": {"$ref": format!("#/components/schemas/{name}")}}}});
        paths.insert(
            whole.clone(),
            json!({"post": {
                "parameters": query(),
                "requestBody": body,
                "responses": {"201": {"description": "Created"}},
                "x-kubernetes-action": "post",
                "x-kubernetes-group-version-kind": gvk,
            }}),
        );
        if kind.stored() {
            // Strategic merge is left out: it would promise schemas with patch strategies, and
            // without the promise kubectl takes the ones it was built with.
            let accepted = json!({
                "application/json-patch+json": {},
                "application/merge-patch+json": {},
                "application/apply-patch+yaml": {},
            });
            paths.insert(
                format!("{whole}/{{name}}"),
                json!({"patch": {
                    "parameters": query(),
                    "requestBody": {"content": accepted},
                    "responses": {"200": {"description": "OK"}},
                    "x-kubernetes-action": "patch",
                    "x-kubernetes-group-version-kind": gvk,
                }}),
            );
        }
    }
    if schemas.is_empty() {
        return None;
    }
    schemas.insert(META.to_owned(), meta_schema());
    Some(json!({
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "unversioned"},
        "paths": paths,
        "components": {"schemas": schemas},
    }))
}

/// `/openapi/v2`.
pub(crate) fn legacy(registry: &Registry, version: &str) -> Value {
    let (mut paths, mut definitions) = (Map::new(), Map::new());
    for kind in registry.all() {
        for served in &kind.versions {
            let name = schema_name(kind, served);
            definitions.insert(name, schema(kind, served, "#/definitions/"));
            let scope = if kind.namespaced { "/namespaces/{namespace}" } else { "" };
            let group = path_of(&kind.id.group, &served.name);
            let mut parameters = query();
            for parameter in parameters.as_array_mut().into_iter().flatten() {
                parameter["type"] = json!("string");
                parameter.as_object_mut().map(|parameter| parameter.remove("schema"));
            }
            paths.insert(
                format!("/{group}{scope}/{}/{{name}}", kind.id.plural),
                json!({"patch": {
                    "consumes": ["application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml"],
                    "parameters": parameters,
                    "responses": {"200": {"description": "OK"}},
                    "x-kubernetes-action": "patch",
                    "x-kubernetes-group-version-kind": gvk(kind, served),
                }}),
            );
        }
    }
    definitions.insert(META.to_owned(), meta_schema());
    json!({
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": version},
        "paths": paths,
        "definitions": definitions,
    })
}

/// `/openapi/v2` in protobuf, which kubectl 1.28 insists on before it explains anything.
///
/// It names no definitions: clients that find none fall back on the types they were built with,
/// and ask `/openapi/v3` for the rest.
pub(crate) fn legacy_protobuf(version: &str) -> Vec<u8> {
    let field = |number: u8, bytes: &[u8]| {
        // Both texts are far below the 128 bytes that a one-byte length can say.
        let length = u8::try_from(bytes.len()).unwrap_or_default() & 0x7f;
        [&[number << 3 | 2, length], &bytes[..usize::from(length)]].concat()
    };
    let info = [field(1, b"Kubernetes"), field(2, version.as_bytes())].concat();
    [field(1, b"2.0"), field(2, &info), field(8, b"")].concat()
}

fn query() -> Value {
    let parameter = |name: &str| json!({"name": name, "in": "query", "schema": {"type": "string"}});
    json!([parameter("dryRun"), parameter("fieldManager"), parameter("fieldValidation")])
}

fn gvk(kind: &Resource, served: &ServedVersion) -> Value {
    json!({"group": &*kind.id.group, "version": served.name, "kind": kind.kind})
}

/// `io.k8s.api.apps.v1.Deployment`, `io.cilium.v2.CiliumNode`.
fn schema_name(kind: &Resource, served: &ServedVersion) -> String {
    let group = &*kind.id.group;
    if kind.traits.custom {
        let mut parts: Vec<&str> = group.split('.').collect();
        parts.reverse();
        return format!("{}.{}.{}", parts.join("."), served.name, kind.kind);
    }
    let short = group.split('.').next().filter(|short| !short.is_empty()).unwrap_or("core");
    format!("io.k8s.api.{short}.{}.{}", served.name, kind.kind)
}

fn schema(kind: &Resource, served: &ServedVersion, refs: &str) -> Value {
    let mut schema = served.schema.clone().unwrap_or_else(|| {
        let mut properties = json!({});
        let open = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
        if served.status || kind.traits.generation {
            properties["spec"] = open.clone();
        }
        if served.status {
            properties["status"] = open;
        }
        json!({
            "type": "object",
            "description": format!("{} of {}", kind.kind, api_version(&kind.id.group, &served.name)),
            "properties": properties,
            "x-kubernetes-preserve-unknown-fields": true,
        })
    });
    let properties = crate::object::child(&mut schema, "properties");
    for field in ["apiVersion", "kind"] {
        crate::object::default(properties, field, json!({"type": "string"}));
    }
    properties["metadata"] = json!({"$ref": format!("{refs}{META}")});
    schema["x-kubernetes-group-version-kind"] = json!([gvk(kind, served)]);
    schema
}

fn meta_schema() -> Value {
    let words = json!({"type": "object", "additionalProperties": {"type": "string"}});
    json!({
        "type": "object",
        "description": "What every stored object has.",
        "properties": {
            "name": {"type": "string"},
            "namespace": {"type": "string"},
            "labels": words,
            "annotations": words,
        },
        "x-kubernetes-preserve-unknown-fields": true,
    })
}

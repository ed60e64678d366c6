//! Which kinds there are: the legacy documents and the aggregated one.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::{
    object::api_version,
    resource::{Registry, Resource, ServedVersion},
};

/// `/api`.
pub(crate) fn core_versions(address: &str) -> Value {
    json!({
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}],
    })
}

/// `/apis`.
pub(crate) fn groups(registry: &Registry) -> Value {
    let groups: Vec<Value> = named_groups(registry).iter().map(group_body).collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
}

/// `/apis/GROUP`.
pub(crate) fn group(registry: &Registry, name: &str) -> Option<Value> {
    let groups = named_groups(registry);
    let found = groups.iter().find(|(group, _)| group == name)?;
    let mut body = group_body(found);
    body["kind"] = json!("APIGroup");
    body["apiVersion"] = json!("v1");
    Some(body)
}

fn named_groups(registry: &Registry) -> Vec<(String, Vec<String>)> {
    registry.groups().into_iter().filter(|(group, _)| !group.is_empty()).collect()
}

fn group_body((group, versions): &(String, Vec<String>)) -> Value {
    let versions: Vec<Value> = versions
        .iter()
        .map(|version| json!({"groupVersion": api_version(group, version), "version": version}))
        .collect();
    json!({"name": group, "versions": versions, "preferredVersion": versions[0]})
}

fn kinds<'a>(
    registry: &'a Registry,
    group: &'a str,
    version: &'a str,
) -> impl Iterator<Item = (&'a Arc<Resource>, &'a ServedVersion)> {
    registry
        .all()
        .iter()
        .filter(move |kind| &*kind.id.group == group)
        .filter_map(move |kind| kind.version(version).map(|served| (kind, served)))
}

/// `/api/v1` and `/apis/GROUP/VERSION`.
pub(crate) fn resources(registry: &Registry, group: &str, version: &str) -> Option<Value> {
    let mut resources = Vec::new();
    for (kind, served) in kinds(registry, group, version) {
        let mut entry = json!({
            "name": &*kind.id.plural,
            "singularName": kind.singular,
            "namespaced": kind.namespaced,
            "kind": kind.kind,
            "verbs": kind.verbs,
        });
        if !kind.short_names.is_empty() {
            entry["shortNames"] = json!(kind.short_names);
        }
        if !kind.categories.is_empty() {
            entry["categories"] = json!(kind.categories);
        }
        if kind.stored() {
            entry["storageVersionHash"] = json!(hash(kind));
        }
        resources.push(entry);
        for sub in kind.subresources(served) {
            let mut entry = json!({
                "name": format!("{}/{}", kind.id.plural, sub.name),
                "singularName": "",
                "namespaced": kind.namespaced,
                "kind": sub.kind.map_or(&*kind.kind, |(.., kind)| kind),
                "verbs": sub.verbs,
            });
            // Said only where it is not that of the document.
            if let Some((of, in_version, _)) = sub.kind
                && (of, in_version) != (group, version)
            {
                entry["group"] = json!(of);
                entry["version"] = json!(in_version);
            }
            resources.push(entry);
        }
    }
    (!resources.is_empty()).then(|| {
        json!({
            "kind": "APIResourceList",
            "apiVersion": "v1",
            "groupVersion": api_version(group, version),
            "resources": resources,
        })
    })
}

fn hash(kind: &Resource) -> String {
    use base64::Engine as _;
    // Any stable eight bytes will do: clients only compare them.
    let text = format!("{}/{}", kind.id.group, kind.id.plural);
    let mut sum: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in text.bytes() {
        sum = (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    base64::engine::general_purpose::STANDARD.encode(sum.to_be_bytes())
}

/// The aggregated document of `/api` (`core`) or `/apis`, in `v2` or `v2beta1`.
pub(crate) fn aggregated(registry: &Registry, core: bool, document: &str) -> Value {
    let items: Vec<Value> = registry
        .groups()
        .into_iter()
        .filter(|(group, _)| group.is_empty() == core)
        .map(|(group, versions)| {
            let versions: Vec<Value> = versions
                .iter()
                .map(|version| {
                    let resources: Vec<Value> = kinds(registry, &group, version)
                        .map(|(kind, served)| aggregated_kind(kind, served))
                        .collect();
                    json!({"version": version, "resources": resources, "freshness": "Current"})
                })
                .collect();
            let metadata = if group.is_empty() { json!({}) } else { json!({"name": group}) };
            json!({"metadata": metadata, "versions": versions})
        })
        .collect();
    json!({
        "kind": "APIGroupDiscoveryList",
        "apiVersion": format!("apidiscovery.k8s.io/{document}"),
        "metadata": {},
        "items": items,
    })
}

fn aggregated_kind(kind: &Resource, served: &ServedVersion) -> Value {
    let own = (&*kind.id.group, &*served.name, &*kind.kind);
    let response = |(group, version, kind): (&str, &str, &str)| json!({"group": group, "version": version, "kind": kind});
    let mut entry = json!({
        "resource": &*kind.id.plural,
        "responseKind": response(own),
        "scope": if kind.namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": kind.singular,
        "verbs": kind.verbs,
    });
    if !kind.short_names.is_empty() {
        entry["shortNames"] = json!(kind.short_names);
    }
    if !kind.categories.is_empty() {
        entry["categories"] = json!(kind.categories);
    }
    let subresources: Vec<Value> = kind
        .subresources(served)
        .into_iter()
        .map(|sub| {
            json!({
                "subresource": sub.name,
                "responseKind": response(sub.kind.unwrap_or(own)),
                "verbs": sub.verbs,
            })
        })
        .collect();
    if !subresources.is_empty() {
        entry["subresources"] = json!(subresources);
    }
    entry
}

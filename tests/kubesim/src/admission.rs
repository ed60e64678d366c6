//! What is filled in and what is refused before an object is stored.

use std::{collections::BTreeSet, net::Ipv4Addr};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{
    object::{child, default, list, meta, text},
    resource::{GroupResource, Resource},
    status::{ApiError, ApiResult, Cause},
    store::{Key, Store},
};

/// Fills in the defaults of built-in kinds.
pub(crate) fn defaults(resource: &Resource, object: &mut Value, store: &Store) {
    match (&*resource.id.group, &*resource.id.plural) {
        ("", "pods") => pod(object),
        ("", "services") => service(object, store),
        ("", "namespaces") => namespace(object),
        ("", "secrets") => secret(object),
        ("", "persistentvolumeclaims") => {
            default(child(object, "spec"), "volumeMode", json!("Filesystem"));
            default(child(object, "status"), "phase", json!("Pending"));
        }
        ("apps", "deployments" | "replicasets" | "statefulsets" | "daemonsets") => {
            workload(&resource.id, object);
        }
        ("batch", "jobs") => {
            let spec = child(object, "spec");
            default(spec, "parallelism", json!(1));
            default(spec, "completions", json!(1));
            default(spec, "backoffLimit", json!(6));
            default(spec, "completionMode", json!("NonIndexed"));
            default(spec, "suspend", json!(false));
            pod_spec(child(child(spec, "template"), "spec"));
        }
        ("rbac.authorization.k8s.io", "clusterrolebindings" | "rolebindings") => {
            for subject in items(object, "subjects") {
                if matches!(text(subject, &["kind"]), "User" | "Group") {
                    default(subject, "apiGroup", json!("rbac.authorization.k8s.io"));
                }
            }
        }
        _ => {}
    }
}

fn items<'a>(value: &'a mut Value, field: &str) -> impl Iterator<Item = &'a mut Value> {
    value.get_mut(field).and_then(Value::as_array_mut).into_iter().flatten()
}

/// Whether that is a namespace which the plugin NamespaceLifecycle keeps.
pub(crate) fn immortal(resource: &Resource, name: &str) -> bool {
    resource.id == GroupResource::new("", "namespaces")
        && matches!(name, "default" | "kube-public" | "kube-system")
}

/// Fills in the defaults of a pod.
pub(crate) fn pod(pod: &mut Value) {
    let spec = child(pod, "spec");
    pod_spec(spec);
    default(spec, "enableServiceLinks", json!(true));
    default(spec, "preemptionPolicy", json!("PreemptLowerPriority"));
    default(spec, "priority", json!(0));
    if spec.get("serviceAccountName").is_none() {
        spec["serviceAccountName"] = json!("default");
    }
    spec["serviceAccount"] = spec["serviceAccountName"].clone();
    let class = quality(spec);
    let status = child(pod, "status");
    default(status, "phase", json!("Pending"));
    default(status, "qosClass", json!(class));
}

/// The quality of service that requests and limits make.
fn quality(spec: &Value) -> &'static str {
    let containers = list(spec, &["containers"]);
    let has = |container: &Value, kind: &str, name: &str| {
        !text(container, &["resources", kind, name]).is_empty()
    };
    let none = containers.iter().all(|container| {
        ["requests", "limits"]
            .iter()
            .all(|kind| ["cpu", "memory"].iter().all(|name| !has(container, kind, name)))
    });
    let full = containers.iter().all(|container| {
        ["cpu", "memory"].iter().all(|name| {
            let limit = text(container, &["resources", "limits", name]);
            let request = text(container, &["resources", "requests", name]);
            !limit.is_empty() && (request.is_empty() || request == limit)
        })
    });
    if none {
        "BestEffort"
    } else if full {
        "Guaranteed"
    } else {
        "Burstable"
    }
}

fn pod_spec(spec: &mut Value) {
    default(spec, "restartPolicy", json!("Always"));
    default(spec, "dnsPolicy", json!("ClusterFirst"));
    default(spec, "terminationGracePeriodSeconds", json!(30));
    default(spec, "schedulerName", json!("default-scheduler"));
    default(spec, "securityContext", json!({}));
    let host_network = spec["hostNetwork"] == json!(true);
    for field in ["containers", "initContainers"] {
        for container in items(spec, field) {
            let image = text(container, &["image"]);
            let tag = image.rsplit('/').next().unwrap_or_default();
            let latest = !image.contains('@') && (!tag.contains(':') || tag.ends_with(":latest"));
            let pull = if latest { "Always" } else { "IfNotPresent" };
            default(container, "imagePullPolicy", json!(pull));
            default(container, "terminationMessagePath", json!("/dev/termination-log"));
            default(container, "terminationMessagePolicy", json!("File"));
            default(container, "resources", json!({}));
            for port in items(container, "ports") {
                default(port, "protocol", json!("TCP"));
                if host_network {
                    let number = port["containerPort"].clone();
                    default(port, "hostPort", number);
                }
            }
        }
    }
}

fn workload(id: &GroupResource, object: &mut Value) {
    let spec = child(object, "spec");
    match &*id.plural {
        "deployments" => {
            default(spec, "replicas", json!(1));
            default(spec, "revisionHistoryLimit", json!(10));
            default(spec, "progressDeadlineSeconds", json!(600));
            let strategy = child(spec, "strategy");
            default(strategy, "type", json!("RollingUpdate"));
            if strategy["type"] == "RollingUpdate" {
                let rolling = child(strategy, "rollingUpdate");
                default(rolling, "maxSurge", json!("25%"));
                default(rolling, "maxUnavailable", json!("25%"));
            }
        }
        "daemonsets" => {
            default(spec, "revisionHistoryLimit", json!(10));
            let strategy = child(spec, "updateStrategy");
            default(strategy, "type", json!("RollingUpdate"));
            if strategy["type"] == "RollingUpdate" {
                let rolling = child(strategy, "rollingUpdate");
                default(rolling, "maxSurge", json!(0));
                default(rolling, "maxUnavailable", json!(1));
            }
        }
        "statefulsets" => {
            default(spec, "replicas", json!(1));
            default(spec, "revisionHistoryLimit", json!(10));
            default(spec, "podManagementPolicy", json!("OrderedReady"));
            let strategy = child(spec, "updateStrategy");
            default(strategy, "type", json!("RollingUpdate"));
        }
        _ => default(spec, "replicas", json!(1)),
    }
    pod_spec(child(child(spec, "template"), "spec"));
}

fn service(service: &mut Value, store: &Store) {
    let spec = child(service, "spec");
    default(spec, "type", json!("ClusterIP"));
    default(spec, "sessionAffinity", json!("None"));
    for port in items(spec, "ports") {
        default(port, "protocol", json!("TCP"));
        let number = port["port"].clone();
        default(port, "targetPort", number);
    }
    let status = child(service, "status");
    default(status, "loadBalancer", json!({}));
    let spec = child(service, "spec");
    if spec["type"] == "ExternalName" {
        return;
    }
    default(spec, "internalTrafficPolicy", json!("Cluster"));
    if matches!(text(spec, &["type"]), "NodePort" | "LoadBalancer") {
        default(spec, "externalTrafficPolicy", json!("Cluster"));
    }
    if text(spec, &["clusterIP"]).is_empty() {
        spec["clusterIP"] = json!(free_ip(store));
    }
    let ip = spec["clusterIP"].clone();
    default(spec, "clusterIPs", json!([ip]));
    default(spec, "ipFamilies", json!(["IPv4"]));
    default(spec, "ipFamilyPolicy", json!("SingleStack"));
}

/// The first address of the range that no Service has; the range begins at the API server's own
/// Service, `default/kubernetes`.
fn free_ip(store: &Store) -> String {
    let id = GroupResource::new("", "services");
    let own = store.get(&id, &Key::new("default", "kubernetes")).map(crate::Object::value);
    let first = own.and_then(|own| text(&own, &["spec", "clusterIP"]).parse().ok());
    let first = u32::from(first.unwrap_or(Ipv4Addr::new(10, 96, 0, 1)));
    let taken: BTreeSet<String> = store
        .all(&id)
        .filter_map(|(_, service)| {
            service.head().fields.get("spec.clusterIP")?.as_str().map(str::to_owned)
        })
        .collect();
    (first..first + u32::from(u16::MAX))
        .map(|ip| Ipv4Addr::from(ip).to_string())
        .find(|ip| !taken.contains(ip))
        .unwrap_or_else(|| "None".to_owned())
}

/// Refuses a Service the address of another.
pub(crate) fn taken(resource: &Resource, service: &Value, store: &Store) -> Option<Cause> {
    let ip = text(service, &["spec", "clusterIP"]);
    let fixed = *resource.id.plural == *"services" && ip.parse::<Ipv4Addr>().is_ok();
    let mut others = store.all(&resource.id);
    (fixed && others.any(|(_, other)| text(&other.value(), &["spec", "clusterIP"]) == ip)).then(
        || {
            let detail = format!("failed to allocate IP {ip}: provided IP is already allocated");
            Cause::invalid("spec.clusterIPs", &json!([ip]), &detail)
        },
    )
}

fn namespace(namespace: &mut Value) {
    let name = meta(namespace, "name").to_owned();
    child(child(namespace, "metadata"), "labels")["kubernetes.io/metadata.name"] = json!(name);
    default(child(namespace, "spec"), "finalizers", json!(["kubernetes"]));
    default(child(namespace, "status"), "phase", json!("Active"));
}

fn secret(secret: &mut Value) {
    default(secret, "type", json!("Opaque"));
    let Some(texts) = secret.as_object_mut().and_then(|secret| secret.remove("stringData")) else {
        return;
    };
    let data = child(secret, "data");
    for (key, text) in texts.as_object().into_iter().flatten() {
        data[key.as_str()] = json!(STANDARD.encode(text.as_str().unwrap_or_default()));
    }
}

const NAME_RULE: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL_RULE: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

fn is_label(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !name.is_empty() && name.chars().all(inner) && !name.starts_with('-') && !name.ends_with('-')
}

/// What is wrong with the object by itself.
pub(crate) fn causes(resource: &Resource, object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let name = meta(object, "name");
    // RBAC names may hold any character that a path segment can.
    let rbac = &*resource.id.group == "rbac.authorization.k8s.io";
    let label_only =
        resource.id.group.is_empty() && matches!(&*resource.id.plural, "namespaces" | "services");
    if name.is_empty() {
        causes.push(Cause::required("metadata.name", "name or generateName is required"));
    } else if label_only && !is_label(name) {
        causes.push(Cause::invalid("metadata.name", &json!(name), LABEL_RULE));
    } else if !rbac && !name.split('.').all(is_label) {
        causes.push(Cause::invalid("metadata.name", &json!(name), NAME_RULE));
    }
    match (&*resource.id.group, &*resource.id.plural) {
        ("", "pods") => pod_causes("spec", &object["spec"], &mut causes),
        ("apps", "deployments" | "daemonsets" | "replicasets" | "statefulsets") => {
            workload_causes(object, &mut causes);
        }
        ("", "services") => {
            let spec = &object["spec"];
            if list(spec, &["ports"]).is_empty()
                && spec["clusterIP"] != "None"
                && spec["type"] != "ExternalName"
            {
                causes.push(Cause::required("spec.ports", ""));
            }
        }
        _ => {}
    }
    causes
}

fn workload_causes(object: &Value, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    if spec["selector"].is_null() {
        causes.push(Cause::required("spec.selector", ""));
    } else {
        let selector = crate::selector::Selector::from_spec(&spec["selector"]);
        let labels = spec["template"]["metadata"]["labels"].as_object();
        if !selector.matches(labels) {
            causes.push(Cause::invalid(
                "spec.template.metadata.labels",
                &spec["template"]["metadata"]["labels"],
                "`selector` does not match template `labels`",
            ));
        }
    }
    pod_causes("spec.template.spec", &spec["template"]["spec"], causes);
}

fn pod_causes(at: &str, spec: &Value, causes: &mut Vec<Cause>) {
    let containers = list(spec, &["containers"]);
    if containers.is_empty() {
        causes.push(Cause::required(&format!("{at}.containers"), ""));
    }
    for (i, container) in containers.iter().enumerate() {
        for field in ["name", "image"] {
            if text(container, &[field]).is_empty() {
                causes.push(Cause::required(&format!("{at}.containers[{i}].{field}"), ""));
            }
        }
        let pull = &container["imagePullPolicy"];
        if !matches!(pull.as_str(), Some("Always" | "IfNotPresent" | "Never") | None) {
            causes.push(Cause::unsupported(
                &format!("{at}.containers[{i}].imagePullPolicy"),
                pull,
                &["Always", "IfNotPresent", "Never"],
            ));
        }
    }
    let restart = &spec["restartPolicy"];
    if !matches!(restart.as_str(), Some("Always" | "OnFailure" | "Never") | None) {
        causes.push(Cause::unsupported(
            &format!("{at}.restartPolicy"),
            restart,
            &["Always", "OnFailure", "Never"],
        ));
    }
}

/// Refuses changes that no update may make.
pub(crate) fn changes(resource: &Resource, old: &Value, new: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let immutable = |field: &str| {
        let path: Vec<_> = field.split('.').collect();
        let (before, after) = (crate::object::at(old, &path), crate::object::at(new, &path));
        (before.is_some() && before != after)
            .then(|| Cause::invalid(field, after.unwrap_or(&Value::Null), "field is immutable"))
    };
    match (&*resource.id.group, &*resource.id.plural) {
        ("apps", _) => causes.extend(immutable("spec.selector")),
        ("batch", "jobs") => {
            causes.extend(immutable("spec.selector"));
            causes.extend(immutable("spec.template"));
        }
        ("rbac.authorization.k8s.io", "clusterrolebindings" | "rolebindings")
            if old["roleRef"] != new["roleRef"] =>
        {
            causes.push(Cause::invalid("roleRef", &new["roleRef"], "cannot change roleRef"));
        }
        ("", "secrets") => causes.extend(immutable("type")),
        ("", "services") => causes.extend(service_changes(old, new)),
        ("", "nodes") => causes.extend(node_changes(old, new)),
        ("", "pods") => {
            if let Some(cause) = pod_changes(old, new) {
                causes.push(cause);
            }
        }
        _ => {}
    }
    if matches!(&*resource.id.plural, "configmaps" | "secrets") && old["immutable"] == json!(true) {
        for field in ["data", "binaryData"] {
            if old[field] != new[field] {
                causes.push(Cause::forbidden(field, "field is immutable when `immutable` is set"));
            }
        }
        if new["immutable"] != json!(true) {
            causes
                .push(Cause::forbidden("immutable", "field is immutable when `immutable` is set"));
        }
    }
    causes
}

fn service_changes(old: &Value, new: &Value) -> Option<Cause> {
    let ip = |service: &Value| service["spec"]["clusterIP"].clone();
    let (before, after) = (ip(old), ip(new));
    (before.is_string() && after.is_string() && before != after)
        .then(|| Cause::invalid("spec.clusterIPs[0]", &json!([after]), "may not change once set"))
}

/// A node gets its pod CIDRs once.
fn node_changes(old: &Value, new: &Value) -> Vec<Cause> {
    let changed =
        ["podCIDR", "podCIDRs"].iter().any(|field| old["spec"][field] != new["spec"][field]);
    if old["spec"]["podCIDR"].is_null() || !changed {
        return Vec::new();
    }
    vec![
        Cause::forbidden(
            "spec.podCIDRs",
            "node updates may not change podCIDR except from \"\" to valid",
        ),
        Cause::forbidden("[]", "node updates may only change labels, taints, or capacity"),
    ]
}

/// A pod's spec is fixed but for a handful of fields.
fn pod_changes(old: &Value, new: &Value) -> Option<Cause> {
    let fixed = |pod: &Value| {
        let mut spec = pod["spec"].clone();
        for field in [
            "activeDeadlineSeconds",
            "terminationGracePeriodSeconds",
            "tolerations",
            "schedulingGates",
        ] {
            spec.as_object_mut().and_then(|spec| spec.remove(field));
        }
        for field in ["containers", "initContainers"] {
            for container in items(&mut spec, field) {
                container.as_object_mut().and_then(|container| container.remove("image"));
            }
        }
        if pod["spec"]["nodeName"].is_null() {
            spec.as_object_mut().and_then(|spec| spec.remove("nodeName"));
        }
        spec
    };
    (fixed(old) != fixed(new)).then(|| {
        Cause::forbidden(
            "spec",
            "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
        )
    })
}

/// The namespace must be there, and not on its way out.
pub(crate) fn namespace_takes(store: &Store, resource: &Resource, object: &Value) -> ApiResult<()> {
    let namespaces = GroupResource::new("", "namespaces");
    let name = meta(object, "namespace");
    let subject = crate::status::Subject { group: "", resource: "namespaces", name };
    let Some(namespace) = store.get(&namespaces, &Key::new("", name)) else {
        return Err(ApiError::not_found(&subject));
    };
    if !namespace.ties().terminating {
        return Ok(());
    }
    let message = format!("namespace {name} is being terminated");
    let mut error = ApiError::forbidden(
        &resource.named(meta(object, "name")),
        &format!("unable to create new content in namespace {name} because it is being terminated"),
    );
    error.details.insert(
        "causes".to_owned(),
        json!([{"reason": "NamespaceTerminating", "message": message, "field": "metadata.namespace"}]),
    );
    Err(error)
}

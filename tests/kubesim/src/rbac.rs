//! RBAC: who may do what, by the Roles and bindings in the store.

use serde_json::{Value, json};

use crate::{
    identity::{MASTERS, User},
    object::{list, text},
    resource::GroupResource,
    status::{ApiError, Subject},
    store::{Key, Store},
};

/// What somebody wants to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Action {
    /// `get`, `list`, …, or the HTTP method for paths.
    pub verb: String,
    /// The API group.
    pub group: String,
    /// The plural name, empty for paths.
    pub resource: String,
    /// The subresource, possibly empty.
    pub subresource: String,
    /// The namespace, empty for the whole cluster.
    pub namespace: String,
    /// The object's name, possibly empty.
    pub name: String,
    /// The path, for what is not a resource.
    pub path: String,
}

const GROUP: &str = "rbac.authorization.k8s.io";

impl Action {
    fn full_resource(&self) -> String {
        if self.subresource.is_empty() {
            self.resource.clone()
        } else {
            format!("{}/{}", self.resource, self.subresource)
        }
    }

    /// What the server says to who may not do this.
    pub(crate) fn denied(&self, user: &User) -> ApiError {
        if self.resource.is_empty() {
            let why = format!("User {:?} cannot {} path {:?}", user.name, self.verb, self.path);
            return ApiError::forbidden(&Subject { group: "", resource: "", name: "" }, &why);
        }
        let resource = self.full_resource();
        let scope = if self.namespace.is_empty() {
            "at the cluster scope".to_owned()
        } else {
            format!("in the namespace {:?}", self.namespace)
        };
        let why = format!(
            "User {:?} cannot {} resource {resource:?} in API group {:?} {scope}",
            user.name, self.verb, self.group
        );
        // The message names the resource alone, the reason the subresource as well.
        let subject = Subject { group: &self.group, resource: &self.resource, name: &self.name };
        ApiError::forbidden(&subject, &why)
    }
}

/// The rules that apply to the user in that namespace (cluster-wide ones always do).
pub(crate) fn rules(store: &Store, user: &User, namespace: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let mut collect = |binding: &Value, namespace: &str| {
        if !list(binding, &["subjects"]).iter().any(|subject| is(user, subject, namespace)) {
            return;
        }
        let name = text(binding, &["roleRef", "name"]);
        let (plural, namespace) = match text(binding, &["roleRef", "kind"]) {
            "Role" => ("roles", namespace),
            _ => ("clusterroles", ""),
        };
        let role = store.get(&GroupResource::new(GROUP, plural), &Key::new(namespace, name));
        if let Some(role) = role {
            found.extend_from_slice(list(&role.value(), &["rules"]));
        }
    };
    for (_, binding) in store.all(&GroupResource::new(GROUP, "clusterrolebindings")) {
        collect(&binding.value(), "");
    }
    if !namespace.is_empty() {
        for (key, binding) in store.all(&GroupResource::new(GROUP, "rolebindings")) {
            if key.namespace == namespace {
                collect(&binding.value(), namespace);
            }
        }
    }
    found
}

fn is(user: &User, subject: &Value, namespace: &str) -> bool {
    let name = text(subject, &["name"]);
    match text(subject, &["kind"]) {
        "User" => user.name == name,
        "Group" => user.groups.iter().any(|group| group == name),
        _ => {
            let home = match text(subject, &["namespace"]) {
                "" => namespace,
                home => home,
            };
            user.name == format!("system:serviceaccount:{home}:{name}")
        }
    }
}

/// Whether the user may.
pub(crate) fn allowed(store: &Store, user: &User, action: &Action) -> bool {
    user.groups.iter().any(|group| group == MASTERS)
        || rules(store, user, &action.namespace).iter().any(|rule| covers(rule, action))
}

fn covers(rule: &Value, action: &Action) -> bool {
    let has = |field: &str, wanted: &str| {
        list(rule, &[field]).iter().any(|known| known == wanted || known == "*")
    };
    if !has("verbs", &action.verb) {
        return false;
    }
    if action.resource.is_empty() {
        return list(rule, &["nonResourceURLs"]).iter().filter_map(Value::as_str).any(|known| {
            known.strip_suffix('*').map_or(known == action.path, |p| action.path.starts_with(p))
        });
    }
    let resource = action.full_resource();
    let sub = !action.subresource.is_empty()
        && list(rule, &["resources"]).contains(&json!(format!("*/{}", action.subresource)));
    let names = list(rule, &["resourceNames"]);
    has("apiGroups", &action.group)
        && (has("resources", &resource) || sub)
        && (names.is_empty() || names.contains(&json!(action.name)))
}

/// The roles and bindings that a new cluster has.
pub(crate) fn bootstrap() -> Vec<Value> {
    let role = |name: &str, rules: Value| {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": name, "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}},
            "rules": rules,
        })
    };
    let binding = |name: &str, group: &str| {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name, "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}},
            "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": name},
            "subjects": [{"apiGroup": GROUP, "kind": "Group", "name": group}],
        })
    };
    let public = json!(["/healthz", "/livez", "/readyz", "/version", "/version/"]);
    let discovery = json!([
        "/api",
        "/api/*",
        "/apis",
        "/apis/*",
        "/healthz",
        "/livez",
        "/openapi",
        "/openapi/*",
        "/readyz",
        "/version",
        "/version/",
    ]);
    let reviews = json!([
        {"apiGroups": [AUTHZ], "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"], "verbs": ["create"]},
        {"apiGroups": [AUTHN], "resources": ["selfsubjectreviews"], "verbs": ["create"]},
    ]);
    let mut everybody = binding("system:public-info-viewer", "system:authenticated");
    if let Some(subjects) = everybody["subjects"].as_array_mut() {
        let name = "system:unauthenticated";
        subjects.push(json!({"apiGroup": GROUP, "kind": "Group", "name": name}));
    }
    vec![
        role(
            "cluster-admin",
            json!([
                {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
                {"nonResourceURLs": ["*"], "verbs": ["*"]},
            ]),
        ),
        binding("cluster-admin", MASTERS),
        role("system:discovery", json!([{"nonResourceURLs": discovery, "verbs": ["get"]}])),
        binding("system:discovery", "system:authenticated"),
        role("system:basic-user", reviews),
        binding("system:basic-user", "system:authenticated"),
        role("system:public-info-viewer", json!([{"nonResourceURLs": public, "verbs": ["get"]}])),
        everybody,
    ]
}

const AUTHZ: &str = "authorization.k8s.io";
const AUTHN: &str = "authentication.k8s.io";

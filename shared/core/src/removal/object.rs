//! Objects of the API, by what they are called.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

/// An object that exists, or did when it was looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectRef {
    /// Group and version, such as `apps/v1`.
    pub api_version: String,
    /// Kind.
    pub kind: String,
    /// The kind's name in paths.
    pub plural: String,
    /// Namespace; empty for kinds that have none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Name.
    pub name: String,
    /// So that no other object of the same name is taken for it.
    pub uid: String,
}

impl ObjectRef {
    /// The path of its collection.
    pub fn collection(&self) -> String {
        collection(&self.api_version, &self.plural, Some(&*self.namespace))
    }

    /// Its path.
    pub fn path(&self) -> String {
        format!("{}/{}", self.collection(), self.name)
    }

    /// Whether both are called the same; one of them may have been created anew.
    pub fn is_same_place(&self, other: &Self) -> bool {
        let group = |object: &Self| group(&object.api_version).to_owned();
        group(self) == group(other)
            && self.kind == other.kind
            && self.namespace == other.namespace
            && self.name == other.name
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.kind)?;
        if !self.namespace.is_empty() {
            write!(f, "{}/", self.namespace)?;
        }
        f.write_str(&self.name)
    }
}

/// The group of `group/version`; empty for the core.
pub(super) fn group(api_version: &str) -> &str {
    api_version.rsplit_once('/').map_or("", |(group, _)| group)
}

/// The path of a collection, in a namespace if one is given.
pub(super) fn collection(api_version: &str, plural: &str, namespace: Option<&str>) -> String {
    let root = if api_version.contains('/') { "/apis" } else { "/api" };
    match namespace.filter(|namespace| !namespace.is_empty()) {
        Some(namespace) => format!("{root}/{api_version}/namespaces/{namespace}/{plural}"),
        None => format!("{root}/{api_version}/{plural}"),
    }
}

/// What `metadata` says of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// Namespace; empty for kinds that have none.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Uid.
    pub uid: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// Whether a controller owns it: it goes when that goes.
    pub is_owned: bool,
    /// Finalizers.
    pub finalizers: Vec<String>,
    /// Whether it is being deleted.
    pub is_terminating: bool,
}

impl Meta {
    /// The label's value; empty if there is none.
    pub fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }

    /// The Helm release that it says it is of: namespace and name.
    pub fn release(&self) -> Option<(&str, &str)> {
        let annotation = |name: &str| self.annotations.get(&format!("meta.helm.sh/{name}"));
        Some((annotation("release-namespace")?, annotation("release-name")?))
    }

    /// Whether Helm is to leave it where it is.
    pub fn is_to_keep(&self) -> bool {
        self.annotations
            .get("helm.sh/resource-policy")
            .is_some_and(|policy| policy.trim().eq_ignore_ascii_case("keep"))
    }
}

#[cfg(test)]
mod tests {
    use super::ObjectRef;

    #[test]
    fn paths() {
        let mut object = ObjectRef {
            api_version: "apps/v1".into(),
            kind: "DaemonSet".into(),
            plural: "daemonsets".into(),
            namespace: "kube-system".into(),
            name: "cilium".into(),
            uid: "1".into(),
        };
        assert_eq!(object.path(), "/apis/apps/v1/namespaces/kube-system/daemonsets/cilium");
        assert_eq!(object.to_string(), "DaemonSet kube-system/cilium");
        let beta = ObjectRef { api_version: "apps/v1beta1".into(), ..object.clone() };
        assert!(object.is_same_place(&beta));
        object = ObjectRef {
            api_version: "v1".into(),
            kind: "Namespace".into(),
            plural: "namespaces".into(),
            namespace: String::new(),
            ..object
        };
        assert_eq!(object.path(), "/api/v1/namespaces/cilium");
        assert!(!object.is_same_place(&beta));
    }
}

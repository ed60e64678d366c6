//! What kinds of objects the server knows: as data, from the built-in table and from CRDs.

use std::sync::Arc;

use serde_json::Value;

use crate::{
    builtin::{self, Subresource},
    object::api_version,
    status::Subject,
};

/// Group and plural name: what identifies a kind of object in the store, whatever its version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupResource {
    /// The API group, empty for core.
    pub group: Arc<str>,
    /// The plural name.
    pub plural: Arc<str>,
}

impl GroupResource {
    /// From its parts.
    pub fn new(group: &str, plural: &str) -> Self {
        Self { group: group.into(), plural: plural.into() }
    }
}

/// A version in which a kind is served.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServedVersion {
    /// `v1`, `v1beta1`, …
    pub name: String,
    /// The OpenAPI v3 schema of a custom resource.
    pub schema: Option<Value>,
    /// `additionalPrinterColumns` of a custom resource.
    pub columns: Vec<Value>,
    /// Paths of a custom resource that field selectors may name.
    pub selectable: Vec<String>,
    /// Has the `status` subresource.
    pub status: bool,
    /// Has the `scale` subresource; for custom resources the paths in it.
    pub scale: Option<Value>,
}

/// How an object is dealt with beyond plain storing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "marks that go in any combination")]
pub struct Traits {
    /// `metadata.generation` counts changes of the wanted state.
    pub generation: bool,
    /// DELETE answers with the object rather than with a Status.
    pub returns_deleted: bool,
    /// DELETE without a propagation policy leaves dependents alone.
    pub orphans: bool,
    /// Defined by a CRD.
    pub custom: bool,
}

/// One kind of object.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    /// Group and plural.
    pub id: GroupResource,
    /// The served versions, the preferred one first.
    pub versions: Vec<ServedVersion>,
    /// `Pod`.
    pub kind: String,
    /// `PodList`.
    pub list_kind: String,
    /// `pod`.
    pub singular: String,
    /// `po`.
    pub short_names: Vec<String>,
    /// `all`.
    pub categories: Vec<String>,
    /// Lives in a namespace.
    pub namespaced: bool,
    /// What can be done with it.
    pub verbs: Vec<String>,
    /// How it is dealt with.
    pub traits: Traits,
}

impl Resource {
    /// The version of that name, if served.
    pub fn version(&self, name: &str) -> Option<&ServedVersion> {
        self.versions.iter().find(|version| version.name == name)
    }

    /// `apiVersion` of objects in this version.
    pub fn api_version(&self, version: &str) -> String {
        api_version(&self.id.group, version)
    }

    /// For messages about the object of that name.
    pub fn named<'a>(&'a self, name: &'a str) -> Subject<'a> {
        Subject { group: &self.id.group, resource: &self.id.plural, name }
    }

    /// For "is invalid" messages, which say the kind.
    pub fn kind_named<'a>(&'a self, name: &'a str) -> Subject<'a> {
        Subject { group: &self.id.group, resource: &self.kind, name }
    }

    /// Whether it can be asked for `verb`.
    pub fn allows(&self, verb: &str) -> bool {
        self.verbs.iter().any(|known| known == verb)
    }

    /// Whether objects of this kind are kept, rather than answered at once as reviews are.
    pub fn stored(&self) -> bool {
        self.allows("get")
    }

    /// The subresources in that version, in the order of their names.
    pub fn subresources(&self, version: &ServedVersion) -> Vec<Subresource> {
        let mut found = builtin::extra_subresources(&self.id).to_vec();
        if version.scale.is_some() {
            found.push(Subresource::SCALE);
        }
        if version.status {
            found.push(Subresource::STATUS);
        }
        found
    }
}

/// Every kind that is served now.
#[derive(Clone, Debug)]
pub struct Registry {
    kinds: Vec<Arc<Resource>>,
}

impl Default for Registry {
    fn default() -> Self {
        Self { kinds: builtin::resources().into_iter().map(Arc::new).collect() }
    }
}

impl Registry {
    /// Every kind, in the order they came.
    pub fn all(&self) -> &[Arc<Resource>] {
        &self.kinds
    }

    /// The kind with that plural in that group.
    pub fn get(&self, group: &str, plural: &str) -> Option<&Arc<Resource>> {
        self.kinds.iter().find(|kind| &*kind.id.group == group && &*kind.id.plural == plural)
    }

    /// The kind with that plural, if it is served in that version.
    pub fn served(&self, group: &str, version: &str, plural: &str) -> Option<&Arc<Resource>> {
        self.get(group, plural).filter(|kind| kind.version(version).is_some())
    }

    /// The kind that objects with these type fields are of.
    pub fn of_kind(&self, group: &str, version: &str, kind: &str) -> Option<&Arc<Resource>> {
        self.kinds.iter().find(|known| {
            &*known.id.group == group && known.kind == kind && known.version(version).is_some()
        })
    }

    /// Adds or replaces a kind.
    pub fn put(&mut self, resource: Resource) {
        let resource = Arc::new(resource);
        match self.kinds.iter_mut().find(|kind| kind.id == resource.id) {
            Some(place) => *place = resource,
            None => self.kinds.push(resource),
        }
    }

    /// Forgets a kind.
    pub fn remove(&mut self, id: &GroupResource) {
        self.kinds.retain(|kind| kind.id != *id);
    }

    /// The groups in the order an API server lists them, with their versions, preferred first.
    pub fn groups(&self) -> Vec<(String, Vec<String>)> {
        let mut groups: Vec<(String, Vec<String>)> = Vec::new();
        for kind in &self.kinds {
            let place = groups.iter().position(|(group, _)| *group == *kind.id.group);
            let place = place.unwrap_or_else(|| {
                groups.push((kind.id.group.to_string(), Vec::new()));
                groups.len() - 1
            });
            for version in &kind.versions {
                if !groups[place].1.contains(&version.name) {
                    groups[place].1.push(version.name.clone());
                }
            }
        }
        for (_, versions) in &mut groups {
            versions.sort_by_key(|version| std::cmp::Reverse(precedence(version)));
        }
        groups
    }
}

/// How versions of one group rank: `v2` before `v1` before `v1beta1` before `v1alpha1`.
pub(crate) fn precedence(version: &str) -> (u8, u32, u32) {
    let Some(rest) = version.strip_prefix('v') else { return (0, 0, 0) };
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let major = rest[..digits].parse().unwrap_or(0);
    for (rank, word) in [(2, "beta"), (1, "alpha")] {
        if let Some(minor) = rest[digits..].strip_prefix(word) {
            return (rank, major, minor.parse().unwrap_or(0));
        }
    }
    (3, major, 0)
}

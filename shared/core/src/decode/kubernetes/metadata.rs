//! What all objects have.

use std::collections::BTreeMap;

use ipnet::IpNet;
use serde::{Deserialize, Deserializer};

use crate::decode::DecodeError;

/// `metadata`, what facts use of it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Metadata {
    pub(super) name: String,
    #[serde(default)]
    pub(super) namespace: String,
    #[serde(default)]
    pub(super) uid: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) labels: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) annotations: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) creation_timestamp: Option<String>,
    #[serde(default)]
    pub(super) deletion_timestamp: Option<String>,
    #[serde(default)]
    pub(super) finalizers: Vec<String>,
    #[serde(default)]
    pub(super) owner_references: Vec<OwnerReference>,
    #[serde(default)]
    managed_fields: Vec<ManagedFields>,
}

/// An owner of an object, in the object's own namespace.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct OwnerReference {
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) controller: bool,
}

#[derive(Debug, Deserialize)]
struct ManagedFields {
    time: Option<String>,
}

impl Metadata {
    /// `NAMESPACE/NAME`, or the name alone.
    pub(super) fn qualified_name(&self) -> String {
        match self.namespace.as_str() {
            "" => self.name.clone(),
            namespace => format!("{namespace}/{}", self.name),
        }
    }

    /// When the object was last written by someone who is known for it. Times of one object are in
    /// UTC and of one form, and sort as text.
    pub(super) fn changed_at(&self) -> Option<String> {
        self.managed_fields.iter().filter_map(|fields| fields.time.clone()).max()
    }

    /// Annotations whose names pass.
    pub(super) fn annotations_if(&self, keep: impl Fn(&str) -> bool) -> BTreeMap<String, String> {
        let kept = self.annotations.iter().filter(|(name, _)| keep(name));
        kept.map(|(name, text)| (name.clone(), text.clone())).collect()
    }
}

/// A value that Go writes as `null` where it is empty.
pub(super) fn nullable<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// CIDRs of a field, without their host bits.
pub(super) fn prefixes(field: &str, texts: &[String]) -> Result<Vec<IpNet>, DecodeError> {
    texts
        .iter()
        .map(|text| {
            text.parse::<IpNet>()
                .map(|net| net.trunc())
                .map_err(|_| DecodeError::new(format!("{field}: `{text}` is not a CIDR")))
        })
        .collect()
}

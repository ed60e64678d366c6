//! The snapshot format: [`Facts`] as JSON.
//!
//! `schemaVersion` is `MAJOR.MINOR`. A newer minor version only adds fields, which an older tool
//! ignores; a newer major version changes meanings, and is refused.

use serde::{Deserialize, Deserializer, Serialize, de};

use super::{Facts, NodeFacts};

/// Nodes that a snapshot may hold: Kubernetes supports 5 000 in a cluster. `{"name":"a"}` is twelve
/// bytes of JSON and a kilobyte of memory, so a limit on bytes alone would not do.
pub const MAX_NODES: usize = 50_000;

/// Version of the facts model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct SchemaVersion {
    /// Changes when the meaning of a field changes.
    pub major: u32,
    /// Changes when a field is added.
    pub minor: u32,
}

impl SchemaVersion {
    /// What this tool writes.
    pub const CURRENT: Self = Self { major: 1, minor: 1 };
}

impl Default for SchemaVersion {
    fn default() -> Self {
        Self::CURRENT
    }
}

impl std::fmt::Display for SchemaVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl From<SchemaVersion> for String {
    fn from(version: SchemaVersion) -> Self {
        version.to_string()
    }
}

impl TryFrom<String> for SchemaVersion {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.split_once('.')
            .and_then(|(major, minor)| {
                Some(Self { major: major.parse().ok()?, minor: minor.parse().ok()? })
            })
            .ok_or_else(|| format!("`{text}` is not a schema version such as `1.0`"))
    }
}

/// Why a document is not a snapshot that can be read.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// Not JSON, or cut short.
    #[error("not a snapshot: {0}")]
    Json(#[from] serde_json::Error),
    /// JSON, but without `schemaVersion`.
    #[error("not a snapshot: the field `schemaVersion` is missing")]
    NotASnapshot,
    /// Written by a newer tool.
    #[error("the snapshot has schema version {found}, this tool reads up to {}.x", SchemaVersion::CURRENT.major)]
    TooNew {
        /// The document's version.
        found: SchemaVersion,
    },
}

/// Reads the list of nodes, and gives up at one too many.
pub(super) fn bounded_nodes<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<NodeFacts>, D::Error> {
    struct Bounded;

    impl<'de> de::Visitor<'de> for Bounded {
        type Value = Vec<NodeFacts>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "at most {MAX_NODES} nodes")
        }

        fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut nodes = Vec::new();
            while let Some(node) = list.next_element()? {
                if nodes.len() == MAX_NODES {
                    return Err(de::Error::invalid_length(MAX_NODES + 1, &self));
                }
                nodes.push(node);
            }
            Ok(nodes)
        }
    }

    deserializer.deserialize_seq(Bounded)
}

/// Decodes a snapshot.
///
/// # Errors
/// When the text is not JSON, not a snapshot, or of a newer major version. The version is judged
/// before the rest is decoded, so that a newer document is told apart from a broken one.
pub fn decode(json: &[u8]) -> Result<Facts, SnapshotError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Head {
        schema_version: Option<SchemaVersion>,
    }
    let head: Head = serde_json::from_slice(json)?;
    let found = head.schema_version.ok_or(SnapshotError::NotASnapshot)?;
    if found.major > SchemaVersion::CURRENT.major {
        return Err(SnapshotError::TooNew { found });
    }
    Ok(serde_json::from_slice(json)?)
}

/// Encodes facts as a snapshot: indented JSON, a newline at the end.
///
/// # Errors
/// Never for facts that this crate's decoders make; serde_json's type asks for it.
pub fn encode(facts: &Facts) -> Result<Vec<u8>, serde_json::Error> {
    let mut json = serde_json::to_vec_pretty(facts)?;
    json.push(b'\n');
    Ok(json)
}

//! Lists and single objects.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{metadata::Metadata, status::Status};
use crate::decode::DecodeError;

/// What can be read from an object of the API.
pub trait FromApi: Sized {
    /// Kind of the objects, for errors.
    const KIND: &'static str;

    /// Reads an object; `None` says that it is of no interest.
    ///
    /// # Errors
    /// When the object is not what its kind should be. The error names the field, and its caller
    /// adds the object.
    fn from_api(object: &Object<'_>) -> Result<Option<Self>, DecodeError>;
}

/// The JSON of one object.
#[derive(Clone, Copy, Debug)]
pub struct Object<'a>(&'a str);

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// What was read, in the server's order.
    pub items: Vec<T>,
    /// `metadata.continue`: asks for the next page; `None` after the last.
    pub resume: Option<String>,
    /// `metadata.resourceVersion` of the list.
    pub resource_version: String,
}

/// What stands beside the items of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListEnd {
    /// As in [`Page`].
    pub resume: Option<String>,
    /// As in [`Page`].
    pub resource_version: String,
}

/// A list or an object. Items are looked at one by one, where they stand.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(default, borrow)]
    kind: Cow<'a, str>,
    #[serde(default, borrow, deserialize_with = "present")]
    items: Option<Vec<&'a RawValue>>,
    metadata: Option<ListMetadata>,
}

/// `metadata` of a list or of a Table.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ListMetadata {
    #[serde(rename = "continue")]
    resume: String,
    resource_version: String,
}

impl From<ListMetadata> for ListEnd {
    fn from(metadata: ListMetadata) -> Self {
        Self {
            resume: Some(metadata.resume).filter(|token| !token.is_empty()),
            resource_version: metadata.resource_version,
        }
    }
}

/// `items: null` is how Go writes an empty list; it is not the same as no `items`.
fn present<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<&'de RawValue>>, D::Error> {
    Ok(Some(Option::deserialize(deserializer)?.unwrap_or_default()))
}

/// Reads a list, or a single object, and hands over what was read, one after the other.
///
/// # Errors
/// When the text is no object and no list, or when one of its objects cannot be read. What came
/// before that one has been handed over.
pub fn each<T: FromApi>(json: &[u8], mut visit: impl FnMut(T)) -> Result<ListEnd, DecodeError> {
    let envelope: Envelope<'_> = serde_json::from_slice(json)?;
    if let Some(items) = envelope.items {
        for item in items {
            if let Some(found) = read(Object(item.get()))? {
                visit(found);
            }
        }
        return Ok(envelope.metadata.unwrap_or_default().into());
    }
    if let Some(status) = Status::from_json(json) {
        return Err(DecodeError::new(format!("the API server answered: {status}")));
    }
    if envelope.metadata.is_none() || envelope.kind == "Table" {
        return Err(DecodeError::new("neither a Kubernetes object nor a list of them"));
    }
    let text = std::str::from_utf8(json).map_err(|error| DecodeError::new(error.to_string()))?;
    if let Some(found) = read(Object(text))? {
        visit(found);
    }
    Ok(ListEnd::default())
}

/// Reads a page of a list, or a single object.
///
/// # Errors
/// As [`each`].
pub fn page<T: FromApi>(json: &[u8]) -> Result<Page<T>, DecodeError> {
    let mut items = Vec::new();
    let ListEnd { resume, resource_version } = each(json, |item| items.push(item))?;
    Ok(Page { items, resume, resource_version })
}

fn read<T: FromApi>(object: Object<'_>) -> Result<Option<T>, DecodeError> {
    T::from_api(&object)
        .map_err(|error| DecodeError::new(format!("{} {}: {error}", T::KIND, object.name())))
}

impl<'a> Object<'a> {
    /// Reads some of its fields. Where that fails it is read once more, slowly, to name the field.
    pub(super) fn read<T: Deserialize<'a>>(&self) -> Result<T, DecodeError> {
        serde_json::from_str(self.0).or_else(|_| {
            let mut deserializer = serde_json::Deserializer::from_str(self.0);
            serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
                let (path, why) = (error.path().to_string(), error.inner().to_string());
                // A position within the object, which nobody sees.
                let why = why.rsplit_once(" at line ").map_or(why.as_str(), |(why, _)| why);
                DecodeError::new(if path == "." {
                    why.to_owned()
                } else {
                    format!("{path}: {why}")
                })
            })
        })
    }

    /// `NAMESPACE/NAME`, as far as they can be read.
    fn name(&self) -> String {
        #[derive(Deserialize)]
        struct Named {
            metadata: Metadata,
        }
        match serde_json::from_str::<Named>(self.0) {
            Ok(Named { metadata }) => metadata.qualified_name(),
            Err(_) => "without a name".into(),
        }
    }
}

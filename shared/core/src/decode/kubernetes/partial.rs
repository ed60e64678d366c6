//! `PartialObjectMetadata`: objects of any kind, without what is in them.

use super::{
    list::{FromApi, Object},
    metadata::Metadata,
};
use crate::{decode::DecodeError, removal::Meta};

impl FromApi for Meta {
    const KIND: &'static str = "object";

    fn from_api(object: &Object<'_>) -> Result<Option<Self>, DecodeError> {
        #[derive(serde::Deserialize)]
        struct Raw {
            metadata: Metadata,
        }
        let Raw { metadata } = object.read()?;
        Ok(Some(Self {
            is_owned: metadata.owner_references.iter().any(|owner| owner.controller),
            is_terminating: metadata.deletion_timestamp.is_some(),
            namespace: metadata.namespace,
            name: metadata.name,
            uid: metadata.uid,
            labels: metadata.labels,
            annotations: metadata.annotations,
            finalizers: metadata.finalizers,
        }))
    }
}

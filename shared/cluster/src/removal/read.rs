//! Lists of objects without what is in them, and counts.

use kcilium_core::{
    decode::kubernetes::{FromApi, page},
    facts::Unavailable,
    removal::Meta,
};
use serde::{Deserialize, de::IgnoredAny};

use crate::{Api, ApiError, Form, PageSize, Pages};

/// What reading is done with.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) api: &'a Api,
}

impl Reader<'_> {
    /// Reads a collection to its end.
    pub(super) async fn list<T: FromApi>(
        &self,
        path: &str,
        form: Form,
        query: &[(&str, &str)],
    ) -> Result<Vec<T>, ApiError> {
        let size = if form == Form::MetadataList { PageSize::Rows } else { PageSize::Objects };
        let pages = Pages { path, query, form, size };
        let decode = |json: &[u8]| match page::<T>(json) {
            Ok(page) => Ok((page.items, page.resume)),
            Err(error) => Err(ApiError::Unreadable { reason: error.to_string() }),
        };
        self.api.list(&pages, decode).await
    }

    /// The objects of a collection by their metadata, in all namespaces or in one; with labels if a
    /// selector is given. A kind that the server does not have it has none of.
    pub(super) async fn metas(&self, path: &str, selector: &str) -> Result<Vec<Meta>, ApiError> {
        let query = [("labelSelector", selector)];
        let query = if selector.is_empty() { &query[..0] } else { &query[..] };
        match self.list(path, Form::MetadataList, query).await {
            Err(ApiError::NotFound { .. }) => Ok(Vec::new()),
            found => found,
        }
    }

    /// One object; none if it is not there.
    pub(super) async fn one<T: FromApi>(
        &self,
        path: &str,
        form: Form,
    ) -> Result<Option<T>, ApiError> {
        let body = match self.api.get(path, form).await {
            Err(ApiError::NotFound { .. }) => return Ok(None),
            body => body?,
        };
        match page(&body) {
            Ok(page) => Ok(page.items.into_iter().next()),
            Err(error) => Err(ApiError::Unreadable { reason: error.to_string() }),
        }
    }

    /// How many objects a collection has: the first, and how many the server says remain.
    pub(super) async fn count(&self, path: &str) -> Result<u64, ApiError> {
        #[derive(Deserialize)]
        struct List {
            #[serde(default)]
            metadata: Metadata,
            #[serde(default)]
            items: Option<Vec<IgnoredAny>>,
        }
        #[derive(Default, Deserialize)]
        #[serde(default, rename_all = "camelCase")]
        struct Metadata {
            #[serde(rename = "continue")]
            resume: String,
            remaining_item_count: Option<u64>,
        }
        let read = |json: &[u8]| {
            serde_json::from_slice::<List>(json)
                .map_err(|error| ApiError::Unreadable { reason: error.to_string() })
        };
        let first = read(&self.api.get(&format!("{path}?limit=1"), Form::MetadataList).await?)?;
        let begun = first.items.map_or(0, |items| items.len() as u64);
        match (first.metadata.remaining_item_count, first.metadata.resume.as_str()) {
            (Some(remaining), _) => Ok(begun + remaining),
            (None, "") => Ok(begun),
            // Servers need not say it.
            (None, _) => {
                let query = [];
                let pages =
                    Pages { path, query: &query, form: Form::MetadataList, size: PageSize::Rows };
                let pages = self.api.list(&pages, |json| {
                    let page = read(json)?;
                    let count = page.items.map_or(0, |items| items.len() as u64);
                    Ok((vec![count], Some(page.metadata.resume)))
                });
                Ok(pages.await?.into_iter().sum())
            }
        }
    }
}

/// A reason as the report shows it; `need` is the permission, such as `list secrets`.
pub(super) fn unavailable(error: &ApiError, what: &str, verb: &str, plural: &str) -> Unavailable {
    error.unavailable(what, &format!("{verb} {plural}"))
}

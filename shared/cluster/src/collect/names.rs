//! Names, and nothing else of objects.

use std::borrow::Cow;

use kcilium_core::decode::kubernetes::Table;

use super::Resource;
use crate::{Api, ApiError, Form, PageSize, Pages};

/// The names of the objects in a collection, as rows: nothing else of them is sent.
///
/// # Errors
/// When the collection cannot be read.
pub async fn names(
    api: &Api,
    resource: Resource,
    namespace: Option<&str>,
    query: &[(&str, &str)],
) -> Result<Vec<String>, ApiError> {
    let path = resource.path(namespace);
    let query: Vec<_> = query.iter().copied().chain([("includeObject", "None")]).collect();
    let pages = Pages { path: &path, query: &query, form: Form::Table, size: PageSize::Rows };
    api.list(&pages, page_of).await
}

/// The names in a page of rows.
fn page_of(json: &[u8]) -> Result<(Vec<String>, Option<String>), ApiError> {
    let unreadable =
        |error: &dyn std::fmt::Display| ApiError::Unreadable { reason: error.to_string() };
    let table = Table::from_json(json).map_err(|error| unreadable(&error))?;
    let column = table.column("Name").map_err(|error| unreadable(&error))?;
    let names = table
        .rows()
        .map(|row| row.text(column).map(Cow::into_owned))
        .collect::<Result<_, _>>()
        .map_err(|error| unreadable(&error))?;
    Ok((names, table.resume))
}

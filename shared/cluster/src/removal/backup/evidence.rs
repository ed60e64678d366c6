//! What agents and the operator wrote, as far as it helps to find what is left on nodes.

use std::path::Path;

use kcilium_core::{
    decode::kubernetes::Table,
    removal::{CustomResources, Meta},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{BackupError, File};
use crate::{Api, ApiError, Form, PageSize, Pages, collect::Resource, removal::read::Reader};

/// Writes a line for each object; gives the file and how many there are. Rows are a fiftieth of their
/// objects, and do not say in which namespace they are: each namespace is asked for alone.
pub(super) async fn write(
    api: &Api,
    folder: &Path,
    resources: &CustomResources,
) -> Result<(String, u64), BackupError> {
    let name = format!("evidence/{}.jsonl", resources.plural);
    let mut file = File::create(folder, &name)?;
    let what = || resources.definition.name.clone();
    let unread = |source| BackupError::Unread { what: what(), source };
    let mut count = 0;
    if resources.plural == "ciliumnodes" {
        let path = format!("/apis/{}/{}", resources.api_version, resources.plural);
        count += lines(api, &mut file, &path, Form::Json, nodes).await.map_err(unread)?;
    } else {
        let mut namespaces = vec![String::new()];
        if resources.namespaced {
            let path = Resource::NAMESPACES.path(None);
            let all: Vec<Meta> = Reader { api }.metas(&path, "").await.map_err(unread)?;
            namespaces = all.into_iter().map(|meta| meta.name).collect();
        }
        for namespace in namespaces {
            let within = if namespace.is_empty() {
                String::new()
            } else {
                format!("/namespaces/{namespace}")
            };
            let path = format!("/apis/{}{within}/{}", resources.api_version, resources.plural);
            let rows = |json: &[u8]| rows(json, &resources.plural, &namespace);
            count += lines(api, &mut file, &path, Form::Table, rows).await.map_err(unread)?;
        }
    }
    file.finish()?;
    Ok((name, count))
}

/// Items of a page, and its continue token.
type Read = Result<(Vec<Value>, Option<String>), ApiError>;

async fn lines(
    api: &Api,
    file: &mut File,
    path: &str,
    form: Form,
    read: impl Fn(&[u8]) -> Read,
) -> Result<u64, ApiError> {
    let query = [("includeObject", "None")];
    let (query, size) = match form {
        Form::Table => (&query[..], PageSize::Rows),
        _ => (&query[..0], PageSize::Objects),
    };
    let pages = Pages { path, query, form, size };
    let written = api.list(&pages, |json| {
        let (items, resume) = read(json)?;
        let mut text = String::new();
        for item in &items {
            text.push_str(&item.to_string());
            text.push('\n');
        }
        file.write(text.as_bytes()).map_err(|error| unreadable(&error))?;
        Ok((vec![(); items.len()], resume))
    });
    Ok(written.await?.len() as u64)
}

/// Columns worth keeping, beside the name.
fn columns(plural: &str) -> &'static [&'static str] {
    match plural {
        "ciliumendpoints" => &["Security Identity", "Endpoint State", "IPv4", "IPv6"],
        "ciliumidentities" => &["Namespace"],
        _ => &[],
    }
}

fn rows(json: &[u8], plural: &str, namespace: &str) -> Read {
    let table = Table::from_json(json).map_err(|error| unreadable(&error))?;
    let mut found = Vec::new();
    for row in table.rows() {
        let mut item = json!({});
        if !namespace.is_empty() {
            item["namespace"] = json!(namespace);
        }
        for name in std::iter::once(&"Name").chain(columns(plural)) {
            // Columns come and go with versions.
            let Ok(column) = table.column(name) else { continue };
            let text = row.text(column).map_err(|error| unreadable(&error))?;
            if !text.is_empty() {
                item[*name] = json!(text);
            }
        }
        found.push(item);
    }
    Ok((found, table.resume))
}

/// Pod CIDRs and addresses of nodes: routes to them are recognised by these.
fn nodes(json: &[u8]) -> Read {
    #[derive(Deserialize)]
    struct List {
        items: Vec<Node>,
        #[serde(default)]
        metadata: Metadata,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Metadata {
        name: String,
        #[serde(rename = "continue")]
        resume: String,
    }
    #[derive(Deserialize)]
    struct Node {
        metadata: Metadata,
        #[serde(default)]
        spec: Value,
    }
    let list: List = serde_json::from_slice(json).map_err(|error| unreadable(&error))?;
    let line = |node: Node| {
        json!({
            "name": node.metadata.name,
            "podCIDRs": node.spec["ipam"]["podCIDRs"],
            "addresses": node.spec["addresses"],
        })
    };
    Ok((list.items.into_iter().map(line).collect(), Some(list.metadata.resume)))
}

fn unreadable(error: &dyn std::fmt::Display) -> ApiError {
    ApiError::Unreadable { reason: error.to_string() }
}

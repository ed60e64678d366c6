//! Where objects of a kind live on a server, by its discovery.

use std::collections::HashMap;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::Client;
use crate::object::{group_version, list, meta, text};

/// One kind as a server serves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    /// The version in which it is served.
    pub api_version: String,
    /// `Pod`.
    pub name: String,
    /// Has the `status` subresource.
    pub status: bool,
    plural: String,
    namespaced: bool,
}

impl Kind {
    /// The path to create the object at.
    pub(super) fn collection(&self, object: &Value) -> String {
        let root = root(&self.api_version);
        if self.namespaced {
            let namespace = match meta(object, "namespace") {
                "" => "default",
                namespace => namespace,
            };
            return format!("{root}/namespaces/{namespace}/{}", self.plural);
        }
        format!("{root}/{}", self.plural)
    }

    /// The path of the object.
    pub(super) fn path(&self, object: &Value) -> String {
        let name = percent_encoding::utf8_percent_encode(
            meta(object, "name"),
            percent_encoding::NON_ALPHANUMERIC,
        );
        format!("{}/{name}", self.collection(object))
    }
}

fn root(api_version: &str) -> String {
    let prefix = if api_version.contains('/') { "/apis" } else { "/api" };
    format!("{prefix}/{api_version}")
}

/// What was discovered so far.
#[derive(Debug, Default)]
pub(super) struct Kinds {
    known: HashMap<(String, String), Kind>,
}

impl Kinds {
    /// The kind of the object.
    ///
    /// Where its version is not served, another version of its group will do: EndpointSlices, for
    /// one, are `v1` since Kubernetes 1.21 only.
    pub(super) async fn of(&mut self, client: &Client, object: &Value) -> Result<Kind> {
        let (api_version, name) = (text(object, &["apiVersion"]), text(object, &["kind"]));
        let key = (api_version.to_owned(), name.to_owned());
        if let Some(kind) = self.known.get(&key) {
            return Ok(kind.clone());
        }
        let mut found = discover(client, api_version, name).await?;
        let (group, _) = group_version(api_version);
        if found.is_none() && !group.is_empty() {
            let versions = client.call("GET", &format!("/apis/{group}"), None).await?.body;
            for version in list(&versions, &["versions"]) {
                let other = text(version, &["groupVersion"]);
                if found.is_none() && other != api_version {
                    found = discover(client, other, name).await?;
                }
            }
        }
        let Some(kind) = found else {
            bail!("the server does not serve {api_version} {name}");
        };
        self.known.insert(key, kind.clone());
        Ok(kind)
    }
}

async fn discover(client: &Client, api_version: &str, name: &str) -> Result<Option<Kind>> {
    let answer = client.call("GET", &root(api_version), None).await?;
    if answer.code == 404 {
        return Ok(None);
    }
    let body = answer.ok().with_context(|| format!("discover {api_version}"))?;
    let resources = list(&body, &["resources"]);
    let Some(resource) = resources
        .iter()
        .find(|resource| resource["kind"] == name && !text(resource, &["name"]).contains('/'))
    else {
        return Ok(None);
    };
    let plural = text(resource, &["name"]).to_owned();
    let status = format!("{plural}/status");
    Ok(Some(Kind {
        api_version: api_version.to_owned(),
        name: name.to_owned(),
        status: resources.iter().any(|resource| resource["name"] == status.as_str()),
        plural,
        namespaced: resource["namespaced"] == true,
    }))
}

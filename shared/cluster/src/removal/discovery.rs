//! What kinds a server has.

use std::collections::HashMap;

use kcilium_core::removal::ObjectRef;
use serde::Deserialize;

use crate::{Api, ApiError, Form};

/// A kind as a server has it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Served {
    /// The plural name; with a slash for subresources.
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) namespaced: bool,
}

/// What was asked before.
pub(super) struct Discovery<'a> {
    api: &'a Api,
    known: HashMap<String, Vec<Served>>,
}

impl<'a> Discovery<'a> {
    pub(super) fn new(api: &'a Api) -> Self {
        Self { api, known: HashMap::new() }
    }

    /// The kinds of a group and version, such as `apps/v1`; none if the server does not have it.
    pub(super) async fn kinds(&mut self, api_version: &str) -> Result<&[Served], ApiError> {
        #[derive(Deserialize)]
        struct List {
            #[serde(default)]
            resources: Option<Vec<Served>>,
        }
        if !self.known.contains_key(api_version) {
            let root = if api_version.contains('/') { "/apis" } else { "/api" };
            let kinds = match self.api.get(&format!("{root}/{api_version}"), Form::Json).await {
                Err(ApiError::NotFound { .. }) => Vec::new(),
                body => read::<List>(&body?)?.resources.unwrap_or_default(),
            };
            self.known.insert(api_version.to_owned(), kinds);
        }
        Ok(self.known.get(api_version).map_or(&[], Vec::as_slice))
    }

    /// Where an object of that kind is; none if the server has no such kind.
    pub(super) async fn place(
        &mut self,
        api_version: &str,
        kind: &str,
        namespace: &str,
        name: &str,
    ) -> Result<Option<ObjectRef>, ApiError> {
        let kinds = self.kinds(api_version).await?;
        let served = kinds.iter().find(|it| it.kind == kind && !it.name.contains('/'));
        Ok(served.map(|served| ObjectRef {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            plural: served.name.clone(),
            namespace: if served.namespaced { namespace.to_owned() } else { String::new() },
            name: name.to_owned(),
            uid: String::new(),
        }))
    }

    /// The versions of a group, the preferred ones first; none if the server does not have it.
    pub(super) async fn versions(&self, group: &str) -> Result<Vec<String>, ApiError> {
        #[derive(Deserialize)]
        struct Group {
            versions: Vec<Version>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Version {
            group_version: String,
        }
        match self.api.get(&format!("/apis/{group}"), Form::Json).await {
            Err(ApiError::NotFound { .. }) => Ok(Vec::new()),
            body => {
                let Group { versions } = read(&body?)?;
                Ok(versions.into_iter().map(|version| version.group_version).collect())
            }
        }
    }
}

fn read<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Result<T, ApiError> {
    serde_json::from_slice(json).map_err(|error| ApiError::Unreadable { reason: error.to_string() })
}

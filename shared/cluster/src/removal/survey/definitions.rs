//! Cilium's definitions, and how many objects each has.

use futures_util::{StreamExt as _, stream};
use kcilium_core::removal::{Authorship, CustomResources, Definition, Kept, Meta, ObjectRef};

use super::{super::read::Reader, Surveyor};
use crate::{ApiError, collect::Resource};

/// How many definitions are looked at at once.
const AT_ONCE: usize = 6;

/// Up to so many objects that people wrote are looked at for finalizers.
const LOOKED_AT: u64 = 5000;

impl Surveyor<'_> {
    /// Finds the definitions by the list of their names.
    pub(super) async fn definitions(&mut self) {
        let Some(metas) = self.metas(Resource::CUSTOM_RESOURCES, None, "").await else { return };
        let mut served = Vec::new();
        match self.discovery.versions("cilium.io").await {
            Err(error) => self.unknown(error.unavailable("cilium.io", "get /apis/cilium.io")),
            Ok(versions) => {
                for version in versions {
                    match self.discovery.kinds(&version).await {
                        Ok(kinds) => {
                            served.extend(kinds.iter().map(|kind| (version.clone(), kind.clone())));
                        }
                        Err(error) => {
                            let why = error.unavailable(&version, "get /apis/cilium.io");
                            self.unknown(why);
                        }
                    }
                }
            }
        }
        let mut found = Vec::new();
        for meta in metas {
            let Some(definition) = Definition::named(&meta.name) else {
                self.inventory.kept.extend(keeper(&meta.name));
                continue;
            };
            let kind = served.iter().find(|(_, kind)| kind.name == definition.plural);
            let resources = CustomResources {
                plural: definition.plural.to_owned(),
                kind: kind.map(|(_, kind)| kind.kind.clone()).unwrap_or_default(),
                api_version: kind.map(|(version, _)| version.clone()).unwrap_or_default(),
                namespaced: kind.is_some_and(|(_, kind)| kind.namespaced),
                count: None,
                held: 0,
                is_terminating: meta.is_terminating,
                definition: object(meta),
            };
            found.push((definition, resources));
        }
        let reader = self.reader;
        let counted = found.into_iter().map(|(definition, mut resources)| async move {
            let outcome = count(reader, definition, &mut resources).await;
            (resources, outcome)
        });
        let counted: Vec<_> = stream::iter(counted).buffered(AT_ONCE).collect().await;
        for (resources, outcome) in counted {
            if let Err(error) = outcome {
                let name = &resources.definition.name;
                self.unknown(error.unavailable(name, &format!("list {name}")));
            }
            self.inventory.custom_resources.push(resources);
        }
    }
}

async fn count(
    reader: Reader<'_>,
    definition: Definition,
    resources: &mut CustomResources,
) -> Result<(), ApiError> {
    if resources.api_version.is_empty() {
        let reason = "the server does not serve it, so that its objects cannot be counted".into();
        return Err(ApiError::Unreadable { reason });
    }
    let path = format!("/apis/{}/{}", resources.api_version, resources.plural);
    let count = reader.count(&path).await?;
    resources.count = Some(count);
    if definition.authorship == Authorship::User && (1..=LOOKED_AT).contains(&count) {
        let held = reader.metas(&path, "").await?;
        resources.held = held.iter().filter(|it| !it.finalizers.is_empty()).count() as u64;
    }
    Ok(())
}

fn object(meta: Meta) -> ObjectRef {
    ObjectRef {
        api_version: "apiextensions.k8s.io/v1".into(),
        kind: "CustomResourceDefinition".into(),
        plural: Resource::CUSTOM_RESOURCES.plural.into(),
        namespace: String::new(),
        name: meta.name,
        uid: meta.uid,
    }
}

/// Definitions that are taken for Cilium's, and are not.
fn keeper(name: &str) -> Option<Kept> {
    let why = match name.split_once('.')? {
        ("podinfo", "cilium.io") => "Tetragon's",
        (plural, "cilium.io") if plural.starts_with("tracingpolicies") => "Tetragon's",
        (_, "cilium.io") => "not known as Cilium's",
        (_, "isovalent.com") => "of Isovalent's Enterprise edition",
        ("serviceexports" | "serviceimports", "multicluster.x-k8s.io") => {
            "Cilium's operator may have made it, and others use it"
        }
        _ => return None,
    };
    Some(Kept { what: format!("CustomResourceDefinition {name}"), why: why.into() })
}

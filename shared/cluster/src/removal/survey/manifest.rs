//! Objects of a release's manifest and of its hooks.

use kcilium_core::{
    decode::kubernetes::ReleaseContents,
    facts::Unavailable,
    removal::{Found, Kept, Meta, ObjectRef, Proof},
};
use serde::Deserialize;

use super::{
    super::{documents::documents, read::unavailable},
    Surveyor,
};
use crate::Form;

/// What a document of a manifest says of where its object is.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    api_version: String,
    kind: String,
    metadata: Metadata,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    name: String,
    #[serde(default)]
    namespace: Option<String>,
    #[serde(default)]
    annotations: Option<std::collections::BTreeMap<String, Option<String>>>,
}

impl Surveyor<'_> {
    /// Looks for the objects of releases.
    pub(super) async fn manifests(&mut self, contents: &[ReleaseContents]) {
        for ReleaseContents { release, manifest, hooks, .. } in contents {
            let (namespace, name) = (release.namespace.clone(), release.name.clone());
            let proof = Proof::Manifest { namespace: namespace.clone(), name: name.clone() };
            self.documents(manifest, &namespace, &proof).await;
            let proof = Proof::Hook { namespace: namespace.clone(), name };
            for hook in hooks {
                self.documents(hook, &namespace, &proof).await;
            }
        }
    }

    async fn documents(&mut self, manifest: &str, home: &str, proof: &Proof) {
        for text in documents(manifest) {
            let document: Document = match serde_saphyr::from_str(text) {
                Ok(document) => document,
                Err(error) => {
                    let why = error.to_string();
                    let why = why.lines().next().unwrap_or_default().to_owned();
                    let what = format!("an object {proof}");
                    self.unknown(Unavailable::failed(what, why));
                    continue;
                }
            };
            self.document(&document, home, proof).await;
        }
    }

    async fn document(&mut self, document: &Document, home: &str, proof: &Proof) {
        let Document { api_version, kind, metadata } = document;
        let namespace = metadata.namespace.as_deref().unwrap_or(home);
        let what = format!("{kind} {namespace}/{}", metadata.name);
        let place = match self.discovery.place(api_version, kind, namespace, &metadata.name).await {
            Ok(Some(place)) => place,
            // Of a kind that is not there, no object is.
            Ok(None) => return,
            Err(error) => {
                return self.unknown(error.unavailable(&what, &format!("get {api_version}")));
            }
        };
        match self.reader.one::<Meta>(&place.path(), Form::Metadata).await {
            Ok(None) => {}
            Ok(Some(meta)) => {
                let policy = metadata.annotations.as_ref();
                let policy = policy.and_then(|all| all.get("helm.sh/resource-policy")?.as_deref());
                let is_to_keep =
                    meta.is_to_keep() || policy.is_some_and(|it| it.eq_ignore_ascii_case("keep"));
                self.found(place, &meta, proof.clone(), is_to_keep);
            }
            Err(error) => self.unknown(unavailable(&error, &what, "get", &place.plural)),
        }
    }

    /// Adds an object, once.
    pub(super) fn found(&mut self, place: ObjectRef, meta: &Meta, proof: Proof, is_to_keep: bool) {
        if self.inventory.objects.iter().any(|it| it.object.is_same_place(&place)) {
            return;
        }
        let mut keep = |why: &str| {
            let kept = Kept { what: place.to_string(), why: why.to_owned() };
            if !self.inventory.kept.contains(&kept) {
                self.inventory.kept.push(kept);
            }
        };
        if is_to_keep {
            return keep("its annotation helm.sh/resource-policy says keep");
        }
        if let Some((namespace, name)) = meta.release()
            && self.owners.others.iter().any(|it| it.0 == namespace && it.1 == name)
        {
            return keep(&format!("it says that it is of release {namespace}/{name}"));
        }
        let object = ObjectRef { uid: meta.uid.clone(), ..place };
        let is_terminating = meta.is_terminating;
        self.inventory.objects.push(Found { object, proof, is_terminating });
    }
}

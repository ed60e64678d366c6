//! Objects that are Cilium's without a release's word.

use kcilium_core::removal::{
    Belonging, Kept, KindOf, Listing, Meta, ObjectRef, PART_OF, Proof, SLICE_MANAGERS, guardian,
    recognise,
};

use super::Surveyor;
use crate::{ApiError, collect::Resource};

impl Surveyor<'_> {
    /// Looks through a kind: where Cilium is all objects, elsewhere those with its label.
    pub(super) async fn kind(&mut self, kind: &KindOf) {
        let (group, version) = kind.api_version.rsplit_once('/').unwrap_or(("", kind.api_version));
        let resource = Resource { group, version, plural: kind.plural };
        let label = format!("{}={}", PART_OF.0, PART_OF.1);
        let mut metas = match kind.listing {
            Listing::Cluster => self.metas(resource, None, "").await.unwrap_or_default(),
            Listing::Namespaced => self.metas(resource, None, &label).await.unwrap_or_default(),
        };
        if kind.listing == Listing::Namespaced {
            for home in self.inventory.homes.clone() {
                metas.extend(self.metas(resource, Some(&home), "").await.unwrap_or_default());
            }
        }
        for meta in metas {
            self.object(kind, &meta);
        }
    }

    fn object(&mut self, kind: &KindOf, meta: &Meta) {
        let belonging = recognise(kind, meta, &self.owners);
        let place = ObjectRef {
            api_version: kind.api_version.into(),
            kind: kind.kind.into(),
            plural: kind.plural.into(),
            namespace: meta.namespace.clone(),
            name: meta.name.clone(),
            uid: meta.uid.clone(),
        };
        match belonging {
            Belonging::Foreign => {}
            Belonging::Users(why) => {
                let kept = Kept { what: place.to_string(), why: format!("{why}: made by people") };
                if !self.inventory.kept.contains(&kept) {
                    self.inventory.kept.push(kept);
                }
            }
            Belonging::Ciliums(proof) => {
                if let Some(guardian) = guardian(&place.to_string(), meta)
                    && !self.inventory.guardians.iter().any(|known| known.who == guardian.who)
                {
                    self.inventory.guardians.push(guardian);
                }
                let is_to_keep = meta.is_to_keep();
                self.found(place, meta, proof, is_to_keep);
            }
        }
    }

    /// Slices with endpoints of other clusters, wherever they are.
    pub(super) async fn slices(&mut self) {
        let selector =
            format!("endpointslice.kubernetes.io/managed-by in ({})", SLICE_MANAGERS.join(","));
        for resource in Resource::ENDPOINT_SLICES {
            let path = resource.path(None);
            match self.reader.metas(&path, &selector).await {
                Err(ApiError::NotFound { .. }) => {}
                Err(error) => {
                    let need = resource.need("list", None);
                    return self.unknown(error.unavailable(&resource.qualified(), &need));
                }
                Ok(metas) => {
                    for meta in metas {
                        let place = ObjectRef {
                            api_version: format!("{}/{}", resource.group, resource.version),
                            kind: "EndpointSlice".into(),
                            plural: resource.plural.into(),
                            namespace: meta.namespace.clone(),
                            name: meta.name.clone(),
                            uid: meta.uid.clone(),
                        };
                        let manager = meta.label("endpointslice.kubernetes.io/managed-by");
                        let proof = Proof::ManagedBy { manager: manager.to_owned() };
                        self.found(place, &meta, proof, false);
                    }
                }
            }
        }
    }
}

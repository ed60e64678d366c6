//! Leases.

use serde::Deserialize;

use super::{
    list::{FromApi, Object},
    metadata::Metadata,
};
use crate::{decode::DecodeError, facts::Lease};

impl FromApi for Lease {
    const KIND: &'static str = "Lease";

    /// `None` for those of others than kubelets and Cilium.
    fn from_api(object: &Object<'_>) -> Result<Option<Self>, DecodeError> {
        #[derive(Deserialize)]
        struct Raw {
            metadata: Metadata,
            #[serde(default)]
            spec: Spec,
        }
        #[derive(Default, Deserialize)]
        #[serde(default, rename_all = "camelCase")]
        struct Spec {
            holder_identity: Option<String>,
            renew_time: Option<String>,
            lease_duration_seconds: Option<u32>,
        }
        let Raw { metadata, spec } = object.read()?;
        let is_of_interest =
            metadata.namespace == "kube-node-lease" || metadata.name.contains("cilium");
        Ok(is_of_interest.then(|| Self {
            namespace: metadata.namespace,
            name: metadata.name,
            holder: spec.holder_identity.unwrap_or_default(),
            renewed: spec.renew_time,
            seconds: spec.lease_duration_seconds,
        }))
    }
}

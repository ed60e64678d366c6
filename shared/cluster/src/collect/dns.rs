//! The cluster's DNS: how it is configured, and who answers.

use kcilium_core::{
    decode::kubernetes::ConfigMap,
    facts::{Corefile, ServiceEndpoint, Unavailable},
};

use super::{Collector, Resource};

/// Where CoreDNS is, in every distribution that has it.
const NAMESPACE: &str = "kube-system";

/// The Service whose address is in the pods' resolv.conf. RKE2 calls it differently.
const SERVICES: [&str; 2] = ["kube-dns", "rke2-coredns-rke2-coredns"];

/// Names under which distributions keep the Corefile.
const CONFIG_MAPS: [&str; 3] = ["coredns", "rke2-coredns-rke2-coredns", "node-local-dns"];

/// What is known of the DNS.
pub(super) struct Dns {
    pub(super) corefiles: Result<Vec<Corefile>, Unavailable>,
    pub(super) endpoints: Result<Vec<ServiceEndpoint>, Unavailable>,
}

impl Collector<'_> {
    pub(super) async fn dns(&self) -> Dns {
        let (corefiles, endpoints) = tokio::join!(self.corefiles(), self.dns_endpoints());
        Dns { corefiles, endpoints }
    }

    async fn corefiles(&self) -> Result<Vec<Corefile>, Unavailable> {
        let mut found = Vec::new();
        let mut missing = None;
        for name in CONFIG_MAPS {
            match self.one::<ConfigMap>(Resource::CONFIG_MAPS, Some(NAMESPACE), name).await {
                Ok(map) => found.extend(map.corefile()),
                Err(why) => missing = missing.or(Some(why)),
            }
        }
        match missing {
            Some(why) if found.is_empty() => Err(why),
            _ => Ok(found),
        }
    }

    async fn dns_endpoints(&self) -> Result<Vec<ServiceEndpoint>, Unavailable> {
        let mut missing = Unavailable::not_collected("");
        for service in SERVICES {
            match self.endpoints(NAMESPACE, service).await {
                Ok(found) => return Ok(found.endpoints),
                Err(why) if why.is_absent() => missing = why,
                Err(why) => return Err(why),
            }
        }
        Err(missing)
    }
}

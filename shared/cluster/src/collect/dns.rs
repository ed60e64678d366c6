//! The cluster's DNS: how it is configured, and who answers.

use kcilium_core::{
    decode::kubernetes::ConfigMap,
    facts::{Corefile, LocalRedirectPolicy, ServiceEndpoint, Unavailable},
};

use super::{Collector, Resource};

/// Where CoreDNS is, in every distribution that has it.
const NAMESPACE: &str = "kube-system";

/// The Service whose address is in the pods' resolv.conf. RKE2 and Kubespray call it differently.
const SERVICES: [&str; 3] = ["kube-dns", "rke2-coredns-rke2-coredns", "coredns"];

/// Names under which distributions keep the Corefile.
const CONFIG_MAPS: [&str; 4] =
    ["coredns", "rke2-coredns-rke2-coredns", "node-local-dns", "nodelocaldns"];

/// What is known of the DNS.
pub(super) struct Dns {
    pub(super) corefiles: Result<Vec<Corefile>, Unavailable>,
    pub(super) endpoints: Result<Vec<ServiceEndpoint>, Unavailable>,
    pub(super) redirects: Result<Vec<LocalRedirectPolicy>, Unavailable>,
}

impl Collector<'_> {
    pub(super) async fn dns(&self) -> Dns {
        let (corefiles, endpoints, redirects) = tokio::join!(
            self.corefiles(),
            self.dns_endpoints(),
            self.all(Resource::LOCAL_REDIRECT_POLICIES, None, &[]),
        );
        Dns { corefiles, endpoints, redirects }
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

//! Cilium's Helm release. Secrets are read one at a time, and only those of this release.

use kcilium_core::facts::{Release, Unavailable};

use super::{Collector, Resource, cilium::Workloads};
use crate::ApiError;

/// How many revisions are read on the way to the one that is deployed.
const MAX_REVISIONS: usize = 5;

impl Collector<'_> {
    /// The newest revision of Cilium's release, and older ones down to the one that is deployed.
    pub(super) async fn releases(
        &self,
        home: &str,
        workloads: &Workloads,
    ) -> Result<Vec<Release>, Unavailable> {
        let annotation = |name: &str| {
            let agent = workloads.agent(Some(home))?;
            agent.annotations.get(&format!("meta.helm.sh/{name}")).map(String::as_str)
        };
        let release = annotation("release-name").unwrap_or("cilium");
        let namespace = annotation("release-namespace").unwrap_or(home);
        // Helm keeps releases in Secrets, unless HELM_DRIVER says configmap.
        for resource in [Resource::SECRETS, Resource::CONFIG_MAPS] {
            let names = self.revisions(resource, namespace, release).await.map_err(|error| {
                error.unavailable("Helm release", &resource.need("list", Some(namespace)))
            })?;
            let mut found = Vec::new();
            for name in names.into_iter().take(MAX_REVISIONS) {
                let revision: Release = self.one(resource, Some(namespace), &name).await?;
                let is_deployed = revision.status == "deployed";
                found.push(revision);
                if is_deployed {
                    break;
                }
            }
            if !found.is_empty() {
                return Ok(found);
            }
        }
        Ok(Vec::new())
    }

    /// Names of the objects that hold a release's revisions, newest first.
    async fn revisions(
        &self,
        resource: Resource,
        namespace: &str,
        release: &str,
    ) -> Result<Vec<String>, ApiError> {
        let selector = format!("owner=helm,name={release}");
        let query = [("labelSelector", selector.as_str())];
        let mut names = self.names(resource, Some(namespace), &query).await?;
        names.sort_by_key(|name| std::cmp::Reverse(revision(name)));
        Ok(names)
    }
}

/// `sh.helm.release.v1.cilium.v12` → 12.
fn revision(name: &str) -> u32 {
    name.rsplit_once(".v").and_then(|(_, number)| number.parse().ok()).unwrap_or(0)
}

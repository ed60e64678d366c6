//! Facts of a live cluster, asked of its API server and of the agents on its nodes.
//!
//! Every fact can fail alone: it is then unavailable, with the permission that is missing or with
//! what went wrong. Bulk kinds are read as rows, a fiftieth of their objects; whole objects come
//! only for what is in trouble.

mod cilium;
mod dns;
mod kubernetes;
mod logs;
mod names;
mod nodes;
mod pods;
mod releases;
mod resource;
mod surroundings;
mod yaml;

use kcilium_core::{
    decode::kubernetes::{FromApi, page},
    facts::{ClusterFacts, Facts, Lease, Origin, Source, Unavailable, UnavailableKind},
};

pub use names::names;
pub(crate) use nodes::{AGENT_CONTAINER, agent_on};
pub use nodes::{NodeChoice, Sample};
pub use resource::Resource;
pub use surroundings::{Releases, surroundings};

use crate::{Api, ApiError, Form, PageSize, Pages};

/// What is to be read, beyond what always is.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// Cilium's namespace; found out if not given.
    pub namespace: Option<String>,
    /// Which nodes are looked at from inside.
    pub nodes: NodeChoice,
    /// Only nodes with these labels are looked at from inside.
    pub node_selector: Option<String>,
}

/// Facts of a cluster, and how they were got.
#[derive(Debug)]
pub struct Collected {
    /// The facts.
    pub facts: Facts,
    /// Which nodes were looked at from inside, and why these.
    pub sample: Sample,
}

/// Told what is being done, such as `reading nodes`.
pub type Progress<'a> = &'a (dyn Fn(String) + Sync);

/// Why a cluster could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CollectError {
    /// The API server cannot be reached, or accepts no request at all.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The node selector is none.
    #[error("`{selector}` does not select nodes: {message}")]
    Selector {
        /// The selector.
        selector: String,
        /// What the server said.
        message: String,
    },
    /// No node has the labels.
    #[error("no node has the labels `{selector}`")]
    NoNode {
        /// The selector.
        selector: String,
    },
}

/// Reads a cluster.
///
/// # Errors
/// When the API server cannot be reached, or accepts no request at all, or when no node is
/// selected. Whatever else fails is an unavailable fact.
pub async fn collect(
    api: &Api,
    wish: &Wish,
    progress: Progress<'_>,
) -> Result<Collected, CollectError> {
    let collector = Collector { api, wish };
    progress("asking the API server".into());
    let facts = async { Ok(Box::pin(collector.facts(collector.cluster())).await?) };
    let (mut facts, selected) = tokio::try_join!(facts, collector.selected())?;
    let (nodes, sample) = collector.nodes(&facts, &selected, progress).await;
    facts.nodes = nodes;
    Ok(Collected { facts, sample })
}

/// What all facts are read with.
struct Collector<'a> {
    api: &'a Api,
    wish: &'a Wish,
}

impl Collector<'_> {
    /// The facts that asking gives, unless the server answers nobody: who cannot be reached need
    /// not be asked for thirty of them.
    async fn facts(&self, asking: impl Future<Output = ClusterFacts>) -> Result<Facts, ApiError> {
        let version = async {
            match self.version().await {
                Err(error) if error.concerns_all_requests() => Err(error),
                answer => Ok(answer.map_err(|error| error.unavailable("version", "get /version"))),
            }
        };
        let rest = async { Ok(asking.await) };
        let (version, mut cluster) = tokio::try_join!(version, rest)?;
        cluster.version = version.into();
        let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let origin =
            Origin { source: Source::Cluster, collected_at: Some(now), ..Origin::default() };
        Ok(Facts { origin, cluster, ..Facts::default() })
    }

    async fn cluster(&self) -> ClusterFacts {
        let (workloads, nodes, cilium_nodes, control_plane, others, pods, certificate) = tokio::join!(
            self.workloads(),
            self.all(Resource::NODES, None, &[]),
            self.all(Resource::CILIUM_NODES, None, &[]),
            self.control_plane(),
            self.others(),
            self.pod_rows(),
            self.api.certificate(),
        );
        let home = self.home(&workloads).await;
        let (config, releases, agents, node_configs, leases) = tokio::join!(
            self.config(&home, &workloads),
            self.releases(&home, &workloads),
            self.agents(&home, &workloads),
            self.first_served(&Resource::CILIUM_NODE_CONFIGS, None, &[]),
            self.leases(&home),
        );
        let (troubled, endpoints) = tokio::join!(
            self.troubled_pods(&pods, &home),
            self.endpoints_of_strangers(&pods, &nodes, &cilium_nodes),
        );
        let (service_cidrs, logs) =
            tokio::join!(self.service_cidrs(&control_plane), self.logs(&troubled));
        let (config, config_data) = config;
        ClusterFacts {
            config: config.into(),
            config_data: config_data.into(),
            cilium_node_configs: node_configs.into(),
            daemon_sets: workloads.daemon_sets.into(),
            deployments: workloads.deployments.into(),
            releases: releases.into(),
            cilium_nodes: cilium_nodes.into(),
            server_certificate: certificate.into(),
            nodes: nodes.into(),
            control_plane: control_plane.into(),
            service_cidrs: service_cidrs.into(),
            agents: agents.into(),
            pods: pods.into(),
            troubled_pods: troubled.into(),
            logs: logs.into(),
            cilium_endpoints: endpoints.into(),
            leases: leases.into(),
            ..others
        }
    }

    /// Kubelets' and the operator's; who may not see all namespaces, of Cilium's alone.
    async fn leases(&self, home: &str) -> Result<Vec<Lease>, Unavailable> {
        match self.all(Resource::LEASES, None, &[]).await {
            Err(why) if why.kind == UnavailableKind::Forbidden => {
                self.all(Resource::LEASES, Some(home), &[]).await.map_err(|_| why)
            }
            answer => answer,
        }
    }

    /// Reads a collection to its end.
    async fn all<T: FromApi>(
        &self,
        resource: Resource,
        namespace: Option<&str>,
        query: &[(&str, &str)],
    ) -> Result<Vec<T>, Unavailable> {
        self.list(resource, namespace, query).await.map_err(|error| {
            error.unavailable(&resource.qualified(), &resource.need("list", namespace))
        })
    }

    async fn list<T: FromApi>(
        &self,
        resource: Resource,
        namespace: Option<&str>,
        query: &[(&str, &str)],
    ) -> Result<Vec<T>, ApiError> {
        let path = resource.path(namespace);
        let pages = Pages { path: &path, query, form: Form::Json, size: PageSize::Objects };
        let decode = |json: &[u8]| match page::<T>(json) {
            Ok(page) => Ok((page.items, page.resume)),
            Err(error) => Err(ApiError::Unreadable { reason: error.to_string() }),
        };
        self.api.list(&pages, decode).await
    }

    /// Reads a collection in the first of its versions that the server has.
    async fn first_served<T: FromApi>(
        &self,
        versions: &[Resource],
        namespace: Option<&str>,
        query: &[(&str, &str)],
    ) -> Result<Vec<T>, Unavailable> {
        let mut missing = Unavailable::not_collected("");
        for resource in versions {
            match self.list(*resource, namespace, query).await {
                Err(error) => {
                    let need = resource.need("list", namespace);
                    missing = error.unavailable(&resource.qualified(), &need);
                    if !matches!(error, ApiError::NotFound { .. }) {
                        return Err(missing);
                    }
                }
                Ok(items) => return Ok(items),
            }
        }
        Err(missing)
    }

    /// Reads one object.
    async fn one<T: FromApi>(
        &self,
        resource: Resource,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<T, Unavailable> {
        let what = format!("{} {name}", resource.qualified());
        let path = format!("{}/{name}", resource.path(namespace));
        let body = self
            .api
            .get(&path, Form::Json)
            .await
            .map_err(|error| error.unavailable(&what, &resource.need("get", namespace)))?;
        let page =
            page(&body).map_err(|error| Unavailable::failed(what.clone(), error.to_string()))?;
        let found = page.items.into_iter().next();
        found.ok_or_else(|| Unavailable::absent(what, "it is of another kind"))
    }

    async fn names(
        &self,
        resource: Resource,
        namespace: Option<&str>,
        query: &[(&str, &str)],
    ) -> Result<Vec<String>, ApiError> {
        names::names(self.api, resource, namespace, query).await
    }
}

//! All pods as rows, and the few that are in trouble as objects.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    net::IpAddr,
};

use futures_util::{StreamExt as _, stream};
use ipnet::IpNet;
use kcilium_core::{
    decode::kubernetes::{Pod, Table, TableError, add_pods},
    facts::{CiliumEndpoint, CiliumNode, KubeNode, NodeName, PodDetail, PodRow, Pods, Unavailable},
};

use super::{Collector, Resource};
use crate::{ApiError, Form, PageSize, Pages};

/// How many pods in trouble are looked at closely. What ails fifty ails the rest.
const MAX_TROUBLED: usize = 50;

/// How many CiliumEndpoints are read, at 3 KB each. Where IPAM is a cloud's (ENI, Azure) no pod's
/// address is of its node's pod CIDRs, and all of them would be.
const MAX_ENDPOINTS: usize = 10_000;

/// How many lists of one kind are under way; the API's own limit holds beside this.
const AT_ONCE: usize = 8;

impl Collector<'_> {
    /// All pods, a row each.
    pub(super) async fn pod_rows(&self) -> Result<Pods, Unavailable> {
        // Rows do not say their namespace, so without a list of these only objects will do.
        let Ok(namespaces) = self.names(Resource::NAMESPACES, None, &[]).await else {
            return self.pod_objects().await;
        };
        let mut lists = stream::iter(namespaces)
            .map(|namespace| async move {
                let rows = self.rows_in(&namespace, &[]).await;
                (namespace, rows)
            })
            .buffer_unordered(AT_ONCE);
        let mut pods = Pods::default();
        while let Some((namespace, rows)) = lists.next().await {
            match rows {
                Ok(rows) => pods.extend(rows),
                Err(ApiError::NotATable { .. }) => return self.pod_objects().await,
                Err(error) => {
                    return Err(
                        error.unavailable("pods", &Resource::PODS.need("list", Some(&namespace)))
                    );
                }
            }
        }
        pods.sort();
        Ok(pods)
    }

    /// The pods of a namespace, as rows.
    pub(super) async fn rows_in(
        &self,
        namespace: &str,
        query: &[(&str, &str)],
    ) -> Result<Vec<PodRow>, ApiError> {
        let path = Resource::PODS.path(Some(namespace));
        let query: Vec<_> =
            [("includeObject", "None")].into_iter().chain(query.iter().copied()).collect();
        let pages = Pages { path: &path, query: &query, form: Form::Table, size: PageSize::Rows };
        self.api
            .list(&pages, |json| {
                let table = Table::from_json(json).map_err(|error| match error {
                    TableError::NotATable { kind } => ApiError::NotATable { kind },
                    TableError::Broken(error) => ApiError::Unreadable { reason: error.to_string() },
                })?;
                let mut pods = Pods::default();
                add_pods(&mut pods, &table, namespace)
                    .map_err(|error| ApiError::Unreadable { reason: error.to_string() })?;
                Ok((pods.into_iter().collect(), table.resume))
            })
            .await
    }

    /// The same from whole objects, which costs the server and the network fifty times as much.
    async fn pod_objects(&self) -> Result<Pods, Unavailable> {
        let path = Resource::PODS.path(None);
        let pages = Pages { path: &path, query: &[], form: Form::Json, size: PageSize::Objects };
        let rows = self.api.list(&pages, |json| {
            let mut rows = Vec::new();
            let end =
                kcilium_core::decode::kubernetes::each::<Pod>(json, |pod| rows.push(pod.row()))
                    .map_err(|error| ApiError::Unreadable { reason: error.to_string() })?;
            Ok((rows, end.resume))
        });
        let rows = rows
            .await
            .map_err(|error| error.unavailable("pods", &Resource::PODS.need("list", None)))?;
        Ok(rows.into_iter().collect())
    }

    /// Pods that are not well, those of the system first.
    pub(super) async fn troubled_pods(
        &self,
        pods: &Result<Pods, Unavailable>,
        home: &str,
    ) -> Result<Vec<PodDetail>, Unavailable> {
        let pods = pods.as_ref().map_err(Clone::clone)?;
        let is_of_system =
            |row: &PodRow| &*row.namespace == home || &*row.namespace == "kube-system";
        let mut troubled: Vec<&PodRow> = pods.rows().iter().filter(|row| !row.is_well()).collect();
        let turns = turns(&troubled);
        troubled.sort_by_key(|row| (!is_of_system(row), turns[&(&*row.namespace, &*row.name)]));
        troubled.truncate(MAX_TROUBLED);
        let found: Vec<Result<Pod, Unavailable>> = stream::iter(troubled)
            .map(|row| self.one(Resource::PODS, Some(&row.namespace), &row.name))
            .buffered(AT_ONCE)
            .collect()
            .await;
        let mut details = Vec::new();
        for pod in found {
            match pod {
                Ok(pod) => details.push(pod.detail()),
                // It has gone since.
                Err(missing) if missing.is_absent() => {}
                Err(missing) => return Err(missing),
            }
        }
        Ok(details)
    }

    /// CiliumEndpoints of the namespaces that have pods with addresses of their own which are not
    /// of their node's pod CIDRs: whether Cilium manages these cannot be told from addresses.
    pub(super) async fn endpoints_of_strangers(
        &self,
        pods: &Result<Pods, Unavailable>,
        nodes: &Result<Vec<KubeNode>, Unavailable>,
        cilium_nodes: &Result<Vec<CiliumNode>, Unavailable>,
    ) -> Result<Vec<CiliumEndpoint>, Unavailable> {
        let pods = pods.as_ref().map_err(Clone::clone)?;
        let cilium_nodes = cilium_nodes.as_ref().map_err(Clone::clone)?;
        let pod_cidrs: HashMap<&NodeName, &[IpNet]> =
            cilium_nodes.iter().map(|node| (&node.name, &*node.pod_cidrs)).collect();
        let of_cilium = cilium_nodes.iter().flat_map(|node| &node.addresses);
        let of_kubernetes = nodes.iter().flatten().flat_map(|node| &node.addresses);
        let hosts: HashSet<IpAddr> = of_kubernetes.chain(of_cilium).map(|it| it.address).collect();
        let is_stranger = |row: &&PodRow| {
            let Some(address) = row.address else { return false };
            let own = row.node.as_ref().and_then(|node| pod_cidrs.get(node).copied());
            !hosts.contains(&address)
                && !own.unwrap_or_default().iter().any(|cidr| cidr.contains(&address))
        };
        let namespaces: BTreeSet<&str> =
            pods.rows().iter().filter(is_stranger).map(|row| &*row.namespace).collect();
        let is_asked = |row: &&PodRow| namespaces.contains(&*row.namespace);
        let asked = pods.rows().iter().filter(is_asked).count();
        if asked > MAX_ENDPOINTS {
            let why = format!("not asked: {asked} pods are where addresses are not the nodes' own");
            return Err(Unavailable::failed(Resource::CILIUM_ENDPOINTS.qualified(), why));
        }
        let mut endpoints = Vec::new();
        for namespace in namespaces {
            endpoints.extend(self.all(Resource::CILIUM_ENDPOINTS, Some(namespace), &[]).await?);
        }
        Ok(endpoints)
    }
}

/// The how-manieth of its kind each pod is, so that hundreds of one kind do not hide the others.
/// Pods of one kind share all but the last part of their names.
fn turns<'a>(rows: &[&'a PodRow]) -> HashMap<(&'a str, &'a str), usize> {
    let mut seen: HashMap<(&str, &str), usize> = HashMap::new();
    let turn = |row: &&'a PodRow| {
        let kind = row.name.rsplit_once('-').map_or(&*row.name, |(kind, _)| kind);
        let count = seen.entry((&row.namespace, kind)).or_default();
        *count += 1;
        ((&*row.namespace, &*row.name), *count)
    };
    rows.iter().map(turn).collect()
}

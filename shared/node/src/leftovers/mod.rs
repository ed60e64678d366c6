//! What may have been left by Cilium on this host, and what it could be mixed up with.
//!
//! Nothing here changes anything; [`clean`](crate::clean()) does. Whose it is says [`Inventory::of`](kcilium_core::leftovers::Inventory::of).

mod cgroups;
mod cni;
mod endpoints;
mod link_programs;
mod netfilter;
mod paths;
mod pins;
mod program;
mod sysctls;

use kcilium_core::leftovers::{HostState, Remembered};

pub(crate) use cgroups::attach_type;
pub(crate) use link_programs::traffic_control;
pub(crate) use paths::mounts;
pub(crate) use pins::pins;

use crate::host::HostRoot;
use crate::netlink;

/// Reads everything that tells what Cilium left; each source fails alone.
///
/// Must run on a Tokio runtime with time enabled, in the host's network namespace, with `root`
/// showing the host's mounts.
pub async fn read_leftovers(root: &HostRoot, remembered: Remembered) -> HostState {
    let links = netlink::links().await;
    let traffic_control = traffic_control(&links).await;
    HostState {
        addresses: netlink::addresses().await.into(),
        routes: netlink::routes().await.into(),
        rules: netlink::rules().await.into(),
        neighbours: netlink::neighbours().await.into(),
        clsact: traffic_control.clsact.into(),
        qdiscs: traffic_control.qdiscs.into(),
        filters: traffic_control.filters.into(),
        other_filters: traffic_control.other_filters.into(),
        link_programs: link_programs::link_programs(&links).await.into(),
        links: links.into(),
        cgroup_programs: cgroups::programs(root).into(),
        pins: pins(root).into(),
        netfilter: netfilter::rulesets(root),
        sets: netlink::sets().await.into(),
        transforms: netlink::transforms().await.into(),
        endpoints: endpoints::endpoints(root).into(),
        cni_files: cni::files(root).into(),
        cni_results: cni::results(root).into(),
        cni_binaries: cni::binaries(root).into(),
        network_namespaces: paths::network_namespaces(root).into(),
        mounts: mounts(root).into(),
        paths: paths::found(root).into(),
        sysctls: sysctls::sysctls().into(),
        remembered,
    }
}

//! Everything about one host.

use std::net::IpAddr;

use kcilium_core::decode;
use kcilium_core::facts::{Fact, Kernel, KernelLookup, NodeFacts};

use crate::host::Host;
use crate::{files, iptables, netlink};

/// Reads all facts about a host except [`NodeFacts::lookups`], for which see [`look_up`].
///
/// Each source fails alone, and becomes the reason why its fact is missing. Must run on a Tokio
/// runtime with time enabled. Files are read on the calling thread: a few hundred small ones, and
/// one per process of the host.
pub async fn collect(host: &Host) -> NodeFacts {
    let root = host.root();
    let kernel = kernel();
    let own = decode::host::facts(root, files::services(root), Some(&kernel.release));
    NodeFacts {
        kernel: Fact::Known(kernel),
        links: netlink::links().await.into(),
        addresses: netlink::addresses().await.into(),
        routes: netlink::routes().await.into(),
        rules: netlink::rules().await.into(),
        resolvers: files::resolvers(root).into(),
        pod_resolvers: decode::host::pod_resolvers(root).into(),
        endpoints: files::host_endpoints(root).into(),
        cni_files: files::cni_files(root).into(),
        sysctls: files::sysctls().into(),
        iptables: iptables::counted(root).into(),
        agent: files::agent_process(root).into(),
        host: Some(Box::new(own)),
        ..NodeFacts::named(host.node_name())
    }
}

/// Asks the kernel for the way to each address, in the order given, as a packet of this host
/// without mark, source or bound device would go.
///
/// For this host's own addresses the answer may name the table `main`: the kernel keeps `local` and
/// `main` in one tree until somebody adds a rule, and answers for the tree.
///
/// Must run on a Tokio runtime.
pub async fn look_up(addresses: &[IpAddr]) -> Fact<Vec<KernelLookup>> {
    netlink::look_up(addresses).await.into()
}

fn kernel() -> Kernel {
    Kernel { release: rustix::system::uname().release().to_string_lossy().into_owned() }
}

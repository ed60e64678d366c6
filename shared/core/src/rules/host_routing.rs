//! Whether packets of pods pass the netfilter of their host, or BPF routes them beside it.

use std::collections::HashSet;

use crate::{
    facts::{self, CiliumConfig, Encryption, Family, LinkName, NodeName, ProxyReplacement},
    view::{NodeView, View},
};

/// The first two numbers of a kernel's version.
pub(super) type Kernel = (u32, u32);

/// Kernel in which BPF can hand packets to the neighbour itself (`bpf_redirect_neigh`).
const REDIRECTS: Kernel = (5, 10);

/// Whether BPF routes packets beside netfilter, on that kernel. None where one of the things that
/// decide it is not known. The order is that of the agent (`daemon/cmd/kube_proxy_replacement.go`).
pub(super) fn bypasses_netfilter(config: &CiliumConfig, kernel: Option<Kernel>) -> Option<bool> {
    let masquerades = config.masquerades(Family::V4) || config.masquerades(Family::V6);
    if config.host_legacy_routing || (masquerades && !config.masquerading.bpf) {
        return Some(false);
    }
    match config.kube_proxy_replacement {
        ProxyReplacement::Full => {}
        ProxyReplacement::Off | ProxyReplacement::Partial => return Some(false),
        ProxyReplacement::Probe | ProxyReplacement::Unknown(_) => return None,
    }
    if config.encryption == Encryption::Ipsec {
        // IPsec needed the host's stack until 1.18.
        let version = config.version.as_ref()?;
        if (version.major, version.minor) < (1, 19) {
            return Some(false);
        }
    }
    kernel.map(|kernel| kernel >= REDIRECTS)
}

/// Every node with its kernel, where it is known.
pub(super) fn kernels<'a>(view: &View<'a>) -> Vec<(&'a NodeName, Option<Kernel>)> {
    let looked_at = view.facts.nodes.iter();
    let looked_at = looked_at.map(|node| (&node.name, node.kernel.known().and_then(numbers)));
    let seen: HashSet<&NodeName> = view.facts.nodes.iter().map(|node| &node.name).collect();
    let others = view.facts.cluster.nodes.items().iter();
    let others = others.filter(move |other| !seen.contains(&other.name));
    looked_at.chain(others.map(|node| (&node.name, parsed(&node.info.kernel_version)))).collect()
}

/// How a device checks the way back: the kernel takes the larger of `all` and device.
pub(super) fn rp_filter(node: &NodeView<'_>, link: &LinkName) -> u8 {
    let value = |device: &str| -> u8 {
        let name = format!("net.ipv4.conf.{device}.rp_filter");
        let sysctls = node.facts.sysctls.known();
        sysctls
            .and_then(|all| all.get(&name))
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or(0)
    };
    value("all").max(value(&link.as_str().replace('.', "/")))
}

/// The numbers of a node's kernel.
pub(super) fn numbers(kernel: &facts::Kernel) -> Option<Kernel> {
    parsed(&kernel.release)
}

fn parsed(release: &str) -> Option<Kernel> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

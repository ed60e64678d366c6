//! This host, over netlink and from its files.

use kcilium_cli::Failure;
use kcilium_core::leftovers::Inventory;

use crate::args::Verify;

/// Looks for leftovers on this host.
#[cfg(target_os = "linux")]
pub(crate) fn inventory(wish: &Verify) -> Result<Inventory, Failure> {
    use kcilium_core::leftovers::Remembered;
    use kcilium_node::{HostRoot, read_leftovers};

    if !wish.root.is_dir() {
        return Err(Failure::usage(format!("--root {}: not a folder", wish.root.display())));
    }
    let root = HostRoot::new(&wish.root);
    let remembered = Remembered {
        pod_cidrs: wish.pod_cidr.iter().map(ipnet::IpNet::trunc).collect(),
        node_addresses: wish.node_address.clone(),
        pod_links: Vec::new(),
    };
    let state = kcilium_cli::interrupt::block_on(read_leftovers(&root, remembered))?;
    Ok(Inventory::of(&state))
}

/// Looks for leftovers on this host.
#[cfg(not(target_os = "linux"))]
pub(crate) fn inventory(_: &Verify) -> Result<Inventory, Failure> {
    Err(Failure::usage("--local looks at Linux hosts only").hint("run it on the node"))
}

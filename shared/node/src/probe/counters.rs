//! Packet counters of the namespace.

use kcilium_core::decode::proc_net;
use kcilium_core::facts::Unavailable;
use kcilium_core::probe::Counters;

use crate::files::{SMALL, read_text};
use crate::host::HostRoot;

/// As they are now. The files are those of the calling thread's namespace.
pub(super) fn read() -> Result<Counters, Unavailable> {
    let root = HostRoot::default();
    let file = |name: &str| read_text(&root, &format!("/proc/thread-self/net/{name}"), SMALL);
    let mut counters = Counters { links: proc_net::links(&file("dev")?), ..Counters::default() };
    for name in ["snmp", "netstat"] {
        counters.protocols.extend(proc_net::protocols(&file(name)?));
    }
    // Not there where the kernel has no IPv6.
    if let Ok(text) = file("snmp6") {
        counters.protocols.extend(proc_net::protocols_v6(&text));
    }
    Ok(counters)
}

//! DNS servers that the host uses.

use kcilium_core::decode::resolv_conf::{is_local_stub, nameservers};
use kcilium_core::facts::{Resolver, ResolverKind, Unavailable};

use super::read::{SMALL, read_if_exists, read_text};
use crate::host::HostRoot;

const RESOLV_CONF: &str = "/etc/resolv.conf";

/// Where local stubs list the servers that they ask: systemd-resolved, and NetworkManager for the
/// stubs that it feeds (dnsmasq among them).
const UPSTREAMS: [&str; 2] =
    ["/run/systemd/resolve/resolv.conf", "/run/NetworkManager/no-stub-resolv.conf"];

/// Servers in `/etc/resolv.conf`, and where these are all this host's own, those behind them.
pub(crate) fn resolvers(root: &HostRoot) -> Result<Vec<Resolver>, Unavailable> {
    let direct = nameservers(&read_text(root, RESOLV_CONF, SMALL)?);
    let stub = is_local_stub(&direct);
    let mut found = servers(direct, RESOLV_CONF, ResolverKind::Direct);
    if stub {
        found.extend(upstreams(root)?);
    }
    Ok(found)
}

/// The servers behind a local stub. That they are not written down anywhere does not mean that
/// there are none.
fn upstreams(root: &HostRoot) -> Result<Vec<Resolver>, Unavailable> {
    for file in UPSTREAMS {
        if let Some(text) = read_if_exists(root, file)? {
            return Ok(servers(nameservers(&text), file, ResolverKind::BehindStub));
        }
    }
    Err(Unavailable::absent(
        RESOLV_CONF,
        "it names a stub on this host only, and which servers that asks is not written down",
    ))
}

fn servers(addresses: Vec<std::net::IpAddr>, file: &str, kind: ResolverKind) -> Vec<Resolver> {
    let server = |address| Resolver { address, file: file.into(), kind };
    addresses.into_iter().map(server).collect()
}

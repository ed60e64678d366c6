//! Leases of DHCP clients.

use std::net::IpAddr;

use super::{HostFiles, has_extension};
use crate::facts::{DhcpLease, Unavailable};

/// Files of networkd, one for each link, and of NetworkManager's own client, one for each connection;
/// both have the same form.
const ASSIGNMENTS: [&str; 2] = ["/run/systemd/netif/leases", "/var/lib/NetworkManager"];
/// Files of ISC's dhclient.
const DHCLIENT: [&str; 3] = ["/var/lib/dhcp", "/var/lib/dhclient", "/var/lib/NetworkManager"];
/// Leases that are read.
const MOST: usize = 100;

/// Every lease that is written down; files outlive what they tell.
pub(super) fn leases(files: &impl HostFiles) -> Result<Vec<DhcpLease>, Unavailable> {
    let mut found = Vec::new();
    for folder in ASSIGNMENTS {
        let is_lease = |name: &&String| {
            name.parse::<u32>().is_ok()
                || name.starts_with("internal-") && has_extension(name, "lease")
        };
        for name in files.names(folder)?.iter().filter(is_lease).take(MOST) {
            let path = format!("{folder}/{name}");
            let text = files.text(&path)?.unwrap_or_default();
            found.extend(lease(&path, value(&text, "ADDRESS="), value(&text, "SERVER_ADDRESS=")));
        }
    }
    for folder in DHCLIENT {
        let is_lease = |name: &&String| {
            name.starts_with("dhclient")
                && (has_extension(name, "leases") || has_extension(name, "lease"))
        };
        for name in files.names(folder)?.iter().filter(is_lease).take(MOST) {
            let path = format!("{folder}/{name}");
            let text = files.text(&path)?.unwrap_or_default();
            // It writes the newest at the end.
            let last = text.rsplit("lease {").next().unwrap_or_default();
            let server = value(last, "option dhcp-server-identifier ");
            found.extend(lease(&path, value(last, "fixed-address "), server));
        }
    }
    Ok(found)
}

fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let value = text.lines().find_map(|line| line.trim().strip_prefix(key))?;
    Some(value.trim().trim_end_matches(';'))
}

fn lease(file: &str, address: Option<&str>, server: Option<&str>) -> Option<DhcpLease> {
    let parse = |text: Option<&str>| text?.parse::<IpAddr>().ok();
    Some(DhcpLease { address: parse(address)?, server: parse(server)?, file: file.to_owned() })
}

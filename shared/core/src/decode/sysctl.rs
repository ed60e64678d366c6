//! Sysctls: which are read, and what they are called.

/// Files below `/proc/sys` that decide about routing, and about the ports that programs get.
pub const GLOBAL: [&str; 5] = [
    "net/ipv4/ip_forward",
    "net/ipv4/ip_local_port_range",
    "net/ipv4/ip_local_reserved_ports",
    "net/ipv6/conf/all/forwarding",
    "net/ipv6/conf/all/disable_ipv6",
];

/// Directories below `/proc/sys` with one folder per interface, and the files to read in each.
pub const PER_LINK: [(&str, &[&str]); 2] = [
    ("net/ipv4/conf", &["rp_filter", "forwarding", "ignore_routes_with_linkdown"]),
    ("net/ipv6/conf", &["ignore_routes_with_linkdown"]),
];

/// With more interfaces than this, those of pods (`lxc…`) are left out.
pub const MANY_LINKS: usize = 256;

/// The name of a sysctl, out of its path below `/proc/sys`: sysctl(8) exchanges dots and slashes, so
/// that a dot in an interface's name (`eth0.100`) is told from those that separate.
pub fn name(path: &str) -> String {
    path.chars()
        .map(|c| match c {
            '/' => '.',
            '.' => '/',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn dots_and_slashes_change_places() {
        assert_eq!(name("net/ipv4/conf/eth0.100/rp_filter"), "net.ipv4.conf.eth0/100.rp_filter");
    }
}

//! Address space by its purpose.

use std::net::Ipv4Addr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// `100.64.0.0/10` (RFC 6598): free inside a site, but carriers and Tailscale use it.
pub const CARRIER_GRADE_NAT: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(100, 64, 0, 0), 10);

/// Space that no host on the internet owns, so that a pod may: RFC 1918, RFC 6598, benchmarking
/// (RFC 2544), documentation (RFC 5737) and link-local.
const NOT_GLOBAL_V4: [Ipv4Net; 9] = [
    Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 0), 8),
    Ipv4Net::new_assert(Ipv4Addr::new(172, 16, 0, 0), 12),
    Ipv4Net::new_assert(Ipv4Addr::new(192, 168, 0, 0), 16),
    CARRIER_GRADE_NAT,
    Ipv4Net::new_assert(Ipv4Addr::new(198, 18, 0, 0), 15),
    Ipv4Net::new_assert(Ipv4Addr::new(192, 0, 2, 0), 24),
    Ipv4Net::new_assert(Ipv4Addr::new(198, 51, 100, 0), 24),
    Ipv4Net::new_assert(Ipv4Addr::new(203, 0, 113, 0), 24),
    Ipv4Net::new_assert(Ipv4Addr::new(169, 254, 0, 0), 16),
];

/// Global unicast space of IPv6; everything else (ULA `fc00::/7` before all) is free inside a site.
const GLOBAL_UNICAST_V6: Ipv6Net =
    Ipv6Net::new_assert(std::net::Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// Documentation prefix, inside global unicast (RFC 3849).
const DOCUMENTATION_V6: Ipv6Net =
    Ipv6Net::new_assert(std::net::Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32);

/// Whether a part of the prefix may belong to somebody on the internet.
pub fn is_globally_routable(prefix: IpNet) -> bool {
    match prefix {
        IpNet::V4(net) => !NOT_GLOBAL_V4.iter().any(|private| private.contains(&net)),
        IpNet::V6(net) => {
            (GLOBAL_UNICAST_V6.contains(&net) || net.contains(&GLOBAL_UNICAST_V6))
                && !DOCUMENTATION_V6.contains(&net)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_globally_routable;

    #[test]
    fn private_space_is_told_from_the_internet() {
        for private in
            ["10.0.0.0/8", "172.20.0.0/16", "192.168.1.0/24", "100.64.0.0/10", "fd00:10:244::/56"]
        {
            assert!(!is_globally_routable(private.parse().unwrap()), "{private}");
        }
        for public in [
            "192.169.0.0/16",
            "172.32.0.0/16",
            "11.0.0.0/8",
            "0.0.0.0/0",
            "172.0.0.0/8",
            "2001:4860::/32",
            "::/0",
        ] {
            assert!(is_globally_routable(public.parse().unwrap()), "{public}");
        }
    }
}

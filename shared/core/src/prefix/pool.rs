//! Cluster pools: the blocks that Cilium's operator hands out, and pools that are free.
//!
//! The operator allocates blocks in order of address: the first node gets the first subnet of the
//! first pool element (upstream `cidr_set.go`). Which addresses a cluster of N nodes takes is
//! therefore known before it is installed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::overlap;
use crate::facts::Family;

/// One pool element, cut into blocks of one length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    prefix: IpNet,
    node_mask: u8,
}

/// Why a pool cannot be cut into blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PoolError {
    /// The blocks would be larger than the pool.
    #[error("a /{node_mask} block is larger than the pool {prefix}")]
    MaskShorterThanPrefix {
        /// The pool.
        prefix: IpNet,
        /// Length of a node's block, bits.
        node_mask: u8,
    },
    /// The block length has more bits than an address.
    #[error("/{node_mask} has more bits than an address of {prefix}")]
    MaskTooLong {
        /// The pool.
        prefix: IpNet,
        /// Length of a node's block, bits.
        node_mask: u8,
    },
}

impl Pool {
    /// A pool element with the prefix length of a node's block.
    pub fn new(prefix: IpNet, node_mask: u8) -> Result<Self, PoolError> {
        let prefix = prefix.trunc();
        if node_mask > prefix.max_prefix_len() {
            Err(PoolError::MaskTooLong { prefix, node_mask })
        } else if node_mask < prefix.prefix_len() {
            Err(PoolError::MaskShorterThanPrefix { prefix, node_mask })
        } else {
            Ok(Self { prefix, node_mask })
        }
    }

    /// The pool element.
    pub fn prefix(self) -> IpNet {
        self.prefix
    }

    /// How many nodes the pool serves.
    pub fn block_count(self) -> u128 {
        let bits = u32::from(self.node_mask - self.prefix.prefix_len());
        1_u128.checked_shl(bits).unwrap_or(u128::MAX)
    }

    /// How many addresses a block has.
    pub fn block_size(self) -> u128 {
        let bits = u32::from(self.prefix.max_prefix_len() - self.node_mask);
        1_u128.checked_shl(bits).unwrap_or(u128::MAX)
    }

    /// The block with this index, from 0.
    pub fn block(self, index: u128) -> Option<IpNet> {
        if index >= self.block_count() {
            return None;
        }
        let offset = index.checked_mul(self.block_size())?;
        match self.prefix {
            IpNet::V4(net) => {
                let first = u128::from(net.network().to_bits()).checked_add(offset)?;
                let address = Ipv4Addr::from_bits(u32::try_from(first).ok()?);
                Ipv4Net::new(address, self.node_mask).ok().map(IpNet::V4)
            }
            IpNet::V6(net) => {
                let first = net.network().to_bits().checked_add(offset)?;
                Ipv6Net::new(Ipv6Addr::from_bits(first), self.node_mask).ok().map(IpNet::V6)
            }
        }
    }

    /// The blocks in the order in which nodes get them.
    pub fn blocks(self) -> impl Iterator<Item = IpNet> {
        (0..self.block_count()).map_while(move |index| self.block(index))
    }

    /// Index of the first block that has an address in common with `other`, from 0.
    pub fn first_block_touching(self, other: IpNet) -> Option<u128> {
        let shared = overlap(self.prefix, other)?;
        let offset = match (shared.network(), self.prefix.network()) {
            (IpAddr::V4(a), IpAddr::V4(b)) => u128::from(a.to_bits() - b.to_bits()),
            (IpAddr::V6(a), IpAddr::V6(b)) => a.to_bits() - b.to_bits(),
            _ => return None,
        };
        Some(offset / self.block_size())
    }
}

/// Pools to try, most usual first. kubeadm's guides use the first, k3s the second.
const CANDIDATES: [Ipv4Net; 9] = [
    Ipv4Net::new_assert(Ipv4Addr::new(10, 244, 0, 0), 16),
    Ipv4Net::new_assert(Ipv4Addr::new(10, 42, 0, 0), 16),
    Ipv4Net::new_assert(Ipv4Addr::new(10, 200, 0, 0), 16),
    Ipv4Net::new_assert(Ipv4Addr::new(10, 128, 0, 0), 16),
    Ipv4Net::new_assert(Ipv4Addr::new(172, 28, 0, 0), 14),
    Ipv4Net::new_assert(Ipv4Addr::new(172, 16, 0, 0), 16),
    Ipv4Net::new_assert(Ipv4Addr::new(192, 168, 192, 0), 18),
    Ipv4Net::new_assert(Ipv4Addr::new(192, 168, 128, 0), 18),
    super::CARRIER_GRADE_NAT,
];

/// Networks that container engines and hypervisors take by default, whether or not they do today:
/// docker's pools, libvirt, podman, CRI-O.
const TAKEN_BY_DEFAULT: [Ipv4Net; 5] = [
    Ipv4Net::new_assert(Ipv4Addr::new(172, 17, 0, 0), 16),
    Ipv4Net::new_assert(Ipv4Addr::new(172, 18, 0, 0), 16),
    Ipv4Net::new_assert(Ipv4Addr::new(192, 168, 122, 0), 24),
    Ipv4Net::new_assert(Ipv4Addr::new(10, 88, 0, 0), 16),
    Ipv4Net::new_assert(Ipv4Addr::new(10, 85, 0, 0), 16),
];

/// IPv6 pools to try: unique local space (RFC 4193), in the size that the chart's default has.
const CANDIDATES_V6: [Ipv6Net; 3] = [
    Ipv6Net::new_assert(Ipv6Addr::new(0xfd00, 0x10, 0x244, 0, 0, 0, 0, 0), 104),
    Ipv6Net::new_assert(Ipv6Addr::new(0xfd00, 0x10, 0x42, 0, 0, 0, 0, 0), 104),
    Ipv6Net::new_assert(Ipv6Addr::new(0xfd00, 0x10, 0x200, 0, 0, 0, 0, 0), 104),
];

/// Pools of a family that touch nothing in `taken` and serve `nodes` nodes with blocks of
/// `node_mask`, most usual first.
pub fn suggest_pools(family: Family, taken: &[IpNet], node_mask: u8, nodes: usize) -> Vec<IpNet> {
    let defaults = TAKEN_BY_DEFAULT.map(IpNet::V4);
    let touches = |candidate: IpNet| {
        taken
            .iter()
            // What covers everything says nothing.
            .filter(|net| net.prefix_len() > 1)
            .chain(&defaults)
            .any(|net| overlap(candidate, *net).is_some())
    };
    let candidates: Vec<IpNet> = match family {
        Family::V4 => CANDIDATES.map(IpNet::V4).to_vec(),
        Family::V6 => CANDIDATES_V6.map(IpNet::V6).to_vec(),
    };
    candidates
        .into_iter()
        .filter(|candidate| !touches(*candidate))
        .filter(|candidate| {
            Pool::new(*candidate, node_mask).is_ok_and(|pool| pool.block_count() >= nodes as u128)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use ipnet::IpNet;

    use super::{Pool, PoolError, suggest_pools};
    use crate::facts::Family;

    fn net(text: &str) -> IpNet {
        text.parse().unwrap()
    }

    #[test]
    fn blocks_come_in_order() {
        let pool = Pool::new(net("10.0.0.0/8"), 24).unwrap();
        let first: Vec<String> = pool.blocks().take(3).map(|block| block.to_string()).collect();
        assert_eq!(first, ["10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24"]);
        assert_eq!(pool.block_count(), 65_536);
        assert_eq!(pool.block(65_536), None);
        assert_eq!(pool.block(65_535), Some(net("10.255.255.0/24")));
        let six = Pool::new(net("fd00::/104"), 120).unwrap();
        assert_eq!(six.block(1), Some(net("fd00::100/120")));
    }

    #[test]
    fn the_default_pool_reaches_the_usual_networks_at_these_nodes() {
        let pool = Pool::new(net("10.0.0.0/8"), 24).unwrap();
        // Counted from 0: node 6145 and node 24577.
        assert_eq!(pool.first_block_touching(net("10.24.0.0/16")), Some(6144));
        assert_eq!(pool.first_block_touching(net("10.96.0.0/12")), Some(24_576));
        assert_eq!(pool.first_block_touching(net("10.0.0.0/16")), Some(0));
        assert_eq!(pool.first_block_touching(net("0.0.0.0/0")), Some(0));
        assert_eq!(pool.first_block_touching(net("192.168.0.0/16")), None);
    }

    #[test]
    fn impossible_masks_are_errors() {
        assert!(matches!(
            Pool::new(net("10.0.0.0/16"), 8),
            Err(PoolError::MaskShorterThanPrefix { .. })
        ));
        assert!(matches!(Pool::new(net("10.0.0.0/16"), 33), Err(PoolError::MaskTooLong { .. })));
        let whole = Pool::new(net("::/0"), 128).unwrap();
        assert_eq!(whole.block_count(), u128::MAX);
        assert_eq!(whole.blocks().take(2).count(), 2);
    }

    #[test]
    fn suggestions_avoid_what_is_taken() {
        let first = |taken: &[IpNet]| suggest_pools(Family::V4, taken, 24, 3)[0].to_string();
        assert_eq!(first(&[]), "10.244.0.0/16");
        assert_eq!(first(&[net("0.0.0.0/0"), net("10.0.0.0/16")]), "10.244.0.0/16");
        assert_eq!(first(&[net("10.244.7.0/24")]), "10.42.0.0/16");
        assert_eq!(first(&[net("10.0.0.0/8")]), "172.28.0.0/14");
        assert_eq!(
            first(&[net("10.0.0.0/8"), net("172.16.0.0/12"), net("192.168.0.0/16")]),
            "100.64.0.0/10"
        );
        let all_but_default: Vec<IpNet> =
            ["0.0.0.0/2", "64.0.0.0/2", "128.0.0.0/2", "192.0.0.0/2"].map(net).to_vec();
        assert!(suggest_pools(Family::V4, &all_but_default, 24, 3).is_empty());
        // A VPN's two halves of everything say as little as a default route.
        assert_eq!(first(&[net("0.0.0.0/1"), net("128.0.0.0/1")]), "10.244.0.0/16");
        let six = suggest_pools(Family::V6, &[net("fd00:10:244::/48")], 120, 3);
        assert_eq!(six[0].to_string(), "fd00:10:42::/104");
        // 300 blocks of /24 do not fit into a /16.
        assert_eq!(suggest_pools(Family::V4, &[], 24, 300)[0].to_string(), "172.28.0.0/14");
    }
}

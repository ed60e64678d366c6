//! Overlap of prefix sets.
//!
//! Two CIDRs either nest or are apart. Sorted by address and then by length, each prefix is preceded
//! by all prefixes that contain it, so one sweep with a stack of open ancestors finds every
//! overlapping pair: O(n log n) plus the number of pairs.

use std::ops::ControlFlow;

use ipnet::IpNet;

use super::Span;

/// The part that two prefixes have in common: the longer one if they nest.
pub fn overlap(a: IpNet, b: IpNet) -> Option<IpNet> {
    if a.contains(&b) {
        Some(b.trunc())
    } else if b.contains(&a) {
        Some(a.trunc())
    } else {
        None
    }
}

/// Calls `visit(left index, right index)` for each pair that overlaps, until it breaks.
///
/// Host bits are ignored. The order of the pairs is that of the addresses.
pub fn for_each_overlap(
    left: &[IpNet],
    right: &[IpNet],
    mut visit: impl FnMut(usize, usize) -> ControlFlow<()>,
) {
    let mut entries: Vec<Entry> = Vec::with_capacity(left.len() + right.len());
    entries.extend(left.iter().enumerate().map(|(index, net)| Entry::new(*net, Side::Left, index)));
    entries
        .extend(right.iter().enumerate().map(|(index, net)| Entry::new(*net, Side::Right, index)));
    entries.sort_unstable_by_key(|entry| entry.span);

    let mut open_left: Vec<&Entry> = Vec::new();
    let mut open_right: Vec<&Entry> = Vec::new();
    for entry in &entries {
        for open in [&mut open_left, &mut open_right] {
            while open.last().is_some_and(|ancestor| !ancestor.span.contains(entry.span)) {
                open.pop();
            }
        }
        let opposite = match entry.side {
            Side::Left => &open_right,
            Side::Right => &open_left,
        };
        for ancestor in opposite {
            let flow = match entry.side {
                Side::Left => visit(entry.index, ancestor.index),
                Side::Right => visit(ancestor.index, entry.index),
            };
            if flow.is_break() {
                return;
            }
        }
        match entry.side {
            Side::Left => open_left.push(entry),
            Side::Right => open_right.push(entry),
        }
    }
}

#[derive(Clone, Copy)]
enum Side {
    Left,
    Right,
}

struct Entry {
    span: Span,
    side: Side,
    index: usize,
}

impl Entry {
    fn new(net: IpNet, side: Side, index: usize) -> Self {
        Self { span: Span::of(net), side, index }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeSet,
        net::{Ipv4Addr, Ipv6Addr},
        ops::ControlFlow,
    };

    use ipnet::{IpNet, Ipv4Net, Ipv6Net};
    use proptest::prelude::*;

    use super::{for_each_overlap, overlap};

    fn pairs(left: &[IpNet], right: &[IpNet]) -> BTreeSet<(usize, usize)> {
        let mut found = BTreeSet::new();
        for_each_overlap(left, right, |l, r| {
            assert!(found.insert((l, r)), "the pair {l},{r} is reported twice");
            ControlFlow::Continue(())
        });
        found
    }

    fn net() -> impl Strategy<Value = IpNet> {
        // A small address space, so that prefixes collide, nest and repeat.
        prop_oneof![
            (0_u32..64, 24_u8..=32).prop_map(|(low, length)| IpNet::V4(
                Ipv4Net::new(Ipv4Addr::from(0x0a00_0000 | low), length).unwrap()
            )),
            (0_u32..=255, 0_u8..=8).prop_map(|(high, length)| IpNet::V4(
                Ipv4Net::new(Ipv4Addr::from(high << 24), length).unwrap()
            )),
            (0_u128..64, 120_u8..=128).prop_map(|(low, length)| IpNet::V6(
                Ipv6Net::new(Ipv6Addr::from(low), length).unwrap()
            )),
        ]
    }

    proptest! {
        #[test]
        fn the_sweep_finds_what_comparing_all_pairs_finds(
            left in prop::collection::vec(net(), 0..40),
            right in prop::collection::vec(net(), 0..40),
        ) {
            let mut expected = BTreeSet::new();
            for (l, a) in left.iter().enumerate() {
                for (r, b) in right.iter().enumerate() {
                    if overlap(*a, *b).is_some() {
                        expected.insert((l, r));
                    }
                }
            }
            prop_assert_eq!(pairs(&left, &right), expected);
        }
    }

    #[test]
    fn a_visitor_can_stop_the_sweep() {
        let wide: Vec<IpNet> = vec!["0.0.0.0/0".parse().unwrap(); 1000];
        let mut seen = 0;
        for_each_overlap(&wide, &wide, |_, _| {
            seen += 1;
            if seen == 10 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert_eq!(seen, 10);
    }

    #[test]
    fn the_families_never_overlap() {
        let v4: IpNet = "0.0.0.0/0".parse().unwrap();
        let v6: IpNet = "::/0".parse().unwrap();
        assert_eq!(overlap(v4, v6), None);
        assert!(pairs(&[v4], &[v6]).is_empty());
    }
}

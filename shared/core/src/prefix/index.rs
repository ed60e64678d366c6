//! Prefixes, indexed: which of many share addresses with one.

use ipnet::IpNet;

use super::Span;

/// Prefixes in order, each with the one around it. Prefixes nest or are apart, so those that share
/// addresses with another one are those around it and those inside it.
#[derive(Clone, Debug, Default)]
pub struct PrefixIndex {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    span: Span,
    /// Position in the order in which the prefixes were given.
    position: usize,
    /// Index of the entry before this one that contains it, or equals it.
    around: Option<usize>,
}

impl PrefixIndex {
    /// Indexes prefixes; host bits are ignored.
    pub fn new(prefixes: impl IntoIterator<Item = IpNet>) -> Self {
        let mut entries: Vec<Entry> = prefixes
            .into_iter()
            .enumerate()
            .map(|(position, prefix)| Entry { span: Span::of(prefix), position, around: None })
            .collect();
        entries.sort_by_key(|entry| entry.span);
        let mut open: Vec<usize> = Vec::new();
        for index in 0..entries.len() {
            let span = entries[index].span;
            while open.last().is_some_and(|&other| !entries[other].span.contains(span)) {
                open.pop();
            }
            entries[index].around = open.last().copied();
            open.push(index);
        }
        Self { entries }
    }

    /// Positions of the prefixes that contain another one or equal it, the longest first.
    pub fn around(&self, prefix: IpNet) -> impl Iterator<Item = usize> + '_ {
        let span = Span::of(prefix);
        self.around_from(self.first_after(span), span)
    }

    /// Positions of the prefixes that share addresses with another one, the lowest first of those
    /// inside it.
    pub fn overlapping(&self, prefix: IpNet) -> impl Iterator<Item = usize> + '_ {
        let span = Span::of(prefix);
        let after = self.first_after(span);
        let inside = self.entries[after..]
            .iter()
            .take_while(move |entry| span.contains(entry.span))
            .map(|entry| entry.position);
        self.around_from(after, span).chain(inside)
    }

    /// Index of the first entry behind all that contain or equal the span.
    fn first_after(&self, span: Span) -> usize {
        self.entries.partition_point(|entry| entry.span <= span)
    }

    fn around_from(&self, after: usize, span: Span) -> impl Iterator<Item = usize> + '_ {
        let mut next = after.checked_sub(1);
        std::iter::from_fn(move || {
            let entry = &self.entries[next?];
            next = entry.around;
            Some(entry)
        })
        .filter(move |entry| entry.span.contains(span))
        .map(|entry| entry.position)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use ipnet::{IpNet, Ipv4Net, Ipv6Net};
    use proptest::prelude::*;

    use super::PrefixIndex;
    use crate::prefix::overlap;

    fn net() -> impl Strategy<Value = IpNet> {
        // A small address space, so that prefixes collide, nest and repeat; host bits stay.
        prop_oneof![
            (0_u32..64, 0_u8..=32).prop_map(|(low, length)| IpNet::V4(
                Ipv4Net::new(Ipv4Addr::from(0x0a00_0000 | low), length).unwrap()
            )),
            (0_u128..64, 0_u8..=128).prop_map(|(low, length)| IpNet::V6(
                Ipv6Net::new(Ipv6Addr::from(low), length).unwrap()
            )),
        ]
    }

    proptest! {
        #[test]
        fn the_index_finds_what_comparing_all_finds(
            prefixes in prop::collection::vec(net(), 0..40),
            question in net(),
        ) {
            let index = PrefixIndex::new(prefixes.iter().copied());
            let matching = |matches: &dyn Fn(&IpNet) -> bool| -> Vec<usize> {
                (0..prefixes.len()).filter(|position| matches(&prefixes[*position])).collect()
            };
            let mut overlapping: Vec<usize> = index.overlapping(question).collect();
            overlapping.sort_unstable();
            prop_assert_eq!(overlapping, matching(&|net| overlap(*net, question).is_some()));

            let around: Vec<usize> = index.around(question).collect();
            let lengths: Vec<u8> = around.iter().map(|at| prefixes[*at].prefix_len()).collect();
            prop_assert!(lengths.is_sorted_by(|a, b| a >= b), "{lengths:?}");
            let mut around = around;
            around.sort_unstable();
            prop_assert_eq!(around, matching(&|net| net.trunc().contains(&question)));
        }
    }
}

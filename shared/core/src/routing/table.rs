//! One routing table, indexed for longest-prefix match.
//!
//! Prefixes nest or are apart. Sorted by address and length, the last prefix that starts at or before
//! an address is the most specific one around it or lies inside all that contain it, so following
//! the links to the enclosing prefixes finds every match, longest first.

use std::{cmp::Reverse, net::IpAddr};

use crate::{facts::Route, prefix::Span};

/// Routes of one table and one family.
#[derive(Debug)]
pub struct Table<'a> {
    prefixes: Vec<Entry>,
    /// All routes, those to one prefix side by side in the order in which the kernel tries them.
    routes: Vec<&'a Route>,
}

#[derive(Debug)]
struct Entry {
    span: Span,
    /// Index of the next shorter prefix that contains this one.
    enclosing: Option<usize>,
    /// Where the routes to this prefix begin; they end where the next prefix's begin.
    first: usize,
}

impl<'a> Table<'a> {
    /// Indexes routes; all must be of one family.
    pub fn new(routes: impl IntoIterator<Item = &'a Route>) -> Self {
        let mut sorted: Vec<(Span, &Route)> =
            routes.into_iter().map(|route| (Span::of(route.destination), route)).collect();
        // Stable: among equals the kernel keeps the order of its dump. Routes for a source come before
        // those for all, and a route for one TOS is tried before the one for all.
        sorted.sort_by_key(|(span, route)| {
            (*span, !asks_for_source(route), Reverse(route.tos), route.metric)
        });
        let mut prefixes: Vec<Entry> = Vec::new();
        let mut open: Vec<usize> = Vec::new();
        for (first, (span, _)) in sorted.iter().enumerate() {
            if prefixes.last().is_some_and(|last| last.span == *span) {
                continue;
            }
            while open.last().is_some_and(|&index| !prefixes[index].span.contains(*span)) {
                open.pop();
            }
            let enclosing = open.last().copied();
            open.push(prefixes.len());
            prefixes.push(Entry { span: *span, enclosing, first });
        }
        Self { prefixes, routes: sorted.into_iter().map(|(_, route)| route).collect() }
    }

    /// Routes whose prefix contains the address: longest prefix first, then those that ask for a
    /// source, then lowest metric.
    pub fn matching(&self, address: IpAddr) -> impl Iterator<Item = &'a Route> + '_ {
        let span = Span::of_address(address);
        let after = self.prefixes.partition_point(|entry| entry.span <= span);
        let mut next = after.checked_sub(1);
        std::iter::from_fn(move || {
            let index = next?;
            next = self.prefixes[index].enclosing;
            Some(index)
        })
        .filter(move |index| self.prefixes[*index].span.contains(span))
        .flat_map(|index| self.routes_to(index))
    }

    fn routes_to(&self, index: usize) -> impl Iterator<Item = &'a Route> + '_ {
        let end = self.prefixes.get(index + 1).map_or(self.routes.len(), |next| next.first);
        self.routes[self.prefixes[index].first..end].iter().copied()
    }
}

/// Whether a route is for packets from certain addresses only (IPv6 subtrees).
pub(super) fn asks_for_source(route: &Route) -> bool {
    route.source.is_some_and(|source| source.prefix_len() > 0)
}

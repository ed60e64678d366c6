//! One routing table, indexed for longest-prefix match.
//!
//! Prefixes nest or are apart. Sorted by address and length, the last prefix that starts at or before
//! an address is the most specific one around it or lies inside all that contain it, so following
//! the links to the enclosing prefixes finds every match, longest first.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::facts::{Family, Route};

/// Routes of one table and one family.
#[derive(Debug)]
pub struct Table<'a> {
    prefixes: Vec<Entry<'a>>,
}

#[derive(Debug)]
struct Entry<'a> {
    prefix: IpNet,
    /// Index of the next shorter prefix that contains this one.
    enclosing: Option<usize>,
    /// Routes to this prefix, in the order in which the kernel tries them.
    routes: Vec<&'a Route>,
}

impl<'a> Table<'a> {
    /// Indexes routes; all must be of one family.
    pub fn new(routes: impl IntoIterator<Item = &'a Route>) -> Self {
        let mut sorted: Vec<&Route> = routes.into_iter().collect();
        // Stable: among equals the kernel keeps the order of its dump.
        sorted.sort_by_key(|route| {
            let prefix = route.destination.trunc();
            // Routes for a source come before those for all, and a route for one TOS is tried before
            // the one for all.
            (prefix, !asks_for_source(route), std::cmp::Reverse(route.tos), route.metric)
        });
        let mut prefixes: Vec<Entry<'a>> = Vec::new();
        let mut open: Vec<usize> = Vec::new();
        for route in sorted {
            let prefix = route.destination.trunc();
            match prefixes.last_mut() {
                Some(last) if last.prefix == prefix => last.routes.push(route),
                _ => {
                    while open.last().is_some_and(|&i| !prefixes[i].prefix.contains(&prefix)) {
                        open.pop();
                    }
                    let enclosing = open.last().copied();
                    open.push(prefixes.len());
                    prefixes.push(Entry { prefix, enclosing, routes: vec![route] });
                }
            }
        }
        Self { prefixes }
    }

    /// Routes whose prefix contains the address: longest prefix first, then those that ask for a
    /// source, then lowest metric.
    pub fn matching(&self, address: IpAddr) -> impl Iterator<Item = &'a Route> + '_ {
        let bits = Family::of(address).bits();
        let key = IpNet::new(address, bits).unwrap_or_else(|_| IpNet::from(address));
        let after = self.prefixes.partition_point(|entry| entry.prefix <= key);
        let mut next = after.checked_sub(1);
        std::iter::from_fn(move || {
            let entry = &self.prefixes[next?];
            next = entry.enclosing;
            Some(entry)
        })
        .filter(move |entry| entry.prefix.contains(&address))
        .flat_map(|entry| entry.routes.iter().copied())
    }
}

/// Whether a route is for packets from certain addresses only (IPv6 subtrees).
pub(super) fn asks_for_source(route: &Route) -> bool {
    route.source.is_some_and(|source| source.prefix_len() > 0)
}

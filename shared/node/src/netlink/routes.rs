//! Routes of all tables: `RTM_GETROUTE`.

use kcilium_core::facts::{Family, Route, RouteKind, Unavailable};
use netlink_packet_core::DecodeError;

use super::dump::{DumpError, Reader, Request, dump};
use super::family_number;
use super::link_names::LinkNames;
use super::nexthop_objects::{Resolved, nexthop_objects};
use super::route_changes::RouteChanges;
use super::route_message::{Header, Parts, RTM_GETROUTE, RTM_NEWROUTE};

/// All routes, in the kernel's order, IPv4 first.
pub(crate) async fn routes() -> Result<Vec<Route>, Unavailable> {
    let mut names = LinkNames::default();
    let mut routes = Vec::new();
    for family in [Family::V4, Family::V6] {
        match routes_of(family, &mut names).await {
            Ok(found) if routes.is_empty() => routes = found,
            Ok(mut found) => routes.append(&mut found),
            Err(error) if family == Family::V6 && error.is_unsupported() => {}
            Err(error) => return Err(error.explain("routes (RTM_GETROUTE)")),
        }
    }
    Ok(routes)
}

async fn routes_of(family: Family, names: &mut LinkNames) -> Result<Vec<Route>, DumpError> {
    let mut payload = vec![0; 12];
    payload[0] = family_number(family);
    let request = Request {
        kind: RTM_GETROUTE,
        item: RTM_NEWROUTE,
        payload,
        watch: RouteChanges::groups(family),
    };
    let changes = RouteChanges::of(family);
    let mut reader =
        RouteReader { family, names, routes: Vec::new(), unexpanded: Vec::new(), changes };
    dump(&request, &mut reader).await?;
    let RouteReader { names, mut routes, unexpanded, .. } = reader;
    if !unexpanded.is_empty() {
        expand(&mut routes, &unexpanded, names).await?;
    }
    Ok(routes)
}

/// Puts next hops into routes that only name an object.
async fn expand(
    routes: &mut [Route],
    unexpanded: &[(usize, u32)],
    names: &mut LinkNames,
) -> Result<(), DumpError> {
    let objects = nexthop_objects(names).await?;
    for (position, id) in unexpanded {
        let route = &mut routes[*position];
        match objects.resolve(*id) {
            Some(Resolved::Hops(hops)) => route.next_hops = hops,
            Some(Resolved::Blackhole) => route.kind = RouteKind::Blackhole,
            // Deleted since, and the route with it.
            None => return Err(DumpError::KeptChanging),
        }
    }
    Ok(())
}

struct RouteReader<'a> {
    family: Family,
    names: &'a mut LinkNames,
    routes: Vec<Route>,
    /// Positions of routes that only name a nexthop object, and its id.
    unexpanded: Vec<(usize, u32)>,
    changes: RouteChanges,
}

impl Reader for RouteReader<'_> {
    fn restart(&mut self) {
        self.routes.clear();
        self.unexpanded.clear();
        self.changes = RouteChanges::of(self.family);
    }

    fn read(&mut self, message: &[u8]) -> Result<(), DecodeError> {
        let header = Header::of(message)?;
        // A kernel without the family answers with the routes of all the others.
        if header.family != family_number(self.family) || header.is_cached() {
            return Ok(());
        }
        let parts = Parts::of(header.rest, self.names)?;
        let object = parts.object;
        let route = header.into_route(self.family, parts, self.names)?;
        if let (Some(id), RouteKind::Unicast, []) = (object, route.kind, &*route.next_hops) {
            self.unexpanded.push((self.routes.len(), id));
        }
        self.routes.push(route);
        Ok(())
    }

    fn pause(&mut self) -> bool {
        self.routes.last().is_some_and(|last| self.changes.pause_at(last.destination.addr()))
    }

    fn change(&mut self, kind: u16, message: &[u8]) -> Result<bool, DecodeError> {
        self.changes.see(kind, message)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever the kernel of the future sends: an error at worst.
        #[test]
        fn no_message_makes_it_panic(
            family in prop_oneof![Just(Family::V4), Just(Family::V6)],
            header in proptest::array::uniform11(any::<u8>()),
            attributes in proptest::collection::vec((0..32_u16, any::<Vec<u8>>()), 0..6),
            rest in proptest::collection::vec(any::<u8>(), 0..8),
        ) {
            let mut message = vec![family_number(family)];
            message.extend(header);
            for (kind, value) in attributes {
                super::super::attributes::push(&mut message, kind, &value);
            }
            message.extend(rest);
            let mut names = LinkNames::default();
            let mut reader = RouteReader {
                family,
                names: &mut names,
                routes: Vec::new(),
                unexpanded: Vec::new(),
                changes: RouteChanges::of(family),
            };
            let _ = reader.read(&message);
            let _ = reader.change(RTM_NEWROUTE, &message);
            prop_assert!(reader.routes.len() <= 1);
        }
    }
}

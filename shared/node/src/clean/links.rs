//! Network interfaces, many at once.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use kcilium_core::facts::{Link, LinkName, Unavailable};
use kcilium_core::leftovers::Outcome;

use super::outcome::judged;
use crate::netlink;
use crate::netlink::act;

/// Where the search for a group that nobody uses begins: nobody counts up to here.
const FIRST_GROUP: u32 = 0x6b63_0001;

/// A name with the kind that it must have.
pub(super) type Wanted<'a> = (&'a LinkName, &'a str);

/// Deletes interfaces: all in one call where the kernel can, because it waits for the other
/// processors once in each call; else one by one.
pub(super) async fn links(wanted: &[Wanted<'_>]) -> Vec<Outcome> {
    let before = match netlink::links().await {
        Ok(links) => links,
        Err(why) => return wanted.iter().map(|_| Outcome::failed(why.to_string())).collect(),
    };
    let indexes: Vec<Option<u32>> = wanted.iter().map(|wanted| index(&before, *wanted)).collect();
    let together: BTreeSet<u32> = indexes.iter().copied().flatten().collect();
    let mut acts = BTreeMap::new();
    if together.len() < 2 || by_group(&together).await.is_none() {
        for index in &together {
            acts.insert(*index, act::delete_link(*index));
        }
    }
    let after = netlink::links().await;
    let there = |index: u32| -> Result<bool, Unavailable> {
        let links = after.as_ref().map_err(Clone::clone)?;
        Ok(links.iter().any(|link| link.index == index))
    };
    indexes
        .into_iter()
        .map(|index| match index {
            None => Outcome::AlreadyGone,
            Some(index) => judged(acts.remove(&index).unwrap_or(Ok(())), there(index)),
        })
        .collect()
}

fn index(links: &[Link], (name, kind): Wanted<'_>) -> Option<u32> {
    let found = links
        .iter()
        .find(|link| link.name == *name && link.kind.as_deref().unwrap_or_default() == kind);
    found.map(|link| link.index)
}

/// Puts the interfaces into a group of their own and deletes the group. Nothing where that did not
/// work; the interfaces then are in the groups that they were in before.
async fn by_group(links: &BTreeSet<u32>) -> Option<()> {
    let before: BTreeMap<u32, u32> = act::groups().await.ok()?.into_iter().collect();
    let used: BTreeSet<u32> = before.values().copied().collect();
    let group = (FIRST_GROUP..u32::MAX).find(|group| !used.contains(group))?;
    let moved = links.iter().try_for_each(|index| match act::set_group(*index, group) {
        // It went meanwhile.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::NODEV.raw_os_error()) => {
            Ok(())
        }
        other => other,
    });
    if moved.is_ok() && holds_only(group, links).await && act::delete_group(group).is_ok() {
        return Some(());
    }
    for index in links {
        let group = before.get(index).copied().unwrap_or_default();
        // Those that went have none.
        let _ = act::set_group(*index, group);
    }
    None
}

/// Whether nobody else put an interface into the group meanwhile.
async fn holds_only(group: u32, links: &BTreeSet<u32>) -> bool {
    let members = act::groups().await.unwrap_or_default();
    let mut members = members.iter().filter(|(_, of)| *of == group).peekable();
    members.peek().is_some() && members.all(|(index, _)| links.contains(index))
}

//! Sets of addresses.

use kcilium_core::leftovers::Outcome;

use super::outcome::judged;
use crate::netlink;
use crate::netlink::act;

/// `IPSET_ERR_BUSY`: sets have numbers of their own for errors, from 4096 on.
const BUSY: i32 = 4100;

pub(super) async fn set(name: &str) -> Outcome {
    let act = act::destroy_set(name);
    let busy = act.as_ref().err().and_then(std::io::Error::raw_os_error) == Some(BUSY);
    let there = netlink::sets().await.map(|sets| sets.iter().any(|set| set == name));
    if busy && there == Ok(true) {
        return Outcome::failed("a rule of iptables or another set looks into it");
    }
    judged(act, there)
}

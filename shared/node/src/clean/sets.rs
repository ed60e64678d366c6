//! Sets of addresses.

use kcilium_core::leftovers::Outcome;
use rustix::io::Errno;

use super::outcome::judged;
use crate::netlink;
use crate::netlink::act;

pub(super) async fn set(name: &str) -> Outcome {
    let act = act::destroy_set(name);
    let busy = act.as_ref().err().and_then(std::io::Error::raw_os_error);
    let there = netlink::sets().await.map(|sets| sets.iter().any(|set| set == name));
    // The kernel's own numbers for sets begin at 4096; "busy" is one of the common ones.
    if busy == Some(Errno::BUSY.raw_os_error()) && there == Ok(true) {
        return Outcome::failed("a rule of iptables or another set looks into it");
    }
    judged(act, there)
}

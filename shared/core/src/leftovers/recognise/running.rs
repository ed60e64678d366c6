//! What the agent sets in the running kernel. It keeps no note of what was there before, so nobody can
//! put it back; where something else says that an agent was here, it is reported.

use super::Known;
use super::files::{DOCUMENTED_OVERRIDE, OVERRIDE, RUN};
use crate::leftovers::{Fate, HostState, Item, Leftover, Qdisc, Sysctl};

/// What must be there for a setting to be the agent's.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Maker {
    /// A file of sysctls that Cilium writes.
    File,
    /// An agent, whatever it was configured for.
    Agent,
    /// An agent that limits pods' bandwidth.
    BandwidthManager,
}

use Maker::{Agent, BandwidthManager, File};

/// Settings, the agent's values, which no kernel begins with but for the first, and who makes them.
/// Forwarding is left out: kubelets and all plugins want it.
const SETTINGS: [(&str, &str, Maker); 7] = [
    ("net.ipv4.conf.all.rp_filter", "0", File),
    ("kernel.timer_migration", "0", Agent),
    ("net.core.fb_tunnels_only_for_init_net", "2", Agent),
    ("net.ipv4.fib_multipath_use_neigh", "1", Agent),
    ("net.ipv4.ip_early_demux", "0", Agent),
    ("net.core.default_qdisc", "fq", BandwidthManager),
    ("net.ipv4.tcp_congestion_control", "bbr", BandwidthManager),
];

/// Sysctls that are looked for.
pub const SYSCTLS: [&str; SETTINGS.len()] = {
    let mut keys = [""; SETTINGS.len()];
    let mut at = 0;
    while at < SETTINGS.len() {
        keys[at] = SETTINGS[at].0;
        at += 1;
    }
    keys
};

/// The map with the limits, which is there when the bandwidth manager is on (`cilium_throttle`).
const LIMITS: &str = "/tc/globals/cilium_throttle";

pub(super) fn items(state: &HostState, known: &Known<'_>) -> Vec<Item> {
    let sysctls = state.sysctls.items().iter().filter_map(|sysctl| setting(sysctl, state));
    let qdiscs = state.qdiscs.items().iter().filter_map(|qdisc| queue(qdisc, known));
    sysctls.chain(qdiscs).collect()
}

fn setting(sysctl: &Sysctl, state: &HostState) -> Option<Item> {
    let is_same =
        |(key, value, _): &&(&str, &str, Maker)| sysctl.key == *key && sysctl.value == *value;
    let (_, _, maker) = SETTINGS.iter().find(is_same)?;
    let why = match maker {
        File => format!(
            "{} sets it, and others may; it stays so until the host starts again, or `sysctl \
             --system` reads other files that set it",
            override_file(state)?
        ),
        Agent if agent_was_here(state) => "the agent sets it, and others may; what it was before is \
             not known, and it stays so until the host starts again"
            .to_owned(),
        BandwidthManager if limits_bandwidth(state) => "the agent's bandwidth manager sets it, and \
             others may; what it was before is not known, and it stays so until the host starts again"
            .to_owned(),
        Agent | BandwidthManager => return None,
    };
    let what = Leftover::Sysctl(sysctl.clone());
    Some(Item { what, fate: Fate::doubtful(why), proofs: vec![] })
}

/// `fq`, at the root or below `mq`, by which packets leave when the limits say so.
fn queue(qdisc: &Qdisc, known: &Known<'_>) -> Option<Item> {
    let goes_with_its_link = known.link_fate(&qdisc.link).is_some();
    if qdisc.kind != "fq" || goes_with_its_link || !limits_bandwidth(known.state) {
        return None;
    }
    let why = format!(
        "the agent's bandwidth manager puts it there, and others may; it stays until the host starts \
         again, or `tc qdisc del dev {} root` has the kernel choose",
        qdisc.link
    );
    Some(Item { what: Leftover::Qdisc(qdisc.clone()), fate: Fate::doubtful(why), proofs: vec![] })
}

fn override_file(state: &HostState) -> Option<&str> {
    let mut paths = state.paths.items().iter().map(|found| found.path.as_str());
    paths.find(|path| [OVERRIDE, DOCUMENTED_OVERRIDE].contains(path))
}

fn agent_was_here(state: &HostState) -> bool {
    state.paths.items().iter().any(|found| found.path == RUN)
}

fn limits_bandwidth(state: &HostState) -> bool {
    state.pins.items().iter().any(|pin| pin.path.ends_with(LIMITS))
}

//! Mounts, directories, configuration files, namespaces' names.

use super::Known;
use crate::leftovers::{Fate, FoundPath, HostState, Item, Leftover, Proof};

/// The agent's own directory.
pub(super) const RUN: &str = "/run/cilium";

/// Paths that are looked for. The text of files is needed.
pub const FOUND_PATHS: [&str; 13] = [
    RUN,
    "/var/lib/cilium",
    OVERRIDE,
    DOCUMENTED_OVERRIDE,
    UNITS[0],
    UNITS[1],
    UNITS[2],
    "/tmp/cilium-bootstrap.d",
    "/tmp/cilium-bootstrap-time",
    "/tmp/node-init.cilium.io",
    "/tmp/node-deinit.cilium.io",
    SPIRE[0],
    SPIRE[1],
];

/// Written by an init container in all versions, and removed by none.
pub(super) const OVERRIDE: &str = "/etc/sysctl.d/99-zzz-override_cilium.conf";
/// What Cilium's documentation has people write for newer systemd.
pub(super) const DOCUMENTED_OVERRIDE: &str = "/etc/sysctl.d/99-override_cilium_rp_filter.conf";
/// The unit that Cilium's documentation and its nodeinit mount bpffs with. systemd has none of the
/// name in a configuration directory.
const UNITS: [&str; 3] = [
    "/etc/systemd/system/sys-fs-bpf.mount",
    "/lib/systemd/system/sys-fs-bpf.mount",
    "/usr/lib/systemd/system/sys-fs-bpf.mount",
];

/// Sockets and data of the SPIRE that Cilium's chart brings for mutual authentication. A SPIRE of
/// its own has the same places.
const SPIRE: [&str; 2] = ["/run/spire", "/run/spire-server"];

pub(super) fn namespaces(state: &HostState) -> Vec<Item> {
    let names = state.network_namespaces.items().iter();
    names
        .filter(|name| name.starts_with("cilium-"))
        .map(|name| Item {
            what: Leftover::NetworkNamespace { path: format!("/run/netns/{name}") },
            fate: Fate::Remove,
            proofs: vec![Proof::Name],
        })
        .collect()
}

/// Mounts before the directory that they are in.
pub(super) fn items(state: &HostState, known: &Known<'_>) -> Vec<Item> {
    let mounts = state.mounts.items().iter().filter_map(|mount| {
        let inside = mount.path.strip_prefix(RUN)?.strip_prefix('/')?;
        // Namespaces and what people bind there are no file systems of Cilium's.
        let own =
            [("cgroupv2", "cgroup2"), ("bpffs", "bpf")].contains(&(inside, &mount.filesystem));
        let fate = if own {
            Fate::Remove
        } else {
            Fate::doubtful("Cilium mounts no such file system there")
        };
        let what =
            Leftover::Mount { path: mount.path.clone(), filesystem: mount.filesystem.clone() };
        Some(Item { what, fate, proofs: vec![Proof::Inside(RUN.into())] })
    });
    let mut mounts: Vec<Item> = mounts.collect();
    // Those inside others first.
    mounts.reverse();
    let paths = state.paths.items().iter().filter_map(|found| path(found, known));
    mounts.into_iter().chain(paths).collect()
}

fn path(found: &FoundPath, known: &Known<'_>) -> Option<Item> {
    let path = found.path.clone();
    let text = found.text.as_deref();
    let (fate, proof) = match path.as_str() {
        // What lives in it is how pods' devices are recognised, and where the CNI plugin leaves
        // word of pods that end without an agent.
        RUN => match known.living_pod() {
            Some(by) => (Fate::InUse { by: by.to_owned() }, Proof::Name),
            None => (Fate::Remove, Proof::Name),
        },
        OVERRIDE | DOCUMENTED_OVERRIDE if text.is_some_and(is_override) => {
            (Fate::Remove, Proof::Content)
        }
        OVERRIDE | DOCUMENTED_OVERRIDE => {
            (Fate::doubtful("it does not hold what Cilium writes"), Proof::Name)
        }
        unit if UNITS.contains(&unit) => {
            text.filter(|text| is_cilium_unit(text))?;
            (Fate::Remove, Proof::Content)
        }
        spire if SPIRE.contains(&spire) => {
            let why = "Cilium's chart and others bring a SPIRE that keeps its sockets there";
            (Fate::doubtful(why), Proof::Name)
        }
        _ => (Fate::Remove, Proof::Name),
    };
    let what = if text.is_some() { Leftover::File { path } } else { Leftover::Directory { path } };
    Some(Item { what, fate, proofs: vec![proof] })
}

/// Whether a file of sysctls does nothing but switch off the reverse path filter for Cilium.
fn is_override(text: &str) -> bool {
    const NAMES: [&str; 3] = ["lxc*", "cilium_*", "all"];
    let mut settings = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#') && !line.starts_with(';'));
    settings.all(|line| {
        let line = line.strip_prefix('-').unwrap_or(line);
        line.split_once('=').is_some_and(|(key, value)| {
            let name = key.trim().strip_prefix("net.ipv4.conf.");
            let name = name.and_then(|rest| rest.strip_suffix(".rp_filter"));
            value.trim() == "0" && name.is_some_and(|name| NAMES.contains(&name))
        })
    })
}

fn is_cilium_unit(text: &str) -> bool {
    let description = text.lines().find_map(|line| line.trim().strip_prefix("Description="));
    description.is_some_and(|description| description.contains("Cilium"))
}

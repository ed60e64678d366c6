//! Files, pins and mounts.

use super::known;
use super::ours::Ours;
use super::thing::{LINE, Thing};
use crate::facts::Unavailable;
use crate::leftovers::{HostState, Pin};

/// Where runtimes and the kubelet mount something for every container, and logins for every user.
const PASSING: [&str; 11] = [
    "/run/containerd/",
    "/run/containers/",
    "/run/crio/",
    "/run/docker/",
    "/run/k3s/containerd/",
    "/run/user/",
    "/var/lib/containerd/",
    "/var/lib/containers/",
    "/var/lib/docker/",
    "/var/lib/kubelet/",
    "/var/lib/rancher/k3s/agent/containerd/",
];

/// How runtimes call the namespaces of pods.
const PODS_NAMESPACES: [&str; 2] = ["cni-", "netns-"];

pub(super) fn pins(state: &HostState, ours: &Ours<'_>) -> Result<Vec<Thing>, Unavailable> {
    let kind = |pin: &Pin| if pin.is_directory { "directory" } else { "pin" };
    let pins = known(&state.pins)?.iter();
    Ok(pins
        .filter(|pin| !ours.has_path(&pin.path))
        .map(|pin| Thing::new(format!("pin {}", pin.path), kind(pin)))
        .collect())
}

/// By lines, so that a difference is shown as such. A file that comes back is the same file under
/// both of its names.
pub(super) fn cni_files(state: &HostState, ours: &Ours<'_>) -> Result<Vec<Thing>, Unavailable> {
    let mut things = Vec::new();
    for file in known(&state.cni_files)?.iter().filter(|file| !ours.has_path(&file.path)) {
        let what = format!("CNI file {}", ours.name_afterwards(&file.path));
        things.push(Thing::new(what.clone(), ""));
        match &file.text {
            Ok(text) => things.extend(lines(&what, text)),
            Err(why) => things.push(Thing::new(what, format!("unreadable: {why}"))),
        }
    }
    Ok(things)
}

fn lines<'a>(what: &'a str, text: &'a str) -> impl Iterator<Item = Thing> + 'a {
    let what = format!("{LINE}{what}");
    text.split_inclusive('\n').map(move |line| {
        let shown = format!("`{}`", line.trim_end());
        Thing::exact(what.clone(), shown, &line)
    })
}

pub(super) fn cni_results(state: &HostState, ours: &Ours<'_>) -> Result<Vec<Thing>, Unavailable> {
    Ok(there("CNI result", known(&state.cni_results)?, ours))
}

pub(super) fn cni_binaries(state: &HostState, ours: &Ours<'_>) -> Result<Vec<Thing>, Unavailable> {
    Ok(there("CNI binary", known(&state.cni_binaries)?, ours))
}

fn there(kind: &str, paths: &[String], ours: &Ours<'_>) -> Vec<Thing> {
    let others = paths.iter().filter(|path| !ours.has_path(path));
    others.map(|path| Thing::new(format!("{kind} {path}"), "")).collect()
}

pub(super) fn network_namespaces(
    state: &HostState,
    ours: &Ours<'_>,
) -> Result<Vec<Thing>, Unavailable> {
    let names = known(&state.network_namespaces)?.iter();
    Ok(names
        .filter(|name| !PODS_NAMESPACES.iter().any(|prefix| name.starts_with(prefix)))
        .map(|name| format!("/run/netns/{name}"))
        .filter(|path| !ours.has_path(path))
        .map(|path| Thing::new(format!("network namespace {path}"), ""))
        .collect())
}

pub(super) fn mounts(state: &HostState, ours: &Ours<'_>) -> Result<Vec<Thing>, Unavailable> {
    let mounts = known(&state.mounts)?.iter();
    Ok(mounts
        .filter(|mount| {
            let is_passing = PASSING.iter().any(|place| mount.path.starts_with(place));
            !is_passing && mount.filesystem != "nsfs" && !ours.has_path(&mount.path)
        })
        .map(|mount| Thing::new(format!("mount {}", mount.path), mount.filesystem.clone()))
        .collect())
}

/// What is doubtful stays as it is.
pub(super) fn paths(state: &HostState, ours: &Ours<'_>) -> Result<Vec<Thing>, Unavailable> {
    let mut things = Vec::new();
    for found in known(&state.paths)?.iter().filter(|found| !ours.has_path(&found.path)) {
        let what = format!("path {}", found.path);
        let kind = if found.is_directory { "directory" } else { "file" };
        things.push(Thing::new(what.clone(), kind));
        things.extend(found.text.iter().flat_map(|text| lines(&what, text)));
    }
    Ok(things)
}

//! CNI: configuration, what the agent renamed, libcni's results, binaries.

use std::collections::BTreeSet;

use super::Known;
use crate::decode::cni_conf;
use crate::facts::CniFile;
use crate::leftovers::{CniText, Fate, HostState, Item, Leftover, Proof};

/// Where CNI configurations are: everywhere, k3s, MicroK8s, OpenShift.
pub const CNI_CONFIGURATION_DIRECTORIES: [&str; 4] = [
    "/etc/cni/net.d",
    "/var/lib/rancher/k3s/agent/etc/cni/net.d",
    "/var/snap/microk8s/current/args/cni-network",
    "/var/run/multus/cni/net.d",
];

/// Where CNI binaries are: everywhere, GKE, k3s (two), MicroK8s, OpenShift.
pub const CNI_BINARY_DIRECTORIES: [&str; 6] = [
    "/opt/cni/bin",
    "/home/kubernetes/bin",
    "/var/lib/rancher/k3s/data/current/bin",
    "/var/lib/rancher/k3s/data/cni",
    "/var/snap/microk8s/current/opt/cni/bin",
    "/var/lib/cni/bin",
];

/// Where libcni keeps results: since 0.8, and before.
pub const CNI_RESULT_DIRECTORIES: [&str; 2] =
    ["/var/lib/cni/results", "/var/lib/cni/cache/results"];

/// What the agent appends to the names of configurations that it sets aside (`cni.exclusive`).
const BACKUP: &str = ".cilium_bak";

/// The plugin, its successor while it is written, and two helpers of the init containers that stay
/// only when these crash.
const BINARIES: [&str; 4] = ["cilium-cni", ".cilium-cni.new", "cilium-mount", "cilium-sysctlfix"];

pub(super) fn items(state: &HostState, known: &Known<'_>) -> Vec<Item> {
    let files = state.cni_files.items().iter().filter_map(|file| configuration(file, state));
    let results = state.cni_results.items().iter();
    let results = results
        .filter(|path| is_result(path))
        .map(|path| needed(known, Leftover::CniResult { path: path.clone() }));
    files.chain(results).collect()
}

/// The runtime calls them to take down pods that they set up, so they go last.
pub(super) fn binaries(state: &HostState, known: &Known<'_>) -> Vec<Item> {
    let binaries = state.cni_binaries.items().iter();
    binaries
        .filter(|path| BINARIES.contains(&name(path)))
        .map(|path| needed(known, Leftover::Binary { path: path.clone() }))
        .collect()
}

/// Something that is needed as long as a pod of Cilium's lives.
fn needed(known: &Known<'_>, what: Leftover) -> Item {
    let fate = match known.living_pod() {
        Some(by) => Fate::InUse { by: by.to_owned() },
        None => Fate::Remove,
    };
    Item { what, fate, proofs: vec![Proof::Name] }
}

fn configuration(file: &CniText, state: &HostState) -> Option<Item> {
    let file_name = name(&file.path);
    match file_name.strip_suffix(BACKUP) {
        Some(original) => Some(backup(file, original, state)),
        None if cni_conf::is_cni_file_name(file_name) => own(file, file_name),
        None => None,
    }
}

fn decode(file: &CniText, file_name: &str) -> Result<CniFile, String> {
    let text = file.text.as_ref().map_err(Clone::clone)?;
    let file = cni_conf::decode(file_name, text);
    match file.broken {
        Some(why) => Err(why),
        None => Ok(file),
    }
}

/// Content and name together: a chain that people made of several plugins is theirs.
fn own(file: &CniText, file_name: &str) -> Option<Item> {
    let named = file_name.contains("cilium");
    let (fate, proofs) = match decode(file, file_name) {
        Ok(content) if content.is_cilium() && named => {
            (Fate::Remove, vec![Proof::Name, Proof::Content])
        }
        Ok(content) if content.is_cilium() => {
            let plugins = content.plugins.join(", ");
            (Fate::doubtful(format!("others' chain of {plugins}")), vec![Proof::Content])
        }
        Err(why) if named => (Fate::doubtful(format!("it cannot be read: {why}")), vec![]),
        _ => return None,
    };
    Some(Item { what: Leftover::CniConfiguration { path: file.path.clone() }, fate, proofs })
}

/// A file that was set aside comes back if its place is free, it can be read, it is not Cilium's,
/// and its plugins are there. Cilium's own of an older version goes.
fn backup(file: &CniText, original: &str, state: &HostState) -> Item {
    let path = file.path.clone();
    let directory = path.strip_suffix(name(&path)).unwrap_or_default();
    let original_path = format!("{directory}{original}");
    let taken = state.cni_files.items().iter().any(|other| other.path == original_path);
    let fate = match decode(file, original) {
        Err(why) => Fate::doubtful(format!("it cannot be read: {why}")),
        Ok(content) if content.is_cilium() && original.contains("cilium") => {
            let proofs = vec![Proof::Name, Proof::Content];
            return Item { what: Leftover::CniConfiguration { path }, fate: Fate::Remove, proofs };
        }
        Ok(content) if content.is_cilium() => Fate::doubtful("Cilium's plugin is in its chain"),
        Ok(_) if taken => Fate::doubtful(format!("there is a new {original}")),
        Ok(content) => match missing_plugin(&content, state) {
            Some(plugin) => Fate::doubtful(format!("its plugin {plugin} is not installed")),
            None => Fate::Remove,
        },
    };
    let what = Leftover::CniBackup { path, original: original_path };
    Item { what, fate, proofs: vec![Proof::Name] }
}

fn missing_plugin(content: &CniFile, state: &HostState) -> Option<String> {
    let installed: BTreeSet<&str> =
        state.cni_binaries.items().iter().map(|path| name(path)).collect();
    content.plugins.iter().find(|plugin| !installed.contains(plugin.as_str())).cloned()
}

/// `cilium-<container>-<interface>`: libcni puts the network's name first.
fn is_result(path: &str) -> bool {
    let container =
        |rest: &str| rest.len() >= 64 && rest[..64].bytes().all(|b| b.is_ascii_hexdigit());
    name(path)
        .strip_prefix("cilium-")
        .is_some_and(|rest| rest.is_ascii() && container(rest) && rest[64..].starts_with('-'))
}

fn name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

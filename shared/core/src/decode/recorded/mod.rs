//! A recording: the output of commands in a folder, one folder for each node and `api` for objects.
//!
//! ```text
//! NODE/ip-j-link.json    ip -d -j link          NODE/resolv.conf      /etc/resolv.conf
//! NODE/ip-j-addr.json    ip -j addr             NODE/resolved.conf    /run/systemd/resolve/resolv.conf
//! NODE/ip-j-route.json   ip -N -j route show table all
//! NODE/ip-6-j-route.json ip -N -6 -j route show table all
//! NODE/ip-j-rule.json    ip -N -j rule          NODE/cni/FILE         /etc/cni/net.d/FILE
//! NODE/ip-6-j-rule.json  ip -N -6 -j rule       NODE/sysctl.txt       sysctl net
//! NODE/ps.txt            ps -eo pid,comm        NODE/uname.txt        uname -r
//! NODE/ip-link.txt       ip -d link             NODE/ip-rule.txt      ip -4 rule
//! NODE/ip-addr.txt       ip addr                NODE/ip-6-rule.txt    ip -6 rule
//! NODE/ip-route.txt      ip -4 route            NODE/ip-6-route.txt   ip -6 route
//! NODE/iptables-save.txt   iptables-save     NODE/iptables-legacy-save.txt   iptables-legacy-save
//! NODE/ip6tables-save.txt  ip6tables-save    NODE/ip6tables-legacy-save.txt  ip6tables-legacy-save
//! NODE/pod-resolv.conf     /etc/resolv.conf of a pod with the host's DNS, such as the agent's
//! NODE/cilium-status.json  cilium-dbg status -o json, in the agent
//! NODE/cilium-health.json  cilium-health status -o json, in the agent
//! NODE/host/PATH           the host's own file of this path; one of /proc is as the host's first process has it
//! api/RESOURCE.json      kubectl get RESOURCE -A -o json
//! api/version.json       kubectl version -o json
//! logs/NAMESPACE/POD/CONTAINER.log            kubectl logs
//! logs/NAMESPACE/POD/CONTAINER.previous.log   kubectl logs --previous
//! api/certificate.txt    openssl x509 -noout -ext subjectAltName, of the API server
//! ```
//!
//! `RESOURCE` is one of [`RESOURCES`]. Every file may be missing: the facts it would give are then
//! unavailable. Text stands in where the JSON of the same command is missing.

mod cluster;
mod logs;
mod node;

use std::collections::{BTreeMap, BTreeSet};

pub use cluster::RESOURCES;
pub use logs::path as log_path;

use super::{DecodeError, cni_conf, kubernetes::Yaml};
use crate::facts::{Facts, Origin, Source, Unavailable};

/// Files of a recording by their path, with `/` between the parts, and their text.
pub type Files = BTreeMap<String, String>;

/// Whether the file at this path is one that a recording is made of; others need not be read.
pub fn is_part(path: &str) -> bool {
    const OF_NODE: [&str; 26] = [
        "ip-j-link.json",
        "ip-j-addr.json",
        "ip-j-route.json",
        "ip-6-j-route.json",
        "ip-j-rule.json",
        "ip-6-j-rule.json",
        "ip-link.txt",
        "ip-addr.txt",
        "ip-route.txt",
        "ip-6-route.txt",
        "ip-rule.txt",
        "ip-6-rule.txt",
        "resolv.conf",
        "resolved.conf",
        "sysctl.txt",
        "ps.txt",
        "uname.txt",
        "cni-conf.txt",
        "cilium-status.json",
        "cilium-health.json",
        "iptables-save.txt",
        "iptables-legacy-save.txt",
        "ip6tables-save.txt",
        "ip6tables-legacy-save.txt",
        "pod-resolv.conf",
        "probes.json",
    ];
    let is_of_api = |file: &str| {
        let resource = file.strip_suffix(".json");
        file == "certificate.txt"
            || resource.is_some_and(|name| name == "version" || RESOURCES.contains(&name))
    };
    match path.split('/').collect::<Vec<_>>()[..] {
        ["api", file] => is_of_api(file),
        ["logs", _, _, _] => logs::is_log(path),
        [_, file] => OF_NODE.contains(&file),
        [_, "cni", file] => cni_conf::is_cni_file_name(file),
        [_, "host", "boot" | "etc" | "lib" | "proc" | "run" | "usr" | "var", ..] => true,
        _ => false,
    }
}

/// Decodes a recording. A file that is missing or broken makes its own facts unavailable.
pub fn facts(files: &Files, yaml: Yaml) -> Facts {
    let recording = Recording(files);
    let names: BTreeSet<&str> = files
        .keys()
        .filter(|path| is_part(path) && !logs::is_log(path))
        .filter_map(|path| path.split('/').next())
        .filter(|folder| *folder != "api")
        .collect();
    Facts {
        origin: Origin { source: Source::Recorded, ..Origin::default() },
        cluster: recording.cluster(yaml),
        nodes: names.into_iter().map(|name| recording.node(name)).collect(),
        ..Facts::default()
    }
}

struct Recording<'a>(&'a Files);

impl Recording<'_> {
    fn has(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }

    fn text(&self, path: &str) -> Result<&str, Unavailable> {
        self.0
            .get(path)
            .map(String::as_str)
            .ok_or_else(|| Unavailable::absent(file_name(path), "not in the recording"))
    }

    fn decoded<T>(
        &self,
        path: &str,
        decode: impl FnOnce(&str) -> Result<T, DecodeError>,
    ) -> Result<T, Unavailable> {
        decode(self.text(path)?)
            .map_err(|error| Unavailable::failed(file_name(path), error.to_string()))
    }
}

/// Path of a file within its node's folder: whose it is, the facts themselves say. Objects of the
/// API keep theirs.
fn file_name(path: &str) -> &str {
    match path.split_once('/') {
        Some((folder, file)) if folder != "api" && !logs::is_log(path) => file,
        _ => path,
    }
}

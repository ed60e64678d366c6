//! Where container runtimes look for CNI configuration.

use super::{HostFiles, drop_in, has_extension};
use crate::{
    decode::cni_conf::is_cni_file_name,
    facts::{RuntimeConfig, Unavailable},
};

/// Configuration of containerd: its own, and that of distributions that bring one.
const CONTAINERD: [&str; 5] = [
    "/etc/containerd/config.toml",
    "/var/lib/rancher/k3s/agent/etc/containerd/config.toml",
    "/var/lib/rancher/rke2/agent/etc/containerd/config.toml",
    "/etc/k0s/containerd.toml",
    "/run/k0s/containerd-cri.toml",
];
const CRIO: &str = "/etc/crio/crio.conf";
const CRIO_DROP_INS: [&str; 2] = ["/etc/crio/crio.conf.d", "/usr/lib/crio/crio.conf.d"];

/// Every folder that some configuration names. A runtime that is told nothing has
/// `/etc/cni/net.d`.
pub(super) fn configs(files: &impl HostFiles) -> Result<Vec<RuntimeConfig>, Unavailable> {
    let mut named: Vec<(String, String)> = Vec::new();
    for path in CONTAINERD {
        if let Some(text) = files.text(path)? {
            let folder = assigned(&text, |table| has_extension(table, "cni"), "conf_dir");
            named.extend(folder.map(|folder| (path.to_owned(), folder)));
        }
    }
    // The last one counts.
    let mut crio = None;
    let drop_ins = drop_in::paths(files, &CRIO_DROP_INS)?;
    for path in [CRIO.to_owned()].into_iter().chain(drop_ins) {
        if let Some(text) = files.text(&path)? {
            let folder = assigned(&text, |table| table == "crio.network", "network_dir");
            crio = folder.map(|folder| (path, folder)).or(crio);
        }
    }
    named.extend(crio);
    let mut found = Vec::with_capacity(named.len());
    for (file, folder) in named {
        let folder = match folder.trim_end_matches('/') {
            "" => continue,
            folder => folder.to_owned(),
        };
        let mut files = files.names(&folder)?;
        files.retain(|name| is_cni_file_name(name));
        found.push(RuntimeConfig { file, folder, files });
    }
    Ok(found)
}

/// The last string assigned to a key in tables of this kind. Reads the forms that runtimes write
/// themselves, line by line, and is no TOML parser.
fn assigned(text: &str, is_meant: impl Fn(&str) -> bool, key: &str) -> Option<String> {
    let mut meant = false;
    let mut found = None;
    for line in text.lines().map(str::trim) {
        if let Some(table) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            // `plugins."io.containerd.grpc.v1.cri".cni`
            meant = is_meant(table.0.trim());
        } else if meant {
            let value = line.strip_prefix(key).and_then(|rest| rest.trim_start().strip_prefix('='));
            found = value.and_then(string).or(found);
        }
    }
    found
}

fn string(value: &str) -> Option<String> {
    let value = value.trim();
    let quote = value.chars().next().filter(|first| matches!(first, '"' | '\''))?;
    let (inner, _) = value[1..].split_once(quote)?;
    Some(inner.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{assigned, has_extension};

    #[test]
    fn both_versions_of_containerd_are_read() {
        let of = |text| assigned(text, |table| has_extension(table, "cni"), "conf_dir");
        let old = "[plugins.\"io.containerd.grpc.v1.cri\".cni]\n  bin_dir = \"/opt\"\n  conf_dir = \"/a\" # b\n[x]\nconf_dir = \"/no\"\n";
        assert_eq!(of(old).as_deref(), Some("/a"));
        let new =
            "[plugins.'io.containerd.cri.v1.runtime'.cni]\nconf_dir = '/b'\n#conf_dir = '/c'\n";
        assert_eq!(of(new).as_deref(), Some("/b"));
        assert_eq!(of("[plugins.cri]\nconf_dir = \"/no\"\n"), None);
    }
}

//! DNS servers that the kubelet gives to pods with the host's DNS.

use std::net::IpAddr;

use super::HostFiles;
use crate::{decode::resolv_conf, facts::Unavailable};

/// Where kubelets have their configuration: kubeadm and most others; RKE2 and k3s from the version on
/// in which they write one.
const CONFIGS: [&str; 4] = [
    "/var/lib/kubelet/config.yaml",
    "/etc/kubernetes/kubelet/config.json",
    "/etc/kubernetes/kubelet-config.yaml",
    "/etc/kubernetes/kubelet/kubelet-config.json",
];
/// Where the kubelet's flags are written down, which count more: kubeadm had the servers of
/// systemd-resolved there before it had them in the configuration.
const FLAGS: [&str; 3] =
    ["/etc/default/kubelet", "/etc/sysconfig/kubelet", "/var/lib/kubelet/kubeadm-flags.env"];
/// What kubelets take when nobody tells them.
const DEFAULT: &str = "/etc/resolv.conf";

/// The servers in the file that the kubelet is told to give to pods.
///
/// # Errors
/// When no configuration of a kubelet is found, or a file cannot be read.
pub fn servers(files: &impl HostFiles) -> Result<Vec<IpAddr>, Unavailable> {
    let file = resolver_file(files)?;
    match files.text(&file)? {
        Some(text) => Ok(resolv_conf::nameservers(&text)),
        None => Err(Unavailable::absent(file, "no such file, and the kubelet names it")),
    }
}

fn resolver_file(files: &impl HostFiles) -> Result<String, Unavailable> {
    for file in FLAGS {
        let text = files.text(file)?.unwrap_or_default();
        if let Some(path) = flag(&text) {
            return Ok(path.to_owned());
        }
    }
    for config in CONFIGS {
        if let Some(text) = files.text(config)? {
            return Ok(named(&text).unwrap_or(DEFAULT).to_owned());
        }
    }
    Err(Unavailable::absent(
        "configuration of the kubelet",
        "none where kubeadm and others have it; flags may name another file",
    ))
}

/// The value of `--resolv-conf`.
fn flag(text: &str) -> Option<&str> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let mut words = lines.flat_map(|line| line.split([' ', '"', '\'']));
    let value = words.find_map(|word| {
        // The variable's name may stand before the first flag.
        let at = word.find("--resolv-conf=")?;
        word.get(at + "--resolv-conf=".len()..)
    })?;
    (!value.is_empty()).then_some(value)
}

/// `resolvConf`, which stands alone at the margin in YAML and has quotes in JSON.
fn named(text: &str) -> Option<&str> {
    let value = text.lines().find_map(|line| {
        let key = line.trim_start().trim_start_matches('"').strip_prefix("resolvConf")?;
        key.trim_start_matches('"').trim_start().strip_prefix(':')
    })?;
    // A comment after a value.
    let value = value.split(" #").next()?.trim().trim_end_matches(',');
    Some(value.trim_matches(['"', '\''])).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{flag, named};

    #[test]
    fn both_notations_are_read() {
        assert_eq!(named("kind: K\nresolvConf: /run/a.conf # b\n"), Some("/run/a.conf"));
        assert_eq!(named("{\n  \"resolvConf\": \"/run/a.conf\",\n}"), Some("/run/a.conf"));
        assert_eq!(named("resolvConf: \"\"\n"), None);
        assert_eq!(named("#resolvConf: /x\n"), None);
    }

    #[test]
    fn flags_are_found_in_environment_files() {
        let text =
            "#A=--resolv-conf=/no\nKUBELET_KUBEADM_ARGS=\"--a=b --resolv-conf=/run/a.conf\"\n";
        assert_eq!(flag(text), Some("/run/a.conf"));
        assert_eq!(flag("KUBELET_EXTRA_ARGS=--resolv-conf=/run/b.conf\n"), Some("/run/b.conf"));
        assert_eq!(flag("KUBELET_EXTRA_ARGS=--node-ip=10.0.0.1\n"), None);
    }
}

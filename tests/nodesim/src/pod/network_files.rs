//! `/etc/hosts`, `/etc/hostname` and `/etc/resolv.conf` of a pod.

use std::{fmt::Write as _, fs, io};

use k8s_openapi::api::core::v1::{Pod, PodSpec};

use super::{environment::Place, volumes::pod_dir};
use crate::{
    kubelet::Kubelet,
    machine::{Mount, Propagation},
};

/// Writes the files; the result is how they get into the containers.
pub(super) fn write(kubelet: &Kubelet, pod: &Pod, place: &Place) -> io::Result<Vec<Mount>> {
    let spec = pod.spec.clone().unwrap_or_default();
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    let dir = pod_dir(pod.metadata.uid.as_deref().unwrap_or_default());
    let files = [
        ("/etc/hosts", "etc-hosts", hosts(kubelet, &spec, place)),
        ("/etc/hostname", "hostname", format!("{}\n", place.hostname)),
        ("/etc/resolv.conf", "resolv.conf", resolv_conf(kubelet, &spec, namespace)),
    ];
    let mount = |(target, name, content): (&str, &str, String)| {
        let source = format!("{dir}/{name}");
        kubelet.machine.write(&source, content.as_bytes(), 0o644)?;
        let target = target.to_owned();
        Ok(Mount { source, target, propagation: Propagation::None, read_only: false })
    };
    files.into_iter().map(mount).collect()
}

fn node_file(kubelet: &Kubelet, path: &str) -> String {
    fs::read_to_string(kubelet.machine.outside(path)).unwrap_or_default()
}

fn hosts(kubelet: &Kubelet, spec: &PodSpec, place: &Place) -> String {
    let mut text = if spec.host_network == Some(true) {
        let node = node_file(kubelet, "/etc/hosts");
        format!("# Kubernetes-managed hosts file (host network).\n{node}")
    } else {
        let Place { pod_ip, hostname, .. } = place;
        format!(
            "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::0\tip6-localnet\nfe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n{pod_ip}\t{hostname}\n"
        )
    };
    let aliases = spec.host_aliases.as_deref().unwrap_or_default();
    if !aliases.is_empty() {
        text += "\n# Entries added by HostAliases.\n";
    }
    for alias in aliases {
        let names = alias.hostnames.as_deref().unwrap_or_default();
        // Writing to a String does not fail.
        let _ = writeln!(text, "{}\t{}", alias.ip, names.join("\t"));
    }
    text
}

fn resolv_conf(kubelet: &Kubelet, spec: &PodSpec, namespace: &str) -> String {
    let node = node_file(kubelet, "/etc/resolv.conf");
    let host_network = spec.host_network == Some(true);
    let mut text = match spec.dns_policy.as_deref().unwrap_or("ClusterFirst") {
        "None" => String::new(),
        "Default" => node,
        // A pod in the node's network has the node's DNS unless it insists.
        "ClusterFirst" if host_network => node,
        _ => {
            let domain = &kubelet.config.cluster_domain;
            let mut searches = vec![format!("{namespace}.svc.{domain} svc.{domain} {domain}")];
            let own = node.lines().filter_map(|line| line.strip_prefix("search "));
            searches.extend(own.map(str::to_owned));
            format!(
                "search {}\nnameserver {}\noptions ndots:5\n",
                searches.join(" "),
                kubelet.config.cluster_dns
            )
        }
    };
    let extra = spec.dns_config.clone().unwrap_or_default();
    for server in extra.nameservers.iter().flatten() {
        let _ = writeln!(text, "nameserver {server}");
    }
    if let Some(searches) = extra.searches.filter(|searches| !searches.is_empty()) {
        let _ = writeln!(text, "search {}", searches.join(" "));
    }
    for option in extra.options.iter().flatten() {
        let name = option.name.as_deref().unwrap_or_default();
        let value = option.value.as_ref().map(|value| format!(":{value}")).unwrap_or_default();
        let _ = writeln!(text, "options {name}{value}");
    }
    text
}

//! Addresses that the host's own configuration depends on: API server, proxies, registry mirrors.

mod kubeconfig;
mod registries;

use std::path::Path;

use kcilium_core::decode::host_endpoints::{Environment, endpoints, registry_hosts};
use kcilium_core::facts::{HostEndpoint, HostEndpointKind, Unavailable};

use super::read::{list_if_exists, read_if_exists};
use crate::host::HostRoot;

/// Where kubelets keep what they reach the API server with: kubeadm and most others, older
/// installers, k3s, RKE2.
const KUBECONFIGS: [&str; 4] = [
    "/etc/kubernetes/kubelet.conf",
    "/var/lib/kubelet/kubeconfig",
    "/var/lib/rancher/k3s/agent/kubelet.kubeconfig",
    "/var/lib/rancher/rke2/agent/kubelet.kubeconfig",
];

/// Services that pull images or talk to the API server, each with the files besides its unit that
/// their packages and installers let it read its environment from.
const SERVICES: [(&str, &[&str]); 8] = [
    ("containerd", &[]),
    ("docker", &["/etc/default/docker"]),
    ("crio", &[]),
    ("kubelet", &[]),
    ("k3s", &["/etc/default/k3s", "/etc/systemd/system/k3s.service.env"]),
    ("k3s-agent", &["/etc/default/k3s-agent", "/etc/systemd/system/k3s-agent.service.env"]),
    ("rke2-server", &["/etc/default/rke2-server"]),
    ("rke2-agent", &["/etc/default/rke2-agent"]),
];

const UNITS: &str = "/etc/systemd/system";
const ENVIRONMENT: &str = "/etc/environment";
const CERTS: &str = "/etc/containerd/certs.d";
const REGISTRIES: [&str; 2] =
    ["/etc/rancher/k3s/registries.yaml", "/etc/rancher/rke2/registries.yaml"];

/// Everything that names an address. A file that is there and cannot be read or understood makes
/// the list unknown: it might name the one that matters.
pub(crate) fn host_endpoints(root: &HostRoot) -> Result<Vec<HostEndpoint>, Unavailable> {
    let mut found = api_server(root)?;
    for service in SERVICES {
        found.extend(service_proxies(root, service)?);
    }
    found.extend(environment_proxies(root)?);
    found.extend(registry_mirrors(root)?);
    without_repetitions(&mut found);
    Ok(found)
}

/// One address is often named by many services; the first is enough to find it.
fn without_repetitions(found: &mut Vec<HostEndpoint>) {
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|endpoint| seen.insert((endpoint.kind, endpoint.address)));
}

fn api_server(root: &HostRoot) -> Result<Vec<HostEndpoint>, Unavailable> {
    for file in KUBECONFIGS {
        if let Some(text) = read_if_exists(root, file)? {
            let servers = kubeconfig::servers(&text)
                .map_err(|why| Unavailable::failed(file, why.to_string()))?;
            return Ok(endpoints(HostEndpointKind::ApiServer, file, &servers));
        }
    }
    Ok(Vec::new())
}

fn service_proxies(
    root: &HostRoot,
    (service, files): (&str, &[&str]),
) -> Result<Vec<HostEndpoint>, Unavailable> {
    let mut environment = Environment::default();
    let unit = format!("{UNITS}/{service}.service");
    let drop_ins = list_if_exists(root, &format!("{unit}.d"))?;
    let drop_ins = drop_ins.into_iter().filter(|path| is_drop_in(path));
    for path in std::iter::once(unit).chain(drop_ins) {
        if let Some(text) = read_if_exists(root, &path)? {
            environment.read_unit(&path, &text);
        }
    }
    // What systemd reads from files goes over what units say.
    for path in files {
        if let Some(text) = read_if_exists(root, path)? {
            environment.read_file(path, &text);
        }
    }
    Ok(environment.proxies())
}

fn is_drop_in(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "conf")
}

fn environment_proxies(root: &HostRoot) -> Result<Vec<HostEndpoint>, Unavailable> {
    let mut environment = Environment::default();
    if let Some(text) = read_if_exists(root, ENVIRONMENT)? {
        environment.read_file(ENVIRONMENT, &text);
    }
    Ok(environment.proxies())
}

fn registry_mirrors(root: &HostRoot) -> Result<Vec<HostEndpoint>, Unavailable> {
    let mirror = HostEndpointKind::RegistryMirror;
    let mut found = Vec::new();
    for directory in list_if_exists(root, CERTS)? {
        let file = format!("{directory}/hosts.toml");
        if let Some(text) = read_if_exists(root, &file)? {
            found.extend(endpoints(mirror, &file, &registry_hosts(&text)));
        }
    }
    for file in REGISTRIES {
        if let Some(text) = read_if_exists(root, file)? {
            let mirrors = registries::endpoints(&text)
                .map_err(|why| Unavailable::failed(file, why.to_string()))?;
            found.extend(endpoints(mirror, file, &mirrors));
        }
    }
    Ok(found)
}

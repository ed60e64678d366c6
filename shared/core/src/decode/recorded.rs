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
//! api/RESOURCE.json      kubectl get RESOURCE -A -o json
//! ```
//!
//! `RESOURCE` is `ciliumnodes`, `nodes`, `configmaps`, `daemonsets`, `pods`, `endpointslices` or
//! `servicecidrs`. Every file may be missing: the facts it would give are then unavailable.

use std::collections::{BTreeMap, BTreeSet};

use super::{DecodeError, cni_conf, iproute2, kubernetes, resolv_conf};
use crate::facts::{
    AgentProcess, ClusterFacts, CniFile, Fact, Facts, Family, Kernel, NodeFacts, Origin, Resolver,
    ResolverKind, Route, Source, Unavailable,
};

/// Files of a recording by their path, with `/` between the parts, and their text.
pub type Files = BTreeMap<String, String>;

/// Whether the file at this path is one that a recording is made of; others need not be read.
pub fn is_part(path: &str) -> bool {
    const OF_NODE: [&str; 12] = [
        "ip-j-link.json",
        "ip-j-addr.json",
        "ip-j-route.json",
        "ip-6-j-route.json",
        "ip-j-rule.json",
        "ip-6-j-rule.json",
        "resolv.conf",
        "resolved.conf",
        "sysctl.txt",
        "ps.txt",
        "uname.txt",
        "cni-conf.txt",
    ];
    const OF_API: [&str; 7] = [
        "ciliumnodes.json",
        "nodes.json",
        "configmaps.json",
        "daemonsets.json",
        "pods.json",
        "endpointslices.json",
        "servicecidrs.json",
    ];
    match path.split('/').collect::<Vec<_>>()[..] {
        ["api", file] => OF_API.contains(&file),
        [_, file] => OF_NODE.contains(&file),
        [_, "cni", file] => cni_conf::is_cni_file_name(file),
        _ => false,
    }
}

/// Decodes a recording. A file that is missing or broken makes its own facts unavailable.
pub fn facts(files: &Files) -> Facts {
    let recording = Recording(files);
    let names: BTreeSet<&str> = files
        .keys()
        .filter(|path| is_part(path))
        .filter_map(|path| path.split('/').next())
        .filter(|folder| *folder != "api")
        .collect();
    Facts {
        origin: Origin { source: Source::Recorded, ..Origin::default() },
        cluster: recording.cluster(),
        nodes: names.into_iter().map(|name| recording.node(name)).collect(),
        ..Facts::default()
    }
}

struct Recording<'a>(&'a Files);

impl Recording<'_> {
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

    fn node(&self, name: &str) -> NodeFacts {
        let at = |file: &str| format!("{name}/{file}");
        NodeFacts {
            links: self.decoded(&at("ip-j-link.json"), iproute2::links).into(),
            addresses: self.decoded(&at("ip-j-addr.json"), iproute2::addresses).into(),
            routes: self.routes(&at("ip-j-route.json"), &at("ip-6-j-route.json")).into(),
            rules: self.rules(&at("ip-j-rule.json"), &at("ip-6-j-rule.json")).into(),
            resolvers: self.resolvers(&at("resolv.conf"), &at("resolved.conf")).into(),
            cni_files: self.cni_files(name).into(),
            sysctls: self.text(&at("sysctl.txt")).map(sysctls).into(),
            agent: self.decoded(&at("ps.txt"), agent).into(),
            kernel: self
                .text(&at("uname.txt"))
                .map(|text| Kernel { release: text.trim().to_owned() })
                .into(),
            ..NodeFacts::named(name)
        }
    }

    /// `ip -j route` without a family prints both; a file for IPv6 alone then says the same twice.
    fn routes(&self, both: &str, v6: &str) -> Result<Vec<Route>, Unavailable> {
        let mut routes = self.decoded(both, iproute2::routes)?;
        if self.0.contains_key(v6) {
            routes.retain(|route| route.family() == Family::V4);
            routes.extend(self.decoded(v6, iproute2::routes)?);
        }
        Ok(routes)
    }

    fn rules(&self, v4: &str, v6: &str) -> Result<Vec<crate::facts::RoutingRule>, Unavailable> {
        let mut rules = self.decoded(v4, |json| iproute2::rules(json, Family::V4))?;
        if self.0.contains_key(v6) {
            rules.extend(self.decoded(v6, |json| iproute2::rules(json, Family::V6))?);
        }
        Ok(rules)
    }

    fn resolvers(&self, direct: &str, upstream: &str) -> Result<Vec<Resolver>, Unavailable> {
        let servers = resolv_conf::nameservers(self.text(direct)?);
        let mut resolvers = Vec::new();
        if resolv_conf::is_local_stub(&servers) {
            let text = self.text(upstream).map_err(|_| {
                Unavailable::absent(
                    file_name(upstream),
                    "resolv.conf names a stub of the host, and its servers were not recorded",
                )
            })?;
            resolvers.extend(resolv_conf::nameservers(text).into_iter().map(|address| Resolver {
                address,
                file: "/run/systemd/resolve/resolv.conf".into(),
                kind: ResolverKind::BehindStub,
            }));
        }
        let direct = servers.into_iter().map(|address| Resolver {
            address,
            file: "/etc/resolv.conf".into(),
            kind: ResolverKind::Direct,
        });
        Ok(direct.chain(resolvers).collect())
    }

    /// Files below `cni/`, or `cni-conf.txt`: the files one after the other, each headed by a line
    /// `== PATH`.
    fn cni_files(&self, node: &str) -> Result<Vec<CniFile>, Unavailable> {
        let folder = format!("{node}/cni/");
        let mut found: Vec<CniFile> = self
            .0
            .iter()
            .filter(|(path, _)| is_part(path))
            .filter_map(|(path, text)| Some(cni_conf::decode(path.strip_prefix(&folder)?, text)))
            .collect();
        if found.is_empty() {
            let text = self.text(&format!("{node}/cni-conf.txt"))?;
            found.extend(sections(text).filter_map(|(path, text)| {
                let name = path.rsplit('/').next()?;
                cni_conf::is_cni_file_name(name).then(|| cni_conf::decode(name, text))
            }));
        }
        Ok(found)
    }

    fn cluster(&self) -> ClusterFacts {
        let pods = self.decoded("api/pods.json", kubernetes::pods);
        let version = self.decoded("api/daemonsets.json", kubernetes::agent_version).ok().flatten();
        let config = self
            .decoded("api/configmaps.json", |json| {
                kubernetes::cilium_config(json, version.as_ref())
            })
            .and_then(|config| {
                config.ok_or_else(|| {
                    Unavailable::absent("ConfigMap cilium-config", "there is none in the recording")
                })
            });
        let service_cidrs = self
            .decoded("api/servicecidrs.json", kubernetes::service_cidrs)
            .or_else(|missing| match &pods {
                Ok(pods) if !pods.service_cidrs.is_empty() => Ok(pods.service_cidrs.clone()),
                _ => Err(missing),
            });
        ClusterFacts {
            config: config.into(),
            cilium_nodes: self.decoded("api/ciliumnodes.json", kubernetes::cilium_nodes).into(),
            nodes: self.decoded("api/nodes.json", kubernetes::nodes).into(),
            service_cidrs: service_cidrs.into(),
            api_servers: self.decoded("api/endpointslices.json", kubernetes::api_servers).into(),
            agents: Fact::from(pods.map(|pods| pods.agents)),
        }
    }
}

/// Path of a file within its node's folder: whose it is, the facts themselves say. Objects of the
/// API keep theirs.
fn file_name(path: &str) -> &str {
    match path.split_once('/') {
        Some((folder, file)) if folder != "api" => file,
        _ => path,
    }
}

/// Parts of a text that are headed by `== NAME`.
fn sections(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split("\n== ")
        .map(|part| part.strip_prefix("== ").unwrap_or(part))
        .filter_map(|part| part.split_once('\n'))
        .map(|(name, body)| (name.trim(), body))
}

/// `sysctl net`: lines `name = value`.
fn sysctls(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        .collect()
}

/// `ps -eo pid,comm`. Process 2 is `kthreadd` wherever all processes of the host are seen.
fn agent(text: &str) -> Result<AgentProcess, DecodeError> {
    let mut processes = text.lines().filter_map(|line| {
        let (pid, name) = line.trim().split_once(char::is_whitespace)?;
        Some((pid.parse::<u32>().ok()?, name.trim()))
    });
    let mut sees_host = false;
    let running = processes.find(|(pid, name)| {
        sees_host |= *pid == 2 && *name == "kthreadd";
        *name == "cilium-agent"
    });
    match running {
        Some((pid, _)) => Ok(AgentProcess::Running { pid: Some(pid) }),
        None if sees_host => Ok(AgentProcess::NotRunning),
        None => Err(DecodeError::new("the list does not show the host's processes")),
    }
}

//! What was recorded on a node.

use std::collections::BTreeMap;

use super::{Recording, file_name, is_part};
use crate::{
    decode::{DecodeError, agent_status, cni_conf, iproute2, resolv_conf},
    facts::{
        AgentProcess, CniFile, Family, Kernel, NodeFacts, Resolver, ResolverKind, Route,
        RoutingRule, Unavailable,
    },
};

impl Recording<'_> {
    pub(super) fn node(&self, name: &str) -> NodeFacts {
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
            agent_status: self.decoded(&at("cilium-status.json"), agent_status::decode).into(),
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

    fn rules(&self, v4: &str, v6: &str) -> Result<Vec<RoutingRule>, Unavailable> {
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

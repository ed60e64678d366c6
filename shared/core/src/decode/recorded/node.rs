//! What was recorded on a node.

use std::{collections::BTreeMap, net::IpAddr};

use ipnet::IpNet;

use super::{Files, Recording, file_name, is_part};
use crate::{
    decode::{
        DecodeError, agent_status, cni_conf, health,
        host::{self, HostFiles, ProcessTable},
        iproute2, iproute2_text, iptables, resolv_conf,
    },
    facts::{
        Address, AgentProcess, CniFile, Fact, Family, HostFacts, HostService, Iptables,
        IptablesBackend, Kernel, NextHop, NodeFacts, Resolver, ResolverKind, Route, RouteKind,
        RouteProtocol, RouteScope, RoutingRule, TableId, Unavailable,
    },
    probe::ProbeResult,
};

/// What makes facts of a file's text.
type Decoder<'a, T> = &'a dyn Fn(&str) -> Result<T, DecodeError>;

impl Recording<'_> {
    pub(super) fn node(&self, name: &str) -> NodeFacts {
        let at = |file: &str| format!("{name}/{file}");
        NodeFacts {
            links: self
                .either(
                    (&at("ip-j-link.json"), &iproute2::links),
                    (&at("ip-link.txt"), &iproute2_text::links),
                )
                .into(),
            addresses: self.addresses(name).into(),
            routes: self.routes(name).into(),
            rules: self.rules(name).into(),
            resolvers: self.resolvers(&at("resolv.conf"), &at("resolved.conf")).into(),
            pod_resolvers: self.pod_resolvers(name).into(),
            cni_files: self.cni_files(name).into(),
            sysctls: self.text(&at("sysctl.txt")).map(sysctls).into(),
            iptables: self.iptables(name).into(),
            agent: self.decoded(&at("ps.txt"), agent).into(),
            agent_status: self.decoded(&at("cilium-status.json"), agent_status::decode).into(),
            health: self.decoded(&at("cilium-health.json"), health::decode).into(),
            kernel: self
                .text(&at("uname.txt"))
                .map(|text| Kernel { release: text.trim().to_owned() })
                .into(),
            host: self.host(name),
            probes: self.probes(&at("probes.json")),
            ..NodeFacts::named(name)
        }
    }

    /// What the host's own files tell, where some were recorded.
    fn host(&self, node: &str) -> Option<Box<HostFacts>> {
        let files = RecordedHost { files: self.0, folder: format!("{node}/host") };
        if !files.is_there() {
            return None;
        }
        let services = self.text(&format!("{node}/ps.txt")).and_then(services);
        let kernel = self.text(&format!("{node}/uname.txt")).ok().map(str::trim);
        Some(Box::new(host::facts(&files, services, kernel)))
    }

    /// Of a pod, else what the kubelet's own files name.
    fn pod_resolvers(&self, node: &str) -> Result<Vec<IpAddr>, Unavailable> {
        let of_pod = format!("{node}/pod-resolv.conf");
        let files = RecordedHost { files: self.0, folder: format!("{node}/host") };
        if files.is_there() && !self.has(&of_pod) {
            return host::pod_resolvers(&files);
        }
        self.text(&of_pod).map(resolv_conf::nameservers)
    }

    /// Few recordings have any: that nobody probed is no failure.
    fn probes(&self, path: &str) -> Fact<Vec<ProbeResult>> {
        if !self.has(path) {
            return Fact::default();
        }
        self.decoded(path, |json| Ok(serde_json::from_str(json)?)).into()
    }

    /// The first of two files that is there; if none is, the first is missing.
    fn either<T>(
        &self,
        json: (&str, Decoder<'_, T>),
        text: (&str, Decoder<'_, T>),
    ) -> Result<T, Unavailable> {
        let (path, decode) = if self.has(json.0) || !self.has(text.0) { json } else { text };
        self.decoded(path, decode)
    }

    fn addresses(&self, node: &str) -> Result<Vec<Address>, Unavailable> {
        self.either(
            (&format!("{node}/ip-j-addr.json"), &iproute2::addresses),
            (&format!("{node}/ip-addr.txt"), &iproute2_text::addresses),
        )
    }

    fn routes(&self, node: &str) -> Result<Vec<Route>, Unavailable> {
        let (both, v6) = (format!("{node}/ip-j-route.json"), format!("{node}/ip-6-j-route.json"));
        let text = format!("{node}/ip-route.txt");
        if !self.has(&both) && self.has(&text) {
            return self.routes_of_text(node, &text);
        }
        // `ip -j route` without a family prints both; a file for IPv6 alone then says the same twice.
        let mut routes = self.decoded(&both, iproute2::routes)?;
        if self.has(&v6) {
            routes.retain(|route| route.family() == Family::V4);
            routes.extend(self.decoded(&v6, iproute2::routes)?);
        }
        Ok(routes)
    }

    /// `ip route` for people shows the main table only, unless it is asked for all. Packets for the
    /// node itself would then seem to leave it: the kernel looks for its own addresses first, in the
    /// local table, which it fills by itself from the addresses.
    fn routes_of_text(&self, node: &str, v4: &str) -> Result<Vec<Route>, Unavailable> {
        let v6 = format!("{node}/ip-6-route.txt");
        let mut routes = self.decoded(v4, |text| iproute2_text::routes(text, Family::V4))?;
        if self.has(&v6) {
            routes.extend(self.decoded(&v6, |text| iproute2_text::routes(text, Family::V6))?);
        }
        for family in [Family::V4, Family::V6] {
            let mut of_family = routes.iter().filter(|route| route.family() == family);
            if !of_family.any(|route| route.table == TableId::LOCAL) {
                let addresses = self.addresses(node)?;
                routes.extend(local_routes(&addresses, family));
            }
        }
        Ok(routes)
    }

    fn rules(&self, node: &str) -> Result<Vec<RoutingRule>, Unavailable> {
        let of = |family, json: &str, text: &str| {
            self.either(
                (&format!("{node}/{json}"), &|json| iproute2::rules(json, family)),
                (&format!("{node}/{text}"), &|text| iproute2_text::rules(text, family)),
            )
        };
        let mut rules = of(Family::V4, "ip-j-rule.json", "ip-rule.txt")?;
        match of(Family::V6, "ip-6-j-rule.json", "ip-6-rule.txt") {
            Ok(more) => rules.extend(more),
            Err(why) if why.is_absent() => {}
            Err(why) => return Err(why),
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

    /// Of the kind that `iptables-save` names at its beginning; and the legacy kind of a host that
    /// has both.
    fn iptables(&self, node: &str) -> Result<Vec<Iptables>, Unavailable> {
        let main = self.text(&format!("{node}/iptables-save.txt"))?;
        let backend = match main.lines().find(|line| line.starts_with("# Generated by")) {
            Some(line) if line.contains("(nf_tables)") => IptablesBackend::Nft,
            Some(_) => IptablesBackend::Legacy,
            None => IptablesBackend::Other,
        };
        let others = [
            ("ip6tables-save.txt", backend, Family::V6),
            ("iptables-legacy-save.txt", IptablesBackend::Legacy, Family::V4),
            ("ip6tables-legacy-save.txt", IptablesBackend::Legacy, Family::V6),
        ];
        let others = others.into_iter().filter_map(|(file, backend, family)| {
            Some((self.text(&format!("{node}/{file}")).ok()?, backend, family))
        });
        let all = [(main, backend, Family::V4)].into_iter().chain(others);
        let counted =
            |(text, backend, family)| Iptables { backend, family, chains: iptables::saved(text) };
        Ok(all.map(counted).collect())
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

/// Files below a node's folder `host`, where they have the paths that they had on the host.
struct RecordedHost<'a> {
    files: &'a Files,
    folder: String,
}

impl RecordedHost<'_> {
    fn is_there(&self) -> bool {
        self.below("").next().is_some()
    }

    /// Paths below a folder of the host.
    fn below(&self, folder: &str) -> impl Iterator<Item = &str> {
        let prefix = format!("{}{folder}/", self.folder);
        let from = self.files.range(prefix.clone()..);
        from.map_while(move |(path, _)| path.strip_prefix(&prefix))
    }
}

impl HostFiles for RecordedHost<'_> {
    fn text(&self, path: &str) -> Result<Option<String>, Unavailable> {
        Ok(self.files.get(&format!("{}{path}", self.folder)).cloned())
    }

    fn names(&self, folder: &str) -> Result<Vec<String>, Unavailable> {
        let names = self.below(folder).filter_map(|path| path.split('/').next());
        let mut names: Vec<String> = names.map(str::to_owned).collect();
        names.dedup();
        Ok(names)
    }
}

/// What the kernel puts into its local table for each address, and for the loopback network.
fn local_routes(addresses: &[Address], family: Family) -> impl Iterator<Item = Route> {
    let of_family = addresses.iter().filter(move |it| Family::of(it.address) == family);
    of_family.flat_map(|it| {
        let network = IpNet::new(it.address, it.prefix_len).map(|network| network.trunc());
        let network = network.ok().filter(|_| it.address.is_loopback());
        [Some(IpNet::from(it.address)), network].into_iter().flatten().map(|destination| Route {
            destination,
            kind: RouteKind::Local,
            table: TableId::LOCAL,
            protocol: RouteProtocol::KERNEL,
            scope: RouteScope::HOST,
            metric: 0,
            tos: 0,
            preferred_source: Some(it.address).filter(IpAddr::is_ipv4),
            source: None,
            mtu: None,
            next_hops: vec![NextHop {
                link: Some(it.link.clone()),
                gateway: None,
                weight: 0,
                flags: Vec::new(),
            }],
        })
    })
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

/// Lines of `ps -eo pid,comm`.
fn processes(text: &str) -> impl Iterator<Item = (u32, &str)> {
    text.lines().filter_map(|line| {
        let (pid, name) = line.trim().split_once(char::is_whitespace)?;
        Some((pid.parse::<u32>().ok()?, name.trim()))
    })
}

fn services(text: &str) -> Result<Vec<HostService>, Unavailable> {
    let mut table = ProcessTable::default();
    for (pid, comm) in processes(text) {
        if table.see(pid, comm) {
            table.count(comm);
        }
    }
    table.services()
}

/// `ps -eo pid,comm`. Process 2 is `kthreadd` wherever all processes of the host are seen.
fn agent(text: &str) -> Result<AgentProcess, DecodeError> {
    let mut sees_host = false;
    let running = processes(text).find(|(pid, name)| {
        sees_host |= *pid == 2 && *name == "kthreadd";
        *name == "cilium-agent"
    });
    match running {
        // In a container's list the number is none of the host's.
        Some((pid, _)) => Ok(AgentProcess::Running { pid: sees_host.then_some(pid) }),
        None if sees_host => Ok(AgentProcess::NotRunning),
        None => Err(DecodeError::new("the list does not show the host's processes")),
    }
}

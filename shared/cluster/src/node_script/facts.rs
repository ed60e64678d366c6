//! From frames to facts.

use std::collections::BTreeMap;
use std::net::IpAddr;

use kcilium_core::decode::{
    DecodeError, agent_status, cni_conf, health, iproute2, resolv_conf, route_get, sysctl,
};
use kcilium_core::facts::{
    AgentProcess, AgentStatus, CniFile, Family, HealthReport, Kernel, KernelLookup, NodeFacts,
    NodeName, Resolver, ResolverKind, Route, RoutingRule, Unavailable,
};

use super::frames::{Frame, Frames};
use super::iptables;
use super::{DnsPolicy, End, NodeScript, RESOLV_CONF};

/// Largest CNI file that is read, bytes: as in the collector that runs on the host itself.
const CNI_FILE: usize = 1024 * 1024;
/// Files of which the script prints the contents.
const CNI_FILES: usize = 100;
/// The script's own exit code for a link that it cannot follow.
const LEADS_OUT: u32 = 99;
/// Exit code of a command that `SIGKILL` ended.
const KILLED: u32 = 137;
/// The shell's exit code for a command that it did not find.
pub(super) const NOT_FOUND: u32 = 127;

/// Characters of a command's error that are told.
const TOLD: usize = 200;

/// A script's output.
pub(super) struct Output<'a> {
    pub(super) frames: Frames<'a>,
    pub(super) end: &'a End,
    pub(super) script: &'a NodeScript,
}

/// All facts in it.
pub(super) fn of(node: NodeName, output: &Output<'_>) -> NodeFacts {
    NodeFacts {
        kernel: output.kernel().into(),
        links: output.list("links", "ip -d -j link", iproute2::links).into(),
        addresses: output.list("addresses", "ip -j addr", iproute2::addresses).into(),
        routes: output.routes().into(),
        rules: output.rules().into(),
        lookups: output.lookups().into(),
        resolvers: output.resolvers().into(),
        pod_resolvers: output.pod_resolvers().into(),
        endpoints: Err(Unavailable::absent(
            "configuration of kubelet and runtime",
            "the host's files are not mounted in the agent's container",
        ))
        .into(),
        cni_files: output.cni_files().into(),
        sysctls: output.sysctls().into(),
        iptables: iptables::of(output).into(),
        agent: output.agent().into(),
        agent_status: output.agent_status().into(),
        health: output.health().into(),
        ..NodeFacts::named(node)
    }
}

impl<'a> Output<'a> {
    /// A frame, whatever became of its command.
    fn frame(&self, name: &str, what: &str) -> Result<Frame<'a>, Unavailable> {
        if let Some(frame) = self.frames.get(name) {
            return Ok(frame);
        }
        let why = match self.end {
            _ if self.frames.done => "the script did not print it".into(),
            End::Complete => "the script ended before".into(),
            End::Cut(why) => format!("the exec was cut before: {why}"),
        };
        Err(Unavailable::failed(what, why))
    }

    /// A frame whose command was allowed to finish.
    pub(super) fn finished(&self, name: &str, what: &str) -> Result<Frame<'a>, Unavailable> {
        let frame = self.frame(name, what)?;
        if frame.is_cut() {
            let why = format!("longer than {} bytes", frame.limit);
            return Err(Unavailable::failed(what, why));
        }
        if frame.code == KILLED {
            let why = format!("killed: it had {} s", self.script.seconds);
            return Err(Unavailable::failed(what, why));
        }
        Ok(frame)
    }

    /// A frame whose command succeeded.
    fn succeeded(&self, name: &str, what: &str) -> Result<Frame<'a>, Unavailable> {
        let frame = self.finished(name, what)?;
        if frame.code == 0 { Ok(frame) } else { Err(failure(what, &frame)) }
    }

    fn kernel(&self) -> Result<Kernel, Unavailable> {
        let frame = self.succeeded("kernel", "uname -r")?;
        Ok(Kernel { release: frame.text().trim().to_owned() })
    }

    /// A list of `ip`, complete and of one moment, as far as `ip` can tell.
    fn list<T>(
        &self,
        name: &str,
        what: &str,
        decode: impl FnOnce(&str) -> Result<T, DecodeError>,
    ) -> Result<T, Unavailable> {
        let frame = self.succeeded(name, what)?;
        // `ip` succeeds nevertheless.
        let errors = frame.errors();
        if errors.contains("Dump was interrupted") || errors.contains("Message truncated") {
            return Err(Unavailable::failed(what, "kept changing while it was read"));
        }
        decode(&frame.text()).map_err(|error| Unavailable::failed(what, error.to_string()))
    }

    /// The same for IPv6; nothing where the kernel has none.
    fn list_v6<T>(
        &self,
        name: &str,
        what: &str,
        decode: impl FnOnce(&str) -> Result<Vec<T>, DecodeError>,
    ) -> Result<Vec<T>, Unavailable> {
        let frame = self.finished(name, what)?;
        if frame.code != 0 && frame.errors().contains("not supported") {
            return Ok(Vec::new());
        }
        self.list(name, what, decode)
    }

    fn routes(&self) -> Result<Vec<Route>, Unavailable> {
        let of = |family| {
            move |json: &str| {
                let mut routes = iproute2::routes(json)?;
                // A kernel without the family answers with those of all others.
                routes.retain(|route| route.family() == family);
                Ok(routes)
            }
        };
        let mut routes =
            self.list("routes4", "ip -4 -N -j route show table all", of(Family::V4))?;
        let what = "ip -6 -N -j route show table all";
        routes.append(&mut self.list_v6("routes6", what, of(Family::V6))?);
        Ok(routes)
    }

    fn rules(&self) -> Result<Vec<RoutingRule>, Unavailable> {
        let of = |family| move |json: &str| iproute2::rules(json, family);
        let mut rules = self.list("rules4", "ip -4 -N -j rule", of(Family::V4))?;
        rules.append(&mut self.list_v6("rules6", "ip -6 -N -j rule", of(Family::V6))?);
        Ok(rules)
    }

    fn lookups(&self) -> Result<Vec<KernelLookup>, Unavailable> {
        let what = "ip route get";
        let questions = self.succeeded("questions", what)?.text();
        let questions = questions.lines().map(str::parse).collect::<Result<Vec<_>, _>>();
        let questions =
            questions.map_err(|_| Unavailable::failed(what, "asked for what is no address"))?;
        let frame = self.finished("lookups", what)?;
        // `ip` fails when one of its lines does.
        if frame.code > 1 {
            return Err(failure(what, &frame));
        }
        route_get::answers(&questions, &frame.text(), &frame.errors())
            .map_err(|error| Unavailable::failed(what, error.to_string()))
    }

    /// Servers that the kubelet copied from the host into the agent's pod: those that the host asks,
    /// unless they are a stub of its own.
    fn resolvers(&self) -> Result<Vec<Resolver>, Unavailable> {
        let file = resolv_conf_of_pod();
        let servers = self.pod_resolvers()?;
        if resolv_conf::is_local_stub(&servers) {
            let why = "it names a stub on the host only, and the servers that asks are not seen \
                       from here";
            return Err(Unavailable::absent(file, why));
        }
        let server = |address| Resolver { address, file: file.clone(), kind: ResolverKind::Direct };
        Ok(servers.into_iter().map(server).collect())
    }

    /// Pods of the host's network get the host's servers as others do that ask for them.
    fn pod_resolvers(&self) -> Result<Vec<IpAddr>, Unavailable> {
        let file = resolv_conf_of_pod();
        let not_the_host_s = match self.script.container.dns_policy {
            DnsPolicy::Host => None,
            DnsPolicy::Cluster => Some("it names the cluster's DNS servers, not the host's"),
            DnsPolicy::Pod => Some("it names what the pod's dnsConfig says, not the host's"),
        };
        if let Some(why) = not_the_host_s {
            return Err(Unavailable::absent(file, why));
        }
        Ok(resolv_conf::nameservers(&self.succeeded("resolvers", &file)?.text()))
    }

    fn sysctls(&self) -> Result<BTreeMap<String, String>, Unavailable> {
        let what = "/proc/sys/net";
        let frame = self.succeeded("sysctls", what)?;
        // Interfaces come and go, and kernels are built without IPv6.
        let gone = ["No such file or directory", "No such device"];
        let is_gone = |line: &str| gone.iter().any(|gone| line.ends_with(gone));
        if !frame.errors().lines().all(is_gone) {
            return Err(failure(what, &frame));
        }
        let text = frame.text();
        // No interface has a colon in its name.
        let values = text.lines().filter_map(|line| line.split_once(':'));
        Ok(values.map(|(path, value)| (sysctl::name(path), value.trim().to_owned())).collect())
    }

    fn cni_files(&self) -> Result<Vec<CniFile>, Unavailable> {
        let directory = self.script.container.cni_directory.as_str();
        let count = self.succeeded("cni", directory)?.text().trim().parse().unwrap_or(usize::MAX);
        if count > CNI_FILES {
            return Err(Unavailable::failed(directory, format!("more than {CNI_FILES} files")));
        }
        let mut files = Vec::with_capacity(count);
        for number in 1..=count {
            let frame = self.frame(&format!("cni.{number}"), directory)?;
            files.extend(cni_file(directory, &frame)?);
        }
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(files)
    }

    fn agent(&self) -> Result<AgentProcess, Unavailable> {
        let what = "processes";
        if self.succeeded("agent", what)?.stdout().is_empty() {
            let why = "the container shows its own processes only, and none is an agent";
            return Err(Unavailable::failed(what, why));
        }
        Ok(AgentProcess::Running { pid: None })
    }

    fn agent_status(&self) -> Result<AgentStatus, Unavailable> {
        let what = "cilium-dbg status -o json";
        let frame = self.succeeded("status", what)?;
        agent_status::decode(&frame.text())
            .map_err(|error| Unavailable::failed(what, error.to_string()))
    }

    fn health(&self) -> Result<HealthReport, Unavailable> {
        let what = "cilium-health status -o json";
        let frame = self.succeeded("health", what)?;
        health::decode(&frame.text()).map_err(|error| Unavailable::failed(what, error.to_string()))
    }
}

fn resolv_conf_of_pod() -> String {
    format!("{RESOLV_CONF} of the agent's pod")
}

/// A file of the CNI directory; nothing where its name is not UTF-8, which no runtime reads.
fn cni_file(directory: &str, frame: &Frame<'_>) -> Result<Option<CniFile>, Unavailable> {
    let end = frame.stdout().iter().position(|byte| *byte == b'/').unwrap_or(0);
    let (name, contents) = frame.stdout().split_at(end);
    let contents = contents.strip_prefix(b"/").unwrap_or_default();
    let Ok(name) = std::str::from_utf8(name) else { return Ok(None) };
    let broken = if frame.is_cut() || contents.len() > CNI_FILE {
        format!("larger than {CNI_FILE} bytes")
    } else {
        match frame.code {
            0 => return Ok(Some(cni_conf::decode(name, &String::from_utf8_lossy(contents)))),
            // The file may be as it should, so that it must not be called broken.
            LEADS_OUT | KILLED | NOT_FOUND => {
                return Err(failure(&format!("{directory}/{name}"), frame));
            }
            _ => last_part(&failure(name, frame).why),
        }
    };
    Ok(Some(CniFile {
        name: name.to_owned(),
        network: String::new(),
        plugins: Vec::new(),
        subnets: Vec::new(),
        broken: Some(broken),
    }))
}

/// Why a command failed, out of what it said.
pub(super) fn failure(what: &str, frame: &Frame<'_>) -> Unavailable {
    let errors = frame.errors();
    let said = errors.lines().map(str::trim).find(|line| !line.is_empty());
    let why = match said {
        Some(line) => line.chars().filter(|c| !c.is_control()).take(TOLD).collect(),
        None => format!("failed with exit code {}", frame.code),
    };
    let forbidden = ["Permission denied", "Operation not permitted"];
    if frame.code == NOT_FOUND {
        Unavailable::absent(what, format!("not in the agent's container: {why}"))
    } else if forbidden.iter().any(|text| errors.contains(text)) {
        Unavailable::forbidden(what, why)
    } else if errors.contains("No such file or directory") {
        Unavailable::absent(what, why)
    } else {
        Unavailable::failed(what, why)
    }
}

/// The system's own words in `cat: /a/b: Permission denied`.
fn last_part(error: &str) -> String {
    let part = error.rsplit(": ").next().unwrap_or(error);
    let mut letters = part.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

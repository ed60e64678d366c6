//! One node's facts, by a shell script that runs in its agent's container.
//!
//! The agent's container has the node's network namespace, `ip`, a shell and the CNI directory of
//! the host, and it is there when images cannot be pulled any more. The script creates nothing and
//! changes nothing, and all that it prints comes back over one exec.
//!
//! What comes back is split into frames, each with one command's output, exit code and errors. An
//! exec that is cut loses the frames that had not come whole, and nothing else.
//!
//! These facts stay missing, because the container does not show them:
//!
//! * [`NodeFacts::endpoints`]: the host's files (kubelet's kubeconfig, proxies, registry mirrors)
//!   are not mounted.
//! * the process id in [`NodeFacts::agent`]: the container has a PID namespace of its own.
//! * [`NodeFacts::resolvers`] where the agent's DNS policy is not the host's, or where the host asks
//!   a stub of its own, whose servers stand in a file that is not mounted.

mod facts;
mod frames;
mod iptables;

use std::fmt::Write as _;
use std::net::IpAddr;

use kcilium_core::{
    decode::{self, sysctl},
    facts::{NodeFacts, NodeName},
    shell,
};

use frames::Frames;

/// What is worth keeping of a script's output, bytes. The script bounds each command; a reader that
/// stops here loses the last frames.
pub const MAX_OUTPUT: usize = 64 * 1024 * 1024;

const RESOLV_CONF: &str = "/etc/resolv.conf";

/// A script for nodes, and the reader of what it prints.
///
/// One script serves many nodes. Its output is told from others' by a random boundary, which a node
/// learns only when it runs the script.
#[derive(Clone, Debug)]
pub struct NodeScript {
    boundary: String,
    questions: Vec<IpAddr>,
    container: AgentContainer,
    /// Time for each command.
    seconds: u32,
}

/// What the agent's DaemonSet says about the container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentContainer {
    /// Where the host's CNI directory is mounted (`cni.hostConfDirMountPath` in the chart).
    pub cni_directory: String,
    /// `dnsPolicy` of the pods.
    pub dns_policy: DnsPolicy,
}

impl Default for AgentContainer {
    /// As the chart has it, in all versions from 1.12 to 1.19.
    fn default() -> Self {
        Self { cni_directory: "/host/etc/cni/net.d".into(), dns_policy: DnsPolicy::default() }
    }
}

/// Whose DNS servers the kubelet writes into a pod's `/etc/resolv.conf`. Pods of the agent have
/// the host's network, which is part of the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DnsPolicy {
    /// `ClusterFirst`, and `Default`: the host's, out of the file that the kubelet's `resolvConf`
    /// names, at the time when the pod was started. `ClusterFirst` means the same as `Default` for a
    /// pod with the host's network.
    #[default]
    Host,
    /// `ClusterFirstWithHostNet`: the cluster's.
    Cluster,
    /// `None`: what the pod itself says.
    Pod,
}

impl DnsPolicy {
    /// Reads `spec.dnsPolicy` of a pod with the host's network; empty is the default.
    pub fn of_host_network_pod(policy: &str) -> Self {
        match policy {
            "ClusterFirstWithHostNet" => Self::Cluster,
            "None" => Self::Pod,
            _ => Self::Host,
        }
    }
}

/// How an exec ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The command ended by itself.
    Complete,
    /// It was cut, for this reason.
    Cut(String),
}

impl NodeScript {
    /// A script that also asks the kernel of each node for the way to these addresses. The node's
    /// default gateways and DNS servers need not be among them: the script asks for those of its
    /// node by itself.
    pub fn new(mut questions: Vec<IpAddr>, container: AgentContainer) -> Self {
        questions.sort_unstable();
        questions.dedup();
        Self {
            boundary: uuid::Uuid::new_v4().simple().to_string(),
            questions,
            container,
            seconds: 10,
        }
    }

    /// Gives each command of the script so many seconds instead of ten. There are about twenty, and
    /// all are done within a second on a node that is well.
    #[must_use]
    pub fn with_seconds_per_command(self, seconds: u32) -> Self {
        Self { seconds, ..self }
    }

    /// What to execute. The script itself goes to [`stdin`](Self::stdin): an exec's command travels
    /// in the request's URL, for which proxies and load balancers often allow 8 KiB only.
    pub fn command(&self) -> Vec<String> {
        ["sh", "-s"].map(String::from).into()
    }

    /// The script. The shell ends by itself when it was read, so nobody needs to close stdin, which
    /// the protocols before `v5.channel.k8s.io` cannot.
    pub fn stdin(&self) -> Vec<u8> {
        let mut script = String::new();
        for (name, value) in self.variables() {
            // Writing to a string does not fail.
            let _ = writeln!(script, "{name}={}", shell::quoted(&value));
        }
        script.push_str(include_str!("node.sh"));
        script.into_bytes()
    }

    /// Reads what the script printed on stdout.
    pub fn read(&self, node: impl Into<NodeName>, output: &[u8], end: &End) -> NodeFacts {
        let frames = Frames::parse(&self.boundary, output);
        facts::of(node.into(), &facts::Output { frames, end, script: self })
    }

    fn variables(&self) -> [(&'static str, String); 9] {
        // Others' servers are not read: nobody is to be asked about the way to them.
        let resolv_conf = match self.container.dns_policy {
            DnsPolicy::Host => RESOLV_CONF,
            DnsPolicy::Cluster | DnsPolicy::Pod => "",
        };
        let words = |words: &mut dyn Iterator<Item = String>| words.collect::<Vec<_>>().join(" ");
        [
            ("boundary", self.boundary.clone()),
            ("seconds", self.seconds.to_string()),
            ("cni_directory", self.container.cni_directory.clone()),
            ("resolv_conf", resolv_conf.into()),
            ("questions", words(&mut self.questions.iter().map(ToString::to_string))),
            ("sysctls", words(&mut sysctl_patterns())),
            ("many_links", sysctl::MANY_LINKS.to_string()),
            ("count_rules", decode::iptables::AWK.into()),
            ("reduce_health", decode::health::AWK.into()),
        ]
    }
}

/// Files below `/proc/sys`, with `*` for an interface.
fn sysctl_patterns() -> impl Iterator<Item = String> {
    let of_links = sysctl::PER_LINK.into_iter().flat_map(|(directory, files)| {
        files.iter().map(move |file| format!("{directory}/*/{file}"))
    });
    sysctl::GLOBAL.into_iter().map(String::from).chain(of_links)
}

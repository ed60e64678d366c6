//! Probes in the networks of pods that are there, by their nodes' agents. Nothing is created.
//!
//! Since Cilium 1.16 an agent's container sees the network namespaces that the runtime bound for the pods
//! of its node, and may enter them. One script in it asks from one or two of them, and from the node as
//! a control, what a shell can ask: connections, and questions to DNS servers. Echo requests, sizes, TLS,
//! HTTP and counters take a program of ours.

mod dns;
mod read;

use std::{collections::BTreeSet, fmt::Write as _, net::IpAddr, time::Duration};

use futures_util::{StreamExt as _, stream};
use kcilium_core::{
    facts::{AgentPod, ClusterFacts, NodeName, PodNetwork, Unavailable},
    probe::{Probe, ProbeRequest, ProbeResult, Question, Transport, lent},
    shell,
};

use crate::{Api, End, Exec, collect};

/// Where agents have the networks of their nodes' pods.
pub const DIRECTORY: &str = "/var/run/cilium/netns";

/// How many agents are asked at once, where as many requests may be under way.
const AT_ONCE: usize = 8;

/// How long the script may take on one node: it looks for networks for eight seconds at most, and asks for
/// three in each of them.
const TIME: Duration = Duration::from_secs(40);

/// How long so many agents may take together.
pub fn time_for(agents: usize) -> Duration {
    let rounds = u32::try_from(agents.div_ceil(AT_ONCE)).unwrap_or(u32::MAX);
    TIME.saturating_mul(rounds)
}

/// How much of what it prints is read, bytes.
const MAX_OUTPUT: usize = 1 << 20;

/// What one node's agent is to ask.
#[derive(Clone, Debug)]
pub struct Errand {
    /// The node.
    pub node: NodeName,
    /// Pods whose networks would do, the best first.
    pub candidates: Vec<PodNetwork>,
    /// What the node itself is to ask.
    pub of_host: ProbeRequest,
    /// The same for pods.
    pub of_pod: ProbeRequest,
}

/// What was asked on one node, and what came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// By the node itself.
    pub of_host: Vec<ProbeResult>,
    /// In the networks of these pods.
    pub of_pods: Vec<(PodNetwork, Vec<ProbeResult>)>,
}

/// Asks on all nodes at once.
pub async fn ask(
    api: &Api,
    cluster: &ClusterFacts,
    errands: &[Errand],
) -> Vec<(NodeName, Result<Asked, Unavailable>)> {
    stream::iter(errands)
        .map(|errand| async move {
            let asked = match collect::agent_on(&errand.node, cluster) {
                Ok(agent) => ask_on(api, agent, errand).await,
                Err(why) => Err(why),
            };
            (errand.node.clone(), asked)
        })
        .buffered(AT_ONCE)
        .collect()
        .await
}

async fn ask_on(api: &Api, agent: &AgentPod, errand: &Errand) -> Result<Asked, Unavailable> {
    const WHAT: &str = "probes";
    if errand.candidates.is_empty() {
        return Err(Unavailable::absent(
            WHAT,
            "no ready pod with a network of its own is known here",
        ));
    }
    let script = Script::of(errand);
    let namespace = agent.namespace.as_str();
    let exec = Exec {
        namespace,
        pod: &agent.name,
        container: collect::AGENT_CONTAINER,
        // `/dev/tcp` is bash's, and images of Cilium have it.
        command: &["bash", "-s"].map(String::from),
        stdin: script.text.as_bytes(),
        limit: MAX_OUTPUT,
        time: TIME,
    };
    let need = format!("create and get pods/exec in namespace {namespace}");
    let output = api.exec(&exec).await.map_err(|error| error.unavailable(WHAT, &need))?;
    let read = script.read(errand, &String::from_utf8_lossy(&output.stdout));
    read.map_err(|why| {
        let why = match output.end {
            End::Refused(why) | End::Cut(why) => why,
            End::TimedOut => "it took too long".to_owned(),
            End::Exited(_) | End::TooLong => why,
        };
        Unavailable::failed(WHAT, why)
    })
}

/// A script for one node.
struct Script {
    boundary: String,
    text: String,
}

impl Script {
    fn of(errand: &Errand) -> Self {
        let boundary = uuid::Uuid::new_v4().simple().to_string();
        let probes = &errand.of_pod.probes;
        let questions: Vec<String> = probes.iter().filter_map(question).collect();
        let addresses: BTreeSet<IpAddr> = probes.iter().filter_map(peer).collect();
        let array = |words: Vec<String>| {
            let quoted: Vec<_> = words.iter().map(|word| shell::quoted(word)).collect();
            format!("({})", quoted.join(" "))
        };
        let candidates = errand.candidates.iter().map(|pod| pod.address.to_string()).collect();
        let addresses = addresses.iter().map(ToString::to_string).collect();
        let mut text = String::new();
        for (name, value) in [
            ("boundary", boundary.clone()),
            ("directory", DIRECTORY.to_owned()),
            ("pods", lent::PODS.to_string()),
            ("candidates", array(candidates)),
            ("addresses", array(addresses)),
            ("questions", array(questions)),
        ] {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{name}={value}");
        }
        text.push_str(include_str!("ask.sh"));
        Self { boundary, text }
    }

    fn read(&self, errand: &Errand, output: &str) -> Result<Asked, String> {
        read::asked(&self.boundary, errand, output)
    }
}

/// Whom a question goes to; none for what a shell cannot ask.
fn peer(probe: &Probe) -> Option<IpAddr> {
    match &probe.question {
        Question::Tcp { host, .. } => host.ip(),
        Question::Dns { server, .. } => *server,
        _ => None,
    }
}

/// A question in the script's words; what a shell cannot ask keeps its place, and is not asked.
fn question(probe: &Probe) -> Option<String> {
    Some(match &probe.question {
        Question::Tcp { host, port } => format!("tcp {} {port}", host.ip()?),
        Question::Dns { server, port, name, record, transport, .. } => {
            let server = (*server)?;
            let message = dns::question(name, *record)?;
            let (kind, message) = match transport {
                Transport::Udp => ("dns-udp", message),
                Transport::Tcp => ("dns-tcp", dns::framed(&message)),
            };
            let length = message.len();
            let octal = message.iter().fold(String::new(), |mut octal, byte| {
                // Writing to a string does not fail.
                let _ = write!(octal, "\\{byte:03o}");
                octal
            });
            format!("{kind} {server} {port} {length} {octal}")
        }
        _ => return None,
    })
}

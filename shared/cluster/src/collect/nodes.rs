//! Nodes from inside: one script in each agent's container.

use std::{
    collections::{BTreeSet, HashSet},
    time::Duration,
};

use futures_util::{StreamExt as _, stream};
use kcilium_core::{
    facts::{AgentPod, ClusterFacts, Component, Facts, KubeNode, NodeFacts, NodeName, Unavailable},
    view::View,
};

use super::{CollectError, Collector, Progress, Resource};
use crate::{
    ApiError, End, Exec, Output,
    node_script::{self, AgentContainer, DnsPolicy, NodeScript},
};

/// Up to so many nodes all are looked at.
const ALL_UP_TO: usize = 100;

/// How many nodes of a larger fleet are looked at: those in trouble, and some that are well.
const SAMPLE: usize = 50;

/// How many of the sample are kept for nodes that are well: trouble is seen against them.
const WELL: usize = 10;

/// How many nodes are looked at at once.
const AT_ONCE: usize = 8;

/// How long the script may take on one node.
const TIME: Duration = Duration::from_secs(30);

/// The agents' container.
pub(crate) const AGENT_CONTAINER: &str = "cilium-agent";

/// Which nodes are looked at from inside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum NodeChoice {
    /// All of them up to a hundred; beyond, those in trouble and a sample.
    #[default]
    Sample,
    /// All of them.
    All,
    /// These.
    Named(Vec<NodeName>),
    /// None: nothing is run in agents.
    None,
}

/// How many nodes were looked at from inside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// Nodes on which the script was run, or was to be.
    pub chosen: usize,
    /// Nodes that there are.
    pub all: usize,
}

/// Nodes with the labels that the user asks for.
pub(super) enum Selected {
    /// No labels are asked for.
    All,
    /// These nodes have them.
    These(HashSet<NodeName>),
    /// Nobody said which have them, and this is why.
    Unknown(Unavailable),
}

impl Selected {
    fn may_contain(&self, name: &NodeName) -> bool {
        match self {
            Self::All | Self::Unknown(_) => true,
            Self::These(names) => names.contains(name),
        }
    }
}

impl Collector<'_> {
    /// Looks at the chosen nodes.
    pub(super) async fn nodes(
        &self,
        facts: &Facts,
        selected: &Selected,
        progress: Progress<'_>,
    ) -> (Vec<NodeFacts>, Sample) {
        let cluster = &facts.cluster;
        let names = choose(&self.wish.nodes, cluster, selected);
        let sample = Sample { chosen: names.len(), all: all_names(cluster).len() };
        if let Selected::Unknown(why) = selected {
            // Any of them may have been meant, and none is known to be.
            let nodes = names.into_iter().map(|name| NodeFacts::unavailable(name, why)).collect();
            return (nodes, sample);
        }
        let questions = View::new(facts).questions();
        let script = NodeScript::new(questions, container(cluster));
        let total = names.len();
        let done = std::sync::atomic::AtomicUsize::new(0);
        let script = &script;
        let done = &done;
        let nodes = stream::iter(names)
            .map(|name| async move {
                let facts = self.node(&name, cluster, script).await;
                let number = done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
                progress(format!("looking at nodes ({number} of {total})"));
                facts
            })
            .buffered(AT_ONCE)
            .collect()
            .await;
        (nodes, sample)
    }

    /// Asks which nodes have the labels.
    pub(super) async fn selected(&self) -> Result<Selected, CollectError> {
        let Some(selector) = &self.wish.node_selector else { return Ok(Selected::All) };
        let query = [("labelSelector", selector.as_str())];
        match self.names(Resource::NODES, None, &query).await {
            Ok(names) if names.is_empty() => {
                Err(CollectError::NoNode { selector: selector.clone() })
            }
            Ok(names) => Ok(Selected::These(names.into_iter().map(NodeName::from).collect())),
            Err(ApiError::Status { code: 400, message, .. }) => {
                Err(CollectError::Selector { selector: selector.clone(), message })
            }
            Err(error) if error.concerns_all_requests() => Err(error.into()),
            Err(error) => {
                let what = format!("nodes with the labels {selector}");
                let need = Resource::NODES.need("list", None);
                Ok(Selected::Unknown(error.unavailable(&what, &need)))
            }
        }
    }

    async fn node(
        &self,
        name: &NodeName,
        cluster: &ClusterFacts,
        script: &NodeScript,
    ) -> NodeFacts {
        let agent = match agent_on(name, cluster) {
            Ok(agent) => agent,
            Err(why) => return NodeFacts::unavailable(name.clone(), &why),
        };
        let namespace = agent.namespace.as_str();
        let exec = Exec {
            namespace,
            pod: &agent.name,
            container: AGENT_CONTAINER,
            command: &script.command(),
            stdin: &script.stdin(),
            limit: node_script::MAX_OUTPUT,
            time: TIME,
        };
        match self.api.exec(&exec).await {
            Err(error) => {
                let need = format!("create and get pods/exec in namespace {namespace}");
                let why = match &error {
                    // Of the pod, its node or its container, and the server says which.
                    ApiError::NotFound { message } => {
                        Unavailable::failed("agent", refusal(message))
                    }
                    error => error.unavailable("agent", &need),
                };
                NodeFacts::unavailable(name.clone(), &why)
            }
            // Nothing came: why is told once, not for each fact.
            Ok(Output { stdout, end: End::Refused(why) | End::Cut(why), .. })
                if stdout.is_empty() =>
            {
                NodeFacts::unavailable(name.clone(), &Unavailable::failed("agent", refusal(&why)))
            }
            Ok(output) => {
                let end = match output.end {
                    // The script ends with the code of its last command, which frames tell better.
                    End::Exited(_) => node_script::End::Complete,
                    End::Refused(reason) | End::Cut(reason) => node_script::End::Cut(reason),
                    End::TimedOut => node_script::End::Cut("it took too long".into()),
                    End::TooLong => node_script::End::Cut("it printed too much".into()),
                };
                script.read(name.clone(), &output.stdout, &end)
            }
        }
    }
}

/// Why an exec was refused, without what differs from node to node: the URL and the address that the
/// API server quotes when it cannot reach a kubelet.
fn refusal(why: &str) -> String {
    match why.rsplit_once("dial tcp ").and_then(|(_, rest)| rest.split_once(": ")) {
        Some((_, reason)) => format!("the API server cannot reach the kubelet: {reason}"),
        None => format!("nothing can be run in it: {why}"),
    }
}

/// The names of all nodes, as far as anything tells them.
fn all_names(cluster: &ClusterFacts) -> BTreeSet<&NodeName> {
    let of_kubernetes = cluster.nodes.items().iter().map(|node| &node.name);
    let of_agents = cluster.agents.items().iter().map(|agent| &agent.node);
    of_kubernetes.chain(of_agents).collect()
}

fn choose(choice: &NodeChoice, cluster: &ClusterFacts, selected: &Selected) -> Vec<NodeName> {
    let all: Vec<&NodeName> =
        all_names(cluster).into_iter().filter(|name| selected.may_contain(name)).collect();
    let chosen: Vec<&NodeName> = match choice {
        NodeChoice::None => Vec::new(),
        NodeChoice::Named(names) => return names.clone(),
        NodeChoice::All => all,
        NodeChoice::Sample if all.len() <= ALL_UP_TO => all,
        NodeChoice::Sample => sample(&all, cluster),
    };
    chosen.into_iter().cloned().collect()
}

/// Nodes in trouble, and nodes that are well from all over the list.
fn sample<'a>(all: &[&'a NodeName], cluster: &ClusterFacts) -> Vec<&'a NodeName> {
    let ready_agents: HashSet<&NodeName> =
        cluster.agents.items().iter().filter(|it| it.ready).map(|it| &it.node).collect();
    let not_ready: HashSet<&NodeName> =
        cluster.nodes.items().iter().filter(|it| !it.is_ready()).map(|it| &it.name).collect();
    let (mut troubled, well): (Vec<&NodeName>, Vec<&NodeName>) =
        all.iter().partition(|name| not_ready.contains(*name) || !ready_agents.contains(*name));
    troubled.truncate(SAMPLE - WELL);
    let room = SAMPLE - troubled.len();
    let step = well.len().div_ceil(room).max(1);
    troubled.extend(well.into_iter().step_by(step).take(room));
    troubled.sort();
    troubled
}

/// The agent of a node.
pub(crate) fn agent_on<'a>(
    name: &NodeName,
    cluster: &'a ClusterFacts,
) -> Result<&'a AgentPod, Unavailable> {
    let is_known = |nodes: &[KubeNode]| nodes.iter().any(|node| node.name == *name);
    if cluster.nodes.known().is_some_and(|nodes| !is_known(nodes)) {
        return Err(Unavailable::absent("node", "the cluster has no node of this name"));
    }
    let agents = cluster.agents.get().map_err(Clone::clone)?;
    agents
        .iter()
        .filter(|agent| agent.node == *name)
        .max_by_key(|agent| agent.ready)
        .ok_or_else(|| Unavailable::absent("agent", "no agent pod is on this node"))
}

/// What the DaemonSet says about the agents' container.
fn container(cluster: &ClusterFacts) -> AgentContainer {
    let mut container = AgentContainer::default();
    if let Some(agent) = cluster.workloads(Component::Agent).next() {
        container.dns_policy = DnsPolicy::of_host_network_pod(&agent.dns_policy);
    }
    container
}

#[cfg(test)]
mod tests {
    use super::refusal;

    #[test]
    fn what_differs_from_node_to_node_is_left_out() {
        let why = "Internal error occurred: error sending request: Post \"https://10.24.0.2:10250/exec/a/b/c?command=sh\": dial tcp 10.24.0.2:10250: connect: no route to host";
        let said = "the API server cannot reach the kubelet: connect: no route to host";
        assert_eq!(refusal(why), said);
        assert_eq!(refusal("container not found"), "nothing can be run in it: container not found");
    }
}

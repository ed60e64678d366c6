//! The nodes: what is put there, what is on them, what they wait for.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use kcilium_cli::{
    Failure, interrupt,
    probe::{self, NodeAgentFlags},
    progress::Spinner,
};
use kcilium_cluster::{
    Api, collect,
    stage::{
        self, Absence, Egress, Errand, Outcome, Placement, Programs, Purpose, Wish, earlier_orders,
    },
};
use kcilium_core::{
    facts::NodeName,
    leftovers::{
        CleaningOrder, Go, HostState, Inventory as NodeInventory, Item, Plan as NodePlan,
        PodsInUse, Remembered, Standing,
    },
    removal::{ByHand, Host, HostPlan, Inventory, Reach},
};
use serde::Serialize;

/// How long a pod may take to start: its image is on the node, and nothing is pulled.
const START: Duration = Duration::from_mins(1);

/// How long looking at so many nodes may take, as many as have pods at once.
const LOOK: Duration = Duration::from_mins(2);
const BATCH: usize = 100;

/// What was found on each node, or why nobody knows.
pub(super) type Found = BTreeMap<NodeName, Result<NodePlan, String>>;

/// What is on a node.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NodeState<'a> {
    pub(super) node: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) left: Option<&'a NodePlan>,
    /// Why that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<&'a str>,
}

impl<'a> NodeState<'a> {
    pub(super) fn of(node: &NodeName, found: &'a Result<NodePlan, String>) -> Self {
        let (left, why) = match found {
            Ok(plan) => (Some(plan), None),
            Err(why) => (None, Some(why.as_str())),
        };
        Self { node: node.to_string(), left, why }
    }

    /// What is Cilium's, whether somebody needs it or not.
    pub(super) fn residue(&self) -> impl Iterator<Item = &'a Item> + use<'a> {
        self.left.into_iter().flat_map(|plan| plan.items.iter().chain(&plan.in_use))
    }

    /// What may be others'.
    pub(super) fn doubtful(&self) -> &'a [Item] {
        self.left.map_or(&[], |plan| &plan.doubtful)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.residue().next().is_none()
    }

    pub(super) fn is_known(&self) -> bool {
        self.left.is_some_and(|plan| plan.unknown.is_empty())
    }
}

/// What is put on nodes, and what for.
pub(super) struct Nodes<'a> {
    pub(super) api: &'a Api,
    pub(super) inventory: &'a Inventory,
    pub(super) flags: &'a NodeAgentFlags,
    pub(super) pods: PodsInUse,
    /// Whose run it is, where the API server does not say who asks.
    pub(super) owner: &'a str,
    /// What is [known] of the cluster.
    pub(super) known: Remembered,
}

/// What is known of the cluster: by its objects, and by what earlier runs knew that came as far as
/// putting something on nodes.
pub(super) async fn known(api: &Api, inventory: &Inventory) -> Remembered {
    let earlier = earlier_orders(api).await.into_iter();
    earlier.fold(inventory.remembered(), |known, order| Remembered {
        // Of one node.
        pod_links: Vec::new(),
        ..known.and(order.remembered)
    })
}

/// Cleaners that can be put on nodes.
pub(super) struct Cleaners {
    /// What is put there.
    pub(super) staging: stage::Plan,
    /// What each waits for.
    pub(super) words: BTreeMap<NodeName, String>,
    /// The nodes, for the plan.
    pub(super) hosts: Vec<HostPlan>,
    /// What somebody runs on a node that cannot be reached.
    pub(super) by_hand: String,
}

impl Nodes<'_> {
    /// Plans cleaners. Nothing is created.
    pub(super) async fn cleaners(
        &self,
        found: Option<Found>,
        time: Duration,
    ) -> Result<Cleaners, Failure> {
        let run = stage::run_id();
        let now = self.api.server_time();
        let standing = Standing {
            keepsake: format!("{}-{run}", now.strftime("%Y-%m-%dT%H-%M-%SZ")),
            daemon_sets: daemon_sets(self.inventory),
            run,
        };
        let order = |plan| CleaningOrder {
            plan,
            remembered: self.known.clone(),
            pods: self.pods,
            standing: Some(standing.clone()),
        };
        // All nodes that nobody looked at are asked the same: one text, however many there are.
        let any = Asked::of(&order(None))?;
        let mut found = found.unwrap_or_default();
        let (mut words, mut plans) = (BTreeMap::new(), BTreeMap::new());
        let (mut errands, mut unseen) = (Vec::new(), Vec::new());
        for host in self.in_order() {
            let node = NodeName::from(host.name.as_str());
            let asked = match found.remove(&node) {
                // Nobody agreed to what nobody has seen.
                Some(Err(why)) => {
                    unseen.push((node, format!("it could not be looked at: {why}")));
                    continue;
                }
                Some(Ok(plan)) => {
                    let order = order(Some(plan));
                    let asked = Asked::of(&order)?;
                    plans.extend(order.plan.map(|plan| (node.clone(), plan)));
                    asked
                }
                None => any.clone(),
            };
            words.insert(node.clone(), asked.word);
            let arguments = ["clean", "--apply", "-", "--host-namespaces"];
            errands.push(errand(node, asked.request, &arguments));
        }
        let staging = self.plan(Purpose::Clean, errands, time).await?;
        let command = ByHand::command(&self.known);
        let reached = staging.pods().iter().map(|pod| HostPlan {
            node: pod.errand.node.to_string(),
            reach: Reach::Cleaner { plan: plans.remove(&pod.errand.node), seen: Vec::new() },
        });
        let by_hand = |(errand, absence): &(Errand, Absence)| HostPlan {
            node: errand.node.to_string(),
            reach: match absence {
                // No agent ever ran there.
                Absence::NotLinux => Reach::NeverThere { why: absence.to_string() },
                _ => Reach::ByHand { why: absence.to_string(), command: command.clone() },
            },
        };
        let unseen = unseen.into_iter().map(|(node, why)| HostPlan {
            node: node.to_string(),
            reach: Reach::ByHand { why, command: command.clone() },
        });
        let hosts = reached.chain(staging.absent().iter().map(by_hand)).chain(unseen).collect();
        Ok(Cleaners { staging, words, hosts, by_hand: command })
    }

    /// Looks at all nodes: a pod on each says what would go. It is shown first what is created.
    pub(super) async fn look(&self, spinner: &Spinner) -> Result<Found, Failure> {
        let order = CleaningOrder {
            remembered: self.known.clone(),
            pods: self.pods,
            ..CleaningOrder::default()
        };
        let request = json(&order)?;
        let errands = self.in_order().into_iter().map(|host| {
            let node = NodeName::from(host.name.as_str());
            errand(node, request.clone(), &["plan", "--host-namespaces"])
        });
        let errands: Vec<Errand> = errands.collect();
        let batches = u32::try_from(errands.len() / BATCH + 1).unwrap_or(u32::MAX);
        let plan = self.plan(Purpose::Probe, errands, LOOK.saturating_mul(batches)).await?;
        spinner.suspend(|| {
            use std::io::Write as _;
            // Without standard error there is nobody to tell.
            let _ = anstream::stderr().write_all(probe::describe(&plan).as_bytes());
        });
        spinner.set_message("looking at the nodes");
        let report = stage::run(self.api, &plan, interrupt::signalled()?).await;
        if report.ending == stage::Ending::Interrupted {
            let error = anyhow::anyhow!("interrupted");
            return Err(Failure::new(kcilium_cli::Exit::Interrupted, error));
        }
        probe::warn_of_leftovers(&report)?;
        Ok(report.outcomes.into_iter().map(|it| (it.errand.node.clone(), told(&it))).collect())
    }

    /// Adds what agents that run see of their nodes, which creates nothing.
    pub(super) async fn ask_agents(&self, hosts: &mut [HostPlan]) -> Result<(), Failure> {
        let wish = collect::Wish::default();
        let collected = collect::collect(self.api, &wish, &|_| ());
        // Without agents that answer the plan is the same.
        let Ok(collected) = interrupt::or_interrupted(collected).await? else { return Ok(()) };
        for facts in collected.facts.nodes {
            let state = HostState::seen_by_agent(&facts, self.known.clone());
            let inventory = NodeInventory::of(&state);
            let host = hosts.iter_mut().find(|host| host.node == facts.name.as_str());
            if let Some(HostPlan { reach: Reach::Cleaner { seen, .. }, .. }) = host {
                *seen = inventory.removable().cloned().collect();
            }
        }
        Ok(())
    }

    /// Workers first: the first node of all is the one that is tried.
    fn in_order(&self) -> Vec<&Host> {
        let mut hosts: Vec<&Host> = self.inventory.hosts.iter().collect();
        hosts.sort_by_key(|host| (host.is_control_plane, &host.name));
        hosts
    }

    async fn plan(
        &self,
        purpose: Purpose,
        errands: Vec<Errand>,
        time: Duration,
    ) -> Result<stage::Plan, Failure> {
        let programs: Programs = self
            .flags
            .programs()
            .map_err(|failure| failure.hint("--scope cluster leaves the nodes as they are"))?;
        let objects = self.inventory.objects.iter().map(|found| &found.object);
        let agents = objects.into_iter().find(|it| it.kind == "DaemonSet" && it.name == "cilium");
        let wish = Wish {
            egress: Egress::AsItIs,
            purpose,
            errands,
            home: agents.map_or("kube-system", |it| &it.namespace).to_owned(),
            image: self.flags.node_image.clone(),
            owner: self.owner.to_owned(),
            time,
            start: START,
        };
        let plan = stage::Plan::make(self.api, &programs, wish);
        interrupt::or_interrupted(plan).await?.map_err(|error| {
            probe::no_plan(
                error,
                &[
                    "the roles kcilium-uninstaller and kcilium-prober of docs/rbac.yaml grant it",
                    "--scope cluster leaves the nodes as they are",
                ],
            )
        })
    }
}

fn daemon_sets(inventory: &Inventory) -> Vec<String> {
    let sets = inventory.objects.iter().filter(|it| it.object.kind == "DaemonSet");
    sets.map(|found| found.object.uid.clone()).collect()
}

/// What a cleaner is asked, and the word that lets it begin.
#[derive(Clone)]
struct Asked {
    request: Bytes,
    word: String,
}

impl Asked {
    fn of(order: &CleaningOrder) -> Result<Self, Failure> {
        let word = Go::of(order).map(|go| go.to_json()).unwrap_or_default();
        Ok(Self { request: json(order)?, word })
    }
}

fn json(order: &CleaningOrder) -> Result<Bytes, Failure> {
    Ok(serde_json::to_vec(order).map_err(Failure::could_not_run)?.into())
}

fn errand(node: NodeName, request: Bytes, arguments: &[&str]) -> Errand {
    let arguments = arguments.iter().map(|word| (*word).to_owned()).collect();
    Errand { node, placement: Placement::Host, arguments, request }
}

/// What a node agent says that it found.
fn told(outcome: &Outcome) -> Result<NodePlan, String> {
    outcome.end.as_ref().map_err(ToString::to_string)?;
    let printed = outcome.printed.as_ref().map_err(ToString::to_string)?;
    serde_json::from_slice(printed).map_err(|error| format!("its answer cannot be read: {error}"))
}

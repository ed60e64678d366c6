//! What only packets tell: whether pods get out of their nodes. The node agent is put on the nodes
//! that were looked at, where the user wants that, and what it finds becomes facts. Where nothing may be
//! created, networks of pods that run already tell a part of it.

mod lent;

use std::{
    collections::{BTreeMap, HashSet},
    net::IpAddr,
    time::Duration,
};

use clap::Args;
use kcilium_cli::{
    Exit, Failure, Style, interrupt,
    probe::{self, Consent, Probe, ProbeFlags},
    progress::Spinner,
    remark::remark,
};
use kcilium_cluster::{
    Api,
    collect::NodeChoice,
    stage::{
        self, Absence, Egress, Ending, Errand, Outcome, Placement, Plan, PlanError, Purpose,
        Report, Wish,
    },
};
use kcilium_core::{
    facts::{Fact, Facts, NodeName, Unavailable},
    probe::{Endpoint, Namespace, ProbeResult, Targets, lose_packets, matrix::Vantage, plan},
    view::{NodeView, View},
};

use lent::Probed;

/// What the results are called where there are none.
const PROBES: &str = "probes";

/// How long all pods may take together. The slowest probes search for a path's MTU.
const TIME: Duration = Duration::from_mins(2);

/// How long one of them may probe. It ends by itself: logs of pods that are ended may be lost.
const LONGEST: Duration = Duration::from_secs(80);

/// How long a pod may take to start: its image is on the node, and nothing is pulled.
const START: Duration = Duration::from_secs(30);

/// Where nobody says which nodes are meant, as many are probed from: each runs two pods.
const MOST_NODES: usize = 20;

/// The flags of probing.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Probing from nodes")]
pub(crate) struct Probing {
    #[command(flatten)]
    pub(crate) flags: ProbeFlags,
    /// Address or name outside to probe, instead of known ones in the internet; private addresses are
    /// probed besides those, as hosts of the LAN; may be repeated, or a list with commas
    #[arg(long, value_name = "IP|NAME", value_delimiter = ',', value_parser = target)]
    pub(crate) target: Vec<String>,
    /// Where pods do not reach something, send the same once more with a CiliumNetworkPolicy that lets our
    /// own pods send everything, which tells policies from broken networks; it is created in the
    /// namespace of the probes, for its pods only, and removed with them
    #[arg(long)]
    pub(crate) allow_policy: bool,
    /// Probe nothing in the internet
    #[arg(long, conflicts_with = "target")]
    pub(crate) no_internet: bool,
    /// Whether all was said before.
    #[arg(skip)]
    pub(crate) look: Look,
}

/// Which look at the cluster it is. What is the same in each is told in the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Look {
    /// The only one, or the first of several.
    #[default]
    First,
    /// A later one of `--watch`.
    Another,
}

fn target(text: &str) -> Result<String, &'static str> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let is_target = text.parse::<IpAddr>().is_ok() || !text.is_empty() && text.chars().all(is_name);
    if is_target { Ok(text.to_owned()) } else { Err("neither an IP address nor a DNS name") }
}

/// Addresses that mean something in one's own network only.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

impl Probing {
    /// Where probes go, besides what is around a node.
    fn targets(&self) -> Targets {
        let known = Targets::default();
        let is_private = |text: &String| text.parse().is_ok_and(is_private);
        // Hosts of the LAN stand for nothing in the internet.
        if self.target.iter().all(is_private) && !self.no_internet {
            return self.added_to(known);
        }
        self.added_to(known.without_internet())
    }

    fn added_to(&self, mut targets: Targets) -> Targets {
        for text in &self.target {
            let endpoint = Endpoint::new(text.as_str());
            match endpoint.host.ip() {
                Some(address) if is_private(address) => targets.lan.push(endpoint),
                Some(_) => targets.internet_addresses.push(endpoint),
                None => targets.internet_names.push(endpoint),
            }
        }
        targets
    }
}

/// Probes from nodes of `facts`, a part of them where there are many and none were `asked` for, if the
/// user wants that, and adds what comes of it to them. Must be called where nothing drops it: it ends
/// in order when it is interrupted.
pub(crate) async fn probe(
    api: &Api,
    facts: &mut Facts,
    asked: &NodeChoice,
    probing: &Probing,
    owner: &str,
    spinner: &Spinner,
) -> Result<(), Failure> {
    let wanted = probing.flags.probe;
    if wanted == Probe::Pods {
        return match lent::probe(api, facts, asked, probing, spinner).await? {
            Probed::Some => Ok(()),
            Probed::None => note(
                "--probe puts a program of ours on nodes for a while, which needs no such network",
            ),
        };
    }
    if !wanted.is_possible() {
        let is_pointless = probing.allow_policy || !probing.target.is_empty();
        return if is_pointless && wanted == Probe::Ask {
            note(
                "nothing is probed, as there is no terminal to ask on: --probe probes without asking",
            )
        } else {
            Ok(())
        };
    }
    let (plans, left_out) = {
        let view = View::new(facts);
        let nodes = chosen(&view, asked);
        let first = wish(&view, &nodes, probing, owner, Egress::AsItIs)?;
        if first.errands.is_empty() {
            return note("no node was looked at from inside, so none is probed from");
        }
        let then = probing.allow_policy.then_some(Egress::Allowed);
        let then = then.map(|egress| wish(&view, &nodes, probing, owner, egress)).transpose()?;
        spinner.set_message("planning probes");
        let plans = plans(api, probing, first, then, spinner).await;
        (plans, LeftOut { all: view.nodes().len(), chosen: nodes.len() })
    };
    let (plan, again) = match plans {
        Ok(plans) => plans,
        Err(failure) if failure.exit() == Exit::Interrupted => return Err(failure),
        Err(failure) => return without_plan(api, facts, asked, probing, spinner, failure).await,
    };
    let consent = spinner.suspend(|| {
        if probing.look == Look::Another && wanted == Probe::Always {
            return Ok(Consent::Given);
        }
        left_out.tell()?;
        Ok::<_, Failure>(wanted.consent_or_pods(&plan, again.as_ref())?)
    });
    match consent? {
        Consent::Given => {}
        Consent::OfPods => return lent::probe(api, facts, asked, probing, spinner).await.map(drop),
        Consent::Refused | Consent::NobodyToAsk => return Ok(()),
    }
    spinner.set_message("probing from nodes");
    let outcomes = carried_out(api, &plan, spinner).await?;
    add(facts, &outcomes);
    if outcomes.iter().all(|outcome| outcome.end.as_ref().is_err_and(is_refusal)) {
        // Whoever agreed to pods of ours did not agree to others as senders.
        if wanted == Probe::Ask && !spinner.suspend(probe::may_use_pods)? {
            return Ok(());
        }
        return lent::probe(api, facts, asked, probing, spinner).await.map(drop);
    }
    let Some(mut again) = again else { return Ok(()) };
    let losing: HashSet<&NodeName> =
        facts.nodes.iter().filter(|node| lose_packets(node)).map(|node| &node.name).collect();
    again.keep(|node| losing.contains(node));
    if !again.pods().is_empty() {
        spinner.set_message("probing with a policy that allows it");
        add(facts, &carried_out(api, &again, spinner).await?);
    }
    Ok(())
}

/// What is done at first, and what after that, with a policy, where that is asked for and possible.
async fn plans(
    api: &Api,
    probing: &Probing,
    first: Wish,
    then: Option<Wish>,
    spinner: &Spinner,
) -> Result<(Plan, Option<Plan>), Failure> {
    let programs = probing.flags.agent.programs()?;
    let plan = Plan::make(api, &programs, first);
    let plan = interrupt::or_interrupted(plan).await?.map_err(no_plan)?;
    let Some(then) = then else { return Ok((plan, None)) };
    let again = Plan::make(api, &programs, then);
    match interrupt::or_interrupted(again).await?.map_err(no_plan) {
        Ok(again) => Ok((plan, Some(again))),
        // The rest is worth a run.
        Err(failure) => {
            let text = format!("nothing is probed with a policy: {}", failure.error());
            spinner.suspend(|| note(&text))?;
            Ok((plan, None))
        }
    }
}

/// What comes of a plan. What does not is told at once.
async fn carried_out(api: &Api, plan: &Plan, spinner: &Spinner) -> Result<Vec<Outcome>, Failure> {
    let report = stage::run(api, plan, interrupt::signalled()?).await;
    spinner.suspend(|| tell(&report))?;
    if report.ending == Ending::Interrupted {
        return Err(Failure::new(Exit::Interrupted, anyhow::anyhow!("interrupted")));
    }
    Ok(report.outcomes)
}

/// Nothing can be put on nodes. Networks of pods that run already are the next best, which whoever said
/// `always` need not be asked for again.
async fn without_plan(
    api: &Api,
    facts: &mut Facts,
    asked: &NodeChoice,
    probing: &Probing,
    spinner: &Spinner,
    failure: Failure,
) -> Result<(), Failure> {
    let is_asked = probing.flags.probe == Probe::Ask;
    let why = if is_asked { "pod egress is not probed" } else { "nothing is put on nodes" };
    if probing.look == Look::First {
        spinner.suspend(|| note(&format!("{why}: {}", failure.error())))?;
    }
    if is_asked && !spinner.suspend(probe::may_use_pods)? {
        return Ok(());
    }
    match lent::probe(api, facts, asked, probing, spinner).await? {
        Probed::Some => Ok(()),
        // Nobody asked for it in so many words: the rest is worth a report.
        Probed::None if is_asked => Ok(()),
        Probed::None => Err(failure),
    }
}

/// Whether the cluster does not let anything be created, and asking again would not help.
fn is_refusal(absence: &Absence) -> bool {
    matches!(absence, Absence::Forbidden { .. } | Absence::TurnedDown { .. })
}

/// How many nodes there are, and from how many of them is probed.
struct LeftOut {
    all: usize,
    chosen: usize,
}

impl LeftOut {
    /// Says so, where some are left out.
    fn tell(&self) -> Result<(), Failure> {
        if self.chosen == self.all {
            return Ok(());
        }
        let all = self.all;
        note(&format!(
            "probes start from {MOST_NODES} of {all} nodes, ready ones from all over the list; --nodes NAME \
             or --nodes all starts them from others"
        ))
    }
}

/// The nodes to probe from. Those that are not ready start nothing, so where there is a choice they
/// are left out.
fn chosen<'v, 'f>(view: &'v View<'f>, asked: &NodeChoice) -> Vec<&'v NodeView<'f>> {
    let nodes: Vec<&NodeView<'_>> = view.nodes().iter().collect();
    if nodes.len() <= MOST_NODES || *asked != NodeChoice::Sample {
        return nodes;
    }
    let known = view.facts.cluster.nodes.items();
    let ready: HashSet<&NodeName> =
        known.iter().filter(|node| node.is_ready()).map(|node| &node.name).collect();
    let (ready, unready): (Vec<_>, Vec<_>) =
        nodes.into_iter().partition(|node| ready.contains(node.name()));
    let number = ready.len().min(MOST_NODES);
    let spread = (0..number).map(|place| ready[place * ready.len() / number]);
    spread.chain(unready).take(MOST_NODES).collect()
}

/// From each node two errands: as the node, and as a pod on it. With a policy that allows it, only pods
/// send more than before.
fn wish(
    view: &View<'_>,
    nodes: &[&NodeView<'_>],
    probing: &Probing,
    owner: &str,
    egress: Egress,
) -> Result<Wish, Failure> {
    let targets = probing.targets();
    let mut errands = Vec::new();
    let places: &[(Vantage, Placement)] = match egress {
        Egress::AsItIs => {
            &[(Vantage::Host, Placement::HostNetwork), (Vantage::Pod, Placement::Pod)]
        }
        Egress::Allowed => &[(Vantage::AllowedPod, Placement::Pod)],
    };
    for node in nodes {
        for &(vantage, placement) in places {
            let mut request = plan::request(view, node, &targets, vantage);
            // The pod is in the right network from its start, and may enter no other.
            request.namespace = Namespace::Own;
            let request = serde_json::to_vec(&request).map_err(Failure::could_not_run)?;
            errands.push(Errand {
                node: node.name().clone(),
                placement,
                arguments: vec!["probe".into(), "--deadline".into(), LONGEST.as_secs().to_string()],
                request: request.into(),
            });
        }
    }
    Ok(Wish {
        purpose: Purpose::Probe,
        errands,
        home: view.namespace().to_owned(),
        image: probing.flags.agent.node_image.clone(),
        owner: owner.to_owned(),
        time: TIME,
        start: START,
        egress,
    })
}

fn no_plan(error: PlanError) -> Failure {
    probe::no_plan(error, &["the role kcilium-prober of docs/rbac.yaml grants it"])
}

fn note(text: &str) -> Result<(), Failure> {
    Ok(remark(&mut anstream::stderr(), Style::Info, "note:", text)?)
}

/// Says what did not go as planned.
fn tell(report: &Report) -> Result<(), Failure> {
    probe::tell_of_delivery(report)?;
    for Outcome { errand, end, .. } in &report.outcomes {
        if let Err(absence) = end {
            let place = errand.placement.word();
            note(&format!("no probes from {} ({place}): {absence}", errand.node))?;
        }
    }
    Ok(probe::warn_of_leftovers(report)?)
}

/// Results of both errands of a node are one list: their ids say where each started.
fn add(facts: &mut Facts, outcomes: &[Outcome]) {
    let mut probes: BTreeMap<&NodeName, Fact<Vec<ProbeResult>>> = BTreeMap::new();
    for outcome in outcomes {
        let of_node = probes.entry(&outcome.errand.node).or_default();
        match (&mut *of_node, results(outcome)) {
            (Fact::Known(known), Ok(more)) => known.extend(more),
            (Fact::Known(_), Err(_)) => {}
            (Fact::Unavailable(_), found) => *of_node = found.into(),
        }
    }
    for node in &mut facts.nodes {
        match (&mut node.probes, probes.remove(&node.name)) {
            (Fact::Known(known), Some(Fact::Known(more))) => known.extend(more),
            (Fact::Known(_), Some(Fact::Unavailable(_))) | (_, None) => {}
            (of_node @ Fact::Unavailable(_), Some(probes)) => *of_node = probes,
        }
    }
}

/// What an errand printed: a result in each line. A line that is cut off is none.
fn results(outcome: &Outcome) -> Result<Vec<ProbeResult>, Unavailable> {
    let ended = outcome.end.as_ref().map_err(|absence| absence.unavailable(PROBES));
    let printed = outcome.printed.as_ref().map_err(Clone::clone);
    let lines = printed.map(|printed| printed.split(|byte| *byte == b'\n'));
    let results: Vec<ProbeResult> =
        lines.into_iter().flatten().filter_map(|line| serde_json::from_slice(line).ok()).collect();
    if !results.is_empty() {
        return Ok(results);
    }
    let ended = ended?;
    outcome.printed.as_ref().map_err(Clone::clone)?;
    let why = format!("the node agent ended with {}: {}", ended.exit_code, ended.summary.trim());
    Err(Unavailable::failed(PROBES, why))
}

#[cfg(test)]
mod tests {
    use kcilium_core::facts::NodeFacts;

    use super::*;

    /// So many nodes, of which every third is ready.
    fn facts(number: usize) -> Facts {
        let name = |number: usize| format!("node{number:03}");
        let node = |number: usize| {
            let ready = if number.is_multiple_of(3) { "True" } else { "Unknown" };
            serde_json::json!({
                "name": name(number),
                "conditions": [{"type": "Ready", "status": ready}],
            })
        };
        let nodes: Vec<_> = (0..number).map(node).collect();
        let mut facts: Facts = serde_json::from_value(serde_json::json!({
            "cluster": {"nodes": {"known": nodes}},
        }))
        .unwrap();
        let named = |number| NodeFacts::named(name(number).as_str());
        facts.nodes = (0..number).map(named).collect();
        facts
    }

    fn names(facts: &Facts, asked: &NodeChoice) -> Vec<String> {
        let view = View::new(facts);
        chosen(&view, asked).iter().map(|node| node.name().to_string()).collect()
    }

    #[test]
    fn many_nodes_are_not_all_probed_from() {
        let facts = facts(99);
        assert_eq!(names(&facts, &NodeChoice::All).len(), 99);
        let sample = names(&facts, &NodeChoice::Sample);
        assert_eq!(sample.len(), MOST_NODES);
        assert_eq!((&*sample[0], &*sample[19]), ("node000", "node093"));
        let number = |name: &String| name.trim_start_matches("node").parse::<usize>().unwrap();
        assert!(sample.iter().all(|name| number(name).is_multiple_of(3)), "{sample:?}");
    }

    #[test]
    fn where_few_nodes_are_ready_the_others_say_why_not() {
        let sample = names(&facts(30), &NodeChoice::Sample);
        assert_eq!(sample.len(), MOST_NODES);
        assert!(sample.contains(&"node001".to_owned()), "{sample:?}");
        assert_eq!(names(&facts(MOST_NODES), &NodeChoice::Sample).len(), MOST_NODES);
    }
}

//! Probes in the networks of pods that run already: nothing is created, and less is told.

use std::collections::BTreeMap;

use kcilium_cli::{Failure, interrupt, progress::Spinner};
use kcilium_cluster::{
    Api,
    collect::NodeChoice,
    pod_networks::{self, Asked, Errand},
};
use kcilium_core::{
    facts::{Facts, NodeName, Unavailable},
    probe::{lent, matrix::Vantage, plan},
    view::{View, listing},
};

use super::{LeftOut, Look, Probing, chosen, note};

/// Whether anything was probed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Probed {
    /// From some node.
    Some,
    /// From none; why was told.
    None,
}

/// Has the agents of the chosen nodes probe, and adds what comes of it to the facts.
pub(super) async fn probe(
    api: &Api,
    facts: &mut Facts,
    asked: &NodeChoice,
    probing: &Probing,
    spinner: &Spinner,
) -> Result<Probed, Failure> {
    let (errands, left_out) = {
        let view = View::new(facts);
        let nodes = chosen(&view, asked);
        let targets = probing.targets();
        let errands = nodes.iter().map(|node| {
            let request = |vantage| lent::of_shell(plan::request(&view, node, &targets, vantage));
            Errand {
                node: node.name().clone(),
                candidates: lent::candidates(&view, node),
                of_host: request(Vantage::Host),
                of_pod: request(Vantage::Pod),
            }
        });
        let errands: Vec<Errand> = errands.collect();
        (errands, LeftOut { all: view.nodes().len(), chosen: nodes.len() })
    };
    if errands.is_empty() {
        note("no node was looked at from inside, so none is probed from")?;
        return Ok(Probed::None);
    }
    spinner.set_message("probing from networks of pods");
    if probing.allow_policy {
        spinner.suspend(|| {
            note("--allow-policy is for pods of ours: these have policies of their own")
        })?;
    }
    let time = pod_networks::time_for(errands.len());
    let api = &api.until(tokio::time::Instant::now() + time);
    let asking = pod_networks::ask(api, &facts.cluster, &errands);
    let answers = interrupt::or_interrupted(asking).await?;
    if probing.look == Look::First {
        spinner.suspend(|| {
            left_out.tell()?;
            tell(&answers)
        })?;
    }
    let probed =
        if answers.iter().any(|(_, answer)| answer.is_ok()) { Probed::Some } else { Probed::None };
    add(facts, answers);
    Ok(probed)
}

/// Says whose networks were used, and what could not be told; the same words once for all nodes.
fn tell(answers: &[(NodeName, Result<Asked, Unavailable>)]) -> Result<(), Failure> {
    let mut silent: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut used = Vec::new();
    for (node, answer) in answers {
        match answer {
            Ok(asked) => {
                let pods = asked.of_pods.iter().map(|(pod, _)| pod.to_string());
                used.push(format!("{} ({node})", pods.collect::<Vec<_>>().join(" and ")));
                for (pod, target) in lent::behind(&asked.of_pods) {
                    note(&format!(
                        "{pod} on {node} gets no answer from {target}, and another pod there does: look for policies \
                         that select it"
                    ))?;
                }
            }
            Err(why) => silent.entry(why.why.clone()).or_default().push(node.to_string()),
        }
    }
    if !used.is_empty() {
        note(&format!(
            "nothing was created; probes started in the networks of {}: no echo requests, no sizes, no TLS, and not \
             pods' own DNS settings",
            listing(&used)
        ))?;
    }
    for (why, nodes) in silent {
        note(&format!("no probes from networks of pods on {}: {why}", listing(&nodes)))?;
    }
    Ok(())
}

fn add(facts: &mut Facts, answers: Vec<(NodeName, Result<Asked, Unavailable>)>) {
    let mut answers: BTreeMap<NodeName, _> = answers.into_iter().collect();
    for node in &mut facts.nodes {
        match answers.remove(&node.name) {
            Some(Ok(Asked { of_host, of_pods })) => {
                let (pods, results): (Vec<_>, Vec<_>) = of_pods.into_iter().unzip();
                let mut probes = of_host;
                probes.extend(lent::best(results));
                node.probes = Ok(probes).into();
                node.lent_networks = pods;
            }
            Some(Err(why)) => node.probes = Err(why).into(),
            None => {}
        }
    }
}

use std::collections::BTreeMap;

use super::{
    Basis, Evidence, Finding, Judgement, Remedy, Severity,
    pods::{quote, says},
    premise, rule,
};
use crate::{
    facts::{Component, Event},
    view::View,
};

rule! {
    /// ## What it checks
    /// What Kubernetes says about pods of Cilium that it does not make or does not schedule: a quota
    /// on their priority class, ports of the host that are taken, a pod security that forbids them.
    ///
    /// ## Why it hurts
    /// A node without agent has no network for new pods; an operator that is missing holds all up.
    ///
    /// ## Fix
    /// Quota: allow `system-node-critical` and `system-cluster-critical` in that namespace (a
    /// ResourceQuota with a scopeSelector). Ports: see who has them (4240, 4244, 9234, 9878, 9890 and
    /// on). Pod security: label the namespace `pod-security.kubernetes.io/enforce=privileged`.
    ///
    /// ## References
    /// - Cilium documentation, "System Requirements: firewall rules"
    "SCH-04", Error, State, "Kubernetes does not schedule Cilium", judge
}

/// What is in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Obstacle {
    Quota,
    Ports,
    PodSecurity,
}

/// Words of the scheduler and of admission.
const TABLE: [(Obstacle, &[&str]); 3] = [
    (Obstacle::Quota, &["insufficient quota to match these scopes", "exceeded quota"]),
    (Obstacle::Ports, &["didn't have free ports", "free ports for the requested pod ports"]),
    (
        Obstacle::PodSecurity,
        &[
            "violates PodSecurity",
            "PodSecurityPolicy",
            "unable to validate against any security context constraint",
        ],
    ),
];

fn judge(view: &View<'_>, out: &mut Judgement) {
    let cluster = &view.facts.cluster;
    let Some(events) = premise::known(view, &cluster.events, "events", out) else { return };
    let Some(daemon_sets) = premise::known(view, &cluster.daemon_sets, "daemon sets", out) else {
        return;
    };
    let Some(deployments) = premise::known(view, &cluster.deployments, "deployments", out) else {
        return;
    };
    // Once all pods are there, events tell of the past.
    let incomplete: Vec<(&str, &str)> = daemon_sets
        .iter()
        .chain(deployments)
        .filter(|it| {
            matches!(it.component, Component::Agent | Component::Operator | Component::Envoy)
        })
        .filter(|it| it.pods.available < it.pods.desired)
        .map(|it| (it.namespace.as_str(), it.name.as_str()))
        .collect();
    let mut groups: BTreeMap<Obstacle, Vec<&Event>> = BTreeMap::new();
    for event in events
        .iter()
        .filter(|event| matches!(event.reason.as_str(), "FailedCreate" | "FailedScheduling"))
    {
        let object = &event.object;
        // Names of ReplicaSets and pods begin with that of their workload.
        let concerns = |(namespace, name): &(&str, &str)| {
            let rest = object.name.strip_prefix(name);
            object.namespace == *namespace
                && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        if incomplete.iter().any(concerns) {
            let row = TABLE.iter().find(|(_, words)| says(&event.message, words));
            if let Some((obstacle, _)) = row {
                groups.entry(*obstacle).or_default().push(event);
            }
        }
    }
    for (obstacle, events) in groups {
        out.found(finding(obstacle, &events));
    }
}

fn finding(obstacle: Obstacle, events: &[&Event]) -> Finding {
    let (subject, what, remedy) = match obstacle {
        Obstacle::Quota => (
            "quota",
            "a quota on priority classes forbids Cilium's pods",
            "allow system-node-critical and system-cluster-critical in that namespace, by a ResourceQuota with a \
             scopeSelector on these priority classes",
        ),
        Obstacle::Ports => (
            "ports of the host",
            "ports that Cilium's pods need on the host are taken",
            "see who has them on the node: another copy of Cilium, or a program of the host",
        ),
        Obstacle::PodSecurity => (
            "pod security",
            "the namespace's pod security forbids Cilium's pods",
            "label the namespace pod-security.kubernetes.io/enforce=privileged",
        ),
    };
    let mut said: Vec<&str> = Vec::new();
    let mut evidence = Vec::new();
    for event in events {
        if said.len() < 3 && !said.contains(&event.message.as_str()) {
            said.push(&event.message);
            let object = format!("event of {} {}", event.object.kind, event.object.name);
            evidence.push(Evidence::new(object, quote(&event.message)));
        }
    }
    Finding {
        code: RULE.code,
        severity: Severity::Error,
        basis: Basis::Observed,
        subject: subject.into(),
        nodes: Vec::new(),
        summary: what.into(),
        evidence,
        impact: "nodes are without agent, or the cluster without operator".into(),
        remedy: Remedy::text(remedy),
    }
}

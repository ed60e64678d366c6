use super::{Evidence, Finding, Judgement, Remedy, Severity, command::quoted, pods, premise, rule};
use crate::{
    facts::{Component, Condition, NodeName, Workload, WorkloadKind},
    view::View,
};

rule! {
    /// ## What it checks
    /// Where Envoy runs in pods of its own (`envoy.enabled`, the default from 1.16 on), whether each of
    /// them is ready. Pods that have not been so for two minutes do not count yet.
    ///
    /// ## Why it hurts
    /// On the node of such a pod, connections that a policy of layer 7 looks into, Ingress and the
    /// Gateway API stand still. Everything else works, so it looks like a fault of the application.
    ///
    /// ## Fix
    /// Read the pod's log and events. Where no layer 7 is needed: `l7Proxy: false`.
    ///
    /// ## References
    /// - Cilium documentation, "Envoy"
    "AG-08", Warn, State, "Envoy is not ready on some nodes", judge
}

/// Seconds that Envoy may take to get ready, as in an update.
const PATIENCE: i64 = 120;

fn judge(view: &View<'_>, out: &mut Judgement) {
    let cluster = &view.facts.cluster;
    let Some(sets) = premise::known(view, &cluster.daemon_sets, "DaemonSets", out) else { return };
    let is_envoy =
        |set: &&Workload| set.component == Component::Envoy && set.kind == WorkloadKind::DaemonSet;
    let Some(set) = sets.iter().find(is_envoy) else {
        out.not_applicable("Envoy has no pods of its own");
        return;
    };
    let (ready, desired) = (set.pods.ready, set.pods.desired);
    if ready >= desired {
        return;
    }
    let Some(troubles) = pods::in_trouble(view, out) else { return };
    let own: Vec<_> =
        troubles.iter().filter(|trouble| trouble.component() == Component::Envoy).collect();
    let is_starting = |trouble: &&pods::Trouble<'_>| {
        let conditions = trouble.detail.map(|detail| detail.conditions.as_slice());
        let is_ready = |it: &&Condition| it.kind == "Ready";
        let since = conditions.unwrap_or_default().iter().find(is_ready);
        let age = view.seconds_since(since.and_then(|ready| ready.since.as_deref()));
        age.is_some_and(|age| age < PATIENCE)
    };
    if !own.is_empty() && own.iter().all(is_starting) {
        return;
    }
    let mut group = pods::Group::default();
    let late: Vec<_> = own.into_iter().filter(|trouble| !is_starting(trouble)).collect();
    let words: Vec<&str> =
        late.iter().map(|trouble| trouble.words().next().unwrap_or_default()).collect();
    for (trouble, words) in late.iter().zip(words) {
        group.push(trouble.row, words);
    }
    out.found(finding(set, &group));
}

fn finding(set: &Workload, group: &pods::Group<'_>) -> Finding {
    let (ready, desired) = (set.pods.ready, set.pods.desired);
    let namespace = quoted(&set.namespace);
    let nodes: Vec<NodeName> = group.nodes();
    let mut finding = Finding::about(RULE.code, Severity::Warn, set.name.clone()).saying(
        format!("{} of {desired} pods of Envoy are not ready", desired - ready),
        "policies of layer 7, Ingress and the Gateway API stand still on their nodes",
    );
    finding.nodes = nodes;
    finding.evidence = vec![Evidence::new(
        format!("DaemonSet {}/{}", set.namespace, set.name),
        format!("{ready} of {desired} pods are ready"),
    )];
    if !group.is_empty() {
        finding.evidence.extend(group.evidence());
    }
    finding.mended_by(
        Remedy::text(
            "read what these pods say; where no layer 7 is needed, l7Proxy false does without",
        )
        .with_commands(
            [format!("kubectl -n {namespace} describe daemonset {}", quoted(&set.name))]
                .into_iter()
                .chain(group.logs()),
        ),
    )
}

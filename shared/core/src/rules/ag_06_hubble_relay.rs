use super::{
    Finding, Judgement, Remedy, Severity,
    pods::{self, Group, Trouble},
    premise, rule,
};
use crate::{
    facts::{Component, ContainerStatus},
    view::View,
};

rule! {
    /// ## What it checks
    /// Pods of Hubble's relay that crash, or run for two minutes without getting ready, by what they
    /// wrote: whether they do not find the agents' Service by its name, get no answer, or do not trust
    /// the agents' certificates.
    ///
    /// ## Why it hurts
    /// `hubble observe` and the UI show nothing. Pods' own traffic does not need it. That
    /// `hubble` on your machine is refused at `localhost:4245` is not this: it lacks `cilium hubble
    /// port-forward`.
    ///
    /// ## Fix
    /// As the finding says: set `hubble.peerService.clusterDomain`, mend the cluster's DNS (DNS-02), or
    /// have the certificates made again.
    ///
    /// ## References
    /// - Cilium documentation, "Troubleshooting Hubble"
    /// - cilium/cilium issues 20130, 31516
    "AG-06", Warn, State, "Hubble's relay does not get to the agents", judge
}

/// Seconds that it may take to get ready: it asks again after 30 s.
const PATIENCE: i64 = 120;

/// Words of the relay's log, what they mean, and what to do. The first that fits counts: a name that
/// is not found is also no answer.
const CAUSES: [(&[&str], &str, &str); 5] = [
    (
        &["certificate has expired", "is not yet valid"],
        "a certificate is out of its time",
        "have the certificates made again: delete the Secrets hubble-server-certs and \
         hubble-relay-client-certs and upgrade the release, or start the CronJob that makes them; see \
         HOST-13 for clocks",
    ),
    (
        &["x509: ", "bad certificate", "unknown authority"],
        "it does not trust the agents' certificates, or they do not trust its own",
        "have all certificates made again by one authority, then restart the agents and the relay",
    ),
    (
        &["no such host", "produced zero addresses"],
        "the name of the agents' Service does not resolve",
        "set hubble.peerService.clusterDomain to the cluster's domain, and see that the Service \
         hubble-peer is there",
    ),
    (
        &["connection refused"],
        "nobody listens on the agents' port of Hubble",
        "see in the agents' logs why Hubble's server did not start: hubble.enabled, hubble.listenAddress, \
         or a metric in hubble.metrics that this version does not know",
    ),
    (
        &["i/o timeout", "deadline exceeded", "no route to host"],
        "it gets no answer, neither to a name nor from an agent",
        "see whether the cluster's DNS answers pods (DNS-02), and whether TCP 4244 is open between nodes",
    ),
];

fn judge(view: &View<'_>, out: &mut Judgement) {
    let cluster = &view.facts.cluster;
    if premise::known(view, &cluster.deployments, "Deployments", out).is_none() {
        return;
    }
    if cluster.workloads(Component::HubbleRelay).next().is_none() {
        out.not_applicable("Hubble's relay is not installed");
        return;
    }
    let Some(troubles) = pods::in_trouble(view, out) else { return };
    let sick = troubles
        .iter()
        .filter(|trouble| trouble.component() == Component::HubbleRelay && is_sick(view, trouble));
    let mut groups: std::collections::BTreeMap<usize, Group<'_>> =
        std::collections::BTreeMap::new();
    for trouble in sick {
        let words = words(view, trouble);
        let told = CAUSES.iter().enumerate().find_map(|(at, (signs, ..))| {
            words.iter().find_map(|text| Some((at, pods::telling(text, signs)?)))
        });
        match told {
            Some((at, line)) => groups.entry(at).or_default().push(trouble.row, line),
            None => out.unknown(
                format!("why {} is not ready", pods::name(trouble.row)),
                "its log was not read, or has no line that is known",
            ),
        }
    }
    for (at, group) in groups {
        out.found(finding(at, &group));
    }
}

fn is_sick(view: &View<'_>, trouble: &Trouble<'_>) -> bool {
    let is_slow = |container: &ContainerStatus| {
        view.seconds_since(container.running_since.as_deref()).is_some_and(|age| age >= PATIENCE)
    };
    let containers = trouble.detail.into_iter().flat_map(|detail| &detail.containers);
    containers.into_iter().any(|it| it.has_crashed() || (!it.ready && is_slow(it)))
}

/// What its containers said of their end, and their logs in full.
fn words<'a>(view: &View<'a>, trouble: &Trouble<'a>) -> Vec<&'a str> {
    let row = trouble.row;
    let logs = view.facts.cluster.logs.known().into_iter().flat_map(|logs| &logs.logs);
    let own =
        logs.filter(|log| log.source.pod == *row.name && log.source.namespace == *row.namespace);
    let own = own.filter_map(|log| log.text.known()).map(String::as_str);
    trouble.words().chain(own).collect()
}

fn finding(at: usize, group: &Group<'_>) -> Finding {
    let (_, clause, remedy) = CAUSES[at];
    let mut finding = Finding::about(RULE.code, Severity::Warn, "hubble-relay").saying(
        format!(
            "{clause}: {}",
            group.sentence("of Hubble's relay fails", "of Hubble's relay fail")
        ),
        "hubble observe and the UI show nothing; the traffic of pods does not depend on it",
    );
    finding.nodes = group.nodes();
    finding.evidence = group.evidence();
    finding.mended_by(Remedy::text(remedy).with_commands(group.logs()))
}

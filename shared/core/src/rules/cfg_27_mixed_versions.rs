use std::collections::BTreeMap;

use semver::Version;

use super::{Finding, Judgement, Remedy, Severity, rule};
use crate::{
    facts::{Component, NodeName, UnavailableKind},
    rules::quoted,
    view::View,
};

rule! {
    /// ## What it checks
    /// Whether all agents run the version that their DaemonSet names, and whether the chart of the
    /// Helm release is of that version.
    ///
    /// ## Why it hurts
    /// Agents of several versions come from an upgrade that stopped half way; they read the same
    /// `cilium-config` differently. A chart of another version than its image writes options that
    /// the agents do not know, or leaves out those that they need.
    ///
    /// ## Fix
    /// Finish the upgrade; leave `image.tag` to the chart.
    ///
    /// ## References
    /// - Cilium documentation, "Upgrade Guide"
    "CFG-27", Warn, State, "agents and chart are of several versions", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let cluster = &view.facts.cluster;
    let agents = match cluster.agents.get() {
        Ok(agents) => agents,
        // Of nodes alone there is nothing to compare.
        Err(why) if why.kind == UnavailableKind::NotCollected => {
            out.not_applicable("agents were not read in this run");
            return;
        }
        Err(why) => {
            out.missing("agents", why);
            return;
        }
    };
    let wanted = cluster.workloads(Component::Agent).next().and_then(|set| {
        let version = set.container("cilium-agent")?.version()?;
        Some((set.namespace.as_str(), set.name.as_str(), version))
    });
    let mut by_version: BTreeMap<Version, Vec<NodeName>> = BTreeMap::new();
    for agent in agents {
        match agent.version() {
            Some(version) => by_version.entry(version).or_default().push(agent.node.clone()),
            // Nothing was recorded of it, which says nothing about the others.
            None if agent.image.is_empty() => {}
            None => out.unknown_on(
                &agent.node,
                "version of the agent",
                format!("the tag of image {} is no version", agent.image),
            ),
        }
    }
    let Some((namespace, name, wanted)) = wanted else {
        if !agents.is_empty() {
            out.unknown("version of the agents", "no DaemonSet names it");
        }
        return;
    };
    for (version, nodes) in by_version.into_iter().filter(|(version, _)| *version != wanted) {
        let mut finding = Finding::about(RULE.code, Severity::Warn, version.to_string())
            .saying(
                format!("agents run {version}, and their DaemonSet names {wanted}"),
                "versions read the same configuration differently; an upgrade stopped half way",
            )
            .seen(format!("DaemonSet {namespace}/{name}"), format!("cilium-agent {wanted}"))
            .mended_by(Remedy::text("see why the rollout does not go on").with_commands([
                format!(
                    "kubectl -n {} rollout status daemonset/{}",
                    quoted(namespace),
                    quoted(name)
                ),
                super::LIST_AGENTS.to_owned(),
            ]));
        finding.nodes = nodes;
        out.found(finding);
    }
    judge_chart(view, &wanted, out);
}

fn judge_chart(view: &View<'_>, image: &Version, out: &mut Judgement) {
    let (Some(release), Some(values)) = (view.release(), view.chart_values()) else { return };
    let chart = values.version().of_cilium();
    let numbers = |version: &Version| (version.major, version.minor, version.patch);
    if numbers(chart) == numbers(image) {
        return;
    }
    out.found(
        Finding::about(RULE.code, Severity::Warn, "image.tag")
            .saying(
                format!("the chart is of {chart}, the agents are of {image}"),
                "the chart writes options that agents do not know, or leaves out what they need",
            )
            .seen(
                format!("Helm release {}/{}", release.namespace, release.name),
                format!("chart {} {chart}, revision {}", release.chart, release.revision),
            )
            .mended_by(Remedy::text(format!(
                "upgrade with the chart of version {image}, and leave `image.tag` to the chart"
            ))),
    );
}

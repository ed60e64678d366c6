use std::collections::{BTreeMap, BTreeSet};

use super::{Finding, Judgement, Remedy, Severity, command::quoted, rule};
use crate::{
    chart::{ChartValues, Nearness},
    decode::cilium_config,
    facts::{Component, ConfigData, UnavailableKind},
    view::{View, listing},
};

rule! {
    /// ## What it checks
    /// Whether `cilium-config` was changed after agents were started, which read it only then; and
    /// whether it says otherwise than the values of the Helm release, of those keys that decide
    /// about the network.
    ///
    /// ## Why it hurts
    /// Agents run with a configuration that stands nowhere any more. The next restart, of a node
    /// or of an agent, brings the new one, node by node, on a day that nobody chose. What was
    /// edited by hand is gone after the next `helm upgrade`.
    ///
    /// ## Fix
    /// Restart the agents when it suits you, and put what was edited into the values. With
    /// `rollOutCiliumPods: true` Helm restarts them itself.
    ///
    /// ## References
    /// - Cilium documentation, "Configuration": making changes
    "CFG-25", Warn, State, "agents and release know another configuration", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let data = match view.facts.cluster.config_data.get() {
        Ok(data) => data,
        // A recording of nodes is not asked for what no command on a node tells.
        Err(why) if why.kind == UnavailableKind::NotCollected => {
            out.not_applicable("cilium-config was not read");
            return;
        }
        Err(why) => {
            out.missing("cilium-config", why);
            return;
        }
    };
    judge_age(view, data, out);
    judge_release(view, data, out);
}

fn judge_age(view: &View<'_>, data: &ConfigData, out: &mut Judgement) {
    let agents = match view.facts.cluster.agents.get() {
        Ok(agents) => agents,
        Err(why) => {
            out.missing("agents", why);
            return;
        }
    };
    let Some(changed) = data.changed_at.as_deref().filter(|time| is_comparable(time)) else {
        out.unknown("last change of cilium-config", "the ConfigMap does not say");
        return;
    };
    let mut older = Vec::new();
    let mut unknown = 0;
    for agent in agents {
        match agent.started.as_deref().filter(|time| is_comparable(time)) {
            Some(started) if started < changed => older.push((&agent.node, started)),
            Some(_) => {}
            None => unknown += 1,
        }
    }
    if unknown > 0 {
        out.unknown(format!("start of {unknown} agents"), "their pods do not say");
    }
    let Some((first, started)) = older.first() else { return };
    let namespace = quoted(&data.namespace);
    let workloads: Vec<String> = [Component::Agent, Component::Operator]
        .into_iter()
        .flat_map(|component| view.facts.cluster.workloads(component))
        .filter(|workload| workload.namespace == data.namespace)
        .map(|workload| {
            let kind = if workload.component == Component::Agent { "ds" } else { "deploy" };
            format!("kubectl -n {namespace} rollout restart {kind}/{}", quoted(&workload.name))
        })
        .collect();
    // Helm restarts them by the checksum of the configuration; a change of labels alone is none.
    let rolls_out = view.chart_values().is_some_and(|it| it.is_truthy("rollOutCiliumPods"));
    let severity = if rolls_out { Severity::Info } else { Severity::Warn };
    let mut finding = Finding::about(RULE.code, severity, "cilium-config")
        .saying(
            "cilium-config was changed after agents were started",
            "these agents run with what it said before; their next start brings something else",
        )
        .seen(format!("ConfigMap {}/cilium-config", data.namespace), format!("changed {changed}"))
        .seen(format!("agent of {first}"), format!("started {started}"))
        .mended_by(Remedy::text("restart the agents when it suits you").with_commands(workloads));
    finding.nodes = older.into_iter().map(|(node, _)| node.clone()).collect();
    out.found(finding);
}

/// Times as the API server writes them, in UTC and whole seconds, order as text does.
fn is_comparable(time: &str) -> bool {
    time.len() == "2026-01-01T00:00:00Z".len() && time.ends_with('Z')
}

fn judge_release(view: &View<'_>, data: &ConfigData, out: &mut Judgement) {
    let Some(release) = view.release().filter(|release| release.chart == "cilium") else { return };
    let releases = view.facts.cluster.releases.items().iter();
    let latest = releases.map(|release| release.revision).max();
    if release.status != "deployed" || latest != Some(release.revision) {
        out.unknown("values of the release", "an upgrade is under way, or has failed");
        return;
    }
    let Some(values) = view.chart_values() else { return };
    if values.chart().nearness() != Nearness::SameMinor {
        out.unknown(format!("chart {}", values.version()), "that chart is not known here");
        return;
    }
    let Some(keys) = keys_that_differ(&values, data) else {
        out.unknown("values of the release", "no configuration can be made of them");
        return;
    };
    if keys.is_empty() {
        return;
    }
    let mut finding = Finding::about(RULE.code, Severity::Warn, "cilium-config").saying(
        format!("cilium-config says otherwise than release {}: {}", release.name, listing(&keys)),
        "what was edited by hand is gone after the next helm upgrade",
    );
    let live = format!("ConfigMap {}/cilium-config", data.namespace);
    for key in keys.iter().take(SHOWN) {
        let text = data.data.get(key).map_or("is not there", String::as_str);
        finding = finding.seen(live.clone(), format!("{key} {text}"));
    }
    out.found(finding.mended_by(Remedy::text(
        "put what is meant into the values, and run helm upgrade with them",
    )));
}

/// Keys that are quoted.
const SHOWN: usize = 5;

/// Keys whose live value means something else than that which the chart makes of the values.
fn keys_that_differ(values: &ChartValues<'_>, data: &ConfigData) -> Option<Vec<String>> {
    let made = values.config_map().ok()?;
    let decoded = |data: &BTreeMap<String, String>| {
        cilium_config::from_config_map(data, "", None).map_err(|error| error.to_string())
    };
    let meant = decoded(&made);
    meant.as_ref().ok()?;
    let keys: BTreeSet<&String> = made.keys().chain(data.data.keys()).collect();
    let differs = |key: &&&String| {
        let mut changed = made.clone();
        match data.data.get(**key) {
            Some(live) if made.get(**key) == Some(live) => return false,
            Some(live) => changed.insert((**key).clone(), live.clone()),
            None => changed.remove(**key),
        };
        decoded(&changed) != meant
    };
    Some(keys.iter().filter(differs).map(|key| (*key).clone()).collect())
}

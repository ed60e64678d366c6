use std::collections::{BTreeMap, HashSet};

use super::{
    Basis, Evidence, Finding, Judgement, Remedy, Severity, command::restart_agent,
    node_taints::names, premise, rule,
};
use crate::{
    facts::{CniFile, NodeName},
    view::{NodeView, View},
};

rule! {
    /// ## What it checks
    /// On nodes whose agent is ready: that Cilium's CNI file is there (`05-cilium.conflist`, before
    /// 1.14 `05-cilium.conf`), that the runtime can read it, and what the agent says about it.
    ///
    /// ## Why it hurts
    /// Without it the runtime knows no plugin, or takes the next one: no pod starts, or pods start
    /// outside Cilium.
    ///
    /// ## Fix
    /// Restart the agent, which writes the file. If it cannot (a read-only folder), set
    /// `cni.confPath`.
    ///
    /// ## References
    /// - Cilium documentation, "Helm reference: cni.confPath"
    "CNI-02", Error, State, "Cilium's CNI file is missing or broken", judge
}

/// What is wrong with the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Trouble {
    Missing,
    Broken,
    NotWritten,
    Outdated,
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    if !premise::has_nodes(view, out) {
        return;
    }
    let config = view.facts.cluster.config_data.known();
    if config.and_then(|it| it.data.get("custom-cni-conf")).is_some_and(|value| value == "true") {
        out.not_applicable("the CNI file is not Cilium's (cni.customConf)");
        return;
    }
    let mut groups: BTreeMap<Trouble, Vec<(NodeName, String)>> = BTreeMap::new();
    // An agent writes the file when it is ready, not before.
    let agents = view.facts.cluster.agents.known();
    let ready: Option<HashSet<&NodeName>> =
        agents.map(|agents| agents.iter().filter(|it| it.ready).map(|agent| &agent.node).collect());
    for node in view.nodes() {
        let is_ready = match &ready {
            Some(ready) => Some(ready.contains(node.name())),
            None => view.agent_runs_on(node.facts),
        };
        match is_ready {
            Some(true) => {}
            Some(false) => continue,
            None => {
                out.unknown_on(node.name(), "CNI files", "whether an agent runs is not known");
                continue;
            }
        }
        match node.facts.cni_files.get() {
            Err(why) => out.missing_on(node.name(), "CNI files", why),
            Ok(files) => {
                if let Some((trouble, words)) = trouble(view, node, files) {
                    groups.entry(trouble).or_default().push((node.name().clone(), words));
                }
            }
        }
    }
    for (trouble, nodes) in groups {
        out.found(finding(view, trouble, nodes));
    }
}

fn trouble(view: &View<'_>, node: &NodeView<'_>, files: &[CniFile]) -> Option<(Trouble, String)> {
    let status = node.facts.agent_status.known().and_then(|status| status.cni_file.as_ref());
    if let Some(failure) = status.filter(|it| it.state == "Failure") {
        return Some((Trouble::NotWritten, failure.message.clone()));
    }
    let mut of_cilium = files.iter().filter(|file| file.is_cilium()).peekable();
    if of_cilium.peek().is_none() {
        let broken = files
            .iter()
            .filter(|file| file.name.contains("cilium"))
            .find_map(|file| Some((&file.name, file.broken.as_ref()?)));
        if let Some((file, why)) = broken {
            return Some((Trouble::Broken, format!("{file}: {why}")));
        }
        let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
        let names = if names.is_empty() { "none".into() } else { names.join(", ") };
        return Some((Trouble::Missing, format!("files: {names}")));
    }
    let is_new = view
        .config()
        .and_then(|config| config.version.as_ref())
        .is_some_and(|version| (version.major, version.minor) >= (1, 14));
    let is_old_file = |file: &CniFile| file.name == "05-cilium.conf";
    (is_new && of_cilium.all(is_old_file))
        .then(|| (Trouble::Outdated, "05-cilium.conf, as agents before 1.14 wrote it".into()))
}

fn finding(view: &View<'_>, trouble: Trouble, group: Vec<(NodeName, String)>) -> Finding {
    let evidence = group
        .iter()
        .take(3)
        .map(|(node, words)| Evidence::new(format!("CNI files of {node}"), words.clone()))
        .collect();
    let mut nodes: Vec<NodeName> = group.into_iter().map(|(node, _)| node).collect();
    nodes.sort_unstable();
    let (subject, what) = match trouble {
        Trouble::Missing => ("missing file", "is not there"),
        Trouble::Broken => ("broken file", "cannot be read"),
        Trouble::NotWritten => ("file not written", "cannot be written by the agent"),
        Trouble::Outdated => ("outdated file", "is that of an older version"),
    };
    let restart = nodes.iter().take(5).map(|node| restart_agent(view.namespace(), node));
    Finding {
        code: RULE.code,
        severity: if trouble == Trouble::Outdated { Severity::Warn } else { Severity::Error },
        basis: Basis::Observed,
        subject: subject.into(),
        summary: format!("Cilium's CNI file {what} on {}", names(&nodes)),
        evidence,
        impact: "new pods do not start there, or start outside Cilium".into(),
        remedy: Remedy::text("restart the agent, which writes the file; if the folder cannot be written, set cni.confPath")
            .with_commands(restart),
        nodes,
    }
}

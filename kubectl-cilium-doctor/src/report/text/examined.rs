//! What was examined: the first lines of a report.

use kcilium_core::{
    diagnosis::Diagnosis,
    facts::{ClusterOrigin, Facts, Source},
    view::{Installation, listing},
};

/// Which Cilium there is, in a line.
pub(super) fn cilium(facts: &Facts, diagnosis: &Diagnosis) -> String {
    match (diagnosis.installation, facts.cluster.config.known()) {
        (Installation::Seen, Some(config)) => {
            let version =
                config.version.as_ref().map_or_else(String::new, |version| format!(" {version}"));
            let release = facts.cluster.releases.items().first().map_or_else(String::new, |it| {
                format!(" (release {} in {}, chart {})", it.name, it.namespace, it.chart_version)
            });
            format!("Cilium{version}{release}, IPAM {}, routing {}", config.ipam, config.routing)
        }
        (Installation::Seen, None) => "Cilium is there; its configuration was not read".into(),
        (Installation::NotSeen, _) => "no trace of Cilium was found".into(),
        (Installation::Unknown, _) => "whether Cilium is there could not be read".into(),
    }
}

/// What was examined, in a line.
pub(in crate::report) fn examined(facts: &Facts) -> String {
    let when = facts
        .origin
        .collected_at
        .as_ref()
        .map_or_else(String::new, |when| format!(", read at {when}"));
    match &facts.origin.cluster {
        Some(origin) => format!("{}{when}", examined_cluster(facts, origin)),
        None => format!("{}{when}", examined_nodes(facts)),
    }
}

fn examined_cluster(facts: &Facts, origin: &ClusterOrigin) -> String {
    let context = match &origin.context {
        Some(context) => format!("context {context}, "),
        None => String::new(),
    };
    let version = match facts.cluster.version.known() {
        Some(version) => format!(", Kubernetes {}", version.git_version),
        None => String::new(),
    };
    if origin.nodes == 0 && facts.cluster.nodes.known().is_none() {
        return format!("{context}{}{version}, nodes: not known", origin.server);
    }
    let seen = facts.nodes.iter().filter(|node| node.links.known().is_some()).count();
    let (nodes, chosen) = (origin.nodes, origin.nodes_chosen);
    let inside = if chosen < nodes {
        format!("{seen} of a sample of {chosen} looked at from inside (--nodes chooses others)")
    } else if seen < nodes {
        format!("{seen} looked at from inside")
    } else {
        "all looked at from inside".to_owned()
    };
    format!("{context}{}{version}, nodes: {nodes}, {inside}", origin.server)
}

fn examined_nodes(facts: &Facts) -> String {
    let what = match (facts.origin.source, facts.nodes.as_slice()) {
        (Source::LocalHost, [node]) => format!("host {}", node.name),
        (_, []) => "no node".to_owned(),
        (_, [node]) => format!("node {}", node.name),
        (_, nodes) => {
            let names: Vec<String> = nodes.iter().map(|node| node.name.to_string()).collect();
            format!("{} nodes ({})", nodes.len(), listing(&names))
        }
    };
    let from = match facts.origin.source {
        Source::LocalHost | Source::Cluster => "",
        Source::Recorded => ", from recorded command output",
        Source::Sysdump => ", from a sysdump",
        Source::Unknown => ", from a snapshot",
    };
    format!("{what}{from}")
}

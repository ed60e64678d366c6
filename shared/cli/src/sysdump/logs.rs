//! Which logs of a sysdump are read: it has those of all containers, of up to a year.

use kcilium_core::{
    decode::recorded::Files,
    facts::{LogSource, Run},
};
use serde::Deserialize;

/// What ails so many ails the rest.
const MOST: usize = 100;

/// What the name of a log tells.
pub(super) fn key(source: &LogSource) -> (String, Run) {
    (format!("{}-{}", source.pod, source.container), source.run)
}

/// Both runs of containers that are not ready, in namespaces where a sysdump looks for logs; those of
/// Cilium first.
pub(super) fn wanted(files: &Files) -> Vec<LogSource> {
    // Where pods cannot be read, the facts say so.
    let pods = files.get("api/pods.json").and_then(|json| serde_json::from_str(json).ok());
    let Pods { mut items } = pods.unwrap_or_default();
    items.sort_by_key(|pod| !pod.metadata.name.contains("cilium"));
    let containers = items.iter().flat_map(|pod| {
        let status = &pod.status;
        let all = status.container_statuses.iter().chain(&status.init_container_statuses);
        all.filter(|it| !it.ready).map(move |it| (&pod.metadata, &it.name))
    });
    containers
        .take(MOST)
        .flat_map(|(pod, container)| {
            [Run::Previous, Run::Current].map(|run| LogSource {
                namespace: pod.namespace.clone(),
                pod: pod.name.clone(),
                container: container.clone(),
                run,
            })
        })
        .collect()
}

/// A log without the times that `kubectl logs --timestamps` writes before lines.
pub(super) fn without_times(text: &str) -> String {
    let is_time = |word: &str| {
        word.ends_with('Z') && word.contains('T') && word.starts_with(|c: char| c.is_ascii_digit())
    };
    let lines = text.lines().map(|line| match line.split_once(' ') {
        Some((time, rest)) if is_time(time) => rest,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[derive(Default, Deserialize)]
struct Pods {
    items: Vec<Pod>,
}

#[derive(Deserialize)]
struct Pod {
    metadata: Metadata,
    #[serde(default)]
    status: Status,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata {
    name: String,
    namespace: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    container_statuses: Vec<Container>,
    init_container_statuses: Vec<Container>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Container {
    name: String,
    ready: bool,
}

//! What was recorded of containers' logs.

use std::collections::HashMap;

use super::{Files, Recording};
use crate::{
    decode::log,
    facts::{ContainerLog, ContainerLogs, LogSource, PodDetail, Run, Unavailable},
};

/// Where a recording has a log.
pub fn path(source: &LogSource) -> String {
    let LogSource { namespace, pod, container, run } = source;
    let previous = if *run == Run::Previous { ".previous" } else { "" };
    format!("{FOLDER}/{namespace}/{pod}/{container}{previous}.log")
}

const FOLDER: &str = "logs";

/// Whether the file at this path is a log.
pub(super) fn is_log(path: &str) -> bool {
    let parts: Vec<_> = path.split('/').collect();
    matches!(parts[..], [FOLDER, _, _, file] if file.strip_suffix(".log").is_some())
}

impl Recording<'_> {
    /// The logs of the runs that tell why a pod fails; the others are not looked at.
    pub(super) fn logs(
        &self,
        troubled: Result<&Vec<PodDetail>, &Unavailable>,
    ) -> Result<ContainerLogs, Unavailable> {
        let troubled = troubled.map_err(Clone::clone)?;
        let wanted: HashMap<String, (LogSource, &PodDetail)> = troubled
            .iter()
            .flat_map(|pod| pod.telling_logs().map(move |source| (path(&source), (source, pod))))
            .collect();
        if !has_any(self.0) && !wanted.is_empty() {
            return Err(Unavailable::absent(FOLDER, "not in the recording"));
        }
        let mut logs: Vec<ContainerLog> = wanted
            .into_iter()
            .map(|(path, (source, pod))| ContainerLog {
                source,
                component: pod.component,
                node: pod.node.clone(),
                text: self
                    .text(&path)
                    .map(|text| log::decode(text.as_bytes(), pod.component))
                    .into(),
            })
            .collect();
        logs.sort_by(|a, b| a.source.cmp(&b.source));
        Ok(ContainerLogs { logs, left_out: 0 })
    }
}

fn has_any(files: &Files) -> bool {
    files.keys().any(|path| is_log(path))
}

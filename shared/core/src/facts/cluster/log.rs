//! What containers that fail have written.

use serde::{Deserialize, Serialize};

use super::{Component, ContainerStatus, PodDetail};
use crate::facts::{Fact, NodeName};

/// Logs of containers that fail; not of all of them where there are many.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerLogs {
    /// The logs that were asked for.
    pub logs: Vec<ContainerLog>,
    /// How many runs of containers that fail were not asked for.
    #[serde(skip_serializing_if = "crate::facts::is_zero")]
    pub left_out: u32,
}

/// The end of what one run of a container wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerLog {
    /// Whose it is.
    pub source: LogSource,
    /// What the pod belongs to.
    #[serde(default)]
    pub component: Component,
    /// Node that it runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeName>,
    /// Its last lines, redacted.
    pub text: Fact<String>,
}

/// A run of a container.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogSource {
    /// Namespace.
    pub namespace: String,
    /// Pod.
    pub pod: String,
    /// Container.
    pub container: String,
    /// Which of its runs.
    pub run: Run,
}

/// Runs of a container whose logs kubelets keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Run {
    /// The one that ended before.
    Previous,
    /// The last one.
    Current,
}

impl ContainerStatus {
    /// The runs whose logs tell why the container fails, the one that is over first; none for
    /// those that do what they should, and for those that never ran.
    pub fn telling_runs(&self) -> &'static [Run] {
        let has_ended = self.last_terminated.is_some();
        let is_done = self.terminated.as_ref().is_some_and(|end| end.exit_code == 0);
        // Init containers are never ready while they run, and those that are done need no word.
        if self.ready || (self.init && is_done) {
            return &[];
        }
        match (&self.terminated, &self.running_since) {
            // Asked for the current run of a container that waits, kubelets give the one before.
            (None, None) if has_ended => &[Run::Previous],
            (None, None) => &[],
            _ if has_ended => &[Run::Previous, Run::Current],
            _ => &[Run::Current],
        }
    }

    /// Whether it ended with an error, and again if it was started again.
    pub fn has_crashed(&self) -> bool {
        let ends = [&self.terminated, &self.last_terminated];
        !self.ready && ends.into_iter().flatten().any(|end| end.exit_code != 0)
    }
}

impl PodDetail {
    /// The logs that tell why this pod fails. Of applications only those that crash are asked:
    /// their logs are nobody's business, and why one is not ready yet stands in few of them.
    pub fn telling_logs(&self) -> impl Iterator<Item = LogSource> + '_ {
        let is_asked =
            |it: &&ContainerStatus| self.component != Component::Other || it.has_crashed();
        self.containers.iter().filter(is_asked).flat_map(|container| {
            container.telling_runs().iter().map(|run| LogSource {
                namespace: self.namespace.clone(),
                pod: self.name.clone(),
                container: container.name.clone(),
                run: *run,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Termination;

    fn ended(exit_code: i32) -> Termination {
        Termination { exit_code, ..Termination::default() }
    }

    const START: &str = "2026-11-23T01:25:00Z";

    #[test]
    fn logs_are_asked_of_runs_that_kubelets_have() {
        let status = ContainerStatus::default;
        let cases: [(ContainerStatus, &[Run]); 7] = [
            (status(), &[]),
            (ContainerStatus { ready: true, running_since: Some(START.into()), ..status() }, &[]),
            (ContainerStatus { init: true, terminated: Some(ended(0)), ..status() }, &[]),
            (ContainerStatus { running_since: Some(START.into()), ..status() }, &[Run::Current]),
            (ContainerStatus { terminated: Some(ended(1)), ..status() }, &[Run::Current]),
            (ContainerStatus { last_terminated: Some(ended(1)), ..status() }, &[Run::Previous]),
            (
                ContainerStatus {
                    running_since: Some(START.into()),
                    last_terminated: Some(ended(1)),
                    ..status()
                },
                &[Run::Previous, Run::Current],
            ),
        ];
        for (container, expected) in cases {
            assert_eq!(container.telling_runs(), expected, "{container:?}");
        }
    }

    #[test]
    fn applications_are_asked_only_where_they_crash() {
        let unready = ContainerStatus {
            name: "a".into(),
            running_since: Some(START.into()),
            ..Default::default()
        };
        let crashed = ContainerStatus {
            name: "b".into(),
            last_terminated: Some(ended(2)),
            ..Default::default()
        };
        let containers = vec![unready, crashed];
        let pod = PodDetail { containers, ..PodDetail::default() };
        let asked = |pod: &PodDetail| pod.telling_logs().map(|it| it.container).collect::<Vec<_>>();
        assert_eq!(asked(&pod), ["b"]);
        assert_eq!(asked(&PodDetail { component: Component::Agent, ..pod }), ["a", "b"]);
    }
}

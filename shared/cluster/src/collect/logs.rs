//! Logs of containers that fail.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures_util::{StreamExt as _, stream};
use kcilium_core::{
    decode::log,
    facts::{
        Component, ContainerLog, ContainerLogs, Fact, LogSource, PodDetail, Run, Unavailable,
        UnavailableKind,
    },
};
use tokio::time::Instant;

use super::{Collector, Resource};
use crate::ApiError;

/// How many logs are read: of Cilium and what it works with, and of applications. What ails so many
/// ails the rest.
const MAX_LOGS: usize = 50;
const MAX_OF_APPLICATIONS: usize = 10;

/// How many logs of one kind, such as those of agents, are read before others have had their turn.
const MAX_OF_KIND: usize = 20;

/// Lines that are asked for, and bytes. Kubelets count the bytes from the first of these lines, so
/// that of a log with longer lines the end would be missing: it is then asked for again.
const LINES: u32 = 200;
const LAST_LINES: u32 = 10;
const BYTES: usize = 256 << 10;

/// How many nodes are asked at once, and for how long all of them together: an API server that does
/// not reach a kubelet may take half a minute to say so.
const AT_ONCE: usize = 8;
const PATIENCE: Duration = Duration::from_secs(20);

/// A log that is to be read.
struct Wanted<'a> {
    source: LogSource,
    pod: &'a PodDetail,
}

/// Namespaces of which no log may be read, and what the server said: Roles are of a namespace, so
/// that nothing else of it needs to be asked for.
#[derive(Default)]
struct Denials(Mutex<BTreeMap<String, Unavailable>>);

impl Denials {
    fn of(&self, source: &LogSource) -> Option<Unavailable> {
        let denials = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let said = denials.get(&source.namespace)?;
        Some(Unavailable { what: what(source), ..said.clone() })
    }

    fn note(&self, source: &LogSource, why: &Unavailable) {
        if why.kind == UnavailableKind::Forbidden {
            let mut denials = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            denials.insert(source.namespace.clone(), why.clone());
        }
    }
}

impl Collector<'_> {
    /// The logs that tell why these pods fail.
    pub(super) async fn logs(
        &self,
        troubled: &Result<Vec<PodDetail>, Unavailable>,
    ) -> Result<ContainerLogs, Unavailable> {
        let troubled = troubled.as_ref().map_err(Clone::clone)?;
        let (wanted, left_out) = chosen(troubled);
        let mut by_node: BTreeMap<_, Vec<Wanted<'_>>> = BTreeMap::new();
        for one in wanted {
            by_node.entry(one.pod.node.clone()).or_default().push(one);
        }
        let until = Instant::now() + PATIENCE;
        let denials = Denials::default();
        let mut logs: Vec<ContainerLog> = stream::iter(by_node.into_values())
            .map(|wanted| self.logs_of_node(wanted, &denials, until))
            .buffer_unordered(AT_ONCE)
            .flat_map(stream::iter)
            .collect()
            .await;
        logs.sort_by(|a, b| a.source.cmp(&b.source));
        Ok(ContainerLogs { logs, left_out })
    }

    /// One after the other: when a kubelet is not reached for one, it is not asked for the rest.
    async fn logs_of_node(
        &self,
        wanted: Vec<Wanted<'_>>,
        denials: &Denials,
        until: Instant,
    ) -> Vec<ContainerLog> {
        let mut unreached: Option<Unavailable> = None;
        let mut logs = Vec::new();
        for Wanted { source, pod } in wanted {
            let text = match denials.of(&source).or_else(|| unreached.clone()) {
                Some(why) => Err(why),
                None => {
                    match tokio::time::timeout_at(until, self.log(&source, pod.component)).await {
                        Ok(Ok(text)) => Ok(text),
                        Ok(Err(error)) => {
                            let why = unavailable(&source, &error);
                            denials.note(&source, &why);
                            if concerns_node(&error) {
                                unreached = Some(why.clone());
                            }
                            Err(why)
                        }
                        Err(_) => {
                            let why = format!("no answer within {} s", PATIENCE.as_secs());
                            let why = Unavailable::failed(what(&source), why);
                            unreached = Some(why.clone());
                            Err(why)
                        }
                    }
                }
            };
            logs.push(ContainerLog {
                source,
                component: pod.component,
                node: pod.node.clone(),
                text: Fact::from(text),
            });
        }
        logs
    }

    async fn log(&self, source: &LogSource, component: Component) -> Result<String, ApiError> {
        let mut bytes = self.api.log(&path(source, LINES)).await?;
        if bytes.len() >= BYTES {
            bytes = self.api.log(&path(source, LAST_LINES)).await?;
        }
        Ok(log::decode(&bytes, component))
    }
}

fn path(source: &LogSource, lines: u32) -> String {
    let LogSource { namespace, pod, container, run } = source;
    let pods = Resource::PODS.path(Some(namespace));
    let previous = if *run == Run::Previous { "&previous=true" } else { "" };
    format!("{pods}/{pod}/log?container={container}&tailLines={lines}&limitBytes={BYTES}{previous}")
}

fn what(source: &LogSource) -> String {
    format!("log of {}/{}, container {}", source.namespace, source.pod, source.container)
}

fn unavailable(source: &LogSource, error: &ApiError) -> Unavailable {
    let need = format!("get pods/log in namespace {}", source.namespace);
    match error {
        // A run whose log is gone is answered with 400, and says why.
        ApiError::Status { code: 400, message, .. } => {
            Unavailable::absent(what(source), message.clone())
        }
        error => error.unavailable(&what(source), &need),
    }
}

/// Whether the kubelet was not reached: the server's 500 and 502, or silence.
fn concerns_node(error: &ApiError) -> bool {
    match error {
        ApiError::Status { code, .. } => *code >= 500,
        ApiError::TimedOut { .. } | ApiError::Cut { .. } | ApiError::OutOfTime => true,
        error => error.concerns_all_requests(),
    }
}

/// The logs to read, and how many are left out. Kinds of pods take turns, so that thousands of
/// agents that fail alike do not hide the operator.
fn chosen(troubled: &[PodDetail]) -> (Vec<Wanted<'_>>, u32) {
    let mut taken: BTreeMap<Component, usize> = BTreeMap::new();
    let mut chosen = Vec::new();
    let mut left_out = 0;
    let all = troubled
        .iter()
        .flat_map(|pod| pod.telling_logs().map(move |source| Wanted { source, pod }));
    for wanted in all {
        let component = wanted.pod.component;
        let most = if component == Component::Other { MAX_OF_APPLICATIONS } else { MAX_OF_KIND };
        let count = taken.entry(component).or_default();
        if *count < most && chosen.len() < MAX_LOGS {
            *count += 1;
            chosen.push(wanted);
        } else {
            left_out += 1;
        }
    }
    (chosen, left_out)
}

#[cfg(test)]
mod tests {
    use kcilium_core::facts::{ContainerStatus, Termination};

    use super::*;

    fn crashing(component: Component, name: String) -> PodDetail {
        let end = Termination { exit_code: 1, ..Termination::default() };
        let container =
            ContainerStatus { last_terminated: Some(end), ..ContainerStatus::default() };
        PodDetail { component, name, containers: vec![container], ..PodDetail::default() }
    }

    #[test]
    fn no_kind_of_pods_hides_the_others() {
        let agents = (0..49).map(|at| crashing(Component::Agent, format!("cilium-{at}")));
        let others = [Component::Operator, Component::CoreDns, Component::Other];
        let others = others.map(|component| crashing(component, "other".into()));
        let troubled: Vec<PodDetail> = agents.chain(others).collect();
        let (chosen, left_out) = chosen(&troubled);
        assert_eq!((chosen.len(), left_out), (23, 29));
    }

    #[test]
    fn logs_are_asked_for_by_run() {
        let source = LogSource {
            namespace: "kube-system".into(),
            pod: "cilium-abcde".into(),
            container: "cilium-agent".into(),
            run: Run::Previous,
        };
        assert_eq!(
            path(&source, 200),
            "/api/v1/namespaces/kube-system/pods/cilium-abcde/log?container=cilium-agent\
             &tailLines=200&limitBytes=262144&previous=true"
        );
    }
}

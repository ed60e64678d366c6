//! A pod, from its first sight to its removal.

mod backoff;
mod container;
mod downward;
mod environment;
mod expansion;
mod network_files;
mod privileges;
mod pull;
mod serve;
mod setup;
mod slot;
mod status;
mod termination;
mod volumes;

use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::future::join_all;
use jiff::Timestamp;
use k8s_openapi::{
    api::core::v1::{Pod, PodSpec, PodStatus},
    apimachinery::pkg::apis::meta::v1::Time,
};
use kube::Api;
use tokio::{sync::watch, time::sleep};

use self::{
    slot::{Role, Slot},
    status::{Outline, Verdict},
};
use crate::{
    api::{self, Kind},
    kubelet::Kubelet,
    machine::Sandbox,
};

/// The pod as the API server last had it.
#[derive(Clone, Debug)]
struct Latest {
    pod: Arc<Pod>,
    /// The object is gone.
    gone: bool,
}

impl Latest {
    fn is_to_end(&self) -> bool {
        self.gone || self.pod.metadata.deletion_timestamp.is_some()
    }

    /// How long its containers may take to end, in seconds.
    fn grace(&self) -> u64 {
        let meta = &self.pod.metadata;
        let spec = self.pod.spec.as_ref();
        let grace = meta
            .deletion_grace_period_seconds
            .or_else(|| spec.and_then(|spec| spec.termination_grace_period_seconds));
        u64::try_from(grace.unwrap_or(30)).unwrap_or_default()
    }
}

/// What becomes of a pod while it runs.
struct State {
    slots: Vec<Slot>,
    outline: Outline,
    /// What was reported last.
    reported: Option<PodStatus>,
}

/// Sees one pod through.
pub(crate) struct Worker {
    kubelet: Arc<Kubelet>,
    /// The pod as it was first seen; what can change later is in `latest`.
    pod: Arc<Pod>,
    spec: PodSpec,
    namespace: String,
    name: String,
    uid: String,
    latest: watch::Sender<Latest>,
    state: Mutex<State>,
    changed: watch::Sender<()>,
    sandbox: tokio::sync::Mutex<Option<Sandbox>>,
    address: Mutex<Option<Ipv4Addr>>,
}

/// Why a pod ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// All its containers have.
    Done,
    /// Somebody deleted it.
    Deleted,
    /// It has had its `activeDeadlineSeconds`.
    Overdue,
}

impl Worker {
    /// A worker for a pod that is new here.
    pub(crate) fn new(kubelet: Arc<Kubelet>, pod: Pod) -> Self {
        let pod = Arc::new(pod);
        let spec = pod.spec.clone().unwrap_or_default();
        let init = spec.init_containers.iter().flatten().cloned();
        let has_init = spec.init_containers.as_ref().is_some_and(|list| !list.is_empty());
        // Init containers are made at once, the others are waited for.
        let reason = if has_init { "PodInitializing" } else { "ContainerCreating" };
        let slots = init
            .map(|wanted| Slot::new(Role::Init, wanted, "PodInitializing"))
            .chain(spec.containers.iter().cloned().map(|c| Slot::new(Role::Main, c, reason)))
            .collect();
        let reported = pod.status.clone();
        let started = reported.as_ref().and_then(|status| status.start_time.clone());
        let outline = Outline {
            started: Some(started.unwrap_or_else(|| Time(Timestamp::now()))),
            ..Outline::default()
        };
        let meta = &pod.metadata;
        Self {
            kubelet,
            namespace: meta.namespace.clone().unwrap_or_default(),
            name: meta.name.clone().unwrap_or_default(),
            uid: meta.uid.clone().unwrap_or_default(),
            latest: watch::Sender::new(Latest { pod: Arc::clone(&pod), gone: false }),
            pod,
            spec,
            state: Mutex::new(State { slots, outline, reported }),
            changed: watch::Sender::new(()),
            sandbox: tokio::sync::Mutex::default(),
            address: Mutex::default(),
        }
    }

    /// Whether this is the pod of that name.
    pub(crate) fn is(&self, namespace: &str, name: &str) -> bool {
        self.namespace == namespace && self.name == name
    }

    /// When it was created.
    pub(crate) fn created(&self) -> Option<Timestamp> {
        self.pod.metadata.creation_timestamp.as_ref().map(|Time(time)| *time)
    }

    /// The pod's object has changed.
    pub(crate) fn update(&self, pod: Pod) {
        self.latest.send_modify(|latest| latest.pod = Arc::new(pod));
    }

    /// The pod's object is gone, and this was its last state.
    pub(crate) fn gone(&self, last: Option<Pod>) {
        self.latest.send_modify(|latest| {
            latest.gone = true;
            if let Some(last) = last {
                latest.pod = Arc::new(last);
            }
        });
    }

    /// Runs the pod until nothing of it is left, here or on the API server.
    pub(crate) async fn run(&self) {
        let api: Api<Pod> = Api::namespaced(self.kubelet.client.clone(), &self.namespace);
        let phase = self.pod.status.as_ref().and_then(|status| status.phase.as_deref());
        if matches!(phase, Some("Succeeded" | "Failed")) {
            // It ended in an earlier life of the node.
            self.deleted().await;
        } else {
            tokio::select! {
                never = self.report_changes(&api) => match never {},
                never = self.follow_itself() => match never {},
                () = self.live() => {}
            }
            if !self.latest.borrow().gone {
                self.report(&api).await;
            }
        }
        self.clean_up();
        if !self.latest.borrow().gone {
            api::remove(&api, &self.name, &self.uid).await;
        }
    }

    async fn live(&self) {
        let end = tokio::select! {
            biased;
            () = self.deleted() => End::Deleted,
            () = self.overdue() => End::Overdue,
            () = self.work() => End::Done,
        };
        if end == End::Overdue {
            self.tell(None, Kind::Normal, "DeadlineExceeded", OVERDUE);
        }
        if end != End::Done {
            self.stop_all().await;
        }
        self.judge(end);
        if let Some(mut sandbox) = self.sandbox.lock().await.take() {
            sandbox.stop().await;
        }
        let address = self.address.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(address) = address {
            self.kubelet.return_address(address);
        }
        self.deleted().await;
    }

    /// All that a pod is for.
    async fn work(&self) {
        let host_ip = self.kubelet.host_ip().await;
        self.change(|state| state.outline.host_ip.clone_from(&host_ip));
        let volumes = self.set_up_volumes().await;
        let place = self.set_up_sandbox(&host_ip).await;
        let files = self.write_network_files(&place).await;
        let ground = container::Ground { volumes, place, files };
        for index in self.of(Role::Init) {
            if !self.keep(index, &ground).await {
                return;
            }
        }
        self.change(|state| {
            for slot in state.slots.iter_mut().filter(|slot| slot.role == Role::Main) {
                slot.wait("ContainerCreating", None);
            }
        });
        join_all(self.of(Role::Main).into_iter().map(|index| self.keep(index, &ground))).await;
    }

    /// Waits until somebody wants the pod to end.
    async fn deleted(&self) {
        let mut latest = self.latest.subscribe();
        // The sender lives as long as we do.
        let _ = latest.wait_for(Latest::is_to_end).await;
    }

    /// Waits until the pod has had its time, which may be changed meanwhile.
    async fn overdue(&self) {
        let mut latest = self.latest.subscribe();
        loop {
            let limit = latest.borrow_and_update().pod.spec.as_ref().and_then(|spec| {
                u64::try_from(spec.active_deadline_seconds?).ok().map(Duration::from_secs)
            });
            let started = self.locked().outline.started.clone();
            let passed = started.map(|Time(time)| Timestamp::now().duration_since(time));
            let passed = passed.and_then(|passed| Duration::try_from(passed).ok());
            let left = async {
                match limit {
                    Some(limit) => sleep(limit.saturating_sub(passed.unwrap_or_default())).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = left => return,
                _ = latest.changed() => {}
            }
        }
    }

    /// Stops what runs; the grace period may be cut short meanwhile.
    async fn stop_all(&self) {
        let instances: Vec<_> = {
            let state = self.locked();
            let slots = state.slots.iter().enumerate();
            slots.filter_map(|(i, slot)| Some((i, slot.path(), slot.instance.clone()?))).collect()
        };
        let stopping = instances.into_iter().map(|(index, path, instance)| async move {
            let text = format!("Stopping container {}", self.wanted(index).name);
            self.tell(Some(&path), Kind::Normal, "Killing", &text);
            let mut latest = self.latest.subscribe();
            let begun = tokio::time::Instant::now();
            loop {
                let grace = Duration::from_secs(latest.borrow_and_update().grace());
                let left = grace.saturating_sub(begun.elapsed());
                tokio::select! {
                    () = instance.container.stop(left) => break,
                    _ = latest.changed() => {}
                }
            }
            let exit = instance.container.ended().await;
            let failure = instance.container.started().await.err();
            self.finish(index, &instance, &exit, failure.as_deref());
        });
        join_all(stopping).await;
    }

    /// Says how the pod ended.
    fn judge(&self, end: End) {
        self.change(|state| {
            let initialized =
                state.slots.iter().all(|slot| slot.role == Role::Main || slot.status.ready);
            for slot in &mut state.slots {
                // What was to be made and is not any more, as the kubelet's status manager puts it.
                if slot.role == Role::Main && initialized && slot.waits().is_some() {
                    slot.end(termination::unknown());
                }
            }
            let succeeded = initialized
                && state
                    .slots
                    .iter()
                    .filter(|slot| slot.role == Role::Main)
                    .all(|slot| slot.ended().is_some_and(|ended| ended.exit_code == 0));
            state.outline.verdict = Some(if end == End::Overdue {
                Verdict {
                    succeeded: false,
                    reason: Some("DeadlineExceeded".to_owned()),
                    message: Some(OVERDUE.to_owned()),
                }
            } else {
                Verdict { succeeded, reason: None, message: None }
            });
        });
    }

    /// Reports the status whenever it changes.
    async fn report_changes(&self, api: &Api<Pod>) -> std::convert::Infallible {
        let mut changed = self.changed.subscribe();
        loop {
            self.report(api).await;
            // The sender lives as long as we do.
            let _ = changed.changed().await;
        }
    }

    async fn report(&self, api: &Api<Pod>) {
        let new = {
            let state = self.locked();
            let new = status::status(&state.slots, &state.outline, state.reported.as_ref());
            if state.reported.as_ref() == Some(&new) {
                return;
            }
            new
        };
        api::report(api, &self.name, &self.uid, &status::patch(&new)).await;
        self.locked().reported = Some(new);
    }

    /// Removes what lay on the node.
    fn clean_up(&self) {
        self.kubelet.machine.remove_dir(&volumes::pod_dir(&self.uid));
        self.kubelet.machine.remove_dir(&self.log_dir());
    }

    fn log_dir(&self) -> String {
        format!("/var/log/pods/{}_{}_{}", self.namespace, self.name, self.uid)
    }

    fn of(&self, role: Role) -> Vec<usize> {
        let state = self.locked();
        let slots = state.slots.iter().enumerate();
        slots.filter(|(_, slot)| slot.role == role).map(|(index, _)| index).collect()
    }

    fn wanted(&self, index: usize) -> k8s_openapi::api::core::v1::Container {
        self.locked().slots[index].wanted.clone()
    }

    fn tell(&self, field: Option<&str>, kind: Kind, reason: &str, message: &str) {
        self.kubelet.events.tell(&self.pod, field, kind, reason, message);
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, and has it reported.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.locked());
        self.changed.send_replace(());
        result
    }
}

const OVERDUE: &str = "Pod was active on the node longer than the specified deadline";

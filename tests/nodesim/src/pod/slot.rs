//! One container of a pod through its restarts.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::{
    api::core::v1::{
        Container as Wanted, ContainerState, ContainerStateRunning, ContainerStateTerminated,
        ContainerStateWaiting, ContainerStatus,
    },
    apimachinery::pkg::apis::meta::v1::Time,
};

use crate::machine::{Container, Log, Spec};

/// Which list of the pod's spec a container is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// `initContainers`
    Init,
    /// `containers`
    Main,
}

/// A container that was started, and what it was made of.
#[derive(Clone, Debug)]
pub(super) struct Instance {
    pub(super) container: Arc<Container>,
    pub(super) spec: Arc<Spec>,
    /// The file for its last words, on the node.
    pub(super) message: String,
}

/// What is known of a container.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) role: Role,
    pub(super) wanted: Wanted,
    pub(super) status: ContainerStatus,
    /// The instance that has not been seen to end.
    pub(super) instance: Option<Instance>,
    /// The log of what `status.state` is about, and of what `status.lastState` is.
    pub(super) log: Option<Arc<Log>>,
    pub(super) previous: Option<Arc<Log>>,
    /// How many instances there were.
    pub(super) attempts: i32,
}

impl Slot {
    pub(super) fn new(role: Role, wanted: Wanted, reason: &str) -> Self {
        let status = ContainerStatus {
            name: wanted.name.clone(),
            image: wanted.image.clone().unwrap_or_default(),
            started: Some(false),
            state: Some(waiting(reason, None)),
            last_state: Some(ContainerState::default()),
            ..ContainerStatus::default()
        };
        let (instance, log, previous) = (None, None, None);
        Self { role, wanted, status, instance, log, previous, attempts: 0 }
    }

    /// `spec.containers{name}`
    pub(super) fn path(&self) -> String {
        let list = match self.role {
            Role::Init => "initContainers",
            Role::Main => "containers",
        };
        format!("spec.{list}{{{}}}", self.wanted.name)
    }

    /// How the last instance ended, while there is no new one.
    pub(super) fn ended(&self) -> Option<&ContainerStateTerminated> {
        self.status.state.as_ref()?.terminated.as_ref()
    }

    /// Why there is none.
    pub(super) fn waits(&self) -> Option<&ContainerStateWaiting> {
        self.status.state.as_ref()?.waiting.as_ref()
    }

    /// Waits for a new instance.
    pub(super) fn wait(&mut self, reason: &str, message: Option<String>) {
        if self.ended().is_some() {
            self.previous = self.log.take();
        }
        self.turn(waiting(reason, message));
        self.status.ready = false;
        self.status.started = Some(false);
    }

    /// A new instance runs.
    pub(super) fn run(&mut self) {
        let running = ContainerStateRunning { started_at: Some(Time(Timestamp::now())) };
        self.turn(ContainerState { running: Some(running), ..ContainerState::default() });
        self.status.restart_count = self.attempts - 1;
        self.status.ready = self.role == Role::Main;
        self.status.started = Some(true);
    }

    /// The instance has ended.
    pub(super) fn end(&mut self, mut ended: ContainerStateTerminated) {
        let running = self.status.state.as_ref().and_then(|state| state.running.as_ref());
        if let Some(running) = running {
            ended.started_at.clone_from(&running.started_at);
        }
        ended.container_id.clone_from(&self.status.container_id);
        self.status.restart_count = (self.attempts - 1).max(0);
        // An init container that did its work is ready.
        self.status.ready = self.role == Role::Init && ended.exit_code == 0;
        self.status.started = Some(false);
        self.status.state =
            Some(ContainerState { terminated: Some(ended), ..ContainerState::default() });
        self.instance = None;
    }

    /// What had ended is history when something new begins.
    fn turn(&mut self, state: ContainerState) {
        if self.ended().is_some() {
            self.status.last_state = self.status.state.take();
        }
        self.status.state = Some(state);
    }

    /// The log begins of an instance that is being made.
    pub(super) fn open(&mut self, log: Arc<Log>) {
        if let Some(old) = self.log.replace(log) {
            self.previous = Some(old);
        }
    }
}

fn waiting(reason: &str, message: Option<String>) -> ContainerState {
    let waiting = ContainerStateWaiting { reason: Some(reason.to_owned()), message };
    ContainerState { waiting: Some(waiting), ..ContainerState::default() }
}

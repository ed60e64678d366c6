//! What kubectl prints of a pod: `READY`, `STATUS` and `RESTARTS`.
//!
//! The server computes them for Tables, and this does the same from the object (`printPod` in
//! `pkg/printers/internalversion` of Kubernetes 1.35), so that both ways give one fact.

use super::pod::{PodStatus, RawStatus, SpecContainer};
use crate::facts::Termination;

/// Cells of a pod's row.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Printed {
    pub(super) status: String,
    pub(super) ready: u16,
    pub(super) containers: u16,
    pub(super) restarts: u32,
}

/// How far the init containers are.
#[derive(Default)]
struct Initialization {
    /// What the first one that is not done says; none where all are.
    blocked: Option<String>,
    /// Sidecars that are ready.
    ready: u16,
    restarts: u32,
    /// Of these, those of sidecars.
    sidecar_restarts: u32,
}

/// A sidecar: an init container that goes on running.
fn is_sidecar(name: &str, init: &[SpecContainer]) -> bool {
    init.iter().any(|container| container.name == name && container.restart_policy == "Always")
}

pub(super) fn print(
    status: &PodStatus,
    init: &[SpecContainer],
    regular: usize,
    is_deleted: bool,
) -> Printed {
    let sidecars = init.iter().filter(|container| container.restart_policy == "Always").count();
    let initialization = initialization(status, init);
    let mut printed = Printed {
        status: phase(status),
        ready: initialization.ready,
        containers: u16::try_from(regular + sidecars).unwrap_or(u16::MAX),
        restarts: initialization.restarts,
    };
    let is_blocked = initialization.blocked.is_some();
    if let Some(blocked) = initialization.blocked {
        printed.status = blocked;
    }
    let condition = |kind: &str| status.conditions.iter().any(|it| it.kind == kind && it.holds());
    if !is_blocked || condition("Initialized") {
        printed.restarts = initialization.sidecar_restarts;
        let mut has_running = false;
        for container in status.container_statuses.iter().rev() {
            printed.restarts = printed.restarts.saturating_add(container.restart_count);
            if let Some(reason) = trouble(container) {
                printed.status = reason;
            } else if container.ready && container.state.running.is_some() {
                has_running = true;
                printed.ready = printed.ready.saturating_add(1);
            }
        }
        // Some containers are done, and others go on.
        if printed.status == "Completed" && has_running {
            printed.status = if condition("Ready") { "Running" } else { "NotReady" }.into();
        }
    }
    if is_deleted && status.reason == "NodeLost" {
        printed.status = "Unknown".into();
    } else if is_deleted && !matches!(status.phase.as_str(), "Succeeded" | "Failed") {
        printed.status = "Terminating".into();
    }
    printed
}

fn phase(status: &PodStatus) -> String {
    let gated = |kind: &str, reason: &str| kind == "PodScheduled" && reason == "SchedulingGated";
    if status.conditions.iter().any(|it| gated(&it.kind, &it.reason)) {
        return "SchedulingGated".into();
    }
    if status.reason.is_empty() { status.phase.clone() } else { status.reason.clone() }
}

fn initialization(status: &PodStatus, init: &[SpecContainer]) -> Initialization {
    let mut so_far = Initialization::default();
    for (index, container) in status.init_container_statuses.iter().enumerate() {
        let is_sidecar = is_sidecar(&container.name, init);
        so_far.restarts = so_far.restarts.saturating_add(container.restart_count);
        if is_sidecar {
            so_far.sidecar_restarts =
                so_far.sidecar_restarts.saturating_add(container.restart_count);
        }
        let state = &container.state;
        let waits_for = state.waiting.as_ref().map_or("", |waiting| waiting.reason.as_str());
        so_far.blocked = Some(match &state.terminated {
            Some(end) if end.exit_code == 0 => continue,
            _ if is_sidecar && container.started == Some(true) => {
                so_far.ready += u16::from(container.ready);
                continue;
            }
            Some(end) => format!("Init:{}", termination(end)),
            None if !matches!(waits_for, "" | "PodInitializing") => format!("Init:{waits_for}"),
            None => format!("Init:{index}/{}", init.len()),
        });
        break;
    }
    so_far
}

/// Why a container does not run, in a word.
fn trouble(container: &RawStatus) -> Option<String> {
    let waiting = container.state.waiting.as_ref().filter(|waiting| !waiting.reason.is_empty());
    let terminated = container.state.terminated.as_ref();
    waiting.map(|waiting| waiting.reason.clone()).or_else(|| terminated.map(termination))
}

fn termination(end: &Termination) -> String {
    match (end.reason.as_str(), end.signal) {
        ("", 0) => format!("ExitCode:{}", end.exit_code),
        ("", signal) => format!("Signal:{signal}"),
        (reason, _) => reason.to_owned(),
    }
}

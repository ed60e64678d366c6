//! The status of a pod, out of its containers'.

use jiff::Timestamp;
use k8s_openapi::{
    api::core::v1::{HostIP, PodCondition, PodIP, PodStatus},
    apimachinery::pkg::apis::meta::v1::Time,
};
use serde_json::{Value, json};

use super::slot::{Role, Slot};

/// What is true of the pod as a whole.
#[derive(Clone, Debug, Default)]
pub(super) struct Outline {
    pub(super) started: Option<Time>,
    pub(super) host_ip: String,
    /// Empty until there is a sandbox.
    pub(super) pod_ip: String,
    /// How it ended.
    pub(super) verdict: Option<Verdict>,
}

/// How a pod ended.
#[derive(Clone, Debug)]
pub(super) struct Verdict {
    pub(super) succeeded: bool,
    pub(super) reason: Option<String>,
    pub(super) message: Option<String>,
}

/// The status, with the times of conditions that have not changed taken from `old`.
pub(super) fn status(slots: &[Slot], outline: &Outline, old: Option<&PodStatus>) -> PodStatus {
    let of = |role: Role| slots.iter().filter(move |slot| slot.role == role);
    let statuses = |role| {
        let list: Vec<_> = of(role).map(|slot| slot.status.clone()).collect();
        (!list.is_empty()).then_some(list)
    };
    let unfinished: Vec<_> = of(Role::Init).filter(|slot| !slot.status.ready).map(name).collect();
    let unready: Vec<_> = of(Role::Main).filter(|slot| !slot.status.ready).map(name).collect();
    let made = |slot: &Slot| {
        let last = slot.status.last_state.as_ref();
        slot.waits().is_none() || last.is_some_and(|last| last.terminated.is_some())
    };
    let phase = match &outline.verdict {
        Some(Verdict { succeeded: true, .. }) => "Succeeded",
        Some(_) => "Failed",
        // It runs when each container has been made once.
        None if unfinished.is_empty() && of(Role::Main).all(made) => "Running",
        None => "Pending",
    };
    let ready = match phase {
        "Succeeded" => Condition::no("PodCompleted", None),
        "Failed" => Condition::no("PodFailed", None),
        _ if unready.is_empty() => Condition::yes(),
        _ => Condition::no("ContainersNotReady", Some(listed("unready", &unready))),
    };
    let initialized = match phase {
        "Succeeded" => Condition { reason: Some("PodCompleted"), ..Condition::yes() },
        _ if unfinished.is_empty() => Condition::yes(),
        _ => Condition::no("ContainersNotInitialized", Some(listed("incomplete", &unfinished))),
    };
    let sandbox = !outline.pod_ip.is_empty() && outline.verdict.is_none();
    let sandbox =
        if sandbox { Condition::yes() } else { Condition { status: "False", ..Condition::yes() } };
    let conditions = [
        ("PodReadyToStartContainers", sandbox),
        ("Initialized", initialized),
        ("Ready", ready.clone()),
        ("ContainersReady", ready),
        ("PodScheduled", Condition::yes()),
    ];
    let ip = |text: &String| (!text.is_empty()).then(|| text.clone());
    let (host, pod) = (ip(&outline.host_ip), ip(&outline.pod_ip));
    PodStatus {
        phase: Some(phase.to_owned()),
        conditions: Some(conditions.map(|(kind, c)| c.finish(kind, old)).into()),
        reason: outline.verdict.as_ref().and_then(|verdict| verdict.reason.clone()),
        message: outline.verdict.as_ref().and_then(|verdict| verdict.message.clone()),
        start_time: outline.started.clone(),
        host_ips: host.clone().map(|ip| vec![HostIP { ip }]),
        host_ip: host,
        pod_ips: pod.clone().map(|ip| vec![PodIP { ip }]),
        pod_ip: pod,
        init_container_statuses: statuses(Role::Init),
        container_statuses: statuses(Role::Main),
        ..PodStatus::default()
    }
}

/// The status as a strategic merge patch, which takes away what is not there any more.
///
/// Conditions are merged by their type, so what they lack would stay.
pub(super) fn patch(status: &PodStatus) -> Value {
    let mut patch = json!(status);
    let conditions = patch.get_mut("conditions").and_then(Value::as_array_mut);
    for condition in conditions.into_iter().flatten().filter_map(Value::as_object_mut) {
        for field in ["reason", "message"] {
            condition.entry(field).or_insert(Value::Null);
        }
    }
    patch
}

fn name(slot: &Slot) -> &str {
    &slot.wanted.name
}

fn listed(how: &str, names: &[&str]) -> String {
    format!("containers with {how} status: [{}]", names.join(" "))
}

#[derive(Clone, Debug)]
struct Condition {
    status: &'static str,
    reason: Option<&'static str>,
    message: Option<String>,
}

impl Condition {
    fn yes() -> Self {
        Self { status: "True", reason: None, message: None }
    }

    fn no(reason: &'static str, message: Option<String>) -> Self {
        Self { status: "False", reason: Some(reason), message }
    }

    fn finish(self, kind: &str, old: Option<&PodStatus>) -> PodCondition {
        let old = old.and_then(|old| old.conditions.as_ref()).into_iter().flatten();
        let same = old.into_iter().find(|c| c.type_ == kind && c.status == self.status);
        let since = same.and_then(|condition| condition.last_transition_time.clone());
        PodCondition {
            type_: kind.to_owned(),
            status: self.status.to_owned(),
            reason: self.reason.map(str::to_owned),
            message: self.message,
            last_transition_time: Some(since.unwrap_or_else(|| Time(Timestamp::now()))),
            ..PodCondition::default()
        }
    }
}

//! How far a pod is, by its status.

use k8s_openapi::api::core::v1::{ContainerState, ContainerStatus, Pod, PodStatus};

use super::{absence::Absence, object::CONTAINER, outcome::Ended};

/// Why a kubelet does not make a container: the image. It will not come by itself, because nothing is
/// pulled. (The plugin AlwaysPullImages has it pulled all the same, and then pulling fails.)
const IMAGE: [&str; 6] = [
    "ErrImageNeverPull",
    "ErrImagePull",
    "ImageInspectError",
    "ImagePullBackOff",
    "InvalidImageName",
    "RegistryUnavailable",
];

/// Why a container has ended that never ran.
const NEVER_RAN: [&str; 3] = ["ContainerCannotRun", "ContainerStatusUnknown", "StartError"];

/// How far a pod is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// No kubelet has taken it.
    Unseen,
    /// The kubelet is at it; this is what it waits for.
    Starting(String),
    /// The program runs, or the shell that makes it.
    Running,
    /// It says that it is ready; one that is not asked is ready when it runs.
    Ready,
    /// The program is done.
    Ended(Ended),
    /// It will not run.
    Never(Absence),
}

/// Reads how far a pod is.
pub(super) fn of(pod: &Pod) -> Progress {
    let Some(status) = &pod.status else { return Progress::Unseen };
    let containers = status.container_statuses.iter().flatten();
    let container = containers.into_iter().find(|container| container.name == CONTAINER);
    let state = container.and_then(|container: &ContainerStatus| container.state.as_ref());
    if let Some(progress) = state.and_then(|state| of_container(state, status)) {
        let is_ready = container.is_some_and(|container| container.ready);
        return if progress == Progress::Running && is_ready { Progress::Ready } else { progress };
    }
    if status.phase.as_deref() == Some("Failed") {
        return Progress::Never(turned_away(status));
    }
    if status.start_time.is_some() {
        return Progress::Starting("the kubelet has not made its container".into());
    }
    Progress::Unseen
}

fn of_container(state: &ContainerState, pod: &PodStatus) -> Option<Progress> {
    if let Some(end) = &state.terminated {
        let reason = end.reason.clone().unwrap_or_default();
        let message = end.message.clone().unwrap_or_default();
        if NEVER_RAN.contains(&reason.as_str()) {
            return Some(Progress::Never(match pod.reason.as_deref() {
                Some("DeadlineExceeded") => Absence::Late,
                _ => Absence::Unstartable { why: said(&reason, &message) },
            }));
        }
        let reason = pod.reason.clone().unwrap_or(reason);
        return Some(Progress::Ended(Ended { exit_code: end.exit_code, reason, summary: message }));
    }
    if state.running.is_some() {
        return Some(Progress::Running);
    }
    let waiting = state.waiting.as_ref()?;
    let reason = waiting.reason.as_deref().unwrap_or_default();
    let message = waiting.message.as_deref().unwrap_or_default();
    match reason {
        // What every container begins with. A pod that was turned away may have it for ever.
        "" | "ContainerCreating" | "PodInitializing" => None,
        reason if IMAGE.contains(&reason) => {
            Some(Progress::Never(Absence::Image { why: said(reason, message) }))
        }
        // Kubelets try again.
        reason => Some(Progress::Starting(said(reason, message))),
    }
}

/// The kubelet does not take it, or has thrown it out: no room, pressure, a plugin of its own.
fn turned_away(status: &PodStatus) -> Absence {
    let reason = status.reason.as_deref().unwrap_or("Failed");
    match reason {
        "DeadlineExceeded" => Absence::Late,
        reason => {
            let message = status.message.as_deref().unwrap_or_default();
            Absence::Unstartable { why: said(reason, message) }
        }
    }
}

/// A reason and what it means, as Kubernetes has them.
pub(super) fn said(reason: &str, message: &str) -> String {
    match (reason, message) {
        (reason, "") => reason.to_owned(),
        ("", message) => message.to_owned(),
        (reason, message) => format!("{reason}: {message}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Absence, Ended, Progress, of};

    fn status(status: &Value) -> Progress {
        of(&serde_json::from_value(json!({"metadata": {}, "status": status})).unwrap())
    }

    fn state(state: &Value) -> Value {
        json!([{"name": "agent", "image": "x", "imageID": "", "ready": false, "restartCount": 0,
                "state": state}])
    }

    #[test]
    fn a_pod_is_unseen_until_its_kubelet_says_so() {
        assert_eq!(status(&json!({"phase": "Pending"})), Progress::Unseen);
        let seen = json!({"phase": "Pending", "startTime": "2026-01-01T00:00:00Z",
            "containerStatuses": state(&json!({"waiting": {"reason": "ContainerCreating"}}))});
        assert!(matches!(status(&seen), Progress::Starting(_)));
    }

    #[test]
    fn an_image_that_is_not_there_is_final() {
        let message = "Container image \"x\" is not present with pull policy of Never";
        let waiting = json!({"waiting": {"reason": "ErrImageNeverPull", "message": message}});
        let progress = status(&json!({"phase": "Pending", "containerStatuses": state(&waiting)}));
        let why = format!("ErrImageNeverPull: {message}");
        assert_eq!(progress, Progress::Never(Absence::Image { why }));
    }

    #[test]
    fn a_kubelet_may_turn_a_pod_away() {
        let progress = status(&json!({"phase": "Failed", "reason": "OutOfpods",
            "message": "Pod was rejected: Node didn't have enough resource: pods"}));
        let why = "OutOfpods: Pod was rejected: Node didn't have enough resource: pods".into();
        assert_eq!(progress, Progress::Never(Absence::Unstartable { why }));
        let late = json!({"phase": "Failed", "reason": "DeadlineExceeded", "containerStatuses":
            state(&json!({"terminated": {"exitCode": 137, "reason": "ContainerStatusUnknown"}}))});
        assert_eq!(status(&late), Progress::Never(Absence::Late));
    }

    #[test]
    fn the_end_has_code_and_message() {
        let end = json!({"terminated": {"exitCode": 3, "reason": "Error", "message": "{}"}});
        let progress = status(&json!({"phase": "Failed", "containerStatuses": state(&end)}));
        let ended = Ended { exit_code: 3, reason: "Error".into(), summary: "{}".into() };
        assert_eq!(progress, Progress::Ended(ended));
        let start = json!({"terminated": {"exitCode": 128, "reason": "StartError",
            "message": "exec: \"sh\": executable file not found in $PATH"}});
        let progress = status(&json!({"phase": "Failed", "containerStatuses": state(&start)}));
        assert!(matches!(progress, Progress::Never(Absence::Unstartable { .. })));
    }
}

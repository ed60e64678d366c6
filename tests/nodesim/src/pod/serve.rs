//! What the kubelet endpoint asks of a pod.

use super::{Worker, slot::Slot};
use crate::{
    machine::{self, ExecError},
    runtime::{Exec, LogOptions, Logs, Process, RuntimeError},
};

impl Worker {
    /// Starts a command in a container.
    pub(crate) async fn exec(&self, name: &str, exec: Exec) -> Result<Process, RuntimeError> {
        let gone = || RuntimeError::Internal(format!("container not found ({name:?})"));
        let instance = self.slot(name).and_then(|slot| slot.instance).ok_or_else(gone)?;
        let (container, spec) = (&instance.container, &instance.spec);
        machine::exec(container, spec, exec).await.map_err(|error| {
            let why = match error {
                ExecError::Stopped => "cannot exec in a stopped container".to_owned(),
                ExecError::Refused(why) => format!(
                    "OCI runtime exec failed: exec failed: unable to start container process: {why}: unknown"
                ),
            };
            let id = uuid::Uuid::new_v4().simple().to_string().repeat(2);
            RuntimeError::Internal(format!(
                "error executing command in container: failed to exec in container: failed to start exec {id:?}: {why}"
            ))
        })
    }

    /// Reads a container's log.
    pub(crate) fn logs(&self, name: &str, options: &LogOptions) -> Result<Logs, RuntimeError> {
        let pod = &self.name;
        let bad = |text: String| Err(RuntimeError::BadRequest(text));
        let Some(slot) = self.slot(name) else {
            let text = format!("container {name:?} not found in pod {pod:?}\n");
            return Err(RuntimeError::NotFound(text));
        };
        let log = if options.previous {
            if slot.previous.is_none() {
                return bad(format!(
                    "previous terminated container {name:?} in pod {pod:?} not found"
                ));
            }
            slot.previous
        } else if let Some(waits) = slot.waits().filter(|_| slot.previous.is_none()) {
            let reason = match waits.reason.as_deref().unwrap_or_default() {
                "ErrImagePull" | "ImagePullBackOff" => "trying and failing to pull image",
                other => other,
            };
            return bad(format!("container {name:?} in pod {pod:?} is waiting to start: {reason}"));
        } else {
            slot.log.or(slot.previous)
        };
        match log {
            Some(log) => {
                log.read(options).map_err(|error| RuntimeError::Internal(error.to_string()))
            }
            None => bad(format!("container {name:?} in pod {pod:?} is not available")),
        }
    }

    fn slot(&self, name: &str) -> Option<Slot> {
        self.locked().slots.iter().find(|slot| slot.wanted.name == name).cloned()
    }
}

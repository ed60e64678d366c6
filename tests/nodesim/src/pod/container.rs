//! One container of a pod: making it, and making it again.

use std::{convert::Infallible, fs, sync::Arc, time::Duration};

use k8s_openapi::api::core::v1::Container as Wanted;
use tokio::time::sleep;

use super::{
    Worker,
    backoff::{Backoff, shown},
    environment::{Place, environment},
    expansion::expand,
    privileges,
    slot::{Instance, Role},
    termination,
    volumes::{self, Volumes, pod_dir},
};
use crate::{
    api::Kind,
    image::{Present, Runs},
    machine::{self, Container, Exit, Log, Mount, Propagation, Spec},
    runtime::Exec,
};

/// What the pod gives to its containers.
pub(super) struct Ground {
    pub(super) volumes: Volumes,
    pub(super) place: Place,
    pub(super) files: Vec<Mount>,
}

/// Why a container is not made, as `reason: message` of its status.
struct Refusal {
    reason: &'static str,
    message: String,
}

/// What runs in the place of an application, and ends like one when it is told to.
const IDLE: [&str; 3] = ["sh", "-c", "trap 'exit 0' TERM; sleep infinity & wait"];

fn is_script(command: &[String]) -> bool {
    matches!(command, [shell, flag, ..] if shell == "sh" && flag == "-c")
}

impl Worker {
    /// Runs a container as often as its pod's restart policy has it; whether it succeeded.
    pub(super) async fn keep(&self, index: usize, ground: &Ground) -> bool {
        let mut backoff = Backoff::new(self.kubelet.config.backoff);
        let mut first = true;
        loop {
            let begun = tokio::time::Instant::now();
            let exit = self.once(index, ground).await;
            if !self.restarts(index, exit.code) {
                return exit.code == 0;
            }
            backoff.rested(begun.elapsed());
            // The first restart comes at once; the kubelet begins to count with it.
            if !std::mem::take(&mut first) {
                self.crash_loop(index, backoff.next()).await;
            }
        }
    }

    fn restarts(&self, index: usize, code: i32) -> bool {
        let init = self.locked().slots[index].role == Role::Init;
        match self.spec.restart_policy.as_deref().unwrap_or("Always") {
            "Never" => false,
            "OnFailure" => code != 0,
            _ => code != 0 || !init,
        }
    }

    async fn crash_loop(&self, index: usize, wait: Duration) {
        let (name, path) = self.called(index);
        let Self { namespace, name: pod, uid, .. } = self;
        let full = format!("{pod}_{namespace}({uid})");
        let text = format!("Back-off restarting failed container {name} in pod {full}");
        self.tell(Some(&path), Kind::Warning, "BackOff", &text);
        let wait_for = shown(wait);
        let text = format!("back-off {wait_for} restarting failed container={name} pod={full}");
        self.change(|state| state.slots[index].wait("CrashLoopBackOff", Some(text)));
        sleep(wait).await;
    }

    fn called(&self, index: usize) -> (String, String) {
        let state = self.locked();
        let slot = &state.slots[index];
        (slot.wanted.name.clone(), slot.path())
    }

    /// Makes the container, and waits for its end.
    async fn once(&self, index: usize, ground: &Ground) -> Exit {
        let wanted = self.wanted(index);
        let (_, path) = self.called(index);
        let instance = loop {
            let image = self.pull(index, &wanted, &path).await;
            match self.make(index, &wanted, &image, ground).await {
                Ok(instance) => break instance,
                Err(Refusal { reason, message }) => {
                    self.tell(Some(&path), Kind::Warning, "Failed", &format!("Error: {message}"));
                    self.change(|state| state.slots[index].wait(reason, Some(message)));
                    sleep(self.kubelet.config.backoff).await;
                }
            }
        };
        self.tell(Some(&path), Kind::Normal, "Created", "Container created");
        let failure = instance.container.started().await.err();
        if failure.is_none() {
            self.tell(Some(&path), Kind::Normal, "Started", "Container started");
            self.change(|state| state.slots[index].run());
        }
        let exit = tokio::select! {
            exit = instance.container.ended() => exit,
            never = self.ask_readiness(index, &wanted, &instance) => match never {},
        };
        self.finish(index, &instance, &exit, failure.as_deref());
        exit
    }

    /// Records the end of an instance; `failure` says why its command did not run.
    pub(super) fn finish(
        &self,
        index: usize,
        instance: &Instance,
        exit: &Exit,
        failure: Option<&str>,
    ) {
        let wanted = self.wanted(index);
        let Some(failure) = failure else {
            let words =
                fs::read(self.kubelet.machine.outside(&instance.message)).unwrap_or_default();
            let log = self.locked().slots[index].log.clone();
            let ended = termination::ended(&wanted, exit, &words, log.as_deref());
            self.change(|state| state.slots[index].end(ended));
            return;
        };
        let text = format!(
            "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: {failure}: unknown"
        );
        let (_, path) = self.called(index);
        self.tell(Some(&path), Kind::Warning, "Failed", &format!("Error: {text}"));
        let restarts = self.restarts(index, exit.code);
        let ended = termination::not_started(&text, exit);
        self.change(|state| {
            let slot = &mut state.slots[index];
            slot.end(ended);
            if restarts {
                slot.wait("RunContainerError", Some(text));
            }
        });
    }

    /// Runs the command that tells whether a container is ready, until it is. What idles in the place
    /// of an application is ready.
    async fn ask_readiness(
        &self,
        index: usize,
        wanted: &Wanted,
        instance: &Instance,
    ) -> Infallible {
        let probe = wanted.readiness_probe.as_ref();
        let command = probe.and_then(|probe| probe.exec.as_ref()?.command.clone());
        let Some(command) = command.filter(|_| instance.spec.command != IDLE) else {
            return std::future::pending().await;
        };
        self.change(|state| state.slots[index].status.ready = false);
        let pause = probe.and_then(|probe| probe.period_seconds).unwrap_or(10);
        let pause = Duration::from_secs(u64::try_from(pause).unwrap_or_default().max(1));
        loop {
            let exec = Exec { command: command.clone(), stdin: false };
            let asked = machine::exec(&instance.container, &instance.spec, exec).await;
            if let Ok(mut process) = asked
                && process.child.wait().await.is_ok_and(|status| status.success())
            {
                self.change(|state| state.slots[index].status.ready = true);
                return std::future::pending().await;
            }
            sleep(pause).await;
        }
    }

    /// Whether the pod is run to its end, and not kept alive.
    fn is_errand(&self) -> bool {
        matches!(self.spec.restart_policy.as_deref(), Some("Never" | "OnFailure"))
    }

    /// Starts an instance of the container.
    async fn make(
        &self,
        index: usize,
        wanted: &Wanted,
        image: &Present,
        ground: &Ground,
    ) -> Result<Instance, Refusal> {
        let environment = environment(&self.kubelet, &self.pod, wanted, &ground.place).await;
        let environment = environment
            .map_err(|message| Refusal { reason: "CreateContainerConfigError", message })?;
        let failed = |message: String| Refusal { reason: "CreateContainerError", message };
        let content = self.kubelet.content(image);
        let words = |list: &Option<Vec<String>>| -> Vec<String> {
            list.iter().flatten().map(|word| expand(word, &environment)).collect()
        };
        let mut command = words(&wanted.command);
        if command.is_empty() {
            command = content.command;
        }
        command.extend(words(&wanted.args));
        if content.runs == Runs::StandIn {
            let idle: Option<&[&str]> = match self.locked().slots[index].role {
                Role::Init => Some(&["true"]),
                // Its shell is there. Scripts of applications need programs that are not.
                Role::Main if self.is_errand() && is_script(&command) => None,
                Role::Main => Some(&IDLE),
            };
            if let Some(idle) = idle {
                command = idle.iter().map(|word| (*word).to_owned()).collect();
            }
        }
        let id = uuid::Uuid::new_v4().simple().to_string().repeat(2);
        if command.is_empty() {
            return Err(failed(format!(
                "failed to generate container {id:?} spec: failed to generate spec: no command specified"
            )));
        }
        let io = |error: std::io::Error| failed(error.to_string());
        let message = format!("{}/containers/{}/{}", pod_dir(&self.uid), wanted.name, &id[..8]);
        self.kubelet.machine.write(&message, b"", 0o666).map_err(io)?;
        let last_words = Mount {
            source: message.clone(),
            target: wanted.termination_message_path.clone().unwrap_or_default(),
            propagation: Propagation::None,
            read_only: false,
        };
        let own = ground.files.iter().cloned().chain([last_words]).collect();
        let spec = Arc::new(Spec {
            image: content.dir,
            command,
            mounts: volumes::mounts(wanted, &ground.volumes, &environment, own),
            environment,
            working_dir: wanted.working_dir.clone().unwrap_or_else(|| "/".to_owned()),
            host_pid: self.spec.host_pid == Some(true),
            privileges: privileges::options(&self.spec, wanted),
        });
        let attempt = self.locked().slots[index].attempts;
        let log = format!("{}/{}/{attempt}.log", self.log_dir(), wanted.name);
        let log = Arc::new(Log::create(self.kubelet.machine.outside(&log)).map_err(io)?);
        let sandbox = self.sandbox.lock().await;
        let Some(sandbox) = sandbox.as_ref() else {
            return Err(failed("the sandbox is gone".to_owned()));
        };
        let container = Container::start(sandbox, &spec, Arc::clone(&log)).map_err(io)?;
        let instance = Instance { container: Arc::new(container), spec, message };
        // No await between the start and this: whoever stops the pod has to know of it.
        self.change(|state| {
            let slot = &mut state.slots[index];
            slot.attempts += 1;
            slot.instance = Some(instance.clone());
            slot.open(log);
            slot.status.container_id = Some(format!("containerd://{id}"));
            slot.status.image_id.clone_from(&image.id);
        });
        Ok(instance)
    }
}

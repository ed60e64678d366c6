//! Containers that are nothing but a directory: commands run on this host.

use std::{path::PathBuf, process::Stdio, time::Duration};

use nodesim::{ContainerRef, Exec, LogOptions, Logs, Process, Runtime, RuntimeError};
use tokio::{process::Command, sync::mpsc};

/// The containers `app` and `side` of any pod named `web`.
pub(crate) struct Fake {
    pub(crate) directory: PathBuf,
}

impl Fake {
    fn check(container: &ContainerRef) -> Result<(), RuntimeError> {
        match (container.pod.as_str(), container.container.as_str()) {
            ("web", "app" | "side") => Ok(()),
            ("web", name) => Err(RuntimeError::NotFound(format!("container not found ({name:?})"))),
            _ => Err(RuntimeError::NotFound("pod does not exist".to_owned())),
        }
    }
}

impl Runtime for Fake {
    async fn exec(&self, container: &ContainerRef, exec: Exec) -> Result<Process, RuntimeError> {
        Self::check(container)?;
        let mut child = Command::new(&exec.command[0])
            .args(&exec.command[1..])
            .current_dir(&self.directory)
            .stdin(if exec.stdin { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| RuntimeError::Internal(format!("{}: {error}", exec.command[0])))?;
        let (stdin, stdout, stderr) = (
            child.stdin.take(),
            child.stdout.take().expect("a pipe"),
            child.stderr.take().expect("a pipe"),
        );
        Ok(Process { child, stdin, stdout, stderr })
    }

    async fn logs(
        &self,
        container: &ContainerRef,
        options: LogOptions,
    ) -> Result<Logs, RuntimeError> {
        Self::check(container)?;
        let ContainerRef { pod, container, .. } = container;
        if options.previous && container == "side" {
            return Err(RuntimeError::BadRequest(format!(
                "previous terminated container {container:?} in pod {pod:?} not found"
            )));
        }
        let word = if options.previous { "before" } else { "line" };
        let mut lines: Vec<String> = (1..=5).map(|n| format!("{word} {n}\n")).collect();
        if options.since_seconds.is_some_and(|seconds| seconds < 60) {
            // The first lines are a minute old.
            lines.drain(..3);
        }
        let keep = options.tail_lines.and_then(|lines| usize::try_from(lines).ok());
        lines.drain(..lines.len() - keep.unwrap_or(lines.len()).min(lines.len()));
        if options.timestamps {
            for line in &mut lines {
                line.insert_str(0, "2026-01-02T03:04:05.000000006Z ");
            }
        }
        let mut text = lines.concat().into_bytes();
        if let Some(limit) = options.limit_bytes {
            text.truncate(usize::try_from(limit).expect("a small number"));
        }
        let (sender, logs) = mpsc::channel(4);
        tokio::spawn(async move {
            let _ = sender.send(text).await;
            for n in 6.. {
                // Whoever follows goes away at some time.
                if !options.follow || sender.send(format!("line {n}\n").into_bytes()).await.is_err()
                {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        Ok(logs)
    }
}

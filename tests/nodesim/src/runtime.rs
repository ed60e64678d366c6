//! What the kubelet endpoint asks of the containers: the seam between streaming and running.

use std::future::Future;

use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};

/// A container, as the paths of the kubelet endpoint name it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ContainerRef {
    /// The pod's namespace.
    pub namespace: String,
    /// The pod's name.
    pub pod: String,
    /// The container's name.
    pub container: String,
}

/// A command to run in a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exec {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Whether somebody will write to its stdin; without, it is empty.
    pub stdin: bool,
}

/// A command that runs in a container. Dropping it kills the command.
#[derive(Debug)]
pub struct Process {
    /// The process; its exit status is the command's.
    pub child: Child,
    /// Where the command reads from, if [`Exec::stdin`] was set.
    pub stdin: Option<ChildStdin>,
    /// What the command prints.
    pub stdout: ChildStdout,
    /// Its errors.
    pub stderr: ChildStderr,
}

/// Which part of a log is wanted, as in the query of `/containerLogs`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogOptions {
    /// Go on with what is written from now on.
    pub follow: bool,
    /// The log of the instance before the last restart.
    pub previous: bool,
    /// Each line begins with the time (RFC 3339, nanoseconds) it was written.
    pub timestamps: bool,
    /// Only that many of the last lines.
    pub tail_lines: Option<u64>,
    /// Only what was written in the last seconds.
    pub since_seconds: Option<u64>,
    /// At most that many bytes.
    pub limit_bytes: Option<u64>,
}

/// A log as it is sent: chunks until the end, or for ever if it is followed.
pub type Logs = tokio::sync::mpsc::Receiver<Vec<u8>>;

/// Why the containers cannot do what is asked; the text is a real kubelet's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuntimeError {
    /// There is no such pod or container here (404).
    NotFound(String),
    /// The container is not in a state for that (400).
    BadRequest(String),
    /// The runtime failed (500).
    Internal(String),
}

/// The containers of a node.
pub trait Runtime: Send + Sync + 'static {
    /// Starts a command in a running container.
    ///
    /// A program that cannot be run is [`RuntimeError::Internal`]. With a real kubelet the streams are
    /// open by then, so clients get it on the error channel: `Internal error occurred: ` and the text.
    fn exec(
        &self,
        container: &ContainerRef,
        exec: Exec,
    ) -> impl Future<Output = Result<Process, RuntimeError>> + Send;

    /// Reads a container's log.
    fn logs(
        &self,
        container: &ContainerRef,
        options: LogOptions,
    ) -> impl Future<Output = Result<Logs, RuntimeError>> + Send;
}

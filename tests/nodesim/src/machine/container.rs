//! A container: one command, with a root of its own, in the namespaces of a sandbox.

use std::{
    fmt::Write as _, os::unix::process::ExitStatusExt as _, process::ExitStatus, sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use rustix::process::{Pid, Signal};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    process::Child,
    sync::watch,
    time::timeout,
};

use super::{
    log::{Log, Stream},
    process::{Mounts, Scope, children, descendants, first_line, inside, signal, with_mounts},
    sandbox::Sandbox,
};

const SETUP: &str = concat!(include_str!("lookup.sh"), include_str!("container.sh"));

/// How mounts travel between node and container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Propagation {
    /// Not at all.
    None,
    /// New mounts of the node show up in the container.
    HostToContainer,
    /// And the other way round.
    Bidirectional,
}

/// A file or directory of the node in a container.
#[derive(Clone, Debug)]
pub(crate) struct Mount {
    /// The path on the node.
    pub(crate) source: String,
    /// The path in the container.
    pub(crate) target: String,
    /// How mounts below travel.
    pub(crate) propagation: Propagation,
    /// Whether the container may not write.
    pub(crate) read_only: bool,
}

/// What a container is made of.
#[derive(Clone, Debug)]
pub(crate) struct Spec {
    /// Where the image lies on the node.
    pub(crate) image: String,
    /// The program and its arguments; not empty.
    pub(crate) command: Vec<String>,
    /// The whole environment.
    pub(crate) environment: Vec<(String, String)>,
    /// The working directory.
    pub(crate) working_dir: String,
    /// What is mounted, parents first.
    pub(crate) mounts: Vec<Mount>,
    /// Whether the container sees the node's processes.
    pub(crate) host_pid: bool,
    /// Options of `setpriv` that take away what the container may not do.
    pub(crate) privileges: Vec<String>,
}

impl Spec {
    /// The command line that becomes `command` in this container, for `run` of `lookup.sh`.
    pub(crate) fn run(&self, command: &[String], options: &[&str]) -> Vec<String> {
        let path = self.environment.iter().find(|(name, _)| name == "PATH");
        let path = path.map_or(super::PATH, |(_, value)| value);
        let program = command.first().map_or("", String::as_str);
        let mut words: Vec<String> = [&self.working_dir, path, program].map(str::to_owned).into();
        words.extend(self.privileges.iter().cloned());
        words.extend(options.iter().copied().map(str::to_owned));
        words.push("--".to_owned());
        words.extend(self.environment.iter().map(|(name, value)| format!("{name}={value}")));
        words.extend_from_slice(command);
        words
    }

    fn script(&self) -> String {
        let mut script = format!("{SETUP}\nroot {}\n", quoted(&self.image));
        for mount in &self.mounts {
            let propagation = match mount.propagation {
                Propagation::None => "rprivate",
                Propagation::HostToContainer => "rslave",
                Propagation::Bidirectional => "rshared",
            };
            let access = if mount.read_only { "ro" } else { "rw" };
            let (source, target) = (quoted(&mount.source), quoted(&mount.target));
            // Writing to a String does not fail.
            let _ = writeln!(script, "volume {source} {target} {propagation} {access}");
        }
        script + "enter " + &quoted(&self.working_dir) + "\nrun \"$@\"\n"
    }
}

/// A word for the shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// How a container ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Exit {
    /// The exit code, 128 + n for signal n.
    pub(crate) code: i32,
    /// When it was seen.
    pub(crate) at: Timestamp,
}

#[derive(Clone, Debug)]
enum Stage {
    Starting,
    Running,
    /// With the reason, if the command never ran.
    Ended(Exit, Option<String>),
}

/// A container that was started.
#[derive(Debug)]
pub(crate) struct Container {
    outer: Pid,
    host_pid: bool,
    stage: watch::Receiver<Stage>,
}

impl Container {
    /// Starts a container, which writes to that log.
    pub(crate) fn start(sandbox: &Sandbox, spec: &Spec, log: Arc<Log>) -> std::io::Result<Self> {
        let mut command = inside(sandbox.pause(), Scope::Everything);
        command.args(["unshare", "--mount", "--propagation=unchanged"]);
        if !spec.host_pid {
            command.args(["--pid", "--fork"]);
        }
        command.args(["sh", "-c", &spec.script(), "container"]);
        command.args(spec.run(&spec.command, &[]));
        let child = command.spawn()?;
        let outer = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let outer = outer.ok_or_else(|| std::io::Error::other("the process has no number"))?;
        let (sender, stage) = watch::channel(Stage::Starting);
        let container = Self { outer, host_pid: spec.host_pid, stage };
        tokio::spawn(attend(child, outer, spec.host_pid, log, sender));
        Ok(container)
    }

    /// Waits until the command runs; the error says why it does not.
    pub(crate) async fn started(&self) -> Result<(), String> {
        let mut stage = self.stage.clone();
        let stage = stage.wait_for(|stage| !matches!(stage, Stage::Starting)).await;
        match stage.as_deref() {
            Ok(Stage::Ended(_, Some(why))) => Err(why.clone()),
            Ok(_) => Ok(()),
            Err(_) => Err("the container is gone".to_owned()),
        }
    }

    /// Waits for the end.
    pub(crate) async fn ended(&self) -> Exit {
        let mut stage = self.stage.clone();
        let ended = stage.wait_for(|stage| matches!(stage, Stage::Ended(..))).await;
        match ended.as_deref() {
            Ok(Stage::Ended(exit, _)) => exit.clone(),
            _ => Exit { code: 137, at: Timestamp::now() },
        }
    }

    /// The container's first process.
    pub(crate) fn first(&self) -> Option<Pid> {
        first(self.outer, self.host_pid)
    }

    /// Asks the container to end, and kills it if it has not within that time.
    pub(crate) async fn stop(&self, grace: Duration) {
        if let Some(first) = self.first() {
            signal(first, Signal::TERM);
        }
        if timeout(grace, self.ended()).await.is_ok() {
            return;
        }
        // Once is not enough for a container that is just being made.
        loop {
            for pid in descendants(self.outer) {
                signal(pid, Signal::KILL);
            }
            if timeout(Duration::from_millis(50), self.ended()).await.is_ok() {
                return;
            }
        }
    }
}

/// Below `nsenter` there is `unshare`, which becomes the container's first process or its parent.
fn first(outer: Pid, host_pid: bool) -> Option<Pid> {
    let inner = *children(outer).first()?;
    if host_pid { Some(inner) } else { children(inner).first().copied() }
}

/// Sees a container through.
async fn attend(
    mut child: Child,
    outer: Pid,
    host_pid: bool,
    log: Arc<Log>,
    stage: watch::Sender<Stage>,
) {
    let (Some(mut stdout), Some(mut stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return;
    };
    let word = first_line(&mut stdout).await.unwrap_or_default();
    if word != "ok" {
        let mut errors = String::new();
        let _ = stderr.read_to_string(&mut errors).await;
        let _ = child.wait().await;
        log.close();
        let why = if word.is_empty() { errors.trim().to_owned() } else { word };
        stage.send_replace(Stage::Ended(Exit { code: 128, at: Timestamp::now() }, Some(why)));
        return;
    }
    let namespace = first(outer, host_pid).and_then(Mounts::of);
    stage.send_replace(Stage::Running);
    let copy = async {
        tokio::join!(record(stdout, Stream::Stdout, &log), record(stderr, Stream::Stderr, &log))
    };
    let mut copy = std::pin::pin!(copy);
    let status = tokio::select! {
        status = child.wait() => Ok(status),
        _ = &mut copy => Err(()),
    };
    let (status, copied) = match status {
        Ok(status) => (status, false),
        Err(()) => (child.wait().await, true),
    };
    // Without a PID namespace of its own the first process leaves others behind.
    for pid in namespace.iter().filter(|_| host_pid).flat_map(with_mounts) {
        signal(pid, Signal::KILL);
    }
    if !copied {
        // Who has left for the node's namespaces may hold on to stdout.
        let _ = timeout(Duration::from_secs(1), copy).await;
    }
    log.close();
    let code = status.map_or(255, code);
    stage.send_replace(Stage::Ended(Exit { code, at: Timestamp::now() }, None));
}

fn code(status: ExitStatus) -> i32 {
    status.code().or_else(|| Some(128 + status.signal()?)).unwrap_or(255)
}

/// The longest piece of a line in a log, as containerd has it.
const PIECE: usize = 16 * 1024;

async fn record(mut stream: impl AsyncRead + Unpin, name: Stream, log: &Log) {
    let mut pending = Vec::new();
    let mut buffer = vec![0; PIECE];
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        pending.extend_from_slice(&buffer[..count]);
        while let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
            log.write(name, &pending[..end], true);
            pending.drain(..=end);
        }
        while pending.len() >= PIECE {
            log.write(name, &pending[..PIECE], false);
            pending.drain(..PIECE);
        }
    }
    if !pending.is_empty() {
        log.write(name, &pending, false);
    }
}

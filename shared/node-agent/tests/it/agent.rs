//! Running the agent.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use kcilium_core::probe::{ProbeResult, Summary};
use netlab::Namespace;
use serde_json::{Value, json};

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// The termination message.
    pub(crate) message: String,
}

/// A run that has begun.
pub(crate) struct Running {
    pub(crate) child: Child,
    message: PathBuf,
    _dir: tempfile::TempDir,
}

/// The agent in a namespace, without a task.
pub(crate) fn agent() -> Command {
    Command::new(env!("CARGO_BIN_EXE_kcilium-node-agent"))
}

/// Starts `probe` in a namespace; the request is on its standard input.
pub(crate) fn start(namespace: &Namespace, request: &Value, arguments: &[&str]) -> Running {
    let mut command = agent();
    command.arg("probe").arg("--network-namespace").arg(path_of(namespace)).args(arguments);
    start_command(command, &request.to_string())
}

pub(crate) fn start_command(mut command: Command, request: &str) -> Running {
    let dir = tempfile::tempdir().unwrap();
    let message = dir.path().join("message");
    command.arg("--termination-message").arg(&message);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // Agents that refuse to start read nothing.
    let _ = child.stdin.take().unwrap().write_all(request.as_bytes());
    Running { child, message, _dir: dir }
}

impl Running {
    pub(crate) fn end(self) -> Run {
        let output = self.child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let run = Run {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
            message: fs::read_to_string(&self.message).unwrap_or_default(),
        };
        assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
        run
    }
}

impl Run {
    pub(crate) fn results(&self) -> Vec<ProbeResult> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub(crate) fn summary(&self) -> Summary {
        assert!(self.message.len() <= Summary::LIMIT, "{} bytes", self.message.len());
        Summary::parse(&self.message).unwrap_or_else(|| panic!("no summary: {}", self.message))
    }
}

/// The file by which a namespace is entered.
pub(crate) fn path_of(namespace: &Namespace) -> PathBuf {
    Path::new("/run/netns").join(namespace.name())
}

/// Sends probes, and returns the last result of each id as JSON.
pub(crate) fn probe(namespace: &Namespace, probes: &Value, arguments: &[&str]) -> Answers {
    let request = json!({"timeoutMs": 1500, "probes": probes});
    let run = start(namespace, &request, arguments).end();
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let lines = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    Answers(lines)
}

/// Lines of a run.
#[derive(Debug)]
pub(crate) struct Answers(pub(crate) Vec<Value>);

impl Answers {
    /// What became of a probe.
    pub(crate) fn of(&self, id: &str) -> &Value {
        let found = self.0.iter().rfind(|line| line["id"] == id);
        found.unwrap_or_else(|| panic!("no `{id}` in {:#?}", self.0))
    }

    /// Outcome, name of the error and curl's code of a probe; `-` for what is not there.
    pub(crate) fn verdict(&self, id: &str) -> String {
        let line = self.of(id);
        let word = |value: &Value| match value {
            Value::Null => "-".to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let [outcome, errno, curl] =
            [&line["outcome"], &line["errno"]["name"], &line["curl"]["code"]].map(word);
        format!("{outcome} {errno} {curl}")
    }
}

/// Runs `work` on a thread that has moved into a namespace, and never comes back. The thread ends
/// with the test.
pub(crate) fn inside(namespace: &Namespace, work: impl FnOnce() + Send + 'static) {
    use std::os::fd::AsFd as _;
    use std::sync::mpsc::channel;

    use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

    let file = fs::File::open(path_of(namespace)).unwrap();
    let (moved, has_moved) = channel();
    thread::spawn(move || {
        move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
        moved.send(()).unwrap();
        work();
    });
    has_moved.recv().unwrap();
}

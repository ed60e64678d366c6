//! From the command line to the exit code.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::ExitCode;

use kcilium_core::facts::{Facts, NodeFacts, NodeName};
use kcilium_core::probe::{Ending, Namespace, ProbeResult, Summary};
use kcilium_core::view::View;
use kcilium_node::probe::Orders;
use kcilium_node::{Host, HostRoot};
use serde::Serialize;
use tokio::time::{Instant, sleep_until};

use crate::arguments::{Arguments, HELP, Task};
use crate::failure::{Exit, Failure};
use crate::signals::Signals;
use crate::termination::TerminationMessage;
use crate::{clean, input, namespaces, stand};

/// Does what the command line says.
pub(crate) fn run(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let parsed = Arguments::parse(arguments);
    let path = parsed.as_ref().ok().and_then(|arguments| arguments.termination_message.as_deref());
    let message = match TerminationMessage::open(path) {
        Ok(message) => message,
        Err(failure) => return complain(&failure),
    };
    match parsed.and_then(|arguments| perform(&arguments)) {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(ended)) => {
            message.write(&ended.message);
            if let Some(failure) = ended.failure {
                return complain(&failure);
            }
            let exit = match ended.ending {
                Ending::Finished => Exit::Fine,
                Ending::Deadline => Exit::Deadline,
                Ending::Terminated => Exit::Terminated,
                Ending::Failed => Exit::CouldNotRun,
            };
            ExitCode::from(exit as u8)
        }
        Err(failure) => {
            message.write(&Summary::failed(failure.error()).to_json());
            complain(&failure)
        }
    }
}

fn complain(failure: &Failure) -> ExitCode {
    // Nobody can be told where that stream is closed.
    let _ = write!(io::stderr(), "{failure}");
    ExitCode::from(failure.exit as u8)
}

/// What a run came to.
pub(crate) struct Ended {
    pub(crate) ending: Ending,
    /// The termination message.
    pub(crate) message: String,
    /// Why it did not come to its end, where that is to be told on standard error, too.
    pub(crate) failure: Option<Failure>,
}

impl From<Summary> for Ended {
    fn from(summary: Summary) -> Self {
        Self { ending: summary.ending, message: summary.to_json(), failure: None }
    }
}

fn perform(arguments: &Arguments) -> Result<Option<Ended>, Failure> {
    let version = concat!("kcilium-node-agent ", env!("CARGO_PKG_VERSION"), "\n");
    match arguments.task {
        Some(Task::Help) => print(HELP),
        Some(Task::Version) => print(version),
        Some(Task::Facts) => {
            return on_runtime(async || facts(arguments).await).map(|summary| Some(summary.into()));
        }
        Some(Task::Probe) => {
            return on_runtime(async || probe(arguments).await).map(|summary| Some(summary.into()));
        }
        Some(Task::Plan) => return on_runtime(async || clean::plan(arguments).await).map(Some),
        Some(Task::Clean) if arguments.go.is_some() => {
            return on_runtime(async || stand::by(arguments).await).map(Some);
        }
        Some(Task::Clean) => return on_runtime(async || clean::apply(arguments).await).map(Some),
        None => {}
    }
    Ok(None)
}

/// A reader that has gone away is no failure.
fn print(text: &str) {
    let _ = io::stdout().write_all(text.as_bytes());
}

pub(crate) fn print_json(value: &impl Serialize) {
    if let Ok(mut line) = serde_json::to_string(value) {
        line.push('\n');
        print(&line);
    }
}

/// A runtime on this thread alone.
fn on_runtime<T>(work: impl AsyncFnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime
        .map_err(|error| Failure::could_not_run(format!("cannot wait for input: {error}")))?;
    runtime.block_on(work())
}

pub(crate) fn listen() -> Result<Signals, Failure> {
    Signals::listen()
        .map_err(|error| Failure::could_not_run(format!("cannot listen to signals: {error}")))
}

/// Resolves when the deadline has come; never where there is none.
pub(crate) async fn deadline(arguments: &Arguments, begin: Instant) {
    match arguments.deadline {
        Some(patience) => sleep_until(begin + patience).await,
        None => std::future::pending().await,
    }
}

/// Does work, unless told to end before it is done, or the deadline comes: then that.
pub(crate) async fn unless_told<T>(
    work: impl Future<Output = T>,
    signals: &mut Signals,
    arguments: &Arguments,
    begin: Instant,
) -> Result<T, Ending> {
    tokio::select! {
        done = work => Ok(done),
        () = signals.next() => Err(Ending::Terminated),
        () = deadline(arguments, begin) => Err(Ending::Deadline),
    }
}

pub(crate) fn root(arguments: &Arguments) -> HostRoot {
    arguments.root.clone().map_or_else(HostRoot::default, HostRoot::new)
}

async fn facts(arguments: &Arguments) -> Result<Summary, Failure> {
    let begin = Instant::now();
    let mut signals = listen()?;
    namespaces::enter(&namespaces::chosen(arguments, Namespace::Own), arguments)?;
    let collected = unless_told(collect(arguments), &mut signals, arguments, begin).await;
    let ending = collected.map_or_else(
        |ending| ending,
        |facts| {
            print_json(&facts);
            Ending::Finished
        },
    );
    Ok(Summary::of(ending, []))
}

/// Everything about this host, with the kernel's answers for what it depends on.
async fn collect(arguments: &Arguments) -> NodeFacts {
    let mut host = Host::new(root(arguments));
    if let Some(name) = &arguments.node_name {
        host = host.with_name(NodeName::from(name.as_str()));
    }
    let mut node = kcilium_node::collect(&host).await;
    let facts = Facts { nodes: vec![node.clone()], ..Facts::default() };
    let mut questions = View::new(&facts).questions();
    questions.extend(&arguments.look_up);
    questions.sort_unstable();
    questions.dedup();
    node.lookups = kcilium_node::look_up(&questions).await;
    node
}

async fn probe(arguments: &Arguments) -> Result<Summary, Failure> {
    let begin = Instant::now();
    let (mut first, mut both) = (listen()?, listen()?);
    let request = input::request(arguments.request.as_deref());
    let request = match unless_told(request, &mut first, arguments, begin).await {
        Ok(request) => request?,
        Err(ending) => return Ok(Summary::of(ending, [])),
    };
    namespaces::enter(&namespaces::chosen(arguments, request.namespace.clone()), arguments)?;

    let orders = Orders {
        stop: async move { first.next().await },
        abort: async move {
            let twice = async {
                both.next().await;
                both.next().await;
            };
            tokio::select! {
                () = deadline(arguments, begin) => Ending::Deadline,
                () = twice => Ending::Terminated,
            }
        },
    };
    let mut results: Vec<ProbeResult> = Vec::new();
    let hear = |result: ProbeResult| {
        print_json(&result);
        results.push(result);
    };
    let ending = kcilium_node::probe::run(request, &root(arguments), orders, hear).await;
    Ok(Summary::of(ending, &results))
}

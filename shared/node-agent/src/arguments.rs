//! The command line.

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use lexopt::prelude::*;

use crate::failure::Failure;

pub(crate) const HELP: &str = "\
Reads, probes or cleans the network of the node it runs on.

Usage:
  kcilium-node-agent facts [OPTIONS]   facts of this host, as JSON
  kcilium-node-agent probe [OPTIONS]   probes of a request; a line of JSON each
  kcilium-node-agent plan [OPTIONS]    what of Cilium would be removed, as JSON
  kcilium-node-agent clean --apply FILE [OPTIONS]
                                       remove that; a line of JSON each step

Options of facts:
  --node-name NAME          name of the node in Kubernetes (default: the host's)
  --look-up ADDRESS         ask the kernel for this way, too; may be repeated

Options of probe and plan:
  --request FILE            the request (default: standard input)

Options of clean:
  --apply FILE              the plan, in an order; - is standard input
  --go FILE                 stand by, until this file has the word for the order
                            and no Cilium agent has run for ten seconds; without
                            a plan the order is for all that is surely Cilium's
  --armed FILE              make this file when standing by

Options:
  --root DIR                where the host's files are (default: /)
  --host-namespaces         work in network and mount namespace of process 1
  --network-namespace FILE  work in this network namespace
  --proc DIR                where process 1 is looked up (default: /proc)
  --deadline SECONDS        end by then, whatever is unfinished
  --termination-message FILE
                            write a summary there, of at most 4096 bytes
                            (default: /dev/termination-log, where that is)
  -h, --help                print this
  -V, --version             print the version

Exit codes:
  0    done, whatever was found
  2    wrong usage, or a request that makes no sense
  3    could not run; of clean also: a Cilium agent runs
  124  the deadline came first
  130  told to end (SIGTERM, SIGINT): what was begun was waited for
";

/// What to do, and where.
#[derive(Debug, Default)]
pub(crate) struct Arguments {
    pub(crate) task: Option<Task>,
    pub(crate) root: Option<PathBuf>,
    pub(crate) host_namespaces: bool,
    pub(crate) network_namespace: Option<PathBuf>,
    pub(crate) proc: Option<PathBuf>,
    pub(crate) deadline: Option<Duration>,
    pub(crate) termination_message: Option<PathBuf>,
    pub(crate) node_name: Option<String>,
    pub(crate) look_up: Vec<IpAddr>,
    pub(crate) request: Option<PathBuf>,
    pub(crate) apply: Option<PathBuf>,
    pub(crate) go: Option<PathBuf>,
    pub(crate) armed: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    Facts,
    Probe,
    Plan,
    Clean,
    Help,
    Version,
}

impl Arguments {
    pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, Failure> {
        let parsed = Self::read(lexopt::Parser::from_iter(arguments))
            .map_err(|error| Failure::usage(error.to_string()))
            .and_then(Self::checked);
        parsed.map_err(|failure| failure.hint("kcilium-node-agent --help lists all options"))
    }

    fn read(mut parser: lexopt::Parser) -> Result<Self, lexopt::Error> {
        let mut found = Self::default();
        while let Some(argument) = parser.next()? {
            match argument {
                Value(word) if found.task.is_none() => {
                    found.task = Some(match word.to_str() {
                        Some("facts") => Task::Facts,
                        Some("probe") => Task::Probe,
                        Some("plan") => Task::Plan,
                        Some("clean") => Task::Clean,
                        _ => return Err(Value(word).unexpected()),
                    });
                }
                Short('h') | Long("help") => {
                    return Ok(Self { task: Some(Task::Help), ..Self::default() });
                }
                Short('V') | Long("version") => {
                    return Ok(Self { task: Some(Task::Version), ..Self::default() });
                }
                Long("root") => found.root = Some(parser.value()?.into()),
                Long("host-namespaces") => found.host_namespaces = true,
                Long("network-namespace") => {
                    found.network_namespace = Some(parser.value()?.into());
                }
                Long("proc") => found.proc = Some(parser.value()?.into()),
                Long("deadline") => {
                    let seconds: u32 = parser.value()?.parse()?;
                    found.deadline = Some(Duration::from_secs(seconds.into()));
                }
                Long("termination-message") => {
                    found.termination_message = Some(parser.value()?.into());
                }
                Long("node-name") => found.node_name = Some(parser.value()?.string()?),
                Long("look-up") => found.look_up.push(parser.value()?.parse()?),
                Long("request") => found.request = Some(parser.value()?.into()),
                Long("apply") => found.apply = Some(parser.value()?.into()),
                Long("go") => found.go = Some(parser.value()?.into()),
                Long("armed") => found.armed = Some(parser.value()?.into()),
                other => return Err(other.unexpected()),
            }
        }
        Ok(found)
    }

    /// What would be ignored is refused.
    fn checked(self) -> Result<Self, Failure> {
        let of_facts = self.node_name.is_some() || !self.look_up.is_empty();
        match self.task {
            None => Err(Failure::usage("say what to do: facts, probe, plan or clean")),
            Some(Task::Facts | Task::Clean) if self.request.is_some() => {
                Err(Failure::usage("--request is for probe and plan"))
            }
            Some(Task::Clean) if self.apply.is_none() => {
                Err(Failure::usage("clean needs --apply FILE: nothing is removed without a plan"))
            }
            Some(Task::Facts | Task::Probe | Task::Plan) if self.apply.is_some() => {
                Err(Failure::usage("--apply is for clean"))
            }
            Some(Task::Facts | Task::Probe | Task::Plan) if self.go.is_some() => {
                Err(Failure::usage("--go is for clean"))
            }
            _ if self.armed.is_some() && self.go.is_none() => {
                Err(Failure::usage("--armed is for clean with --go"))
            }
            Some(Task::Probe | Task::Plan | Task::Clean) if of_facts => {
                Err(Failure::usage("--node-name and --look-up are for facts"))
            }
            _ if self.host_namespaces && self.network_namespace.is_some() => {
                Err(Failure::usage("--host-namespaces and --network-namespace exclude each other"))
            }
            _ => Ok(self),
        }
    }
}

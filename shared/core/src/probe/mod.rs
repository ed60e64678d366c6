//! Probes: what a node agent is asked to send, and what it tells of the answers.
//!
//! * [`ProbeRequest`] goes to the agent as JSON, one [`ProbeResult`] comes back on each line, and a
//!   [`Summary`] of at most [`Summary::LIMIT`] bytes as the container's termination message.
//! * [`matrix`] says which probes tell what about the egress of pods, [`Targets`] where they go, and
//!   [`plan::request`] makes a request of both for one node.
//!
//! Nothing here sends anything.

pub mod lent;
pub mod matrix;
pub mod plan;
mod question;
pub(crate) mod readings;
mod request;
mod result;
mod summary;
mod targets;

pub use question::{Address, MtuVia, Question, RecordType, Transport};
pub use readings::lose_packets;
pub use request::{MAX_PROBES, Namespace, Probe, ProbeId, ProbeRequest, RequestError};
pub use result::{
    Answer, Counters, CurlExit, DnsAnswer, Echoed, Heard, HttpAnswer, LinkCounters, Outcome,
    PathMtu, Phase, ProbeResult, Served, SystemError, TlsAnswer, Way,
};
pub use summary::{Ending, Summary};
pub use targets::{Endpoint, Targets};

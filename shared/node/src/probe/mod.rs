//! Sends what a [`ProbeRequest`] asks for, and tells what came back.
//!
//! All probes of a request run at once, so that a request takes about as long as its slowest probe
//! may wait. They start in the network namespace of the calling thread.

mod attempt;
mod counters;
mod dns;
mod dns_message;
mod echo;
mod echo_message;
mod echo_server;
mod http;
mod icmp;
mod path_mtu;
mod resolver;
mod run;
mod tcp;
mod tls;

pub use run::{Orders, run};

//! A kubelet for tests: runs the pods of one node as real processes in that node's namespaces.
//!
//! It is a client of the API server like the real one, so it serves a kube-apiserver as well as
//! `kubesim`: it watches the pods that are bound to its node, runs them, and reports their status.
//! The API server in turn asks its kubelet endpoint for `exec` and logs.

mod endpoint;
mod runtime;

pub use endpoint::Endpoint;
pub use runtime::{ContainerRef, Exec, LogOptions, Logs, Process, Runtime, RuntimeError};

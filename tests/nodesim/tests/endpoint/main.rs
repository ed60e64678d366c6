//! The kubelet's endpoint behind the API server for tests, driven by real clients.

mod client;
mod exec;
mod fake;
mod faults;
mod logs;
mod node;
#[path = "../../../kubesim/tests/it/tool.rs"]
#[expect(dead_code, reason = "these tests need not all of what drives kubectl")]
mod tool;

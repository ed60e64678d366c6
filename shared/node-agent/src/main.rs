//! `kcilium-node-agent`: what runs on a node, shipped there by the plugins.
//!
//! ```text
//! kcilium-node-agent facts                    NodeFacts as JSON
//! kcilium-node-agent probe < request.json     one ProbeResult as JSON on each line
//! kcilium-node-agent plan < order.json        a Plan as JSON: what of Cilium would be removed
//! kcilium-node-agent clean --apply FILE       one Told as JSON on each line
//! ```
//!
//! It needs nothing of the image or host that it runs on, knows no API server, and has one thread:
//! that lets it move into other namespaces. What it ends with is a [`Summary`] (or a
//! [`CleaningSummary`]) in the container's termination message, and an exit code.
//!
//! [`Summary`]: kcilium_core::probe::Summary
//! [`CleaningSummary`]: kcilium_core::leftovers::CleaningSummary

#[cfg(target_os = "linux")]
mod arguments;
#[cfg(target_os = "linux")]
mod clean;
#[cfg(target_os = "linux")]
mod failure;
#[cfg(target_os = "linux")]
mod input;
#[cfg(target_os = "linux")]
mod namespaces;
#[cfg(target_os = "linux")]
mod signals;
#[cfg(target_os = "linux")]
mod stand;
#[cfg(target_os = "linux")]
mod termination;
#[cfg(target_os = "linux")]
mod work;

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    work::run(std::env::args_os())
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    use std::io::Write as _;

    let _ = writeln!(std::io::stderr(), "error: the node agent runs on Linux only");
    ExitCode::from(3)
}

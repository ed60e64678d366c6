//! The few calls of bpf(2) that no crate offers: which programs are attached to a cgroup or an
//! interface, what they are called and which maps they use, and how to take them off.
//!
//! Nothing here walks all programs of the kernel: nodes can share one (kind, nested clusters), and
//! what is attached elsewhere is another node's. Everything starts from a cgroup, an interface or a
//! pin that the caller names.
//!
//! This is the only crate of the workspace with `unsafe` code, all of it in `call.rs`.

#![cfg(target_os = "linux")]

mod attach_type;
mod call;
mod detach;
mod info;
#[cfg(feature = "load")]
pub mod load;
mod pin;
mod query;

pub use attach_type::AttachType;
pub use detach::{detach_link, detach_program};
pub use info::{LinkInfo, ProgramInfo, link_by_id, open_program, program_by_id};
pub use pin::{Pinned, pinned};
pub use query::{Attached, Target, attached};

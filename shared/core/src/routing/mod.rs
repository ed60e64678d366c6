//! Route lookup through rules and tables, as the kernel does it for a packet of this host.
//!
//! The packet carries no mark, comes from no given source and is bound to no device: the question is
//! the one that `ip route get ADDRESS` asks. Where the kernel's own answer is known it wins; this
//! lookup explains it, and stands in for it in recorded evidence.

mod router;
mod table;

pub use router::{Decision, Router};
pub use table::Table;

//! What an installed Cilium leaves behind on a node, and how it is told from everything else.
//!
//! A collector reads a [`HostState`]: links, rules, the text of `iptables-save`, attached programs,
//! files. [`Inventory::of`] says which of it is Cilium's, by which [`Proof`]s, and what becomes of
//! it ([`Fate`]). What only looks like Cilium's is doubtful: it is reported, and left.
//!
//! A [`Plan`] is what an inventory comes to, as it is agreed on; carrying it out gives a [`Step`] for
//! each item. A [`Comparison`] says whether anything else changed by it.
//!
//! The agents are taken for gone. Whether they are is asked by whoever acts on an inventory.

mod cleaning;
mod cleaning_run;
mod foreign;
mod go;
mod host_state;
mod inventory;
mod item;
mod netfilter;
mod plan;
mod program;
mod proof;
mod recognise;
mod transform;

pub use cleaning::{Outcome, Step};
pub use cleaning_run::{CleaningOrder, CleaningSummary, Told};
pub use foreign::{Change, Comparison};
pub use go::{Go, Standing};
pub use host_state::{
    CniText, Endpoint, FoundPath, HostState, Mount, Neighbour, Pin, Qdisc, Remembered, Ruleset,
    Sysctl,
};
pub use inventory::Inventory;
pub use item::{Fate, Item, Leftover, Undo};
pub use netfilter::{Backend, Chain, Feeder};
pub use plan::{Plan, PodsInUse};
pub use program::{Attachment, AttachmentPoint, CgroupHook, Direction, Filter, NetkitEnd, Program};
pub use proof::Proof;
pub use recognise::{
    BPF_DIRECTORIES, CNI_BINARY_DIRECTORIES, CNI_CONFIGURATION_DIRECTORIES, CNI_RESULT_DIRECTORIES,
    FOUND_PATHS, SYSCTLS,
};
pub use transform::{
    Transform, TransformDirection, TransformPolicy, TransformState, TransformTemplate,
};

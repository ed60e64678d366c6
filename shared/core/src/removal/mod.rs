//! Taking Cilium out of a cluster: what is there, what goes in which order, and what breaks by it.
//!
//! [`Inventory`] is what was found in the API, with how each object was recognised. [`Plan::of`]
//! makes of it the steps that are taken, as data: printing a plan and carrying it out are two readers
//! of the same value. What runs on nodes is told apart in [`crate::leftovers`].

mod action;
mod catalogue;
mod consent;
mod guardian;
mod host;
mod impact;
mod inventory;
mod object;
mod order;
mod plan;
mod recognise;

pub use action::Action;
pub use catalogue::{
    Authorship, DEFINITIONS, Definition, KINDS, KindOf, Listing, NODE_TAINT, PART_OF,
    SLICE_MANAGERS, is_node_annotation, is_test_namespace,
};
pub use consent::Confirmed;
pub use guardian::{Guardian, guardian};
pub use host::{ByHand, Host, HostPlan, NodeFound, Reach};
pub use impact::{Impact, Weight};
pub use inventory::{
    CustomResources, Found, Inventory, Kept, NodeMarks, Proof, ReleaseFound, Surroundings,
};
pub use object::{Meta, ObjectRef};
pub use order::{UNINSTALL_ORDER, rank};
pub use plan::{Fate, Options, Phase, Plan, Scope, Step};
pub use recognise::{Belonging, Owners, recognise};

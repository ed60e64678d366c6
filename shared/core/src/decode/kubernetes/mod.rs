//! Objects of the Kubernetes API, as the API server sends them and as `kubectl get -o json` prints
//! them.
//!
//! [`page`] reads a list or a single object of any kind that is [`FromApi`]; [`each`] does so
//! without keeping them; [`Table`] reads the rows that the server prints itself. Only the fields
//! that facts need are named; everything else is skipped while decoding, so that a page costs what
//! its facts cost.
//!
//! One object that cannot be read fails its page, with its name and the field: facts stand for all
//! objects of a kind, and rules would take a missing one for one that does not exist.

mod config_map;
mod custom_resource;
mod event;
mod lease;
mod list;
mod metadata;
mod network_policy;
mod node;
mod node_marks;
mod partial;
mod pod;
mod pod_status;
mod pod_table;
mod release;
mod service;
mod status;
mod table;
mod version;
mod workload;

pub use config_map::{ConfigMap, Yaml};
pub use list::{FromApi, ListEnd, Object, Page, each, page};
pub use pod::Pod;
pub use pod_table::add_pods;
pub use release::ReleaseContents;
pub use service::ServiceCidr;
pub use status::{Status, StatusCause};
pub use table::{Column, Row, Table, TableError};
pub use version::version;

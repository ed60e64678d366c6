//! The Kubernetes side of the suite: from a kubeconfig to [facts](kcilium_core::facts).

mod api;
pub mod certificate;
pub mod collect;
mod connect;
mod credential;
pub mod kubeconfig;
pub mod node_script;
pub mod permissions;
pub mod pod_networks;
pub mod removal;
pub mod stage;

pub use api::{
    Api, ApiError, End, Exchange, Exec, Form, Limits, Observer, Output, PageSize, Pages, Patch,
};
pub use connect::ConnectError;
pub use credential::{PluginError, UnfitToken};

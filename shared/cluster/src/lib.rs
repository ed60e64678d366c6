//! The Kubernetes side of the suite: from a kubeconfig to [facts](kcilium_core::facts).

mod api;
mod connect;
mod credential;
pub mod kubeconfig;

pub use api::{Api, ApiError, End, Exec, Form, Limits, Output, PageSize, Pages};
pub use connect::ConnectError;
pub use credential::{PluginError, UnfitToken};

//! The Kubernetes side of the suite: from a kubeconfig to [facts](kcilium_core::facts).

pub mod node_script;

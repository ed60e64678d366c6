//! A kubelet for tests: runs the pods of one node as real processes in that node's namespaces.
//!
//! It is a client of the API server like the real one, so it serves a kube-apiserver as well as
//! `kubesim`: it watches the pods that are bound to its node, runs them, and reports their status.
//! The API server in turn asks its kubelet endpoint for `exec` and logs.
//!
//! ```no_run
//! use nodesim::{Image, Images, NodeConfig, NodeSim};
//!
//! # async fn example(node: &netlab::Node, kubeconfig: &std::path::Path) -> anyhow::Result<()> {
//! let mut config = NodeConfig::of(node, kubeconfig);
//! let agent = Image::new().program("/usr/bin/cilium", "#!/bin/sh\necho OK\n");
//! config.images = Images::new().with("quay.io/cilium/cilium:v1.14.2", agent);
//! let node = NodeSim::start(config).await?;
//! // Until it is stopped, pods of the node run, and `kubectl exec` reaches them.
//! node.stop().await?;
//! # Ok(())
//! # }
//! ```
//!
//! A node is a small container of its own (PID, mount, UTS, IPC and cgroup namespaces inside the
//! network namespace that it is given) with this machine's userland; its pods are containers in that.
//! Nothing of it outlives the process that started it.
//!
//! What differs from a real kubelet: of probes only commands for readiness are run, and until they
//! succeed; without one a container that runs is ready; images are never pulled; ConfigMaps and Secrets in volumes stay as they were; there are no sidecars, no
//! projected or CSI volumes, no resource limits, no terminals, no seccomp; a container
//! that was running when the node ended is started anew.

mod api;
mod config;
mod endpoint;
mod image;
mod kubelet;
mod machine;
mod node;
mod pod;
mod runtime;

pub use config::{NodeConfig, PodNetwork, PullFailure};
pub use endpoint::Endpoint;
pub use image::{Image, Images};
pub use node::{Containers, NodeSim};
pub use runtime::{ContainerRef, Exec, LogOptions, Logs, Process, Runtime, RuntimeError};

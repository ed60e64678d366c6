//! An API server for tests, honest enough for real kubectl and real helm.
//!
//! [`KubeSim::start`] listens on a free loopback port with TLS, and answers as a kube-apiserver
//! does: discovery, typed and custom resources, watches, patches, RBAC, and errors in the real
//! words. [`Faults`] make chosen requests go wrong, and the [`Journal`] tells what was asked. A
//! [`Fleet`] is a generated cluster with Cilium, of thousands of nodes if need be.
//!
//! ```no_run
//! use kubesim::{Config, KubeSim};
//!
//! # async fn example() -> anyhow::Result<()> {
//! let sim = KubeSim::start(Config::default()).await?;
//! sim.load("{apiVersion: v1, kind: ConfigMap, metadata: {name: x, namespace: default}}")?;
//! println!("kubectl --kubeconfig {} get configmaps", sim.kubeconfig().display());
//! sim.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! [`Cluster`] serves a [`Scenario`], a cluster in a certain state: by kubesim, or where
//! `KUBEBUILDER_ASSETS` says where they are by a real etcd and kube-apiserver. Tests that ask only
//! the API run the same on both.
//!
//! `exec` and logs of a pod are asked of its node's kubelet, as the Node says where it listens; but
//! only on this machine's loopback addresses, so that no loaded Node makes a test send packets. The
//! package `nodesim` has such a kubelet.
//!
//! Answered as a server answers what it does not have (404, 405, 415): `attach` (501) and
//! `portforward`. Built-in kinds have open schemas: unknown fields pass, and `kubectl explain` has no
//! depth. Protobuf bodies are read for the kinds that kubectl and helm were seen to send them for.

mod admission;
mod binding;
mod breaker;
mod builtin;
mod cluster;
mod collector;
mod columns;
mod control_plane;
mod crd;
mod discovery;
mod eviction;
mod fault;
mod fields;
mod fleet;
mod guardian;
mod identity;
mod journal;
mod kubeconfig;
mod kubelet;
mod load;
mod object;
mod openapi;
mod packed;
mod patch;
mod protobuf;
mod rbac;
mod read;
mod reply;
mod request;
mod resource;
mod rest;
mod review;
mod route;
mod scale;
mod scenario;
mod schema;
mod selector;
mod server;
mod status;
mod store;
mod table;
mod template;
mod tls;
mod token;
mod watch;
mod write;

pub use builtin::Subresource;
pub use cluster::{Backend, Cluster};
pub use control_plane::{Assets, require_real_apiserver};
pub use fault::{Fault, Faults, Kind};
pub use fleet::Fleet;
pub use identity::{MASTERS, User};
pub use journal::{Entry, Journal};
pub use kubeconfig::{Access, Credential};
pub use packed::{Mould, Object};
pub use resource::{GroupResource, Registry, Resource, ServedVersion, Traits};
pub use rest::load as load_over_rest;
pub use scenario::{Cilium, Item, Network, Scenario, Topology};
pub use server::{Config, KubeSim};
pub use store::{Event, Key, Store};
pub use template::BadGap;
pub use tls::Identity;

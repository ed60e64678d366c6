//! An API server for tests, honest enough for real kubectl and real helm.
//!
//! [`KubeSim::start`] listens on a free loopback port with TLS, and answers as a kube-apiserver
//! does: discovery, typed and custom resources, watches, patches, RBAC, and errors in the real
//! words. [`Faults`] make chosen requests go wrong, and the [`Journal`] tells what was asked.
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
//! Not there yet, and answered as a server answers what it does not have (404, 405, 415): nodes that
//! run pods, and with them `exec`, `logs` and `portforward`; generated fleets. Built-in kinds have
//! open schemas: unknown fields pass, and `kubectl explain` has no depth. Protobuf bodies are read
//! for the kinds that kubectl and helm were seen to send them for.

mod admission;
mod builtin;
mod cluster;
mod collector;
mod columns;
mod control_plane;
mod crd;
mod discovery;
mod fault;
mod fields;
mod identity;
mod journal;
mod kubeconfig;
mod load;
mod object;
mod openapi;
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
mod tls;
mod watch;
mod write;

pub use cluster::{Backend, Cluster};
pub use control_plane::{Assets, require_real_apiserver};
pub use fault::{Fault, Faults, Kind};
pub use identity::{MASTERS, User};
pub use journal::{Entry, Journal};
pub use kubeconfig::{Access, Credential};
pub use object::Object;
pub use resource::{GroupResource, Registry, Resource, ServedVersion, Traits};
pub use rest::load as load_over_rest;
pub use scenario::{Cilium, Item, Network, Scenario, Topology};
pub use server::{Config, KubeSim};
pub use store::{Event, Key, Store};
pub use tls::Identity;

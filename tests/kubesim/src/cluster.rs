//! A scenario on a server: kubesim, or a real control plane.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::{
    Config, KubeSim,
    control_plane::{Assets, ControlPlane},
    identity::User,
    kubeconfig::{Access, write_private},
    rest,
    scenario::Scenario,
};

/// What serves a scenario.
#[derive(Clone, Debug)]
pub enum Backend {
    /// kubesim's own store, which keeps the objects as they are, with uids and times.
    Kubesim(Config),
    /// A real etcd and kube-apiserver.
    Real(Assets),
}

/// A running scenario. Dropping it ends it.
pub struct Cluster {
    server: Server,
}

enum Server {
    Sim(Box<KubeSim>),
    Real(Box<ControlPlane>),
}

impl Cluster {
    /// Starts the server, and loads the scenario.
    pub async fn start(scenario: &Scenario, backend: Backend) -> Result<Self> {
        let server = match backend {
            Backend::Kubesim(config) => {
                let version = scenario.kubernetes.clone();
                let config = Config { version, services: scenario.services, ..config };
                let sim = KubeSim::start(config).await?;
                sim.load_scenario(scenario)?;
                Server::Sim(Box::new(sim))
            }
            Backend::Real(assets) => {
                let mut plane = ControlPlane::start(&assets, scenario.services).await?;
                let loaded = rest::load(plane.access(), scenario).await;
                loaded.map_err(|error| plane.explain(error))?;
                Server::Real(Box::new(plane))
            }
        };
        Ok(Self { server })
    }

    /// What a client of the administrator needs.
    pub fn access(&self) -> Result<Access> {
        match &self.server {
            Server::Sim(sim) => sim.access(),
            Server::Real(plane) => Ok(plane.access().clone()),
        }
    }

    /// `https://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        match &self.server {
            Server::Sim(sim) => sim.url(),
            Server::Real(plane) => plane.access().server.clone(),
        }
    }

    /// The kubeconfig of an administrator whom RBAC does not bind.
    pub fn kubeconfig(&self) -> PathBuf {
        match &self.server {
            Server::Sim(sim) => sim.kubeconfig(),
            Server::Real(plane) => plane.kubeconfig(),
        }
    }

    /// Writes that kubeconfig to a file of the caller's.
    pub fn write_kubeconfig(&self, path: &Path) -> Result<()> {
        Ok(write_private(path, &self.access()?.kubeconfig())?)
    }

    /// The text of a kubeconfig for a user with a client certificate.
    pub fn certificate_kubeconfig(&self, user: &User) -> Result<String> {
        match &self.server {
            Server::Sim(sim) => sim.certificate_kubeconfig(user),
            Server::Real(plane) => {
                let identity = plane.authority().client(user)?;
                Ok(Access { identity, ..plane.access().clone() }.kubeconfig())
            }
        }
    }

    /// A directory that lives as long as the server, for the caller's files.
    pub fn directory(&self) -> &Path {
        match &self.server {
            Server::Sim(sim) => sim.directory(),
            Server::Real(plane) => plane.directory(),
        }
    }

    /// The simulator, if it is one: for faults and for what was asked.
    pub fn sim(&self) -> Option<&KubeSim> {
        match &self.server {
            Server::Sim(sim) => Some(sim),
            Server::Real(_) => None,
        }
    }

    /// Ends the server.
    pub async fn stop(self) {
        match self.server {
            Server::Sim(sim) => sim.stop().await,
            Server::Real(plane) => drop(plane),
        }
    }
}

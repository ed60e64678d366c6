//! Scenarios on servers of either kind.

use std::sync::LazyLock;

use kubesim::{Backend, Cluster, Scenario};
use tokio::runtime::{Builder, Runtime};

use crate::tool::{Helm, Kubectl};

// One for all tests of a process: what each of them serves ends by itself.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
});

/// A scenario that is being served.
pub(crate) struct Running {
    pub(crate) scenario: Scenario,
    pub(crate) cluster: Cluster,
}

impl Running {
    pub(crate) fn start(name: &str, backend: Backend) -> Self {
        let scenario = Scenario::named(name).expect("a scenario");
        let cluster = RUNTIME.block_on(Cluster::start(&scenario, backend)).expect("a cluster");
        Self { scenario, cluster }
    }

    /// kubectl of that version as the administrator.
    pub(crate) fn kubectl(&self, version: &str) -> Kubectl {
        Kubectl::new(version, &self.cluster.kubeconfig(), self.cluster.directory())
    }

    /// helm of that major version as the administrator.
    pub(crate) fn helm(&self, major: u8) -> Helm {
        Helm::new(major, &self.cluster.kubeconfig(), self.cluster.directory())
    }
}

/// Puts the scenario into an empty kubesim over its REST API, as into a real server.
pub(crate) fn over_rest(name: &str) -> Running {
    let scenario = Scenario::named(name).expect("a scenario");
    let empty = Scenario { objects: Vec::new(), ..scenario.clone() };
    let backend = Backend::Kubesim(kubesim::Config::default());
    let cluster = RUNTIME.block_on(async {
        let cluster = Cluster::start(&empty, backend).await?;
        kubesim::load_over_rest(&cluster.access()?, &scenario).await?;
        anyhow::Ok(cluster)
    });
    Running { scenario, cluster: cluster.expect("a cluster") }
}

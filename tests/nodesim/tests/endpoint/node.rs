//! An API server with one node, whose kubelet runs commands on this host.

use std::{path::Path, sync::Arc};

use kubesim::{Config, KubeSim};
use nodesim::Endpoint;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::{
    fake::Fake,
    tool::{Cluster, Kubectl},
};

/// A node with the pod `web`, and what drives it.
pub(crate) struct Node {
    // Before the runtime, so that it is dropped first.
    endpoint: Option<Endpoint>,
    pub(crate) cluster: Cluster,
    pub(crate) runtime: Runtime,
    directory: TempDir,
}

impl Node {
    pub(crate) fn new() -> Self {
        Self::with(Config::default())
    }

    pub(crate) fn with(config: Config) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let directory = tempfile::tempdir().expect("a directory");
        let fake = Fake { directory: directory.path().to_owned() };
        let endpoint = runtime.block_on(Endpoint::start(Arc::new(fake))).expect("a kubelet");
        let cluster = Cluster::with(config);
        cluster.sim().load(&objects(endpoint.port())).expect("objects");
        Self { endpoint: Some(endpoint), cluster, runtime, directory }
    }

    pub(crate) fn sim(&self) -> &KubeSim {
        self.cluster.sim()
    }

    /// Where commands run.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn port(&self) -> u16 {
        self.endpoint.as_ref().expect("a running kubelet").port()
    }

    /// kubectl of that version as the administrator.
    pub(crate) fn kubectl(&self, version: &str) -> Kubectl {
        self.cluster.kubectl(version)
    }

    /// Ends the kubelet.
    pub(crate) fn stop(&mut self) {
        if let Some(endpoint) = self.endpoint.take() {
            self.runtime.block_on(endpoint.stop());
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.stop();
    }
}

fn objects(port: u16) -> String {
    format!(
        "
apiVersion: v1
kind: Node
metadata: {{name: n1}}
status:
  addresses:
  - {{type: InternalIP, address: 10.0.0.11}}
  - {{type: ExternalDNS, address: 127.0.0.1}}
  daemonEndpoints: {{kubeletEndpoint: {{Port: {port}}}}}
---
apiVersion: v1
kind: Pod
metadata: {{name: web, namespace: default}}
spec:
  nodeName: n1
  containers:
  - {{name: app, image: x}}
  - {{name: side, image: x}}
  - {{name: late, image: x}}
status: {{phase: Running}}
---
apiVersion: v1
kind: Pod
metadata: {{name: gone, namespace: default}}
spec: {{nodeName: n1, containers: [{{name: app, image: x}}]}}
status: {{phase: Running}}
---
apiVersion: v1
kind: Pod
metadata: {{name: waiting, namespace: default}}
spec: {{containers: [{{name: app, image: x}}]}}
---
apiVersion: v1
kind: Pod
metadata: {{name: lost, namespace: default}}
spec: {{nodeName: n2, containers: [{{name: app, image: x}}]}}
---
apiVersion: v1
kind: Pod
metadata: {{name: far, namespace: default}}
spec: {{nodeName: n3, containers: [{{name: app, image: x}}]}}
---
apiVersion: v1
kind: Node
metadata: {{name: n3}}
status: {{addresses: [{{type: InternalIP, address: 10.0.0.13}}]}}
"
    )
}

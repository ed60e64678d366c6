//! The few facts that values depend on are the same as those of a whole collection.

use kcilium_cluster::collect::{self, NodeChoice, Releases, Wish};
use kcilium_core::facts::{ClusterFacts, Fact};
use kubesim::{Backend, Cluster, Config, Scenario};

use crate::tool::api;

/// The facts that both read.
fn common(facts: &ClusterFacts) -> ClusterFacts {
    let facts = facts.clone();
    ClusterFacts {
        version: facts.version,
        config: facts.config,
        config_data: facts.config_data,
        daemon_sets: facts.daemon_sets,
        deployments: facts.deployments,
        releases: facts.releases,
        nodes: facts.nodes,
        kubeadm: facts.kubeadm,
        cluster_info: facts.cluster_info,
        control_plane: facts.control_plane,
        service_cidrs: facts.service_cidrs,
        api_servers: facts.api_servers,
        api_server_port: facts.api_server_port,
        ..ClusterFacts::default()
    }
}

#[tokio::test]
async fn they_are_those_of_the_whole() {
    for (name, kube_proxies) in [("homelab-healthy", 0), ("kube-proxy", 3), ("k3s", 0)] {
        let scenario = Scenario::named(name).unwrap();
        let cluster = Cluster::start(&scenario, Backend::Kubesim(Config::default())).await.unwrap();
        let api = api(&cluster.kubeconfig()).await;
        let wish = Wish { nodes: NodeChoice::None, ..Wish::default() };
        let whole = collect::collect(&api, &wish, &|_| {}).await.unwrap().facts.cluster;
        let few = collect::surroundings(&api, None, Releases::Read).await.unwrap().cluster;
        assert_eq!(common(&few), common(&whole), "{name}");
        assert_eq!(few.api_server_port, Fact::Known(6443), "{name}");
        assert_eq!(few.kube_proxy_pods.get().unwrap().len(), kube_proxies, "{name}");
        assert!(few.pods.is_not_collected());
        let without = collect::surroundings(&api, None, Releases::Leave).await.unwrap().cluster;
        assert!(without.releases.is_not_collected(), "{name}");
    }
}

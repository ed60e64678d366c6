//! What was recorded of the API.

use super::Recording;
use crate::{
    decode::{
        DecodeError,
        certificate::server_certificate,
        kubernetes::{self, ConfigMap, FromApi, Pod, ServiceCidr, Yaml},
    },
    facts::{
        AgentPod, ClusterFacts, Component, ControlPlanePod, Fact, Kubeadm, NetworkPolicy,
        PodDetail, Pods, ServiceEndpoint, ServiceEndpoints, Unavailable, Workload,
    },
};

/// Resources that a recording may hold, as kubectl calls them.
pub const RESOURCES: [&str; 18] = [
    "ciliumclusterwidenetworkpolicies",
    "ciliumendpoints",
    "ciliumlocalredirectpolicies",
    "ciliumnetworkpolicies",
    "ciliumnodeconfigs",
    "ciliumnodes",
    "configmaps",
    "customresourcedefinitions",
    "daemonsets",
    "deployments",
    "endpointslices",
    "events",
    "leases",
    "networkpolicies",
    "nodes",
    "pods",
    "servicecidrs",
    "services",
];

/// A list of a recording, or why it cannot be had.
type List<T> = Result<Vec<T>, Unavailable>;

impl Recording<'_> {
    pub(super) fn cluster(&self, yaml: Yaml) -> ClusterFacts {
        let daemon_sets: List<Workload> = self.list("daemonsets");
        let config_maps = self.list("configmaps");
        let slices = self.list("endpointslices");
        let kubeadm = document(&config_maps, "kubeadm-config", |map| map.kubeadm(yaml));
        let mut facts = ClusterFacts {
            version: self
                .decoded("api/version.json", |json| kubernetes::version(json.as_bytes()))
                .into(),
            cilium_node_configs: self.list("ciliumnodeconfigs").into(),
            deployments: self.list("deployments").into(),
            cilium_nodes: self.list("ciliumnodes").into(),
            nodes: self.list("nodes").into(),
            cluster_info: document(&config_maps, "cluster-info", |map| map.cluster_info(yaml))
                .into(),
            api_servers: endpoints(&slices, "default", "kubernetes")
                .map(|found| found.into_iter().flat_map(|it| it.addresses).collect())
                .into(),
            api_server_port: api_server_port(&slices).into(),
            server_certificate: self.decoded("api/certificate.txt", server_certificate).into(),
            kube_proxy: document(&config_maps, "kube-proxy", |map| map.kube_proxy(yaml)).into(),
            kubelet_config: document(&config_maps, "kubelet-config", |map| map.kubelet(yaml))
                .into(),
            events: self.list("events").into(),
            services: self.list("services").into(),
            network_policies: self.policies("networkpolicies").into(),
            cilium_network_policies: self.policies("ciliumnetworkpolicies").into(),
            cilium_clusterwide_network_policies: self
                .policies("ciliumclusterwidenetworkpolicies")
                .into(),
            cilium_endpoints: self.list("ciliumendpoints").into(),
            corefiles: config_maps
                .as_ref()
                .map(|maps| maps.iter().filter_map(ConfigMap::corefile).collect())
                .map_err(Clone::clone)
                .into(),
            dns_endpoints: endpoints(&slices, "kube-system", "kube-dns").into(),
            local_redirect_policies: self.list("ciliumlocalredirectpolicies").into(),
            custom_resources: self.list("customresourcedefinitions").into(),
            leases: self.list("leases").into(),
            ..self.pods().map_or_else(without_pods, OfPods::facts)
        };
        facts.logs = self.logs(facts.troubled_pods.get()).into();
        facts.service_cidrs = self.service_cidrs(&facts, &kubeadm).into();
        facts.kubeadm = kubeadm.into();
        configure(&mut facts, &config_maps, daemon_sets.as_deref().unwrap_or_default());
        facts.daemon_sets = daemon_sets.into();
        facts
    }

    fn list<T: FromApi>(&self, resource: &str) -> List<T> {
        self.decoded(&format!("api/{resource}.json"), |json| {
            kubernetes::page(json.as_bytes()).map(|page| page.items)
        })
    }

    fn policies(&self, resource: &str) -> List<NetworkPolicy> {
        Ok(self.list::<Vec<NetworkPolicy>>(resource)?.into_iter().flatten().collect())
    }

    fn pods(&self) -> Result<OfPods, Unavailable> {
        let mut found = OfPods::default();
        self.decoded("api/pods.json", |json| {
            kubernetes::each(json.as_bytes(), |pod| found.add(&pod))
        })?;
        Ok(found)
    }

    /// Where the cluster has no ServiceCIDRs (before 1.33), what its API servers were told; where
    /// they do not run as pods, what kubeadm was.
    fn service_cidrs(
        &self,
        facts: &ClusterFacts,
        kubeadm: &Result<Kubeadm, Unavailable>,
    ) -> List<String> {
        let missing = match self.list::<ServiceCidr>("servicecidrs") {
            Ok(objects) => return Ok(objects.into_iter().flat_map(|it| it.cidrs).collect()),
            Err(missing) => missing,
        };
        let mut found: Vec<&str> =
            facts.control_plane.items().iter().flat_map(ControlPlanePod::service_cidrs).collect();
        if let (true, Ok(kubeadm)) = (found.is_empty(), kubeadm) {
            found.extend(kubeadm.service_subnet.split(',').filter(|it| !it.is_empty()));
        }
        // Every API server says the same.
        let mut cidrs: Vec<String> = Vec::new();
        for cidr in found {
            if !cidrs.iter().any(|known| known == cidr) {
                cidrs.push(cidr.to_owned());
            }
        }
        if cidrs.is_empty() { Err(missing) } else { Ok(cidrs) }
    }
}

/// Cilium's configuration, with what the agents' DaemonSet adds to it.
fn configure(facts: &mut ClusterFacts, config_maps: &List<ConfigMap>, daemon_sets: &[Workload]) {
    let agent = daemon_sets.iter().find(|workload| workload.component == Component::Agent);
    facts.config = document(config_maps, "cilium-config", |map| map.cilium_config(agent)).into();
    facts.config_data = document(config_maps, "cilium-config", |map| Ok(map.config_data())).into();
}

/// What stands in the ConfigMap of a name.
fn document<T>(
    config_maps: &List<ConfigMap>,
    name: &str,
    read: impl FnOnce(&ConfigMap) -> Result<T, DecodeError>,
) -> Result<T, Unavailable> {
    let maps = config_maps.as_ref().map_err(Clone::clone)?;
    let what = format!("ConfigMap {name}");
    match maps.iter().find(|map| map.name == name) {
        Some(map) => read(map).map_err(|error| Unavailable::failed(what, error.to_string())),
        None => Err(Unavailable::absent(what, "there is none in the recording")),
    }
}

fn api_server_port(slices: &List<ServiceEndpoints>) -> Result<u16, Unavailable> {
    let slices = slices.as_ref().map_err(Clone::clone)?;
    let mut of_it = slices.iter().filter(|slice| slice.is_of("default", "kubernetes"));
    of_it
        .find_map(|slice| slice.ports.first().copied())
        .ok_or_else(|| Unavailable::absent("EndpointSlice default/kubernetes", "it has no port"))
}

fn endpoints(
    slices: &List<ServiceEndpoints>,
    namespace: &str,
    service: &str,
) -> List<ServiceEndpoint> {
    let slices = slices.as_ref().map_err(Clone::clone)?;
    let of_it = slices.iter().filter(|slice| slice.is_of(namespace, service));
    Ok(of_it.flat_map(|slice| slice.endpoints.clone()).collect())
}

/// What all pods together tell.
#[derive(Default)]
struct OfPods {
    agents: Vec<AgentPod>,
    control_plane: Vec<ControlPlanePod>,
    rows: Pods,
    troubled: Vec<PodDetail>,
}

impl OfPods {
    fn add(&mut self, pod: &Pod) {
        let row = pod.row();
        if !row.is_well() {
            self.troubled.push(pod.detail());
        }
        self.rows.push(row);
        self.agents.extend(pod.agent());
        self.control_plane.extend(pod.control_plane());
    }

    fn facts(self) -> ClusterFacts {
        ClusterFacts {
            agents: Fact::Known(self.agents),
            control_plane: Fact::Known(self.control_plane),
            pods: Fact::Known(self.rows),
            troubled_pods: Fact::Known(self.troubled),
            ..ClusterFacts::default()
        }
    }
}

fn without_pods(why: Unavailable) -> ClusterFacts {
    ClusterFacts {
        agents: Fact::Unavailable(why.clone()),
        control_plane: Fact::Unavailable(why.clone()),
        pods: Fact::Unavailable(why.clone()),
        troubled_pods: Fact::Unavailable(why),
        ..ClusterFacts::default()
    }
}

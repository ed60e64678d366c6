//! Objects of the API: excerpts of what a real API server sent, and what is rarer.

use kcilium_core::{
    decode::kubernetes::{FromApi, Pod, each, page},
    facts::{
        CiliumEndpoint, CiliumNodeConfig, ClusterFacts, Component, ControlPlaneComponent,
        CustomResource, Event, KubeNode, NetworkPolicy, NetworkPolicyKind, Service,
        ServiceEndpoints, ServiceType, TrafficPolicy, Workload, WorkloadKind, snapshot,
    },
};
use serde_json::{Value, json};

use crate::fixture;

fn clash() -> ClusterFacts {
    fixture::decoded(&fixture::recording("dumps/clash")).cluster
}

fn read<T: FromApi>(object: &Value) -> Result<Option<T>, String> {
    let page = page(object.to_string().as_bytes()).map_err(|error| error.to_string())?;
    Ok(page.items.into_iter().next())
}

fn only<T: FromApi>(object: &Value) -> T {
    read(object).unwrap().unwrap()
}

#[test]
fn workloads_are_known_by_what_they_are() {
    let cluster = clash();
    let agent = cluster.workloads(Component::Agent).next().unwrap();
    assert_eq!((agent.kind, agent.name.as_str()), (WorkloadKind::DaemonSet, "cilium"));
    assert_eq!((agent.pods.desired, agent.pods.ready), (3, 3));
    let container = agent.container("cilium-agent").unwrap();
    assert_eq!(container.version().unwrap().to_string(), "1.14.2");
    assert_eq!(container.args, ["--config-dir=/tmp/cilium/config-map"]);
    let variable = |name: &str| {
        let variable = container.variable(name).unwrap();
        (variable.value.as_deref(), variable.from.as_deref())
    };
    assert_eq!(variable("KUBERNETES_SERVICE_HOST"), (Some("10.24.0.2"), None));
    assert_eq!(variable("K8S_NODE_NAME"), (None, Some("field spec.nodeName")));
    let init = agent.container("config").unwrap();
    assert_eq!(init.variable("KUBERNETES_SERVICE_PORT").unwrap().value.as_deref(), Some("6443"));
    assert!(agent.tolerations[0].tolerates(&kcilium_core::facts::Taint {
        key: "node.cilium.io/agent-not-ready".into(),
        effect: "NoExecute".into(),
        ..kcilium_core::facts::Taint::default()
    }));
    assert_eq!(agent.annotations["meta.helm.sh/release-name"], "cilium");
    assert_eq!(agent.host_paths["etc-cni-netd"], "/etc/cni/net.d");
    assert!(agent.host_network);

    let operator = cluster.workloads(Component::Operator).next().unwrap();
    assert_eq!((operator.kind, operator.pods.desired), (WorkloadKind::Deployment, 1));
    // Applications are nobody's business.
    assert_eq!(cluster.deployments.get().unwrap().len(), 1);
    assert_eq!(cluster.daemon_sets.get().unwrap().len(), 1);
}

#[test]
fn nodes_carry_what_rules_look_at() {
    let cluster = clash();
    let node = &cluster.nodes.get().unwrap()[0];
    assert_eq!(node.roles().collect::<Vec<_>>(), ["control-plane"]);
    assert_eq!(node.info.container_runtime_version, "containerd://1.6.20");
    let network = node.condition("NetworkUnavailable").unwrap();
    assert_eq!((network.holds(), network.reason.as_str()), (false, "CiliumIsUp"));
    assert!(node.condition("Ready").unwrap().holds());
    assert_eq!(node.max_pods, Some(60));

    let node: KubeNode = only(&json!({
        "metadata": {"name": "n", "annotations": {"network.cilium.io/ipv4-pod-cidr": "10.0.1.0/24",
            "io.cilium.network.ipv4-health-ip": "10.0.1.9", "a": "b"}},
        "spec": {"providerID": "aws:///a/b", "unschedulable": true,
            "taints": [{"key": "node.cilium.io/agent-not-ready", "effect": "NoSchedule"}]},
        "status": {"images": [{"names": ["quay.io/cilium/cilium:v1.14.2"]}, {"names": null},
            {"names": ["docker.io/library/redis:7"]}]},
    }));
    assert_eq!(
        (node.images, &node.cilium_images[..]),
        (3, &["quay.io/cilium/cilium:v1.14.2".into()][..])
    );
    assert_eq!(node.annotations.len(), 2);
    assert_eq!((node.taints[0].effect.as_str(), node.unschedulable), ("NoSchedule", true));
}

#[test]
fn pods_in_trouble_say_why() {
    let cluster = clash();
    assert_eq!(cluster.pods.get().unwrap().rows().len(), 10);
    let troubled = cluster.troubled_pods.get().unwrap();
    let names: Vec<&str> = troubled.iter().map(|pod| pod.status.as_str()).collect();
    assert_eq!(names, ["Error", "ErrImagePull"]);
    let redis = &troubled[1];
    assert_eq!(redis.owner.as_ref().unwrap().kind, "ReplicaSet");
    let waiting = redis.containers[0].waiting.as_ref().unwrap();
    assert_eq!(waiting.reason, "ErrImagePull");
    assert!(waiting.message.ends_with("->10.0.0.1:53: i/o timeout"), "{}", waiting.message);
    let backend = &troubled[0].containers[0];
    assert_eq!(backend.restarts, 4);
    assert_ne!(backend.terminated.as_ref().or(backend.last_terminated.as_ref()), None);
    let agent = &cluster.agents.get().unwrap()[0];
    assert_eq!((agent.image.as_str(), agent.ready), ("quay.io/cilium/cilium:v1.14.2", true));
    assert!(agent.started.is_some());
}

#[test]
fn events_of_both_apis_are_one_kind() {
    let cluster = clash();
    let events = cluster.events.get().unwrap();
    let scheduled = events.iter().find(|event| event.reason == "Scheduled").unwrap();
    assert_eq!((scheduled.source.as_str(), scheduled.count), ("default-scheduler", 1));
    assert!(scheduled.last_seen.is_some());
    let back_off = events.iter().find(|event| event.reason == "BackOff").unwrap();
    assert_eq!((back_off.count, back_off.host.as_str()), (5, "node1"));
    assert_eq!((back_off.kind.as_str(), back_off.object.kind.as_str()), ("Warning", "Pod"));

    let new: Event = only(&json!({
        "metadata": {"name": "e"}, "type": "Warning", "reason": "FailedScheduling", "note": "0/3 nodes",
        "regarding": {"kind": "Pod", "namespace": "default", "name": "p"},
        "eventTime": "2026-11-23T01:00:00.000000Z", "deprecatedCount": 1,
        "series": {"count": 9, "lastObservedTime": "2026-11-23T01:05:00.000000Z"},
        "reportingController": "default-scheduler", "reportingInstance": "default-scheduler-vm",
    }));
    assert_eq!((new.message.as_str(), new.count), ("0/3 nodes", 9));
    assert_eq!(new.last_seen.as_deref(), Some("2026-11-23T01:05:00.000000Z"));
    assert_eq!(new.object.name, "p");
}

#[test]
fn services_and_their_endpoints_keep_addresses() {
    let cluster = clash();
    assert_eq!(cluster.services.get().unwrap().len(), 4);
    let service: Service = only(&json!({
        "metadata": {"name": "s", "namespace": "n", "annotations": {"service.cilium.io/type": "ClusterIP", "x": ""}},
        "spec": {"type": "LoadBalancer", "clusterIPs": ["10.96.0.9", "fd00::9"], "externalTrafficPolicy": "Local",
            "externalIPs": ["192.0.2.7"], "ports": [{"port": 80, "nodePort": 30080, "protocol": "TCP", "targetPort": "http"}],
            "selector": {"app": "a"}},
        "status": {"loadBalancer": {"ingress": [{"hostname": "a.lan"}, {"ip": "10.0.0.1"}]}},
    }));
    let addresses: Vec<String> = service.addresses().map(|it| it.to_string()).collect();
    assert_eq!(addresses, ["10.96.0.9", "fd00::9", "192.0.2.7", "10.0.0.1"]);
    assert_eq!(
        (service.kind, service.external_traffic_policy),
        (ServiceType::LoadBalancer, TrafficPolicy::Local)
    );
    assert_eq!((service.ports[0].node_port, service.annotations.len()), (30080, 1));
    let headless: Service = only(&json!({"metadata": {"name": "h"},
        "spec": {"type": "Teleport", "clusterIP": "None", "clusterIPs": ["None"]}}));
    assert_eq!((headless.kind, headless.addresses().count()), (ServiceType::Other, 0));

    let slice: ServiceEndpoints = only(&json!({
        "metadata": {"name": "kube-dns-x", "namespace": "kube-system",
            "labels": {"kubernetes.io/service-name": "kube-dns"}},
        "endpoints": [
            {"addresses": ["10.0.1.5"], "conditions": {"ready": false}, "nodeName": "node1",
                "targetRef": {"kind": "Pod", "name": "coredns-a"}},
            {"addresses": ["10.0.1.6"], "conditions": {}}],
    }));
    assert!(slice.is_of("kube-system", "kube-dns"));
    assert_eq!(slice.endpoints.iter().map(|it| it.ready).collect::<Vec<_>>(), [false, true]);
    assert_eq!(slice.endpoints[0].pod.as_deref(), Some("coredns-a"));
}

#[test]
fn policies_are_told_apart_by_what_they_do() {
    let policies = |object: &Value| only::<Vec<NetworkPolicy>>(object);
    let [deny] = &policies(&json!({"metadata": {"name": "deny", "namespace": "a"},
        "spec": {"podSelector": {}, "policyTypes": ["Egress"]}}))[..]
    else {
        panic!()
    };
    assert_eq!(deny.kind, NetworkPolicyKind::NetworkPolicy);
    assert!(
        deny.selects_all && deny.isolates_egress && !deny.isolates_ingress && !deny.allows_egress
    );
    let [first, second] = &policies(&json!({"metadata": {"name": "p"}, "specs": [
        {"endpointSelector": {"matchLabels": {"a": "b"}}, "egress": [{"toFQDNs": [{"matchName": "a.b"}]},
            {"toPorts": [{"ports": [], "rules": {"dns": [{"matchPattern": "*"}]}}]}]},
        {"nodeSelector": {}, "ingress": [{}], "egressDeny": [{"toEntities": ["world"]}],
            "enableDefaultDeny": {"egress": false}}]}))[..]
    else {
        panic!()
    };
    assert_eq!(first.kind, NetworkPolicyKind::CiliumClusterwideNetworkPolicy);
    assert!(first.names_fqdns && first.inspects_dns && first.allows_egress && !first.selects_all);
    assert!(second.selects_nodes && second.isolates_ingress && second.denies_egress);
    assert!(!second.isolates_egress && !second.allows_egress);
}

#[test]
fn ciliums_own_kinds_are_read() {
    let cluster = clash();
    let endpoint = &cluster.cilium_endpoints.get().unwrap()[0];
    assert_eq!((endpoint.state.as_str(), endpoint.addresses.len()), ("ready", 1));
    assert_eq!(endpoint.node.unwrap().to_string(), "10.24.0.2");
    let bare: CiliumEndpoint = only(&json!({"metadata": {"name": "p", "namespace": "n"},
        "status": {"networking": {"addressing": null, "node": ""}, "identity": null}}));
    assert_eq!((bare.addresses.len(), bare.identity, bare.node), (0, None, None));

    let crd: CustomResource = only(&json!({
        "metadata": {"name": "ciliumnodeconfigs.cilium.io", "labels": {"io.cilium.k8s.crd.schema.version": "1.26.10"}},
        "spec": {"group": "cilium.io", "names": {"kind": "CiliumNodeConfig", "plural": "x"},
            "versions": [{"name": "v2alpha1", "served": true, "storage": true, "schema": {"a": 1}}]},
        "status": {"conditions": [{"type": "Established", "status": "True"}], "storedVersions": ["v2alpha1"]},
    }));
    assert!(crd.established && crd.versions[0].served);
    assert_eq!(crd.schema_version.as_deref(), Some("1.26.10"));
    let other = json!({"metadata": {"name": "a.b"}, "spec": {"group": "b", "names": {"kind": "A"}},
        "status": {"conditions": null, "storedVersions": null}});
    assert_eq!(read::<CustomResource>(&other).unwrap(), None);

    let override_: CiliumNodeConfig =
        only(&json!({"metadata": {"name": "edge", "namespace": "kube-system"},
        "spec": {"nodeSelector": {"matchLabels": {"role": "edge"}},
            "defaults": {"routing-mode": "native", "etcd-password": "hunter2"}}}));
    assert_eq!(override_.defaults["etcd-password"], "(redacted)");
    assert_eq!(override_.nodes.unwrap().match_labels["role"], "edge");

    let leases = cluster.leases.get().unwrap();
    assert!(leases.iter().any(|lease| lease.name == "node1" && lease.seconds == Some(40)));
    assert!(leases.iter().all(|lease| lease.name != "kube-scheduler"));
    assert_eq!(cluster.version.get().unwrap().git_version, "v1.35.0");
}

#[test]
fn kubeadm_and_kube_proxy_are_read_from_their_yaml() {
    let map = |namespace: &str, name: &str, key: &str, text: &str| json!({"metadata": {"name": name, "namespace": namespace}, "data": {key: text}});
    let files = json!({"items": [
        map("kube-system", "kubeadm-config", "ClusterConfiguration",
            "apiVersion: kubeadm.k8s.io/v1beta3\nclusterName: kubernetes\ncontrolPlaneEndpoint: api.lan:6443\n\
             kubernetesVersion: v1.30.4\nnetworking:\n  dnsDomain: cluster.local\n  podSubnet: 10.244.0.0/16\n  \
             serviceSubnet: 10.96.0.0/12\nscheduler: {}\n"),
        map("kube-public", "cluster-info", "kubeconfig",
            "apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: LS0t\n    server: https://10.24.0.2:6443\n  name: \"\"\nkind: Config\n"),
        map("kube-system", "kube-proxy", "config.conf", "clusterCIDR: 10.244.0.0/16\nmode: ipvs\n"),
        map("kube-system", "coredns", "Corefile", ".:53 {\n    forward . /etc/resolv.conf\n}\n"),
        {"metadata": {"name": "cilium-config", "namespace": "cilium",
            "managedFields": [{"time": "2026-01-01T00:00:00Z"}, {"time": "2026-02-01T00:00:00Z"}, {}]},
            "data": {"ipam": "kubernetes", "kvstore-password": "hunter2"}},
    ]});
    let files = [("api/configmaps.json".to_owned(), files.to_string())].into();
    let cluster = fixture::decoded(&files).cluster;
    let kubeadm = cluster.kubeadm.get().unwrap();
    assert_eq!(
        (kubeadm.pod_subnet.as_str(), kubeadm.kube_proxy_disabled),
        ("10.244.0.0/16", false)
    );
    assert_eq!(kubeadm.control_plane_endpoint, "api.lan:6443");
    assert_eq!(cluster.service_cidrs.get().unwrap(), &["10.96.0.0/12"]);
    assert_eq!(cluster.cluster_info.get().unwrap().server, "https://10.24.0.2:6443");
    let proxy = cluster.kube_proxy.get().unwrap();
    assert_eq!((proxy.mode.as_str(), proxy.cluster_cidr.as_str()), ("ipvs", "10.244.0.0/16"));
    assert!(cluster.corefiles.get().unwrap()[0].text.contains("forward . /etc/resolv.conf"));
    let data = cluster.config_data.get().unwrap();
    assert_eq!(
        (data.namespace.as_str(), data.data["kvstore-password"].as_str()),
        ("cilium", "(redacted)")
    );
    assert_eq!(data.changed_at.as_deref(), Some("2026-02-01T00:00:00Z"));
}

#[test]
fn the_control_plane_s_flags_are_read_in_every_spelling() {
    let pod: Pod = only(
        &json!({"metadata": {"name": "kube-controller-manager-a", "namespace": "kube-system"},
        "spec": {"nodeName": "a", "containers": [{"name": "kube-controller-manager", "command":
            ["kube-controller-manager", "--allocate-node-cidrs", "--cluster-cidr", "10.244.0.0/16",
             "--node-cidr-mask-size=24", "--service-account-private-key-file=/etc/sa.key"]}]}}),
    );
    let found = pod.control_plane().unwrap();
    assert_eq!(found.component, ControlPlaneComponent::ControllerManager);
    let flags: Vec<(&str, &str)> =
        found.flags.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(
        flags,
        [
            ("allocate-node-cidrs", "true"),
            ("cluster-cidr", "10.244.0.0/16"),
            ("node-cidr-mask-size", "24")
        ]
    );
}

#[test]
fn what_cannot_be_read_is_named_with_object_and_field() {
    let error = |json: &str| page::<Service>(json.as_bytes()).unwrap_err().to_string();
    let list = r#"{"items":[{"metadata":{"name":"a"},"spec":{}},{"metadata":{"name":"b","namespace":"n"},"spec":{"ports":[{"port":80},{"port":"http"}]}}]}"#;
    assert_eq!(
        error(list),
        "Service n/b: spec.ports[1].port: invalid type: string \"http\", expected u16"
    );
    assert_eq!(
        error(r#"{"items":[{"spec":{}}]}"#),
        "Service without a name: missing field `metadata`"
    );
    let status = r#"{"kind":"Status","metadata":{},"message":"services is forbidden","code":403}"#;
    assert_eq!(error(status), "the API server answered: services is forbidden");
    assert_eq!(
        error(r#"{"kind":"Table","metadata":{},"rows":[]}"#),
        "neither a Kubernetes object nor a list of them"
    );
    // What came before has been handed over.
    let mut names = Vec::new();
    each(list.as_bytes(), |service: Service| names.push(service.name)).unwrap_err();
    assert_eq!(names, ["a"]);
}

#[test]
fn pages_say_how_to_go_on() {
    let page = page::<Service>(br#"{"kind":"ServiceList","metadata":{"continue":"abc","resourceVersion":"7"},"items":null}"#).unwrap();
    assert_eq!(
        (page.items.len(), page.resume.as_deref(), page.resource_version.as_str()),
        (0, Some("abc"), "7")
    );
    let workload = read::<Workload>(&json!({"metadata": {"name": "web"},
        "spec": {"template": {"spec": {"containers": [{"name": "web"}]}}}}));
    assert_eq!(workload.unwrap(), None);
}

#[test]
fn all_of_it_fits_into_a_snapshot_and_comes_back() {
    let facts = fixture::decoded(&fixture::recording("dumps/clash"));
    let json = snapshot::encode(&facts).unwrap();
    assert_eq!(snapshot::decode(&json).unwrap(), facts);
    // Values that a newer tool knows.
    let newer = String::from_utf8(json)
        .unwrap()
        .replace("\"component\": \"agent\"", "\"component\": \"oracle\"")
        .replace("\"type\": \"ClusterIP\"", "\"type\": \"Teleport\"")
        .replace("\"kind\": \"DaemonSet\"", "\"kind\": \"MoonSet\"");
    let newer = snapshot::decode(newer.as_bytes()).unwrap();
    assert_eq!(newer.cluster.services.get().unwrap()[0].kind, ServiceType::Other);
    assert_eq!(newer.cluster.workloads(Component::Other).count(), 1);
}

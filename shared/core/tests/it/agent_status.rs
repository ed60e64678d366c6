//! What agents of several versions say about themselves.

use kcilium_core::decode::agent_status::decode;
use kcilium_core::facts::{AgentStatus, ComponentStatus, KubeProxyReplacement, ProxyStatus};

use crate::fixture;

fn recorded(state: &str, node: &str) -> AgentStatus {
    let files = fixture::recording(&format!("dumps/{state}"));
    decode(&files[&format!("{node}/cilium-status.json")]).unwrap()
}

fn state(component: Option<&ComponentStatus>) -> Option<&str> {
    component.map(|component| component.state.as_str())
}

fn devices(kpr: &KubeProxyReplacement) -> Vec<String> {
    let device = |device: &kcilium_core::facts::AgentDevice| {
        let addresses = device.addresses.iter().map(ToString::to_string).collect::<Vec<_>>();
        format!("{} {}", device.name, addresses.join(" "))
    };
    kpr.devices.iter().map(device).collect()
}

/// The agents of the clash call themselves well, like those of the healthy cluster.
#[test]
fn recorded_agents_of_1_14_are_all_well() {
    for name in ["clash", "good"] {
        for node in ["node1", "node2", "node3"] {
            let status = recorded(name, node);
            let agent = status.agent.as_ref().unwrap();
            assert_eq!((&*agent.state, &*agent.message), ("Ok", "1.14.2 (v1.14.2-a6748946)"));
            assert_eq!(state(status.kubernetes.as_ref()), Some("Ok"));
            assert_eq!(state(status.cluster_health.as_ref()), Some("Ok"));
            assert_eq!(status.host_routing.as_deref(), Some("Legacy"));
            assert_eq!(
                (status.routing_mode.as_ref(), status.tunnel_protocol.as_ref()),
                (None, None)
            );
            assert_eq!((status.proxy.as_ref(), status.cni_file.as_ref()), (None, None));
            let masquerading = status.masquerading.as_ref().unwrap();
            assert!(masquerading.enabled, "{name} {node}");
            assert_eq!(masquerading.mode.as_deref(), Some("iptables"));
            assert_eq!(status.kube_proxy_replacement.as_ref().unwrap().mode, "Strict");
            assert_eq!(status.failing_controllers.len(), usize::from(name == "clash"));
        }
    }
}

#[test]
fn a_recorded_status_tells_its_pod_cidr_devices_and_failures() {
    let status = recorded("clash", "node1");
    assert_eq!(status.ipam.as_deref(), Some("IPv4: 4/254 allocated from 10.0.1.0/24, "));
    let exclusion = status.masquerading.unwrap().exclusion_v4;
    assert_eq!(exclusion.as_deref(), Some("10.0.1.0/24"));
    let kpr = status.kube_proxy_replacement.unwrap();
    assert_eq!(devices(&kpr), ["eth0 10.0.0.124", "eth1 10.24.0.2"]);
    let [failing] = &status.failing_controllers[..] else { panic!() };
    assert_eq!((&*failing.name, failing.failures), ("cilium-health-ep", 1));
    assert!(failing.message.starts_with("Endpoint failed to run"), "{}", failing.message);
}

/// Field names as in the agent's API from 1.15 on.
#[test]
fn later_versions_say_more() {
    let status = decode(
        r#"{"cilium": {"state": "Ok", "msg": "1.18.0"}, "client-id": 7, "stale": {"k": "t"},
            "cni-file": {"state": "Ok", "msg": "successfully wrote CNI configuration file"},
            "routing": {"inter-host-routing-mode": "Tunnel", "intra-host-routing-mode": "BPF",
                        "tunnel-protocol": "vxlan"},
            "masquerading": {"enabled": true, "mode": "BPF", "ip-masq-agent": true,
                             "snat-exclusion-cidr-v6": ""},
            "kube-proxy-replacement": {"mode": "True", "directRoutingDevice": "eth0",
                "deviceList": [{"name": "eth0", "ip": ["10.0.0.1", "fe80::1", "?"]},
                               {"name": "eth1", "ip": null}]},
            "proxy": {"ip": "10.0.0.2", "port-range": "10000-20000", "total-redirects": 3,
                      "envoy-deployment-mode": "external"},
            "controllers": null, "ipam": {"ipv4": null, "status": ""}}"#,
    )
    .unwrap();
    assert_eq!(status.routing_mode.as_deref(), Some("Tunnel"));
    assert_eq!(status.host_routing.as_deref(), Some("BPF"));
    assert_eq!(status.tunnel_protocol.as_deref(), Some("vxlan"));
    assert_eq!(state(status.cni_file.as_ref()), Some("Ok"));
    assert_eq!(status.ipam, None);
    let masquerading = status.masquerading.unwrap();
    assert_eq!((masquerading.ip_masq_agent, masquerading.exclusion_v6), (true, None));
    let kpr = status.kube_proxy_replacement.unwrap();
    assert_eq!(devices(&kpr), ["eth0 10.0.0.1 fe80::1", "eth1 "]);
    assert_eq!(kpr.direct_routing_device.as_deref(), Some("eth0"));
    let proxy = ProxyStatus {
        address: Some([10, 0, 0, 2].into()),
        envoy_mode: Some("external".into()),
        redirects: 3,
    };
    assert_eq!(status.proxy, Some(proxy));
}

#[test]
fn what_is_no_status_is_an_error() {
    for text in ["", "{}", "[]", "{\"cilium\": 1}", "Get \"http://localhost\": dial unix"] {
        assert!(decode(text).is_err(), "{text}");
    }
}

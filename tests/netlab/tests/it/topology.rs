use std::fs;

use netlab::{
    CiliumState, Lab, Namespace, homelab, require_programs, require_root_netns, seed_node,
};

/// `ip route`, without the blanks at the ends of its lines.
fn routes(namespace: &Namespace) -> Vec<String> {
    namespace.ip(&["route"]).unwrap().lines().map(|line| line.trim_end().to_owned()).collect()
}

fn route_get(namespace: &Namespace, address: &str) -> String {
    namespace.ip(&["route", "get", address]).unwrap()
}

fn pings(namespace: &Namespace, address: &str) -> bool {
    let output = namespace.command("ping").args(["-c1", "-W2", address]).output().unwrap();
    output.status.success()
}

#[test]
fn in_health_the_gateway_is_on_the_lan() {
    if !require_root_netns() {
        return;
    }
    let home = homelab("healthy", CiliumState::Healthy).unwrap();
    let node1 = home.node("node1").unwrap();
    assert!(route_get(node1.namespace(), "10.0.0.1").contains("dev eth0"));
    assert_eq!(
        routes(node1.namespace()),
        [
            "default via 10.0.0.1 dev eth0",
            "10.0.0.0/16 dev eth0 proto kernel scope link src 10.0.0.124",
            "10.24.0.0/24 dev eth1 proto kernel scope link src 10.24.0.2",
            "10.244.0.0/24 via 10.244.0.120 dev cilium_host proto kernel src 10.244.0.120",
            "10.244.0.120 dev cilium_host proto kernel scope link",
            "10.244.1.0/24 via 10.244.0.120 dev cilium_host proto kernel src 10.244.0.120 mtu 1450",
            "10.244.2.0/24 via 10.244.0.120 dev cilium_host proto kernel src 10.244.0.120 mtu 1450",
            "172.17.0.0/16 dev docker0 proto kernel scope link src 172.17.0.1 linkdown",
        ]
    );
    // One VXLAN port on one kernel, three times: each namespace has its own sockets.
    for node in home.nodes() {
        let vxlan = node.namespace().ip(&["-d", "link", "show", "cilium_vxlan"]).unwrap();
        assert!(vxlan.contains("vxlan external") && vxlan.contains("dstport 8472"), "{vxlan}");
        assert!(vxlan.contains("LOWER_UP"), "{vxlan}");
        assert!(node.namespace().ip(&["link", "show", "lxc_health"]).is_ok());
    }
}

#[test]
fn in_the_clash_cilium_takes_the_gateway() {
    if !require_root_netns() {
        return;
    }
    let home = homelab("clash", CiliumState::Clash).unwrap();
    for node in home.nodes() {
        assert!(route_get(node.namespace(), "10.0.0.1").contains("dev cilium_host"));
        // The next hop stays on-link, so the internet does too.
        assert!(route_get(node.namespace(), "1.1.1.1").contains("via 10.0.0.1 dev eth0"));
    }
}

#[test]
fn the_internet_answers_in_health_and_in_the_clash() {
    if !require_root_netns() || !require_programs(&["ping"]) {
        return;
    }
    for (state, gateway) in [(CiliumState::Healthy, true), (CiliumState::Clash, false)] {
        let home = homelab("internet", state).unwrap();
        let node1 = home.node("node1").unwrap().namespace();
        assert!(pings(node1, "1.1.1.1"), "{state:?}");
        assert!(pings(node1, "1.0.0.1"), "{state:?}");
        assert!(pings(node1, "10.24.0.5"), "{state:?}");
        assert_eq!(pings(node1, "10.0.0.1"), gateway, "{state:?}");
    }
}

#[test]
fn an_uninstall_leaves_links_routes_and_files_but_no_agent() {
    if !require_root_netns() {
        return;
    }
    let home = homelab("leftovers", CiliumState::Leftovers).unwrap();
    for node in home.nodes() {
        let links = node.namespace().ip(&["-o", "link"]).unwrap();
        for link in ["cilium_net@cilium_host", "cilium_host@cilium_net", "cilium_vxlan", "lxc"] {
            assert!(links.contains(&format!(": {link}")), "{link}: {links}");
        }
        assert!(!links.contains("lxc_health"), "{links}");
        assert!(node.root().join("etc/cni/net.d/05-cilium.conflist").is_file());
        assert!(node.root().join("proc/2/comm").is_file());
        assert!(!node.root().join("proc/4242").exists());
    }
}

#[test]
fn without_cilium_there_is_no_trace_of_it() {
    if !require_root_netns() {
        return;
    }
    let home = homelab("bare", CiliumState::None).unwrap();
    let node3 = home.node("node3").unwrap();
    let links = node3.namespace().ip(&["-o", "link"]).unwrap();
    assert!(!links.contains("cilium") && !links.contains("lxc"), "{links}");
    assert!(!node3.root().join("etc/cni").exists());
    assert_eq!(fs::read_to_string(node3.root().join("etc/hostname")).unwrap(), "node3\n");
    let resolv = fs::read_to_string(node3.root().join("etc/resolv.conf")).unwrap();
    assert_eq!(resolv, "nameserver 10.0.0.1\n");
}

#[test]
fn the_seed_node_has_the_routes_of_the_article() {
    if !require_root_netns() {
        return;
    }
    let home = seed_node("seed").unwrap();
    let node = home.node("node1").unwrap();
    assert_eq!(
        routes(node.namespace()),
        [
            "default via 10.0.0.1 dev eth0",
            "10.0.0.0/24 via 10.0.2.208 dev cilium_host proto kernel src 10.0.2.208 mtu 1450",
            "10.0.0.0/16 dev eth0 proto kernel scope link src 10.0.0.124",
            "10.0.1.0/24 via 10.0.2.208 dev cilium_host proto kernel src 10.0.2.208 mtu 1450",
            "10.0.2.0/24 via 10.0.2.208 dev cilium_host proto kernel src 10.0.2.208",
            "10.0.2.208 dev cilium_host proto kernel scope link",
            "10.24.0.0/24 dev eth1 proto kernel scope link src 10.24.0.2",
            "172.17.0.0/16 dev docker0 proto kernel scope link src 172.17.0.1 linkdown",
        ]
    );
    let eth0 = node.namespace().ip(&["-4", "-o", "addr", "show", "eth0"]).unwrap();
    assert!(eth0.contains("10.0.1.24/16 scope global secondary"), "{eth0}");
    let agent = fs::read_to_string(node.root().join("proc/4242/comm")).unwrap();
    assert_eq!(agent, "cilium-agent\n");
}

#[test]
fn thousands_of_routes_in_one_go() {
    if !require_root_netns() {
        return;
    }
    let lab = Lab::new("batch").unwrap();
    let (a, b) = (lab.namespace("a").unwrap(), lab.namespace("b").unwrap());
    lab.veth((&a, "eth0"), (&b, "eth0")).unwrap();
    let mut script = String::new();
    script
        .extend((0..5000).map(|i| format!("route add 10.{}.{}.0/24 dev eth0\n", i / 256, i % 256)));
    a.ip_batch(&script).unwrap();
    assert_eq!(routes(&a).len(), 5000);

    // Far more than a pipe holds, and refused in the first line.
    let error = a.ip_batch(&script).unwrap_err().to_string();
    assert!(error.contains("-batch -") && error.contains("File exists"), "{error}");
}

#[test]
fn errors_say_what_was_run_and_what_it_answered() {
    if !require_root_netns() {
        return;
    }
    let lab = Lab::new("errors").unwrap();
    let a = lab.namespace("a").unwrap();
    let error = a.ip(&["link", "set", "nowhere", "up"]).unwrap_err().to_string();
    assert!(error.contains("link set nowhere up"), "{error}");
    assert!(error.contains("Cannot find device \"nowhere\""), "{error}");
    assert!(lab.namespace("../root").is_err());
    assert!(lab.namespace("a").is_err());
}

#[test]
fn sysctls_stay_inside() {
    if !require_root_netns() {
        return;
    }
    let lab = Lab::new("sysctl").unwrap();
    let (a, b) = (lab.namespace("a").unwrap(), lab.namespace("b").unwrap());
    a.sysctl("net.ipv4.ip_forward", "1").unwrap();
    assert_eq!(a.sysctl_get("net.ipv4.ip_forward").unwrap(), "1");
    assert_eq!(b.sysctl_get("net.ipv4.ip_forward").unwrap(), "0");
    assert!(a.sysctl("kernel.panic", "1").is_err());
}

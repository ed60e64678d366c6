//! Recordings with missing, broken and odd parts: each costs its own facts, and no others.

use kcilium_core::{
    decode::recorded::{Files, is_part},
    facts::{AgentProcess, Fact, Facts, Family, NodeFacts, ResolverKind, UnavailableKind},
};

use crate::fixture::decoded;

const ROUTES: &str = r#"[{"dst":"default","gateway":"10.0.0.1","dev":"eth0","flags":[]}]"#;

fn recorded(files: &[(&str, &str)]) -> Facts {
    let files: Files =
        files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    decoded(&files)
}

/// The only node of a recording of a file of it.
fn node(files: &[(&str, &str)]) -> NodeFacts {
    let files: Vec<(String, &str)> =
        files.iter().map(|(name, text)| (format!("node1/{name}"), *text)).collect();
    let files: Vec<(&str, &str)> =
        files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    let [node] = &recorded(&files).nodes[..] else { panic!("not one node") };
    node.clone()
}

/// Kind of the reason why a fact is missing, and the reason.
fn missing<T: std::fmt::Debug>(fact: &Fact<T>) -> (UnavailableKind, String) {
    let why = fact.get().unwrap_err();
    (why.kind, why.to_string())
}

#[test]
fn a_folder_is_a_node_if_it_holds_a_part() {
    let facts = recorded(&[
        ("node1/ip-j-route.json", ROUTES),
        ("node2/cni/05-cilium.conflist", "{}"),
        ("notes/todo.txt", "x"),
        ("api/nodes.json", r#"{"items":[]}"#),
        ("README", "x"),
    ]);
    let names: Vec<&str> = facts.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["node1", "node2"]);
}

#[test]
fn only_known_files_are_parts() {
    for path in [
        "node1/ip-j-link.json",
        "a/resolved.conf",
        "n/cni/10-x.conf",
        "api/servicecidrs.json",
        "n/ps.txt",
    ] {
        assert!(is_part(path), "{path}");
    }
    for path in [
        "ip-j-link.json",
        "api/secrets.json",
        "node1/deep/ip-j-link.json",
        "node1/cni/README",
        "node1/ip-j-neigh.json",
        "",
        "/",
        "api/ip-j-link.json",
    ] {
        assert!(!is_part(path), "{path}");
    }
}

#[test]
fn a_missing_file_makes_its_own_facts_absent() {
    let node = node(&[("ip-j-route.json", ROUTES)]);
    assert_eq!(node.routes.get().unwrap().len(), 1);
    for (kind, why) in [
        missing(&node.links),
        missing(&node.addresses),
        missing(&node.rules),
        missing(&node.resolvers),
        missing(&node.cni_files),
        missing(&node.sysctls),
        missing(&node.agent),
        missing(&node.kernel),
    ] {
        assert_eq!(kind, UnavailableKind::Absent, "{why}");
        assert!(why.ends_with("not in the recording"), "{why}");
    }
    // Nobody asks a recording for the kernel's word.
    assert!(node.lookups.is_not_collected());
}

#[test]
fn a_broken_file_makes_its_own_facts_fail_with_place_and_reason() {
    let node = node(&[
        ("ip-j-route.json", &ROUTES[..40]),
        ("ip-j-rule.json", r#"[{"priority":1,"src":"all","table":"vpn"}]"#),
        ("ip-j-link.json", "Error: Cannot talk to rtnetlink"),
        ("ip-j-addr.json", "[]"),
    ]);
    let (kind, why) = missing(&node.routes);
    assert_eq!(kind, UnavailableKind::Failed);
    assert!(why.contains("ip-j-route.json") && why.contains("line 1"), "{why}");
    let (_, why) = missing(&node.rules);
    assert!(why.contains("ip-j-rule.json") && why.contains("table name `vpn`"), "{why}");
    assert_eq!(missing(&node.links).0, UnavailableKind::Failed);
    assert_eq!(node.addresses.get().unwrap(), &[]);
}

#[test]
fn routes_that_both_files_hold_come_once() {
    let v6 = r#"{"dst":"fd00::/64","dev":"eth0","protocol":"kernel","metric":256,"flags":[],"pref":"medium"}"#;
    let both = format!("{},{v6}]", ROUTES.strip_suffix(']').unwrap());
    let count = |files: &[(&str, &str)]| {
        let node = node(files);
        let routes = node.routes.get().unwrap().clone();
        let of = |family| routes.iter().filter(|route| route.family() == family).count();
        (of(Family::V4), of(Family::V6))
    };
    let alone = format!("[{v6}]");
    assert_eq!(count(&[("ip-j-route.json", &both)]), (1, 1));
    assert_eq!(count(&[("ip-j-route.json", &both), ("ip-6-j-route.json", &alone)]), (1, 1));
    assert_eq!(count(&[("ip-j-route.json", ROUTES), ("ip-6-j-route.json", &alone)]), (1, 1));
    // A host without IPv6: the file is there and empty.
    assert_eq!(count(&[("ip-j-route.json", ROUTES), ("ip-6-j-route.json", "")]), (1, 0));
}

#[test]
fn servers_behind_a_stub_are_added_to_it() {
    let resolvers = |files: &[(&str, &str)]| -> Vec<String> {
        let node = node(files);
        let all = node.resolvers.get().unwrap();
        let word = |kind| if kind == ResolverKind::Direct { "direct" } else { "behind" };
        all.iter().map(|it| format!("{} {} {}", word(it.kind), it.address, it.file)).collect()
    };
    let stub = ("resolv.conf", "nameserver 127.0.0.53\n");
    let upstream = ("resolved.conf", "nameserver 10.0.0.1\nnameserver 2001:db8::1\n");
    assert_eq!(
        resolvers(&[stub, upstream]),
        [
            "direct 127.0.0.53 /etc/resolv.conf",
            "behind 10.0.0.1 /run/systemd/resolve/resolv.conf",
            "behind 2001:db8::1 /run/systemd/resolve/resolv.conf",
        ]
    );
    // Nobody knows whom the stub asks: that is not the same as nobody.
    assert_eq!(missing(&node(&[stub]).resolvers).0, UnavailableKind::Absent);
    // Where programs ask the servers themselves, what systemd-resolved knows is not used.
    let direct = ("resolv.conf", "nameserver 10.0.0.9\n");
    assert_eq!(resolvers(&[direct, upstream]), ["direct 10.0.0.9 /etc/resolv.conf"]);
}

#[test]
fn the_agent_is_looked_for_among_all_processes_of_the_host() {
    let agent = |text: &str| node(&[("ps.txt", text)]).agent;
    let host = "    PID COMMAND\n      1 systemd\n      2 kthreadd\n";
    assert_eq!(
        agent(&format!("{host}   1420 cilium-agent\n")),
        Fact::Known(AgentProcess::Running { pid: Some(1420) })
    );
    assert_eq!(
        agent(&format!("{host}   1420 cilium-agent-x\n   7 cilium\n")),
        Fact::Known(AgentProcess::NotRunning)
    );
    // In a container without the host's processes an agent may run unseen; one that is seen runs.
    assert_eq!(missing(&agent("  1 sh\n  2 ps\n")).0, UnavailableKind::Failed);
    assert_eq!(agent("  1 cilium-agent\n"), Fact::Known(AgentProcess::Running { pid: None }));
}

#[test]
fn sysctls_are_read_by_name() {
    let text = "net.ipv4.conf.eth0/100.rp_filter = 1\nnet.ipv4.ip_local_port_range = 32768\t60999\n\
                sysctl: permission denied on key \"net.ipv4.x\"\nnet.a=b=c\n";
    let node = node(&[("sysctl.txt", text)]);
    let sysctls = node.sysctls.get().unwrap();
    assert_eq!(sysctls["net.ipv4.conf.eth0/100.rp_filter"], "1");
    assert_eq!(sysctls["net.ipv4.ip_local_port_range"], "32768\t60999");
    assert_eq!(sysctls["net.a"], "b=c");
    assert_eq!(sysctls.len(), 3);
}

#[test]
fn cni_files_come_as_files_or_as_one_text() {
    let file = r#"{"name":"cilium","plugins":[{"type":"cilium-cni"}]}"#;
    let names = |files: &[(&str, &str)]| -> Vec<String> {
        let node = node(files);
        node.cni_files.get().unwrap().iter().map(|file| file.name.clone()).collect()
    };
    assert_eq!(
        names(&[("cni/05-cilium.conflist", file), ("cni/10-b.conf", "x"), ("ps.txt", "")]),
        ["05-cilium.conflist", "10-b.conf"]
    );
    let listing = format!(
        "== /etc/cni/net.d/05-cilium.conflist\n{file}\n== /etc/cni/net.d/README\nx\n\
         == /etc/cni/net.d/100-crio.conflist.cilium_bak\n{file}\n== /etc/cni/net.d/99-loopback.conf\n{{}}\n"
    );
    assert_eq!(names(&[("cni-conf.txt", &listing)]), ["05-cilium.conflist", "99-loopback.conf"]);
    // An empty folder was read, and holds nothing.
    assert_eq!(names(&[("cni-conf.txt", "")]), [""; 0]);
}

#[test]
fn objects_may_be_a_list_a_single_one_or_none() {
    let cilium_node = r#"{"metadata":{"name":"node1"},"spec":{"addresses":[{"type":"InternalIP","ip":"10.24.0.2"},{"type":"Moon","ip":"10.9.9.9"}],"ipam":{"podCIDRs":["10.244.0.7/24"],"pools":{"allocated":[{"pool":"default","cidrs":["10.10.0.0/28","fd00::/120"]}]}}}}"#;
    for json in [
        cilium_node.to_owned(),
        format!(r#"{{"kind":"List","items":[{cilium_node}]}}"#),
        format!(r#"{{"kind":"CiliumNodeList","metadata":{{}},"items":[{cilium_node}]}}"#),
    ] {
        let facts = recorded(&[("api/ciliumnodes.json", &json)]);
        let [node] = &facts.cluster.cilium_nodes.get().unwrap()[..] else { panic!("{json}") };
        let cidrs: Vec<String> = node.pod_cidrs.iter().map(ToString::to_string).collect();
        // Of both IPAM modes, without host bits.
        assert_eq!(cidrs, ["10.244.0.0/24", "10.10.0.0/28", "fd00::/120"]);
        assert_eq!(node.addresses.len(), 2);
    }
    for nothing in [r#"{"items":[]}"#, r#"{"items":null}"#] {
        let facts = recorded(&[("api/ciliumnodes.json", nothing)]);
        assert_eq!(facts.cluster.cilium_nodes.get().unwrap(), &[], "{nothing}");
    }
    for broken in
        ["", "[]", "{}", "null", r#"{"items":[{"spec":{}}]}"#, "Error from server (Forbidden)"]
    {
        let facts = recorded(&[("api/ciliumnodes.json", broken)]);
        assert_eq!(missing(&facts.cluster.cilium_nodes).0, UnavailableKind::Failed, "{broken}");
    }
    let malformed = r#"{"metadata":{"name":"node1"},"spec":{"ipam":{"podCIDRs":["10.244.0.0"]}}}"#;
    let facts = recorded(&[("api/ciliumnodes.json", malformed)]);
    let (_, why) = missing(&facts.cluster.cilium_nodes);
    assert!(
        why.contains("CiliumNode node1: spec.ipam.podCIDRs: `10.244.0.0` is not a CIDR"),
        "{why}"
    );
}

#[test]
fn service_cidrs_come_from_their_objects_or_from_the_api_server_s_arguments() {
    let pods = r#"{"items":[
        {"metadata":{"name":"kube-apiserver-a","namespace":"kube-system"},"spec":{"nodeName":"a","containers":[
            {"name":"kube-apiserver","command":["kube-apiserver","--v=2","--service-cluster-ip-range=10.96.0.0/12,fd00:96::/112"]}]}},
        {"metadata":{"name":"kube-apiserver-b","namespace":"kube-system"},"spec":{"nodeName":"b","containers":[
            {"name":"kube-apiserver","args":["--service-cluster-ip-range=10.96.0.0/12"]}]}}]}"#;
    let objects = r#"{"items":[{"metadata":{"name":"kubernetes"},"spec":{"cidrs":["10.32.0.0/16"]}},
        {"metadata":{"name":"more"},"spec":{"cidrs":["10.33.0.0/24"]}}]}"#;
    let found =
        |files: &[(&str, &str)]| recorded(files).cluster.service_cidrs.get().unwrap().clone();
    assert_eq!(found(&[("api/pods.json", pods)]), ["10.96.0.0/12", "fd00:96::/112"]);
    assert_eq!(
        found(&[("api/pods.json", pods), ("api/servicecidrs.json", objects)]),
        ["10.32.0.0/16", "10.33.0.0/24"]
    );
    let facts = recorded(&[("api/pods.json", r#"{"items":[]}"#)]);
    assert_eq!(missing(&facts.cluster.service_cidrs).0, UnavailableKind::Absent);
    assert_eq!(facts.cluster.agents.get().unwrap(), &[]);
}

#[test]
fn agents_are_the_daemon_set_s_pods_that_have_a_node() {
    let pod = |name: &str, labels: &str, container: &str, node: &str, ready: &str| {
        format!(
            r#"{{"metadata":{{"name":"{name}","labels":{{{labels}}}}},"spec":{{{node}"containers":[{{"name":"{container}"}}]}},"status":{{"conditions":[{{"type":"Ready","status":"{ready}"}}]}}}}"#
        )
    };
    let label = r#""k8s-app":"cilium""#;
    let on = |node: &str| format!(r#""nodeName":"{node}","#);
    let pods = [
        pod("cilium-a", label, "cilium-agent", &on("a"), "True"),
        pod("cilium-b", label, "cilium-agent", &on("b"), "False"),
        pod("cilium-pending", label, "cilium-agent", "", "False"),
        pod("cilium-envoy-a", r#""k8s-app":"cilium-envoy""#, "cilium-envoy", &on("a"), "True"),
        pod("hubble-a", label, "hubble-relay", &on("a"), "True"),
    ];
    let json = format!(r#"{{"items":[{}]}}"#, pods.join(","));
    let facts = recorded(&[("api/pods.json", &json)]);
    let agents: Vec<String> = facts
        .cluster
        .agents
        .get()
        .unwrap()
        .iter()
        .map(|agent| format!("{} on {} {}", agent.name, agent.node, agent.ready))
        .collect();
    assert_eq!(agents, ["cilium-a on a true", "cilium-b on b false"]);
}

#[test]
fn the_version_is_the_tag_of_the_agent_s_image() {
    let version = |image: &str| {
        let daemon_set = format!(
            r#"{{"metadata":{{"name":"cilium","labels":{{"k8s-app":"cilium"}}}},"spec":{{"template":{{"spec":{{"containers":[{{"name":"cilium-agent","image":"{image}"}}]}}}}}}}}"#
        );
        let config = r#"{"metadata":{"name":"cilium-config","namespace":"cilium"},"data":{}}"#;
        let facts =
            recorded(&[("api/daemonsets.json", &daemon_set), ("api/configmaps.json", config)]);
        let config = facts.cluster.config.get().unwrap();
        assert_eq!(config.namespace, "cilium");
        config.version.as_ref().map(ToString::to_string)
    };
    for (image, expected) in [
        ("quay.io/cilium/cilium:v1.14.2", Some("1.14.2")),
        (
            "quay.io/cilium/cilium:v1.16.1@sha256:0b4a3ab41a4760d86b7fc945b8783747ba27f29dac30dd434d94f2c9e3679f39",
            Some("1.16.1"),
        ),
        ("registry.lan:5000/cilium:1.20.0-rc.1", Some("1.20.0-rc.1")),
        ("registry.lan:5000/cilium", None),
        ("quay.io/cilium/cilium:latest", None),
        ("quay.io/cilium/cilium@sha256:00", None),
    ] {
        assert_eq!(version(image).as_deref(), expected, "{image}");
    }
}

#[test]
fn api_servers_are_the_endpoints_of_the_service_kubernetes() {
    let slice = |namespace: &str, service: &str, addresses: &str| {
        format!(
            r#"{{"metadata":{{"name":"x","namespace":"{namespace}","labels":{{"kubernetes.io/service-name":"{service}"}}}},"endpoints":{addresses}}}"#
        )
    };
    let slices = [
        slice(
            "default",
            "kubernetes",
            r#"[{"addresses":["10.24.0.2"]},{"addresses":["fd00::2","api.lan"]}]"#,
        ),
        slice("default", "web", r#"[{"addresses":["10.244.0.9"]}]"#),
        slice("other", "kubernetes", r#"[{"addresses":["10.9.9.9"]}]"#),
        slice("default", "kubernetes", "null"),
    ];
    let json = format!(r#"{{"items":[{}]}}"#, slices.join(","));
    let facts = recorded(&[("api/endpointslices.json", &json)]);
    let servers: Vec<String> =
        facts.cluster.api_servers.get().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(servers, ["10.24.0.2", "fd00::2"]);
}

//! The same node read twice: over netlink, and by the script that runs in an agent's container.

use std::fmt::{Debug, Write as _};
use std::io::Write as _;
use std::net::IpAddr;
use std::process::Stdio;

use kcilium_cluster::node_script::{AgentContainer, DnsPolicy, End, NodeScript};
use kcilium_core::facts::{Fact, NodeFacts};
use kcilium_node::{Host, HostRoot, collect, look_up};
use netlab::{CiliumState, Lab, Node, homelab, require_root_netns, seed_node};

use crate::inside::inside;

const SHELLS: [&[&str]; 3] = [&["dash"], &["bash"], &["busybox", "sh"]];

/// What the agent's container has of the host: the network, the CNI directory, and a copy of
/// `resolv.conf`.
fn by_script(node: &Node, shell: &[&str], questions: &[IpAddr]) -> NodeFacts {
    let container = AgentContainer {
        cni_directory: node.root().join("etc/cni/net.d").to_str().unwrap().into(),
        dns_policy: DnsPolicy::Host,
    };
    let script = NodeScript::new(questions.into(), container);
    // `ip netns exec` has made a mount namespace, which ends with the shell.
    let mount = r#"mount --bind "$0" "$(readlink -f /etc/resolv.conf)" && exec "$@""#;
    let mut command = node.namespace().command("sh");
    command.args(["-c", mount]).arg(node.root().join("etc/resolv.conf")).args(shell).arg("-s");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&script.stdin()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    drop(stdin);
    script.read(node.name(), &output.stdout, &End::Complete)
}

/// The host itself, with the kernel's answers to these questions.
fn by_netlink(node: &Node, questions: &[IpAddr]) -> NodeFacts {
    let host = Host::new(HostRoot::new(node.root()));
    inside(node.namespace(), async || NodeFacts {
        lookups: look_up(questions).await,
        ..collect(&host).await
    })
}

fn assert_equal<T: Debug + PartialEq>(by_script: &Fact<T>, by_netlink: &Fact<T>) {
    match (by_script, by_netlink) {
        (Fact::Known(script), Fact::Known(netlink)) => assert_eq!(script, netlink),
        other => panic!("{other:#?}"),
    }
}

/// The addresses that a node's kernel was asked about.
fn asked(facts: &NodeFacts) -> Vec<IpAddr> {
    let lookups = facts.lookups.get().unwrap().iter();
    lookups.map(|lookup| lookup.destination).collect()
}

/// Reads the node both ways while it does not change: carriers and IPv6 addresses come a moment
/// after the command that asks for them.
fn both(node: &Node, shell: &[&str], questions: &[IpAddr]) -> (NodeFacts, NodeFacts) {
    for _ in 0..20 {
        let before = by_netlink(node, questions);
        let script = by_script(node, shell, questions);
        // With what the script has asked by itself.
        let netlink = by_netlink(node, &asked(&script));
        let after = NodeFacts { lookups: before.lookups.clone(), ..netlink.clone() };
        if after == before {
            return (script, netlink);
        }
    }
    panic!("{} keeps changing", node.name());
}

/// Compares all that both can know.
fn compare(node: &Node, shell: &[&str], questions: &[IpAddr]) -> NodeFacts {
    let (script, netlink) = both(node, shell, questions);
    assert_eq!(script.name, netlink.name);
    assert_equal(&script.kernel, &netlink.kernel);
    assert_equal(&script.links, &netlink.links);
    assert_equal(&script.addresses, &netlink.addresses);
    assert_equal(&script.routes, &netlink.routes);
    assert_equal(&script.rules, &netlink.rules);
    assert_equal(&script.lookups, &netlink.lookups);
    assert_equal(&script.sysctls, &netlink.sysctls);
    assert_equal(&script.cni_files, &netlink.cni_files);
    // The file of another name, and the same servers.
    let servers = |facts: &NodeFacts| {
        let resolvers = facts.resolvers.get().unwrap().iter();
        resolvers.map(|resolver| (resolver.address, resolver.kind)).collect::<Vec<_>>()
    };
    assert_eq!(servers(&script), servers(&netlink));
    script
}

fn addresses(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn shells() -> impl Iterator<Item = &'static [&'static str]> {
    SHELLS.into_iter().filter(|shell| netlab::require_programs(&shell[..1]))
}

#[test]
fn nodes_of_a_homelab_are_read_alike() {
    if !require_root_netns() {
        return;
    }
    let questions = addresses(&["10.0.0.125", "10.244.1.7", "1.1.1.1", "127.0.0.1", "2001:db8::1"]);
    for state in [CiliumState::Healthy, CiliumState::Clash] {
        let home = homelab("script", state).unwrap();
        for (node, shell) in home.nodes().iter().zip(shells()) {
            let facts = compare(node, shell, &questions);
            assert!(facts.cni_files.items()[0].is_cilium());
            let gateway: IpAddr = "10.0.0.1".parse().unwrap();
            assert!(
                asked(&facts).contains(&gateway),
                "the script asks for gateway and DNS server by itself"
            );
        }
    }
}

#[test]
fn the_node_of_the_seed_is_read_alike_by_every_shell() {
    if !require_root_netns() {
        return;
    }
    let home = seed_node("script").unwrap();
    let node = home.node("node1").unwrap();
    for shell in shells() {
        compare(node, shell, &addresses(&["10.0.2.9", "8.8.8.8"]));
    }
}

/// What an ordinary node does not have: everything that is written differently in JSON.
#[test]
fn routes_rules_and_links_of_every_sort_are_read_alike() {
    if !require_root_netns() {
        return;
    }
    let home = seed_node("sorts").unwrap();
    let node = home.node("node1").unwrap();
    let namespace = node.namespace();
    namespace
        .ip_batch(
            "\
link add br0 type bridge
link property add dev br0 altname the-other-name-of-a-bridge
link add lxc1 type veth peer name peer1
link add eth1.100 type veth peer name down0
link set eth1.100 master br0 mtu 1400
link set eth1.100 up
link add vxlan7 type vxlan id 7 local 10.0.0.124 dev eth0 dstport 4789
addr add 10.8.0.1 peer 10.8.0.2/32 dev lxc1
addr add 10.9.0.1/24 dev br0 scope link
addr add 2001:db8:5::1/64 dev br0
link set br0 up
link set lxc1 up
route add 10.20.0.0/16 nexthop via 10.0.0.1 weight 3 nexthop via 10.24.0.9 dev eth1 weight 5
route add 10.21.0.0/16 via 10.0.0.99 metric 77 mtu 1300 proto 80
route add 10.22.0.0/16 via inet6 fe80::9 dev eth0
route add 10.23.0.0/24 via 10.7.7.7 dev eth0 onlink table 4711
route add blackhole 10.31.0.0/16
route add unreachable 10.32.0.0/16
route add prohibit 10.33.0.0/16
route add throw 10.34.0.0/16
route add 10.35.0.0/16 dev eth0 tos 0x10 proto bird scope link
route add default via 10.0.0.99 table 2005 proto static
nexthop add id 7 via 10.0.0.98 dev eth0
route add 10.36.0.0/16 nhid 7
route add blackhole 2001:db8:31::/48
route add unreachable 2001:db8:32::/48
route add 2001:db8:20::/48 via 2001:db8:5::2
route add default via fe80::1 dev eth0 metric 512
route add 2001:db8:21::/48 from 2001:db8:5::/64 via fe80::2 dev eth0
rule add fwmark 0x200/0xf00 pref 9 lookup 2004
rule add from all lookup local pref 100
rule add not from 10.0.0.0/8 iif eth0 pref 200 lookup 253
rule add to 10.1.2.3 oif eth1 tos 0x10 pref 300 blackhole
rule add pref 400 unreachable
rule add ipproto tcp dport 80-90 sport 7 uidrange 0-99 pref 500 prohibit
rule add pref 600 goto 700
rule add pref 650 goto 651
rule add pref 700 lookup main suppress_prefixlength 0
rule add pref 1000 l3mdev protocol 99
",
        )
        .unwrap();
    node.write("etc/cni/net.d/10-broken.conf", "{").unwrap();
    node.write("etc/cni/net.d/00-multus.json", r#"{"name": "m", "type": "multus"}"#).unwrap();
    node.write("etc/resolv.conf", "nameserver 10.0.0.1\nnameserver 2001:db8:20::53\n").unwrap();
    let questions = addresses(&[
        "10.20.0.1",
        "10.21.0.1",
        "10.22.0.1",
        "10.31.0.1",
        "10.32.0.1",
        "10.33.0.1",
        "10.34.0.1",
        "10.36.0.1",
        "10.0.0.124",
        "10.8.0.2",
        "240.0.0.1",
        "255.255.255.255",
        "2001:db8:31::1",
        "2001:db8:32::1",
        "2001:db8:5::1",
        "2001:db8:20::1",
        "2001:db8:ffff::1",
        "ff02::1",
    ]);
    for shell in shells() {
        compare(node, shell, &questions);
    }
}

/// So many that sysctls of pods' interfaces are left out, and no others.
#[test]
fn many_pods_are_left_out_alike() {
    if !require_root_netns() {
        return;
    }
    let home = seed_node("pods").unwrap();
    let node = home.node("node1").unwrap();
    let mut script = String::from("link add name l type veth peer name lx\n");
    for number in 0..130 {
        writeln!(script, "link add lxc{number} type veth peer name lxcp{number}").unwrap();
    }
    node.namespace().ip_batch(&script).unwrap();
    for shell in shells() {
        let facts = compare(node, shell, &[]);
        let sysctls = facts.sysctls.get().unwrap();
        assert!(sysctls.contains_key("net.ipv4.conf.lx.rp_filter"));
        assert!(!sysctls.contains_key("net.ipv4.conf.lxc7.rp_filter"));
    }
}

#[test]
fn a_node_without_anything_is_read_alike() {
    if !require_root_netns() {
        return;
    }
    let lab = Lab::new("bare").unwrap();
    let script = NodeScript::new(addresses(&["10.0.0.1", "::2"]), AgentContainer::default());
    let bare = lab.namespace("bare").unwrap();
    bare.sysctl("net.ipv6.conf.all.disable_ipv6", "1").unwrap();
    let mut child =
        bare.command("sh").arg("-s").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&script.stdin()).unwrap();
    let output = child.wait_with_output().unwrap();
    let facts = script.read("bare", &output.stdout, &End::Complete);
    let asked = asked(&facts);
    let netlink = inside(&bare, async || NodeFacts {
        lookups: look_up(&asked).await,
        ..collect(&Host::new(HostRoot::new(lab.dir()))).await
    });
    assert_equal(&facts.links, &netlink.links);
    assert_equal(&facts.addresses, &netlink.addresses);
    assert_equal(&facts.routes, &netlink.routes);
    assert_equal(&facts.rules, &netlink.rules);
    assert_equal(&facts.lookups, &netlink.lookups);
    assert_equal(&facts.sysctls, &netlink.sysctls);
}

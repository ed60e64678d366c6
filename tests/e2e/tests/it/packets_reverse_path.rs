//! Answers that come in by another device than packets left by.

use crate::packets::{Traffic, possible};

/// Packets of pods leave by the LAN with the node's address in the cluster's network, to which the
/// router has a way of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strict_filter_drops_answers_that_come_by_another_device() {
    if !possible() {
        return;
    }
    let traffic = Traffic::of("homelab-healthy").await;
    let home = traffic.home();
    home.lab().veth((home.router(), "eth1"), (home.lan(), "router-eth1")).unwrap();
    home.lan().ip(&["link", "set", "router-eth1", "master", "cluster"]).unwrap();
    home.router().ip(&["addr", "add", "10.24.0.1/24", "dev", "eth1"]).unwrap();
    home.internet().ip(&["route", "add", "10.24.0.0/24", "via", "203.0.113.2"]).unwrap();
    for node in home.nodes() {
        let address = node.address();
        let rule = format!("-s 10.244.0.0/16 -o eth0 -j SNAT --to-source {address}");
        node.namespace().iptables(&format!("-t nat -I POSTROUTING {rule}")).unwrap();
    }
    traffic.assert(&[], &[], 0).await;

    for node in home.nodes() {
        node.namespace().sysctl("net.ipv4.conf.eth1.rp_filter", "1").unwrap();
    }
    traffic.assert(&[], &["confirmed C-RPF"], 1).await;
}

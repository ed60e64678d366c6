//! Packets of pods that do not get to other nodes. The objects, the configuration and the words of
//! the agents are the same all the time.

use crate::packets::{Traffic, possible};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_port_is_seen_by_what_does_not_arrive() {
    if !possible() {
        return;
    }
    let traffic = Traffic::of("homelab-healthy").await;
    traffic.assert(&["--no-internet"], &[], 0).await;

    traffic.on_nodes("-A INPUT -p udp --dport 8472 -j DROP");
    traffic.assert(&["--no-internet"], &["confirmed C-OVERLAY"], 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_narrow_way_swallows_what_is_large() {
    if !possible() {
        return;
    }
    let traffic = Traffic::of("homelab-healthy").await;
    traffic.on_nodes("-A INPUT -p udp --dport 8472 -m length --length 1300: -j DROP");
    traffic.assert(&["--no-internet"], &["confirmed C-MTU"], 1).await;
}

/// Pods of the third node are still reached.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_route_is_seen_where_nothing_tunnels() {
    if !possible() {
        return;
    }
    let traffic = Traffic::of("homelab-nomasq").await;
    traffic.assert(&[], &[], 0).await;

    let node = traffic.home().node("node2").unwrap();
    node.namespace().ip(&["route", "del", "10.244.2.0/24"]).unwrap();
    traffic.assert(&[], &["confirmed C-NOROUTE"], 1).await;
}

//! Packets of pods that do not get to other nodes.

use crate::packets::{Traffic, possible};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_port_is_seen_by_what_does_not_arrive() {
    if !possible() {
        return;
    }
    let traffic = Traffic::of("homelab-healthy").await;
    traffic.on_nodes("-A INPUT -p udp --dport 8472 -j DROP");
    traffic.assert(&["--no-internet"], &["confirmed C-OVERLAY"], 1).await;
}

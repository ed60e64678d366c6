//! What pods do not reach outside, and what nobody reaches there.

use netlab::Masquerade;

use crate::packets::{Traffic, possible};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wall_and_dead_names_are_not_ciliums() {
    if !possible() {
        return;
    }
    let mut traffic = Traffic::of("homelab-healthy").await;
    // 1.0.0.1 and 1.1.1.1, for nodes and pods.
    traffic.home().router().iptables("-A FORWARD -d 1.0.0.0/15 -j DROP").unwrap();
    traffic.assert(&[], &["confirmed C-WALL"], 0).await;
    traffic.home().router().iptables("-F FORWARD").unwrap();

    traffic.silence_dns();
    traffic.assert(&[], &["confirmed C-HOSTDNS"], 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wide_cidr_takes_the_lan_from_pods() {
    if !possible() {
        return;
    }
    let traffic = Traffic::of("homelab-healthy").await;
    traffic.home().masquerade(Masquerade::But("10.0.0.0/8")).unwrap();
    // The configuration names no such network.
    traffic.assert(&["--target=10.0.0.1"], &["likely C-NCIDR-WIDE"], 1).await;

    traffic.stage().change("", "configmaps", "cilium-config", |map| {
        map["data"]["ipv4-native-routing-cidr"] = "10.0.0.0/8".into();
    });
    traffic.assert(&[], &["confirmed C-NCIDR-WIDE"], 1).await;
}

/// As firewalld does with what it forwards for devices of no zone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_firewall_that_refuses_is_not_taken_for_missing_masquerade() {
    if !possible() {
        return;
    }
    let traffic = Traffic::of("homelab-healthy").await;
    traffic.on_nodes(
        "-I FORWARD -s 10.244.0.0/16 -o eth0 -j REJECT --reject-with icmp-host-prohibited",
    );
    traffic.assert(&[], &["confirmed C-FW"], 1).await;
}

/// By the words of a closed port, which a rule with nothing but `REJECT` uses.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_firewall_is_not_taken_for_a_closed_port() {
    if !possible() {
        return;
    }
    let traffic = Traffic::of("homelab-healthy").await;
    traffic.on_nodes("-I FORWARD -s 10.244.0.0/16 -o eth0 -j REJECT");
    traffic.assert(&[], &["confirmed C-FW"], 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clash_explains_what_nodes_do_not_reach() {
    if !possible() {
        return;
    }
    let traffic = Traffic::of("homelab-clash").await;
    traffic.assert(&[], &["confirmed C-CLASH"], 1).await;
}

/// Packets to their addresses get nowhere.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unmanaged_pods_are_not_reached() {
    if !possible() {
        return;
    }
    let traffic = Traffic::of("unmanaged-pods").await;
    traffic.assert(&["--no-internet"], &["confirmed C-UNMANAGED"], 1).await;
}

/// As home routers do, which have an address for whatever they do not know.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_domain_that_knows_every_name_is_found_by_asking() {
    if !possible() {
        return;
    }
    let traffic = Traffic::of("homelab-healthy").await;
    let node = traffic.home().node("node1").unwrap();
    node.write("etc/resolv.conf", "search corp.example\nnameserver 10.0.0.1\n").unwrap();
    let report = traffic.report(&["--nodes", "node1"]).await;
    // The cluster's own domains know what they know.
    assert_eq!(report.subjects("DNS-07"), ["corp.example"], "{:#?}", report.part("findings"));
    assert_eq!(report.code, Some(0));
}

//! Packets of pods that leave with the pod's own address, and those that do not.

use netlab::Masquerade;

use crate::packets::{Traffic, possible};

/// Nothing changes but packets at first: not an object, not a word of an agent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn packets_decide_where_the_configuration_lies() {
    if !possible() {
        return;
    }
    let traffic = Traffic::of("homelab-healthy").await;
    traffic.assert(&[], &[], 0).await;

    // It says that masquerade is on.
    traffic.home().masquerade(Masquerade::Off).unwrap();
    traffic.assert(&[], &["confirmed C-MASQDEV"], 1).await;

    traffic.home().masquerade(Masquerade::On("eth1")).unwrap();
    traffic.stage().change("", "configmaps", "cilium-config", |map| {
        map["data"]["egress-masquerade-interfaces"] = "eth1".into();
    });
    traffic.assert(&[], &["confirmed C-MASQDEV"], 1).await;
}

/// The same objects say that masquerade is off. Somebody else may do it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_masquerade_packets_decide() {
    if !possible() {
        return;
    }
    let traffic = Traffic::of("homelab-nomasq").await;
    traffic.assert(&[], &[], 0).await;

    traffic.home().masquerade(Masquerade::Off).unwrap();
    traffic.assert(&[], &["confirmed C-NOMASQ"], 1).await;
}

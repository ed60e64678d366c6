//! Packets of pods that a policy drops, as long as no other one allows them.

use std::{process::Stdio, time::Duration};

use kubesim::{Fault, Key, Kind};
use netlab::Masquerade;
use serde_json::json;

use crate::{
    doctor::Run,
    packets::{Traffic, policies, possible},
    report::Report,
    staging::send,
};

/// Nothing may leave the cluster but what CoreDNS asks.
const DENIAL: &str = "
apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata: {name: nothing-out}
spec:
  endpointSelector:
    matchExpressions: [{key: k8s-app, operator: NotIn, values: [kube-dns]}]
  egress: [{toEntities: [cluster]}]
";

/// What it comes to on a node; agents have rules of their own in FORWARD.
const COREDNS: &str = "-A POLICY -s 10.244.1.17 -j RETURN";
const DROP: &str = "-A POLICY -s 10.244.0.0/16 -o eth0 -j DROP";
const NOTHING: &str = "-F POLICY";

/// A cluster where policies have a place.
async fn traffic() -> Traffic {
    let traffic = Traffic::of("homelab-healthy").await;
    traffic.on_nodes("-N POLICY");
    traffic.on_nodes("-I FORWARD -j POLICY");
    traffic
}

/// Enforces it, and lets everything out while there is a policy that allows that in a namespace of
/// probes, where no other pods are.
async fn enforce(traffic: &Traffic) {
    let refuse = || {
        traffic.on_nodes(COREDNS);
        traffic.on_nodes(DROP);
    };
    refuse();
    let mut was_allowed = false;
    loop {
        let is_allowed = allowances(traffic).iter().any(|(_, spec)| {
            spec["endpointSelector"] == json!({})
                && spec["egress"] == json!([{"toEntities": ["all"]}])
        });
        match (was_allowed, is_allowed) {
            (false, true) => traffic.on_nodes(NOTHING),
            (true, false) => refuse(),
            _ => {}
        }
        was_allowed = is_allowed;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Policies in namespaces of probes.
fn allowances(traffic: &Traffic) -> Vec<(Key, serde_json::Value)> {
    let (store, id) = (traffic.stage().sim().store(), policies());
    let ours = store.all(&id).filter(|(key, _)| key.namespace.starts_with("kcilium-probe-"));
    ours.map(|(key, object)| (key.clone(), object.value()["spec"].clone())).collect()
}

async fn under_policy(traffic: &Traffic, arguments: &[&str]) -> Report {
    let report = tokio::select! {
        report = traffic.report(arguments) => report,
        () = enforce(traffic) => unreachable!(),
    };
    traffic.on_nodes(NOTHING);
    report
}

/// How many policies were created.
fn created(traffic: &Traffic) -> usize {
    let entries = traffic.stage().sim().journal().entries();
    let is_creation = |route: &str| route.ends_with(&*policies().plural);
    entries.iter().filter(|entry| entry.method == "POST" && is_creation(&entry.route)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_is_told_from_a_broken_network() {
    if !possible() {
        return;
    }
    let traffic = traffic().await;
    traffic.stage().sim().load(DENIAL).unwrap();
    // What works needs no policy.
    traffic.assert(&["--allow-policy", "--nodes", "node1"], &[], 0).await;
    assert_eq!(created(&traffic), 0);

    // Packets alone do not tell what drops them.
    let report = under_policy(&traffic, &["--nodes", "node2"]).await;
    assert!(report.verdicts()[0].starts_with("undetermined"), "{report:#?}");
    assert_eq!(created(&traffic), 0);

    let report = under_policy(&traffic, &["--allow-policy", "--nodes", "node2"]).await;
    assert_eq!(report.verdicts(), ["confirmed C-POLICY"], "{report:#?}");
    // Policies may be meant to refuse.
    assert_eq!(report.code, Some(0), "{:#?}", report.part("findings"));
    assert!(format!("{report:#?}").contains("CiliumClusterwideNetworkPolicy nothing-out refuses"));
    assert_eq!(created(&traffic), 1);

    // A policy does not mend what is broken.
    traffic.home().masquerade(Masquerade::Off).unwrap();
    traffic.assert(&["--allow-policy", "--nodes", "node2"], &["confirmed C-MASQDEV"], 1).await;
    assert_eq!(created(&traffic), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_policy_outlives_its_run() {
    if !possible() {
        return;
    }
    let traffic = traffic().await;
    traffic.on_nodes(DROP);
    let before = traffic.objects();
    let arguments = ["--allow-policy", "--nodes", "node1"];
    for (signal, code) in [("INT", Some(130)), ("KILL", None)] {
        let mut command = traffic.command(&arguments);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while allowances(&traffic).is_empty() {
            assert!(child.try_wait().unwrap().is_none(), "it ended without a policy");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        send(signal, &child);
        assert_eq!(child.wait().unwrap().code(), code);
        assert_eq!(traffic.objects() == before, signal == "INT", "{:#?}", traffic.objects());
    }
    traffic.expire();
    traffic.on_nodes(NOTHING);
    let mut command = traffic.command(&["--no-internet", "--nodes", "node2"]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    assert_eq!(traffic.objects(), before);
}

/// The rest is probed all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_no_policy_can_be_created_it_says_why() {
    if !possible() {
        return;
    }
    let traffic = Traffic::of("homelab-healthy").await;
    let absent = Kind::Status { code: 404, retry_after: None };
    traffic.stage().sim().faults().add(Fault::new("/apis/cilium.io/v2", absent));
    let mut command = traffic.command(&["--allow-policy", "--no-internet", "--nodes", "node1"]);
    let run = tokio::task::spawn_blocking(move || Run::of(&mut command)).await.unwrap();
    let text = "note: nothing is probed with a policy: the API server has no CiliumNetworkPolicies";
    assert!(run.stderr.contains(text), "{}", run.stderr);
    assert_eq!(run.code, Some(0), "{} {}", run.stdout, run.stderr);
}

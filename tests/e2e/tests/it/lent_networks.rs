//! Packets from networks of pods that run already: what they tell, and that nothing is created for it.

use std::collections::BTreeSet;

use kubesim::{GroupResource, Key};
use netlab::Masquerade;
use serde_json::{Value, json};

use kcilium_cluster::permissions::Role;

use crate::{
    live_watch::Watch,
    packets::{Traffic, possible},
    rbac::{bind, load_roles},
    report::Report,
};

/// What agents mount since Cilium 1.16.
fn with_networks(stage: &crate::stage::Stage) {
    let id = GroupResource::new("", "pods");
    let mut store = stage.sim().store();
    let agents: Vec<(Key, Value)> = store
        .all(&id)
        .map(|(key, object)| (key.clone(), object.value()))
        .filter(|(_, pod)| pod["metadata"]["labels"]["k8s-app"] == "cilium")
        .collect();
    for (key, mut pod) in agents {
        let volume = json!({"name": "cilium-netns", "hostPath": {"path": "/var/run/netns", "type": "DirectoryOrCreate"}});
        pod["spec"]["volumes"].as_array_mut().unwrap().push(volume);
        let mount = json!({"name": "cilium-netns", "mountPath": "/var/run/cilium/netns", "mountPropagation": "HostToContainer"});
        let containers = pod["spec"]["containers"].as_array_mut().unwrap();
        containers[0]["volumeMounts"].as_array_mut().unwrap().push(mount);
        store.put(&id, &key, &pod);
    }
}

/// What the doctor asked for beyond reading: the method and the last word of the path.
fn beyond_reading(traffic: &Traffic) -> BTreeSet<String> {
    let entries = traffic.stage().sim().journal().entries();
    let of_doctor = entries.iter().filter(|entry| !entry.user.starts_with("system:node"));
    let words = of_doctor.map(|entry| {
        let path = entry.route.split('?').next().unwrap_or_default();
        (entry.method.as_str(), path.rsplit('/').next().unwrap_or_default())
    });
    let beyond = words.filter(|(method, last)| *method != "GET" || *last == "exec");
    beyond.map(|(method, last)| format!("{method} {last}")).collect()
}

/// A network that was unmounted, as a pod's end may leave its file.
fn with_stale_file(traffic: &Traffic) {
    for node in traffic.home().nodes() {
        std::fs::write(node.root().join("run/netns/cni-0-stale"), "").unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn missing_masquerade_is_seen_from_pods_that_run_and_nothing_is_created() {
    if !possible() {
        return;
    }
    let traffic = Traffic::with("homelab-nomasq", with_networks).await;
    with_stale_file(&traffic);
    let before = traffic.objects();
    traffic.stage().sim().journal().clear();
    let (report, errors) = traffic.report_of_pods(&[]).await;
    assert_eq!((report.verdicts(), report.code), (vec![], Some(0)), "{report:#?}\n{errors}");

    traffic.home().masquerade(Masquerade::Off).unwrap();
    let (report, errors) = traffic.report_of_pods(&[]).await;
    assert_eq!(report.verdicts(), ["confirmed C-NOMASQ"], "{report:#?}\n{errors}");
    let told = "nothing was created; probes started in the networks of ";
    assert!(errors.contains(told) && errors.contains("kube-system/coredns-"), "{errors}");
    assert_eq!(traffic.objects(), before);
    assert_eq!(beyond_reading(&traffic), ["GET exec".to_owned()].into());

    // Who may not create anything gets the same, and is told.
    load_roles(traffic.stage());
    let reader = bind(traffic.stage(), "reader", &[Role::Api, Role::Exec]);
    let kubeconfig = traffic.stage().kubeconfig_of(&reader);
    let flags = ["-o", "json", "--probe=always"];
    let run = traffic.stage().doctor_as(&kubeconfig, &flags).await;
    let report = Report::parse(&run.stdout, run.code);
    assert_eq!(report.verdicts(), ["confirmed C-NOMASQ"], "{report:#?}\n{}", run.stderr);
    for words in ["nothing is put on nodes: ", told] {
        assert!(run.stderr.contains(words), "{words}: {}", run.stderr);
    }

    // The policies of the pods that lend their networks count.
    traffic.stage().sim().load(POLICIES).unwrap();
    let (report, errors) = traffic.report_of_pods(&[]).await;
    assert_eq!(report.verdicts(), ["likely C-NOMASQ"], "{report:#?}\n{errors}");
    assert!(errors.contains("default/client-kdxt9 and kube-system/coredns-"), "{errors}");
}

const POLICIES: &str = "
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: closed, namespace: kube-system}
spec: {podSelector: {}, policyTypes: [Egress]}
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agents_that_see_no_networks_say_what_it_takes() {
    if !possible() {
        return;
    }
    let traffic = Traffic::of("homelab-nomasq").await;
    let (report, errors) = traffic.report_of_pods(&[]).await;
    assert_eq!((report.verdicts(), report.code), (vec!["likely C-NOMASQ".to_owned()], Some(0)));
    for words in
        ["on node1, node2, node3: ", "agents have it since Cilium 1.16", "--probe puts a program"]
    {
        assert!(errors.contains(words), "{words}: {errors}");
    }
}

const WATCH: [&str; 4] = ["--watch", "--interval=200ms", "--timeout=150s", "--nodes=node2"];

/// One word at the beginning is the consent for all looks, and each look leaves nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_look_of_a_watch_probes_until_packets_get_out() {
    if !possible() {
        return;
    }
    let traffic = Traffic::with("homelab-healthy", with_networks).await;
    let before = traffic.objects();
    let of_pods = || traffic.stage().command(&[&WATCH[..], &["--probe=pods"]].concat());
    for command in [traffic.command(&WATCH), of_pods()] {
        traffic.home().masquerade(Masquerade::Off).unwrap();
        let mut watch = Watch::by(command);
        let mut told = watch.until("watch: something is wrong: C-MASQDEV");
        traffic.home().masquerade(Masquerade::On("eth0")).unwrap();
        let (code, report, rest) = watch.end();
        assert_eq!(code, Some(0), "{report}\n{rest}");
        assert_eq!(traffic.objects(), before, "{rest}");
        told.push(rest);
        let told = told.concat();
        let plans = told.matches("this creates, and removes at the end").count();
        let notes = told.matches("nothing was created; probes started").count();
        assert_eq!(plans + notes, 1, "{told}");
    }
}

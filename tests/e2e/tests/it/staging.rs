//! A program on nodes, when all goes well.

use netlab::require_root_netns;
use serde_json::Value;

use crate::site::{AGENT, BUSYBOX, Site, large_program};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_runs_on_three_nodes_and_nothing_is_left() {
    if !require_root_netns() {
        return;
    }
    let mut site = Site::with("staging", &["node1", "node2"]).await;
    site.add_node("node3", &[BUSYBOX]).await;
    // More than two ConfigMaps can hold.
    std::fs::write(site.program(), large_program(2_000_000)).unwrap();
    let on = ["--on", "node1=host", "--on", "node2=pod", "--on", "node3=host-network"];
    let run = site.stage(&[&on[..], &["--request", "hello", "--", "probe", "it"]].concat()).await;
    let line = "  {\"asked\":\"hello\",\"arguments\":\"probe it\"}\n";
    let wanted: String = ["node1 host", "node2 pod", "node3 host-network"]
        .map(|place| format!("{place}: Completed 0: done: hello\n{line}"))
        .concat();
    assert_eq!((run.code, &*run.stdout), (Some(0), &*wanted), "{}", run.stderr);
    // All of it was said before.
    for words in [
        "creates, and removes at the end",
        "3 ConfigMaps with the node agent for amd64",
        &format!(
            "on node1: privileged, in the host's network, with the host's processes; the agent's image {AGENT}"
        ),
        &format!("on node3: raw sockets, in the host's network; {BUSYBOX}"),
    ] {
        let said = run.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(words), "{words}: {}", run.stderr);
    }
    site.assert_empty();
}

/// Sends a signal to a run.
pub(crate) fn send(signal: &str, child: &std::process::Child) {
    let id = child.id().to_string();
    let status = std::process::Command::new("kill").args(["-s", signal, &id]).status().unwrap();
    assert!(status.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pods_have_what_they_need_and_no_more() {
    if !require_root_netns() {
        return;
    }
    let site = Site::with("staging pods", &["node1"]).await;
    site.change("pods", &kubesim::Key::new("kube-system", "cilium-node1"), |agent| {
        agent["spec"]["imagePullSecrets"] =
            serde_json::json!([{"name": "mirror"}, {"name": "gone"}]);
    });
    site.load(&serde_json::json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/dockerconfigjson",
        "metadata": {"name": "mirror", "namespace": "kube-system"},
        "data": {".dockerconfigjson": "e30="},
    }));
    let on = ["--on", "node1=host", "--on", "node1=host-network", "--on", "node1=pod"];
    let mut child = site.staying(&on).await;
    let (pods, secrets) = (site.staged("pods"), site.staged("secrets"));
    let (namespaces, maps) = (site.staged("namespaces"), site.staged("configmaps"));
    send("INT", &child);
    child.wait().unwrap();
    site.assert_empty();

    let [host, network, own] = &pods[..] else { panic!("{pods:#?}") };
    let image = |pod: &Value| pod["spec"]["containers"][0]["image"].as_str().unwrap().to_owned();
    assert!(pods.iter().all(|pod| image(pod) == AGENT), "{pods:#?}");
    for pod in &pods {
        let spec = &pod["spec"];
        assert_eq!(spec["nodeName"], "node1");
        assert_eq!(spec["restartPolicy"], "Never");
        assert_eq!(spec["automountServiceAccountToken"], false);
        assert_eq!(spec["enableServiceLinks"], false);
        assert_eq!(spec["tolerations"], serde_json::json!([{"operator": "Exists"}]));
        assert!(spec["activeDeadlineSeconds"].as_u64().is_some_and(|it| (1..=300).contains(&it)));
        assert_eq!(spec["containers"][0]["imagePullPolicy"], "Never");
    }
    assert_eq!(host["spec"]["hostPID"], true);
    assert_eq!(host["spec"]["containers"][0]["securityContext"]["privileged"], true);
    assert_eq!(
        (&network["spec"]["hostNetwork"], &network["spec"]["hostPID"]),
        (&true.into(), &Value::Null)
    );
    assert_eq!(own["spec"]["hostNetwork"], Value::Null);
    assert_eq!(own["spec"]["dnsPolicy"], "ClusterFirst");
    for pod in [network, own] {
        let security = &pod["spec"]["containers"][0]["securityContext"];
        let wanted = serde_json::json!({"add": ["NET_RAW"], "drop": ["ALL"]});
        assert_eq!((&security["capabilities"], &security["privileged"]), (&wanted, &Value::Null));
    }
    // The Secret with which the image was pulled is copied; one that is not there is no obstacle.
    let [secret] = &secrets[..] else { panic!("{secrets:#?}") };
    assert_eq!(
        (&secret["metadata"]["name"], &secret["data"][".dockerconfigjson"]),
        (&"mirror".into(), &"e30=".into())
    );
    let labels = &namespaces[0]["metadata"]["labels"];
    assert_eq!(labels["pod-security.kubernetes.io/enforce"], "privileged");
    assert!(
        maps.iter()
            .all(|map| map["immutable"] == true || map["metadata"]["name"] == "kube-root-ca.crt"),
        "{maps:#?}"
    );
    for object in
        pods.iter().chain(&secrets).chain(maps.iter().filter(|map| map["immutable"] == true))
    {
        let own = &object["metadata"]["labels"];
        for label in ["kcilium/run", "kcilium/owner", "kcilium/deadline"] {
            assert!(own[label].is_string() && own[label] == labels[label], "{label}: {object:#}");
        }
    }
}

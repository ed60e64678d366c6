//! However a run ends, nothing is left of it: at once, or after the next run past its time.

use kubesim::{Fault, GroupResource, Key, Kind};
use netlab::require_root_netns;
use serde_json::{Value, json};

use crate::{
    site::{AGENT, Site, node},
    staging::send,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_run_leaves_nothing() {
    if !require_root_netns() {
        return;
    }
    let site = Site::with("staging signals", &["node1", "node2"]).await;
    for signal in ["INT", "TERM"] {
        let child = site.staying(&["--on", "node1=host", "--on", "node2=pod"]).await;
        send(signal, &child);
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(130), "{text}");
        assert_eq!(text, "node1 host: nothing: interrupted\nnode2 pod: nothing: interrupted\n");
        site.assert_empty();
    }
}

/// The only one.
fn only(names: &[String]) -> String {
    assert_eq!(names.len(), 1, "{names:?}");
    names.concat()
}

/// Lets the time of a run be over.
fn expire(site: &Site, namespace: &str) {
    site.change("namespaces", &Key::new("", namespace), |namespace| {
        namespace["metadata"]["labels"]["kcilium/deadline"] = json!("1700000000");
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_run_is_swept_when_its_time_is_over_and_not_before() {
    if !require_root_netns() {
        return;
    }
    let site = Site::with("staging killed", &["node1"]).await;
    let mut killed = site.staying(&["--on", "node1=host"]).await;
    send("KILL", &killed);
    killed.wait().unwrap();
    let left = only(&site.namespaces());
    // A colleague's, which lives.
    let mut colleague = site.staying(&["--on", "node1=host"]).await;

    let early = site.stage(&["--on", "node1=pod"]).await;
    assert_eq!(early.code, Some(0), "{} {}", early.stdout, early.stderr);
    assert!(!early.stdout.contains("swept"), "{}", early.stdout);
    assert_eq!((site.namespaces().len(), site.staged("pods").len()), (2, 2));

    expire(&site, &left);
    let late = site.stage(&["--on", "node1=pod"]).await;
    assert_eq!(late.code, Some(0), "{} {}", late.stdout, late.stderr);
    assert!(late.stdout.contains(&format!("swept {left} of ")), "{}", late.stdout);
    let living = only(&site.namespaces());
    assert_ne!(living, left);
    assert_eq!(site.staged("pods").len(), 1, "{:#?}", site.staged("pods"));

    send("INT", &colleague);
    assert_eq!(colleague.wait().unwrap().code(), Some(130));
    site.assert_empty();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_ours_in_every_respect_is_not_swept() {
    let site = Site::empty("staging strangers").await;
    site.load(&node("node1", &[AGENT], "True"));
    let ours = json!({
        "app.kubernetes.io/managed-by": "kcilium",
        "app.kubernetes.io/component": "probe",
        "kcilium/run": "000000000001",
        "kcilium/deadline": "1700000000",
    });
    let load = |name: &str, change: fn(&mut Value)| {
        let mut labels = ours.clone();
        change(&mut labels);
        site.load(&json!({"apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": name, "labels": labels}}));
    };
    load("somebody", |_| {});
    load("kcilium-probe-000000000002", |_| {});
    load("kcilium-probe-000000000001", |labels| labels["kcilium/deadline"] = json!("soon"));
    let before = site.namespaces();
    let run = site.stage(&["--on", "node1=host", "--start", "1"]).await;
    assert!(!run.stdout.contains("swept"), "{}", run.stdout);
    assert_eq!(site.namespaces(), before);
    let namespaces = GroupResource::new("", "namespaces");
    assert!(site.sim().store().get(&namespaces, &Key::new("", "somebody")).is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_namespace_that_stays_is_told_with_the_reason() {
    if !require_root_netns() {
        return;
    }
    let site = Site::with("staging stuck", &["node1"]).await;
    let child = site.staying(&["--on", "node1=host"]).await;
    let namespace = only(&site.namespaces());
    site.load(&json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "held", "namespace": namespace, "finalizers": ["example.com/held"]}}));
    send("INT", &child);
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    for words in [
        format!("left: namespace {namespace} may still be there: it is Terminating"),
        "example.com/held in 1 resource instances".into(),
        format!("`kubectl delete namespace {namespace}`"),
    ] {
        assert!(text.contains(&words), "{words}: {text}");
    }
    assert_eq!(site.staged("pods"), [Value::Null; 0]);
    // The next run is not in its way, nor held up by it.
    let next = site.stage(&["--on", "node1=host"]).await;
    assert_eq!(next.code, Some(0), "{} {}", next.stdout, next.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_server_in_trouble_is_asked_again() {
    if !require_root_netns() {
        return;
    }
    let site = Site::with("staging trouble", &["node1"]).await;
    let lists = "/api/v1/namespaces/kcilium-probe-*/pods?*";
    for kind in [
        Kind::Status { code: 500, retry_after: None },
        Kind::Status { code: 429, retry_after: Some(1) },
        Kind::Reset,
    ] {
        // More often than one request is tried.
        site.sim().faults().add(Fault::new(lists, kind.clone()).method("GET").requests(1, 5));
        let run = site.stage(&["--on", "node1=host", "--request", "x"]).await;
        site.sim().faults().clear();
        let what = format!("{kind:?}: {} {}", run.stdout, run.stderr);
        assert_eq!(run.code, Some(0), "{what}");
        assert!(run.stdout.starts_with("node1 host: Completed 0: done: x\n"), "{what}");
        site.assert_empty();
    }
    // Each request that creates something fails once.
    let posts = Fault::new("/api/v1/namespaces*", Kind::Status { code: 503, retry_after: None })
        .method("POST");
    for number in [1, 3, 5] {
        site.sim().faults().add(posts.clone().requests(number, 1));
    }
    let run = site.stage(&["--on", "node1=host"]).await;
    assert_eq!(run.code, Some(0), "{} {}", run.stdout, run.stderr);
    site.sim().faults().clear();
    site.assert_empty();
}

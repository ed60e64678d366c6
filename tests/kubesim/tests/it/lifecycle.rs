//! Objects from their creation to their end.

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use crate::tool::{Cluster, VERSIONS};

const DEPLOYMENT: &str = r"
apiVersion: apps/v1
kind: Deployment
metadata: {name: d, namespace: default}
spec:
  replicas: 2
  selector: {matchLabels: {app: d}}
  template:
    metadata: {labels: {app: d}}
    spec:
      containers:
      - {name: a, image: 'a:1', env: [{name: X, value: '1'}]}
";

#[test]
fn apply_changes_what_changed() {
    let cluster = Cluster::new();
    for version in VERSIONS {
        let kubectl = cluster.kubectl(version);
        let first = cluster.file("first", DEPLOYMENT);
        let second = cluster
            .file("second", &DEPLOYMENT.replace("a:1", "a:2").replace("  replicas: 2\n", ""));
        let apply = |file: &std::path::Path, more: &str| {
            kubectl.ok(&format!("apply -f {} {more}", file.display()))
        };
        assert_eq!(
            apply(&first, "--dry-run=server"),
            "deployment.apps/d created (server dry run)\n"
        );
        assert_eq!(apply(&first, ""), "deployment.apps/d created\n");
        assert_eq!(apply(&first, ""), "deployment.apps/d unchanged\n");
        let diff = kubectl.output(&format!("diff -f {}", second.display()));
        let diff = String::from_utf8_lossy(&diff.stdout).into_owned();
        assert!(diff.contains("+      - env:") || diff.contains("+        image: a:2"), "{diff}");
        assert_eq!(apply(&second, ""), "deployment.apps/d configured\n");
        let field = |path: &str| kubectl.ok(&format!("get deployment d -o jsonpath={path}"));
        assert_eq!(field("{.spec.template.spec.containers[*].image}"), "a:2");
        assert_eq!(field("{.metadata.generation}"), "2");
        assert_eq!(kubectl.ok("scale deployment d --replicas=5"), "deployment.apps/d scaled\n");
        assert_eq!(field("{.spec.replicas}"), "5");
        kubectl.ok("set image deployment/d a=a:3");
        assert_eq!(field("{.spec.template.spec.containers[*].env[0].name}"), "X");
        kubectl.ok("label deployment d tier=front");
        kubectl.ok("annotate deployment d note=x");
        kubectl.ok("patch deployment d --type=json -p [{\"op\":\"remove\",\"path\":\"/metadata/labels/tier\"}]");
        assert_eq!(field("{.metadata.labels}"), "");
        kubectl.ok("delete deployment d");
    }
}

#[test]
fn server_side_apply_minds_owners() {
    let cluster = Cluster::new();
    for version in VERSIONS {
        let kubectl = cluster.kubectl(version);
        let first = cluster.file("first", DEPLOYMENT);
        let second = cluster.file("second", &DEPLOYMENT.replace("replicas: 2", "replicas: 3"));
        let apply = |file: &std::path::Path, more: &str| {
            format!("apply --server-side -f {} {more}", file.display())
        };
        assert_eq!(kubectl.ok(&apply(&first, "")), "deployment.apps/d serverside-applied\n");
        let error = kubectl.fails(&apply(&second, "--field-manager=other"));
        assert!(
            error.contains(
                "Apply failed with 1 conflict: conflict with \"kubectl\": .spec.replicas"
            ),
            "{error}"
        );
        kubectl.ok(&apply(&second, "--field-manager=other --force-conflicts"));
        assert_eq!(kubectl.ok("get deployment d -o jsonpath={.spec.replicas}"), "3");
        kubectl.ok("delete deployment d");
    }
}

fn owned(kind: &str, name: &str, owner: &str) -> String {
    format!(
        "{{apiVersion: v1, kind: {kind}, metadata: {{name: {name}, namespace: default, ownerReferences: [{{apiVersion: v1, kind: ConfigMap, name: owner, uid: {owner}, blockOwnerDeletion: true}}]}}}}"
    )
}

#[test]
fn dependents_follow_their_owner() {
    let cluster = Cluster::new();
    for version in VERSIONS {
        let kubectl = cluster.kubectl(version);
        for (cascade, left) in
            [("background", ""), ("foreground", ""), ("orphan", "secret/child\n")]
        {
            kubectl.ok("create configmap owner");
            let uid = kubectl.ok("get configmap owner -o jsonpath={.metadata.uid}");
            cluster.sim().load(&owned("Secret", "child", &uid)).unwrap();
            kubectl.ok(&format!("delete configmap owner --cascade={cascade} --timeout=10s"));
            if left.is_empty() {
                kubectl.ok("wait --for=delete secret/child --timeout=10s");
            }
            assert_eq!(kubectl.ok("get secrets -o name"), left, "{cascade}");
        }
        kubectl.ok("delete secret child");
    }
}

#[test]
fn finalizers_hold_and_namespaces_end() {
    let cluster = Cluster::new();
    for version in VERSIONS {
        let kubectl = cluster.kubectl(version);
        kubectl.ok("create namespace brief");
        kubectl.ok("create configmap held -n brief");
        kubectl.ok("patch configmap held -n brief --type=merge -p {\"metadata\":{\"finalizers\":[\"example.com/hold\"]}}");
        kubectl.ok("delete namespace brief --wait=false");
        let held = "get namespace brief -o jsonpath={.status.phase}";
        assert_eq!(kubectl.ok(held), "Terminating");
        let error = kubectl.fails("create configmap late -n brief");
        assert_eq!(
            error,
            "error: failed to create configmap: configmaps \"late\" is forbidden: unable to create new content in namespace brief because it is being terminated"
        );
        kubectl.ok(
            "patch configmap held -n brief --type=merge -p {\"metadata\":{\"finalizers\":null}}",
        );
        kubectl.ok("wait --for=delete namespace/brief --timeout=10s");
        assert_eq!(
            kubectl.fails("get namespace brief"),
            "Error from server (NotFound): namespaces \"brief\" not found"
        );
    }
}

#[test]
fn a_pod_on_a_node_takes_its_time() {
    let cluster = Cluster::new();
    let pod = "{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: default}, spec: {nodeName: node1, containers: [{name: a, image: a}]}}";
    for version in VERSIONS {
        let kubectl = cluster.kubectl(version);
        cluster.sim().load(pod).unwrap();
        kubectl.ok("delete pod p --wait=false");
        assert_eq!(
            kubectl.ok("get pod p -o jsonpath={.metadata.deletionGracePeriodSeconds}"),
            "30"
        );
        assert!(kubectl.ok("get pod p").contains("Terminating"));
        kubectl.ok("delete pod p --force --grace-period=0");
        kubectl.fails("get pod p");
    }
}

#[test]
fn watches_tell_what_happens() {
    let cluster = Cluster::new();
    for version in VERSIONS {
        let kubectl = cluster.kubectl(version);
        let mut watch = kubectl
            .command("get configmaps -w --no-headers --output-watch-events")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // What is there already comes first, so the watch is on when this has come.
        cluster
            .sim()
            .load("{apiVersion: v1, kind: ConfigMap, metadata: {name: first, namespace: default}}")
            .unwrap();
        let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
        let mut next = || {
            let line = lines.next().unwrap().unwrap();
            line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(next(), "ADDED first");
        kubectl.ok("label configmap first a=b");
        assert_eq!(next(), "MODIFIED first");
        kubectl.ok("delete configmap first");
        assert_eq!(next(), "DELETED first");
        watch.kill().unwrap();
        watch.wait().unwrap();
    }
}

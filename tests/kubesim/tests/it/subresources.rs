//! Parts of objects with a path of their own: evictions, bindings, tokens.

use kubesim::{Credential, GroupResource, Key};

use crate::tool::{Cluster, Kubectl, VERSIONS};

const PODS: &str = "
apiVersion: v1
kind: Node
metadata: {name: n1}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: default, labels: {app: web}}
spec: {nodeName: n1, containers: [{name: a, image: x}]}
status: {phase: Running, conditions: [{type: Ready, status: 'True'}]}
---
apiVersion: v1
kind: Pod
metadata: {name: waiting, namespace: default}
spec: {containers: [{name: a, image: x}]}
";

fn budget(allowed: u32) -> String {
    format!(
        "
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {{name: web, namespace: default}}
spec: {{minAvailable: 1, selector: {{matchLabels: {{app: web}}}}}}
status: {{observedGeneration: 1, disruptionsAllowed: {allowed}, desiredHealthy: 1, currentHealthy: 1, expectedPods: 1}}
"
    )
}

fn post(cluster: &Cluster, kubectl: &Kubectl, part: &str, body: &str) -> Result<String, String> {
    let file = cluster.file("body", body);
    let route = format!("/api/v1/namespaces/default/pods/{part}");
    let output = kubectl.output(&format!("create --raw {route} -f {}", file.display()));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

#[test]
fn evictions_ask_the_budget() {
    const EVICTION: &str =
        r#"{"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "web"}}"#;
    for version in VERSIONS {
        let cluster = Cluster::new();
        cluster.sim().load(PODS).unwrap();
        cluster.sim().load(&budget(0)).unwrap();
        let kubectl = cluster.kubectl(version);
        let error = post(&cluster, &kubectl, "web/eviction", EVICTION).unwrap_err();
        assert_eq!(
            error,
            "Error from server (TooManyRequests): Cannot evict pod as it would violate the pod's disruption budget."
        );
        let drain = "drain n1 --force --grace-period=0 --timeout=1s";
        let error = kubectl.fails(drain);
        assert!(
            error.contains("error when evicting pods/\"web\" -n \"default\" (will retry after 5s): Cannot evict pod as it would violate the pod's disruption budget."),
            "{error}"
        );
        kubectl.ok("delete poddisruptionbudget web");
        cluster.sim().load(&budget(1)).unwrap();
        let told = kubectl.ok(drain);
        assert!(told.contains("pod/web evicted"), "{told}");
        kubectl.fails("get pod web");
        let left = kubectl.ok("get pdb web -o jsonpath={.status.disruptionsAllowed}");
        assert_eq!(left, "0");
    }
}

#[test]
fn evicted_pods_get_their_grace() {
    const EVICTION: &str = r#"{"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "web"}, "deleteOptions": {"gracePeriodSeconds": 7}}"#;
    let cluster = Cluster::new();
    cluster.sim().load(PODS).unwrap();
    let kubectl = cluster.kubectl("1.35");
    let done = post(&cluster, &kubectl, "web/eviction", EVICTION).unwrap();
    assert!(done.contains("\"status\":\"Success\""), "{done}");
    let grace = kubectl.ok("get pod web -o jsonpath={.metadata.deletionGracePeriodSeconds}");
    assert_eq!(grace, "7");
}

#[test]
fn pods_are_bound_once() {
    const BINDING: &str = r#"{"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "waiting"}, "target": {"kind": "Node", "name": "n1"}}"#;
    let cluster = Cluster::new();
    cluster.sim().load(PODS).unwrap();
    let kubectl = cluster.kubectl("1.35");
    post(&cluster, &kubectl, "waiting/binding", BINDING).unwrap();
    let bound = "get pod waiting -o jsonpath={.spec.nodeName},{.status.conditions[*].type}";
    assert_eq!(kubectl.ok(bound), "n1,PodScheduled");
    assert_eq!(
        post(&cluster, &kubectl, "waiting/binding", BINDING).unwrap_err(),
        "Error from server (Conflict): Operation cannot be fulfilled on pods/binding \"waiting\": pod waiting is already assigned to node \"n1\""
    );
}

#[test]
fn tokens_are_their_account() {
    for version in VERSIONS {
        let cluster = Cluster::new();
        let admin = cluster.kubectl(version);
        admin.ok("create serviceaccount bob");
        let token = admin.ok("create token bob --duration 1h");
        assert_eq!(token.trim().split('.').count(), 3, "{token}");
        let text = cluster.sim().kubeconfig_with(&Credential::Token(token.trim().to_owned()));
        let bob = cluster.kubectl_with(version, &cluster.file("bob", &text));
        let who =
            bob.ok("auth whoami -o jsonpath={.status.userInfo.username}|{.status.userInfo.groups}");
        assert_eq!(
            who,
            r#"system:serviceaccount:default:bob|["system:serviceaccounts","system:serviceaccounts:default","system:authenticated"]"#
        );
        assert_eq!(
            admin.fails("create token nobody"),
            "error: failed to create token: serviceaccounts \"nobody\" not found"
        );
        assert_eq!(
            admin.fails("create token bob --duration 10s"),
            "error: failed to create token: TokenRequest.authentication.k8s.io \"bob\" is invalid: spec.expirationSeconds: Invalid value: 10: may not specify a duration less than 10 minutes"
        );
        // A token ends with its account.
        let accounts = GroupResource::new("", "serviceaccounts");
        cluster.sim().store().remove(&accounts, &Key::new("default", "bob"));
        assert_eq!(
            bob.fails("get --raw /api/v1/pods"),
            "error: You must be logged in to the server (Unauthorized)"
        );
    }
}

#[test]
fn discovery_names_them() {
    let cluster = Cluster::new();
    let kubectl = cluster.kubectl("1.35");
    let text = kubectl.ok("get --raw /api/v1");
    for part in [
        r#"{"kind":"PodExecOptions","name":"pods/exec","namespaced":true,"singularName":"","verbs":["create","get"]}"#,
        r#"{"group":"policy","kind":"Eviction","name":"pods/eviction","namespaced":true,"singularName":"","verbs":["create"],"version":"v1"}"#,
        r#"{"kind":"Pod","name":"pods/log","namespaced":true,"singularName":"","verbs":["get"]}"#,
        r#"{"group":"authentication.k8s.io","kind":"TokenRequest","name":"serviceaccounts/token","namespaced":true,"singularName":"","verbs":["create"],"version":"v1"}"#,
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    // What is not served is not there.
    assert_eq!(
        kubectl.fails("get --raw /api/v1/namespaces/default/pods/web/portforward"),
        "Error from server (NotFound): the server could not find the requested resource"
    );
}

//! kubectl's own words for what goes wrong.

use std::collections::BTreeMap;

use kubesim::{Config, Credential, Fault, Kind, User};

use crate::tool::{Cluster, VERSIONS};

const CONFIG_MAP: &str =
    "{apiVersion: v1, kind: ConfigMap, metadata: {name: x, namespace: default}, data: {a: '1'}}";

#[test]
fn an_unknown_token_is_unauthorized() {
    let cluster = Cluster::new();
    let text = cluster.sim().kubeconfig_with(&Credential::Token("wrong".to_owned()));
    let file = cluster.file("wrong", &text);
    for version in VERSIONS {
        let error = cluster.kubectl_with(version, &file).fails("get --raw /api/v1/pods");
        assert_eq!(error, "error: You must be logged in to the server (Unauthorized)");
    }
}

#[test]
fn rbac_forbids_and_roles_allow() {
    let user = User::new("jane", &["readers"]);
    let tokens = BTreeMap::from([("secret".to_owned(), user)]);
    let cluster = Cluster::with(Config { tokens, ..Config::default() });
    let text = cluster.sim().kubeconfig_with(&Credential::Token("secret".to_owned()));
    let file = cluster.file("jane", &text);
    for version in VERSIONS {
        let jane = cluster.kubectl_with(version, &file);
        assert_eq!(
            jane.fails("get pods"),
            "Error from server (Forbidden): pods is forbidden: User \"jane\" cannot list resource \"pods\" in API group \"\" in the namespace \"default\""
        );
        assert_eq!(
            jane.fails("get nodes"),
            "Error from server (Forbidden): nodes is forbidden: User \"jane\" cannot list resource \"nodes\" in API group \"\" at the cluster scope"
        );
        assert_eq!(
            jane.fails("get deployment x"),
            "Error from server (Forbidden): deployments.apps \"x\" is forbidden: User \"jane\" cannot get resource \"deployments\" in API group \"apps\" in the namespace \"default\""
        );
        assert_eq!(jane.output("auth can-i list pods").stdout, b"no\n");
        let admin = cluster.kubectl(version);
        admin.ok("create role reader --verb=get,list --resource=pods");
        admin.ok("create rolebinding reader --role=reader --group=readers");
        assert_eq!(jane.ok("auth can-i list pods"), "yes\n");
        jane.ok("get pods");
        jane.fails("get pods -A");
        assert_eq!(admin.ok("auth can-i list pods --as jane --as-group readers"), "yes\n");
        admin.ok("delete role,rolebinding reader");
    }
}

#[test]
fn what_is_not_there_is_not_found() {
    let cluster = Cluster::new();
    for version in VERSIONS {
        let kubectl = cluster.kubectl(version);
        assert_eq!(
            kubectl.fails("get configmap nope"),
            "Error from server (NotFound): configmaps \"nope\" not found"
        );
        assert_eq!(
            kubectl.fails("get gizmos"),
            "error: the server doesn't have a resource type \"gizmos\""
        );
        assert_eq!(
            kubectl.fails("create configmap x -n nowhere"),
            "error: failed to create configmap: namespaces \"nowhere\" not found"
        );
        assert_eq!(
            kubectl.fails("get --raw /apis/nothing"),
            "Error from server (NotFound): the server could not find the requested resource"
        );
    }
}

#[test]
fn conflicts_and_invalid_objects_are_refused() {
    let cluster = Cluster::new();
    cluster.sim().load(CONFIG_MAP).unwrap();
    let stale = cluster.file(
        "stale",
        "---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: x, namespace: default, resourceVersion: '1'}}",
    );
    let pod = cluster.file(
        "pod",
        "---\n{apiVersion: v1, kind: Pod, metadata: {name: X}, spec: {containers: []}}",
    );
    for version in VERSIONS {
        let kubectl = cluster.kubectl(version);
        assert_eq!(
            kubectl.fails("create configmap x"),
            "error: failed to create configmap: configmaps \"x\" already exists"
        );
        let error = kubectl.fails(&format!("replace -f {}", stale.display()));
        assert_eq!(
            error,
            format!(
                "Error from server (Conflict): error when replacing {:?}: Operation cannot be fulfilled on configmaps \"x\": the object has been modified; please apply your changes to the latest version and try again",
                stale.display().to_string()
            )
        );
        let error = kubectl.fails(&format!("create -f {}", pod.display()));
        assert!(error.starts_with("The Pod \"X\" is invalid: \n* metadata.name: Invalid value: \"X\": a lowercase RFC 1123 subdomain"), "{error}");
        assert!(error.ends_with("* spec.containers: Required value"), "{error}");
        let error = kubectl.fails("get pods --field-selector spec.color=red");
        assert_eq!(
            error,
            "Error from server (BadRequest): Unable to find \"/v1, Resource=pods\" that match label selector \"\", field selector \"spec.color=red\": field label not supported: spec.color"
        );
    }
}

#[test]
fn an_expired_list_is_gone() {
    let cluster = Cluster::new();
    for name in ["a", "b", "c"] {
        cluster.sim().load(&CONFIG_MAP.replace("name: x", &format!("name: {name}"))).unwrap();
    }
    let kubectl = cluster.kubectl("1.35");
    let page = kubectl.ok("get --raw /api/v1/namespaces/default/configmaps?limit=1");
    let token = page.split("\"continue\":\"").nth(1).and_then(|rest| rest.split('"').next());
    let route =
        format!("/api/v1/namespaces/default/configmaps?limit=1&continue={}", token.unwrap());
    assert!(kubectl.ok(&format!("get --raw {route}")).contains("\"name\":\"b\""));
    cluster.sim().load(&CONFIG_MAP.replace("name: x", "name: d")).unwrap();
    cluster.sim().store().compact();
    let error = kubectl.fails(&format!("get --raw {route}"));
    assert!(error.starts_with("Error from server (Expired): The provided continue parameter is too old to display a consistent list result."), "{error}");
}

#[test]
fn faults_show_as_kubectl_tells_them() {
    let cluster = Cluster::new();
    cluster.sim().load(CONFIG_MAP).unwrap();
    let route = "/api/v1/namespaces/default/configmaps*";
    let status = |code, retry_after| Fault::new(route, Kind::Status { code, retry_after });
    for version in VERSIONS {
        let kubectl = cluster.kubectl(version);
        kubectl.ok("get configmaps");
        let complaint = |fault: Fault| {
            cluster.sim().faults().add(fault);
            let error = kubectl.fails("get configmaps");
            cluster.sim().faults().clear();
            error
        };
        assert_eq!(
            complaint(status(500, None)),
            "Error from server (InternalError): Internal error occurred: etcdserver: request timed out"
        );
        assert_eq!(
            complaint(status(410, None)),
            "Error from server (Expired): The resourceVersion for the provided list is too old."
        );
        assert_eq!(
            complaint(status(429, None)),
            "Error from server (TooManyRequests): the server has received too many requests and has asked us to try again later (get configmaps)"
        );
        assert_eq!(
            complaint(Fault::new(route, Kind::Forbidden)),
            "Error from server (Forbidden): configmaps is forbidden: User \"kubernetes-admin\" cannot list resource \"configmaps\" in API group \"\" in the namespace \"default\""
        );
        assert_eq!(
            complaint(Fault::new(route, Kind::ExpiredToken)),
            "error: You must be logged in to the server (Unauthorized)"
        );
        let error = complaint(Fault::new(route, Kind::Reset));
        // What arrives first decides: the reset, or the end of the TLS stream before it.
        assert!(error.contains("connection reset by peer") || error.contains("EOF"), "{error}");
        let error = complaint(Fault::new(route, Kind::Cut(20)));
        assert!(error.contains("unexpected EOF") || error.contains("stream error"), "{error}");
        // One 429 with Retry-After is retried, and then all is well.
        cluster.sim().faults().add(status(429, Some(1)).requests(1, 1));
        kubectl.ok("get configmaps");
        cluster.sim().faults().clear();
        cluster.sim().faults().add(Fault::new(route, Kind::Hang));
        let error = kubectl.fails("get configmaps --request-timeout=1s");
        let known = ["Client.Timeout exceeded", "context deadline exceeded"];
        assert!(known.iter().any(|known| error.contains(known)), "{error}");
        cluster.sim().faults().clear();
    }
}

#[test]
fn a_server_that_goes_away_refuses() {
    let mut cluster = Cluster::new();
    let kubeconfig = std::fs::read_to_string(cluster.sim().kubeconfig()).unwrap();
    let address = cluster.sim().url().trim_start_matches("https://").to_owned();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("kubeconfig");
    std::fs::write(&file, kubeconfig).unwrap();
    let kubectls = VERSIONS.map(|version| cluster.kubectl_with(version, &file));
    for kubectl in &kubectls {
        kubectl.ok("get pods");
    }
    cluster.stop();
    for kubectl in &kubectls {
        let error = kubectl.fails("get pods");
        assert!(
            error.ends_with(&format!(
                "The connection to the server {address} was refused - did you specify the right host or port?"
            )),
            "{error}"
        );
    }
}

#[test]
fn addresses_are_given_once() {
    let cluster = Cluster::new();
    let service = |name: &str, ip: &str| {
        let text = format!(
            "{{apiVersion: v1, kind: Service, metadata: {{name: {name}}}, spec: {{clusterIP: {ip}, ports: [{{port: 1}}]}}}}"
        );
        cluster.file(name, &format!("---\n{text}")).display().to_string()
    };
    let (first, second) = (service("first", "10.96.7.7"), service("second", "10.96.7.7"));
    cluster
        .sim()
        .load(
            "{apiVersion: v1, kind: Node, metadata: {name: node1}, spec: {podCIDR: 10.24.0.0/24}}",
        )
        .unwrap();
    for version in VERSIONS {
        let kubectl = cluster.kubectl(version);
        kubectl.ok(&format!("create -f {first}"));
        assert_eq!(
            kubectl.fails(&format!("create -f {second}")),
            "The Service \"second\" is invalid: spec.clusterIPs: Invalid value: [\"10.96.7.7\"]: failed to allocate IP 10.96.7.7: provided IP is already allocated"
        );
        let moved = service("first", "10.96.7.8");
        assert_eq!(
            kubectl.fails(&format!("replace -f {moved}")),
            "The Service \"first\" is invalid: spec.clusterIPs[0]: Invalid value: [\"10.96.7.8\"]: may not change once set"
        );
        service("first", "10.96.7.7");
        kubectl.ok("delete service first");
        assert_eq!(
            kubectl.fails(
                "patch node node1 --type=merge -p {\"spec\":{\"podCIDR\":\"10.25.0.0/24\"}}"
            ),
            "The Node \"node1\" is invalid: \n* spec.podCIDRs: Forbidden: node updates may not change podCIDR except from \"\" to valid\n* []: Forbidden: node updates may only change labels, taints, or capacity"
        );
    }
}

#[test]
fn what_is_another_object_by_now_is_not_deleted() {
    let cluster = Cluster::new();
    let options = cluster.file("options.json", r#"{"preconditions": {"uid": "another"}}"#);
    for version in VERSIONS {
        let kubectl = cluster.kubectl(version);
        kubectl.ok("create configmap x");
        let uid = kubectl.ok("get configmap x -o jsonpath={.metadata.uid}");
        let delete = "delete --raw /api/v1/namespaces/default/configmaps/x -f";
        assert_eq!(
            kubectl.fails(&format!("{delete} {}", options.display())),
            format!(
                "Error from server (Conflict): Operation cannot be fulfilled on ConfigMap \"x\": the UID in the precondition (another) does not match the UID in record ({uid}). The object might have been deleted and then recreated"
            )
        );
        kubectl.ok("delete configmap x");
    }
}

//! What kubectl prints of objects, and what it makes of changes.

use kubesim::Scenario;

use crate::tool::{Cluster, VERSIONS, steady};

const STATE: &str = r#"
apiVersion: v1
kind: Node
metadata: {name: node1, labels: {node-role.kubernetes.io/control-plane: ""}}
spec: {podCIDR: 10.24.0.0/24}
status:
  conditions: [{type: Ready, status: "True"}]
  addresses: [{type: InternalIP, address: 10.0.0.11}]
  nodeInfo: {kubeletVersion: v1.35.0, osImage: Debian, kernelVersion: 6.1.0, containerRuntimeVersion: containerd://2.0.0}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: default, labels: {app: web}}
spec: {nodeName: node1, containers: [{name: web, image: "nginx:1"}]}
status:
  phase: Running
  podIP: 10.24.0.5
  podIPs: [{ip: 10.24.0.5}]
  conditions: [{type: Ready, status: "True"}]
  containerStatuses: [{name: web, ready: true, restartCount: 0, state: {running: {}}}]
---
apiVersion: v1
kind: Pod
metadata: {name: broken, namespace: default, labels: {app: broken}}
spec: {nodeName: node1, containers: [{name: a, image: "nope:1"}, {name: b, image: "nope:1"}]}
status:
  phase: Pending
  containerStatuses:
  - {name: a, ready: false, restartCount: 3, state: {waiting: {reason: ImagePullBackOff}}}
  - {name: b, ready: true, restartCount: 0, state: {running: {}}}
---
apiVersion: v1
kind: Pod
metadata: {name: init, namespace: kube-system}
spec: {nodeName: node1, initContainers: [{name: i, image: "i:1"}], containers: [{name: a, image: "a:1"}]}
status:
  phase: Pending
  initContainerStatuses: [{name: i, ready: false, restartCount: 0, state: {running: {}}}]
"#;

const DEFINITION: &str = r"
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Widget, plural: widgets, shortNames: [wd], categories: [all]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    additionalPrinterColumns:
    - {name: Color, type: string, jsonPath: .spec.color}
    - {name: Size, type: integer, jsonPath: .spec.size, priority: 1}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            required: [color]
            properties:
              color: {type: string, description: What it looks like.}
              size: {type: integer, default: 3}
          status: {type: object, x-kubernetes-preserve-unknown-fields: true}
";

fn loaded() -> Cluster {
    let cluster = Cluster::new();
    cluster.sim().load(STATE).expect("the state");
    cluster
}

#[test]
fn tables_are_printed() {
    let cluster = loaded();
    for version in VERSIONS {
        let kubectl = cluster.kubectl(version);
        assert_eq!(
            steady(&kubectl.ok("get pods -A")),
            "NAMESPACE NAME READY STATUS RESTARTS AGE\n\
             default broken 1/2 ImagePullBackOff 3 AGE\n\
             default web 1/1 Running 0 AGE\n\
             kube-system init 0/1 Init:0/1 0 AGE"
        );
        assert_eq!(
            steady(&kubectl.ok("get pods web -o wide")),
            "NAME READY STATUS RESTARTS AGE IP NODE NOMINATED NODE READINESS GATES\n\
             web 1/1 Running 0 AGE 10.24.0.5 node1 <none> <none>"
        );
        assert_eq!(
            steady(&kubectl.ok("get nodes -o wide")),
            "NAME STATUS ROLES AGE VERSION INTERNAL-IP EXTERNAL-IP OS-IMAGE KERNEL-VERSION CONTAINER-RUNTIME\n\
             node1 Ready control-plane AGE v1.35.0 10.0.0.11 <none> Debian 6.1.0 containerd://2.0.0"
        );
        assert_eq!(
            steady(&kubectl.ok("get services")),
            "NAME TYPE CLUSTER-IP EXTERNAL-IP PORT(S) AGE\n\
             kubernetes ClusterIP 10.96.0.1 <none> 443/TCP AGE"
        );
        assert_eq!(
            kubectl.ok("get pods -A -o name --chunk-size=2"),
            "pod/broken\npod/web\npod/init\n"
        );
        assert_eq!(kubectl.ok("get pods -l app=web,app!=x -o name"), "pod/web\n");
        let pending =
            "get pods -A -o name --field-selector status.phase=Pending,spec.nodeName=node1";
        assert_eq!(kubectl.ok(pending), "pod/broken\npod/init\n");
        assert_eq!(kubectl.ok("get pod web -o jsonpath={.spec.dnsPolicy}"), "ClusterFirst");
        assert!(kubectl.ok("get pods -o yaml").contains("kind: Pod\n"));
        let described = kubectl.ok("describe pod web");
        assert!(described.contains("Node:             node1/"), "{described}");
        assert!(kubectl.ok("describe node node1").contains("10.24.0.0/24"));
    }
}

#[test]
fn kinds_are_discovered_and_explained() {
    let cluster = loaded();
    for version in VERSIONS {
        let kubectl = cluster.kubectl(version);
        let kinds = kubectl.ok("api-resources --no-headers -o name");
        assert!(kinds.contains("networkpolicies.networking.k8s.io\n"), "{kinds}");
        let explained = kubectl.ok("explain deployment");
        assert!(explained.starts_with("GROUP:      apps\nKIND:       Deployment\n"), "{explained}");
        assert!(kubectl.ok("api-versions").contains("rbac.authorization.k8s.io/v1\n"));
        assert!(kubectl.ok("version").contains("Server Version: v1.35.0"));
        assert!(kubectl.ok("auth whoami").contains("kubernetes-admin"));
        assert_eq!(kubectl.ok("auth can-i delete nodes"), "yes\n");
    }
}

#[test]
fn custom_resources_come_and_go_with_their_definition() {
    let cluster = Cluster::new();
    let definition = cluster.file("definition", DEFINITION);
    let widget = |spec: &str| {
        cluster.file(
            "widget",
            &format!(
                "---\n{{apiVersion: example.com/v1, kind: Widget, metadata: {{name: w}}, spec: {spec}}}"
            ),
        )
    };
    for version in VERSIONS {
        let kubectl = cluster.kubectl(version);
        kubectl.ok(&format!("apply -f {}", definition.display()));
        kubectl.ok("wait --for=condition=Established crd/widgets.example.com --timeout=10s");
        let unknown = widget("{color: red, unknown: x}");
        let error = kubectl.fails(&format!("apply -f {}", unknown.display()));
        assert!(
            error.ends_with(
                "Widget in version \"v1\" cannot be handled as a Widget: strict decoding error: unknown field \"spec.unknown\""
            ),
            "{error}"
        );
        kubectl.ok(&format!("apply --validate=ignore -f {}", unknown.display()));
        assert_eq!(steady(&kubectl.ok("get wd")), "NAME COLOR\nw red");
        assert_eq!(steady(&kubectl.ok("get wd -o wide")), "NAME COLOR SIZE\nw red 3");
        assert_eq!(kubectl.ok("get wd w -o jsonpath={.spec}"), r#"{"color":"red","size":3}"#);
        let error = kubectl.fails(&format!("apply -f {}", widget("{color: 1}").display()));
        assert!(
            error.contains(
                "spec.color: Invalid value: \"integer\": spec.color in body must be of type string"
            ),
            "{error}"
        );
        let explained = kubectl.ok("explain widget.spec.color");
        assert!(explained.contains("What it looks like."), "{explained}");
        kubectl.ok("patch wd w --subresource=status --type=merge -p {\"status\":{\"ready\":true}}");
        assert_eq!(
            kubectl.ok("get wd w -o jsonpath={.status.ready},{.metadata.generation}"),
            "true,1"
        );
        kubectl.ok("delete crd widgets.example.com --timeout=10s");
        // Discovery is cached, so kubectl asks for what it still believes to be there.
        let error = kubectl.fails("get widgets");
        assert!(
            error.contains(
                "the server could not find the requested resource (get widgets.example.com)"
            ),
            "{error}"
        );
    }
}

#[test]
fn what_kubectl_exports_is_loaded_elsewhere() {
    let (first, second) = (Cluster::new(), Cluster::new());
    first.sim().load_scenario(&Scenario::named("homelab-clash").unwrap()).unwrap();
    let read = |cluster: &Cluster, what: &str| cluster.kubectl("1.35").ok(what);
    // Definitions go first: they bring kinds. Owners come along, or what they own is collected.
    for kinds in
        ["crds", "namespaces,nodes,ds,deploy,rs,pods,events,services,configmaps,ciliumnodes"]
    {
        let export = read(&first, &format!("get {kinds} -A -o json --show-managed-fields"));
        second.sim().load(&export).unwrap();
        // What is there already is changed, its status too.
        second
            .sim()
            .load(&export.replace("\"phase\": \"Running\"", "\"phase\": \"Failed\""))
            .unwrap();
    }
    for what in
        ["nodes", "ciliumnodes", "events -A", "pods -A --field-selector spec.nodeName=node1"]
    {
        let uids = format!("get {what} -o jsonpath={{.items[*].metadata.uid}}");
        assert_eq!(read(&first, &uids), read(&second, &uids), "{what}");
    }
    let running = "get pods -A -o name --field-selector status.phase=Running";
    assert_eq!(
        (read(&first, running).is_empty(), read(&second, running).is_empty()),
        (false, true)
    );
}

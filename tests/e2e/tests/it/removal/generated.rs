//! Generated clusters: what people have beside Cilium is the same afterwards, whatever it is called.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::json;

use super::land::{Land, REMAINS, gone};
use crate::site::gzipped;

/// How many clusters.
const CLUSTERS: usize = 8;

/// Namespaces of people, some of which look like Cilium's.
const NAMESPACES: [&str; 6] = [
    "default",
    "team-a",
    "cilium-testing-prod",
    "cilium-test-results",
    "my-cilium-test-1",
    "cilium-secrets-of-team-a",
];

/// What people have: `NS` is one of these namespaces, `N` a number.
const PEOPLES: [&str; 18] = [
    "{apiVersion: v1, kind: ConfigMap, metadata: {name: cilium-config, namespace: NS}, data: {a: b}}",
    "{apiVersion: v1, kind: ConfigMap, metadata: {name: cilium-dashboard-N, namespace: NS}}",
    "{apiVersion: v1, kind: Secret, metadata: {name: cilium-ca-of-team-N, namespace: NS}, data: {a: Yg==}}",
    "{apiVersion: v1, kind: Secret, metadata: {name: cilium-ipsec-keys, namespace: kube-system}, data: {keys: Yg==}}",
    "{apiVersion: v1, kind: Service, metadata: {name: hubble-ui-N, namespace: NS}, spec: {ports: [{port: 80}]}}",
    "{apiVersion: v1, kind: ServiceAccount, metadata: {name: cilium, namespace: NS}}",
    "{apiVersion: apps/v1, kind: Deployment, metadata: {name: cilium-exporter-N, namespace: NS}, spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: 'a:1'}]}}}}",
    "{apiVersion: apps/v1, kind: Deployment, metadata: {name: hubble-relay, namespace: NS}, spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: 'a:1'}]}}}}",
    "{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: cilium-node-checker, namespace: NS}, spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: 'a:1'}]}}}}",
    "{apiVersion: batch/v1, kind: Job, metadata: {name: hubble-generate-certs-N, namespace: NS}, spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: 'a:1'}]}}}}",
    "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: cilium-N, namespace: NS}, spec: {podSelector: {}}}",
    "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: cilium-viewer-N}, rules: []}",
    "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: cilium-viewer-N}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}}",
    "{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: cilium-operator-resource-lock, namespace: NS}, spec: {}}",
    "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: tracingpolicies.cilium.io}, spec: {group: cilium.io, scope: Cluster, names: {kind: TracingPolicy, plural: tracingpolicies, singular: tracingpolicy, listKind: TracingPolicyList}, versions: [{name: v1alpha1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]}}",
    "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: ciliumthings.example.com}, spec: {group: example.com, scope: Namespaced, names: {kind: CiliumThing, plural: ciliumthings, singular: ciliumthing, listKind: CiliumThingList}, versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]}}",
    "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: gateways.gateway.networking.k8s.io}, spec: {group: gateway.networking.k8s.io, scope: Namespaced, names: {kind: Gateway, plural: gateways, singular: gateway, listKind: GatewayList}, versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]}}",
    "RELEASE",
];

/// What Cilium leaves of itself besides its release.
fn ciliums() -> Vec<&'static str> {
    REMAINS.split("---").collect()
}

/// A release of another chart whose name has `cilium` in it, as helm keeps it.
fn release(namespace: &str, number: u32) -> String {
    let name = format!("cilium-{number}");
    let content = json!({
        "name": name, "namespace": namespace, "version": 1,
        "info": {"status": "deployed"},
        "chart": {"metadata": {"name": "cilium-extras", "version": "1.0.0"}},
        "manifest": "",
    });
    let data = STANDARD.encode(STANDARD.encode(gzipped(content.to_string().as_bytes())));
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1",
        "metadata": {
            "name": format!("sh.helm.release.v1.{name}.v1"), "namespace": namespace,
            "labels": {"owner": "helm", "name": name, "status": "deployed", "version": "1"},
        },
        "data": {"release": data},
    })
    .to_string()
}

/// A cluster: what people have, and what of Cilium's, each as one document.
#[derive(Debug)]
struct Generated {
    peoples: String,
    ciliums: String,
}

fn cluster() -> impl Strategy<Value = Generated> {
    let piece = (0..PEOPLES.len(), 0..NAMESPACES.len(), 0..1000_u32);
    let peoples = proptest::collection::vec(piece, 6..24);
    let ciliums = proptest::sample::subsequence(ciliums(), 0..=ciliums().len());
    (peoples, ciliums).prop_map(|(peoples, ciliums)| {
        let mut text = String::new();
        for namespace in &NAMESPACES[1..] {
            let _ = writeln!(
                text,
                "{{apiVersion: v1, kind: Namespace, metadata: {{name: {namespace}}}}}\n---"
            );
        }
        for (piece, namespace, number) in peoples {
            let (piece, namespace) = (PEOPLES[piece], NAMESPACES[namespace]);
            let object = match piece {
                "RELEASE" => release(namespace, number),
                piece => piece
                    .replace("namespace: NS", &format!("namespace: {namespace}"))
                    .replace("-N", &format!("-{number}")),
            };
            let _ = writeln!(text, "{object}\n---");
        }
        Generated { peoples: text, ciliums: ciliums.join("---") }
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_people_have_is_the_same_afterwards() {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    // Of the scenario itself.
    let scenario = Land::new("homelab-healthy", "").await.objects();
    for _ in 0..CLUSTERS {
        let generated = cluster().new_tree(&mut runner).unwrap().current();
        let land = Land::new("homelab-healthy", &generated.peoples).await;
        let without = land.objects();
        land.sim().load(&generated.ciliums).unwrap();
        let before = land.objects();
        let plan = land.run(&["--dry-run", "-o", "json"]).await;
        let run = land.run(&["--yes", "--no-backup"]).await;
        assert_eq!(run.code, Some(0), "{} {} {generated:?}", run.stdout, run.stderr);
        let after = land.objects();
        // All that was Cilium's alone is gone.
        // Every namespace gets these, a little later than itself.
        let is_everywhere = |name: &String| {
            name.starts_with("serviceaccounts. ") && name.ends_with("/default")
                || name.ends_with("/kube-root-ca.crt")
        };
        for name in gone(&before, &without).into_iter().filter(|name| !is_everywhere(name)) {
            assert!(!after.contains_key(&name), "{name} is left: {generated:?}");
        }
        for (name, object) in without.iter().filter(|(name, _)| !scenario.contains_key(*name)) {
            assert_eq!(after.get(name), Some(object), "{name}: {} {generated:?}", plan.stdout);
        }
        let verified = land.run(&["verify"]).await;
        assert_eq!(verified.code, Some(0), "{} {generated:?}", verified.stdout);
    }
}

//! All of it goes, and nothing else.

use std::{fs, os::unix::fs::PermissionsExt as _};

use kubesim::{GroupResource, Key};
use serde_json::{Value, json};

use super::land::{Land, PEOPLES, REMAINS, gone, mark_node, planned};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_is_what_the_plan_says() {
    let land = Land::new("homelab-healthy", &format!("{PEOPLES}---{REMAINS}")).await;
    mark_node(&land, "node2");
    let plan = land.run(&["--dry-run", "-o", "json"]).await;
    let plan: Value = serde_json::from_str(&plan.stdout).unwrap();
    let before = land.objects();
    let run = land.run(&["--yes", "-o", "json", "--backup", "saved"]).await;
    assert_eq!(run.code, Some(0), "{} {}", run.stdout, run.stderr);
    let after = land.objects();

    let planned = planned(&plan);
    let gone = gone(&before, &after);
    assert!(planned.is_subset(&gone), "{:?}", planned.difference(&gone).collect::<Vec<_>>());
    // What belongs to them went behind them.
    let followed = |name: &str| {
        let is_of = |part: &str| name.contains(part);
        is_of(".cilium.io ")
            || is_of(" cilium-test-1/")
            || is_of("kube-system/cilium-")
            || is_of("kube-system/hubble-peer")
    };
    for name in gone.difference(&planned) {
        assert!(followed(name), "{name} went, and the plan did not say so");
    }
    for (name, object) in &before {
        let Some(now) = after.get(name) else { continue };
        assert!(object == now || name.starts_with("nodes. "), "{name} was changed");
    }
    assert!(after.contains_key("secrets. kube-system/my-tls"));
    assert!(after.contains_key("namespaces. /cilium-testing-prod"));

    let node = &after["nodes. /node2"];
    assert_eq!(node["spec"]["taints"], json!([{"key": "mine", "effect": "NoSchedule"}]));
    assert_eq!(node["metadata"]["annotations"]["mine"], "x");
    assert_eq!(node["metadata"]["annotations"].get("network.cilium.io/ipv4-pod-cidr"), None);
    let conditions = node["status"]["conditions"].as_array().unwrap();
    assert!(conditions.iter().all(|it| it["type"] != "NetworkUnavailable"), "{conditions:?}");
    assert!(conditions.iter().any(|it| it["type"] == "Ready"), "{conditions:?}");

    let events: Vec<Value> =
        run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events[0]["event"], "plan");
    assert_eq!(events[1]["event"], "backup");
    assert_eq!(events.last().unwrap()["clean"], true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_backup_is_the_owners_alone_and_brings_policies_back() {
    let land = Land::new("homelab-healthy", REMAINS).await;
    let run = land.run(&["--yes", "--backup", "saved"]).await;
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let saved = land.folder().join("saved");
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let mut folders = vec![saved.clone()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        assert_eq!(mode(&folder), 0o700, "{}", folder.display());
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                assert_eq!(mode(&path), 0o600, "{}", path.display());
                files += 1;
            }
        }
    }
    assert!(files >= 6, "{files}");

    // Cilium is installed again.
    let definitions =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../kubesim/scenarios/pieces/cilium-1.14.2-crds.yaml");
    let early = land.run(&["restore", "saved"]).await;
    assert_eq!(early.code, Some(1), "{}", early.stdout);
    land.sim().load(&fs::read_to_string(definitions).unwrap()).unwrap();
    let restored = land.run(&["restore", "saved"]).await;
    assert_eq!(restored.code, Some(0), "{}", restored.stdout);
    let line = "helm install cilium cilium --repo https://helm.cilium.io --version 1.14.2 \
                -n kube-system -f saved/releases/kube-system.cilium.values.yaml";
    assert!(restored.stdout.contains(line), "{}", restored.stdout);
    let id = GroupResource::new("cilium.io", "ciliumnetworkpolicies");
    let policy = land.sim().store().get(&id, &Key::new("default", "allow")).unwrap().value();
    assert_eq!(policy["spec"], json!({"endpointSelector": {}, "description": "on"}));
    assert_eq!(policy["metadata"]["annotations"], json!({"note": "yes"}));
    let again = land.run(&["restore", "saved"]).await;
    assert!(again.stdout.contains("left as it is"), "{}", again.stdout);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn definitions_may_stay_with_what_people_wrote() {
    let land = Land::new("homelab-healthy", REMAINS).await;
    let run = land.run(&["--yes", "--keep-crds", "--no-backup"]).await;
    assert_eq!(run.code, Some(0), "{} {}", run.stdout, run.stderr);
    let after = land.objects();
    assert!(after.contains_key("ciliumnetworkpolicies.cilium.io default/allow"));
    for kind in ["ciliumnodes", "ciliumendpoints", "ciliumidentities"] {
        assert!(after.contains_key(&format!(
            "customresourcedefinitions.apiextensions.k8s.io /{kind}.cilium.io"
        )));
        let objects = format!("{kind}.cilium.io ");
        assert!(!after.keys().any(|name| name.starts_with(&objects)), "{kind}");
    }
    assert_eq!(fs::read_dir(land.folder()).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn finalizers_of_the_gone_are_taken_off() {
    let stuck = "
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: stuck, namespace: default, finalizers: [example.com/gone]}
spec: {endpointSelector: {}}
";
    let land = Land::new("homelab-healthy", stuck).await;
    let run = land.run(&["--yes", "--no-backup"]).await;
    assert_eq!(run.code, Some(0), "{} {}", run.stdout, run.stderr);
    let writes = land.writes();
    let patched: Vec<_> =
        writes.iter().filter(|it| it.starts_with("PATCH") && it.contains("cilium.io")).collect();
    let path = "PATCH /apis/cilium.io/v2/namespaces/default/ciliumnetworkpolicies/stuck";
    assert_eq!(patched, [path]);
}

//! Snapshots of a live cluster.

use std::{fs, io::Read as _, io::Write as _, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use netlab::require_root_netns;
use serde_json::{Value, json};

use crate::doctor::from_snapshot;
use crate::stage::Stage;

const RELEASE: &str = "sh.helm.release.v1.cilium.v1";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_is_judged_as_the_cluster_was() {
    if !require_root_netns() {
        return;
    }
    let stage = Stage::with_nodes("homelab-clash").await;
    let live = stage.report(&[]).await;
    let folder = tempfile::tempdir().unwrap();
    for name in ["facts.json", "facts.json.gz"] {
        let file = folder.path().join(name);
        let file = file.to_str().unwrap();
        let taken = stage.doctor(&["snapshot", file]).await;
        assert_eq!((taken.code, &*taken.stdout, &*taken.stderr), (Some(0), "", ""));
        let recorded = from_snapshot(file).report();
        assert_eq!(recorded.verdicts(), ["confirmed C-CLASH"], "{recorded:#?}");
        assert_eq!(recorded.code, live.code);
        for part in ["verdicts", "findings", "unknown"] {
            assert_eq!(recorded.part(part), live.part(part), "{part}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_has_no_secrets() {
    let stage = Stage::of_objects("homelab-clash").await;
    plant_in_configuration(&stage);
    plant_in_environment(&stage);
    plant_in_release(&stage);
    stage
        .sim()
        .load(
            "{apiVersion: v1, kind: Secret, metadata: {name: clustermesh, namespace: kube-system}, \
             data: {key: cGxhbnRlZC1pbi1zZWNyZXQ=}}",
        )
        .unwrap();

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("facts.json");
    let taken = stage.doctor(&["snapshot", file.to_str().unwrap()]).await;
    assert_eq!(taken.code, Some(0), "{}", taken.stderr);
    let text = fs::read_to_string(&file).unwrap();
    // What is beside the secrets was read.
    for seen in ["planted-key-api-token", "PLANTED_PASSWORD", "plantedPassword"] {
        assert!(text.contains(seen), "{seen} is not in the snapshot");
    }
    for secret in ["planted-in-", "cGxhbnRlZC1pbi1", "PRIVATE KEY", "client-key-data"] {
        assert!(!text.contains(secret), "{secret} is in the snapshot");
    }
    assert_snapshot_still_tells(&file);
}

fn assert_snapshot_still_tells(file: &Path) {
    let report = from_snapshot(file.to_str().unwrap()).report();
    assert_eq!(report.findings("CIDR-04", "observed").count(), 1, "{report:#?}");
}

fn plant_in_configuration(stage: &Stage) {
    stage.change("", "configmaps", "cilium-config", |object| {
        object["data"]["planted-key-api-token"] = json!("planted-in-configuration");
    });
}

fn plant_in_environment(stage: &Stage) {
    stage.change("apps", "daemonsets", "cilium", |object| {
        let containers = object["spec"]["template"]["spec"]["containers"].as_array_mut().unwrap();
        for container in containers {
            let variable = json!({"name": "PLANTED_PASSWORD", "value": "planted-in-environment"});
            match container["env"].as_array_mut() {
                Some(variables) => variables.push(variable),
                None => container["env"] = json!([variable]),
            }
        }
    });
}

fn plant_in_release(stage: &Stage) {
    stage.change("", "secrets", RELEASE, |object| {
        let mut release = unpack(object["data"]["release"].as_str().unwrap());
        release["config"]["plantedPassword"] = json!("planted-in-release");
        object["data"]["release"] = json!(pack(&release));
    });
}

/// A release as Helm keeps it: gzip within Base64, and that within the Base64 of Secrets.
fn unpack(data: &str) -> Value {
    let zipped = STANDARD.decode(STANDARD.decode(data).unwrap()).unwrap();
    let mut json = String::new();
    GzDecoder::new(&*zipped).read_to_string(&mut json).unwrap();
    serde_json::from_str(&json).unwrap()
}

fn pack(release: &Value) -> String {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(&serde_json::to_vec(release).unwrap()).unwrap();
    STANDARD.encode(STANDARD.encode(gzip.finish().unwrap()))
}

//! One illness of each group of rules that has no story of its own: it is found, and nothing else is.

use netlab::require_root_netns;
use serde_json::json;

use crate::stage::Stage;

/// What is done to a healthy cluster, and the rule that has to see it.
struct Illness {
    code: &'static str,
    befall: fn(&Stage),
}

/// What objects tell.
const OF_OBJECTS: [Illness; 4] = [
    Illness {
        code: "API-02",
        befall: |stage| {
            // A Service's address: nobody answers there until the agent runs.
            stage.change("apps", "daemonsets", "cilium", |set| {
                for list in ["initContainers", "containers"] {
                    let list = &mut set["spec"]["template"]["spec"][list];
                    let containers = list.as_array_mut().unwrap().iter_mut();
                    let variables = containers.filter_map(|it| it.get_mut("env")?.as_array_mut());
                    for variable in variables.flatten() {
                        if variable["name"] == "KUBERNETES_SERVICE_HOST" {
                            variable["value"] = "10.96.0.1".into();
                        }
                    }
                }
            });
        },
    },
    Illness {
        code: "KRN-01",
        befall: |stage| {
            stage.change_cluster_wide("nodes", "node2", |node| {
                node["status"]["nodeInfo"]["kernelVersion"] = "4.15.0-213-generic".into();
            });
        },
    },
    Illness {
        code: "PLT-07",
        befall: |stage| {
            // Two machines of VirtualBox, each behind a NAT of its own.
            for name in ["node1", "node2"] {
                stage.change_cluster_wide("nodes", name, |node| {
                    node["status"]["addresses"][0] =
                        json!({"type": "InternalIP", "address": "10.0.2.15"});
                });
            }
        },
    },
    Illness {
        code: "SCH-01",
        befall: |stage| {
            stage.change_cluster_wide("nodes", "node3", |node| {
                node["spec"]["taints"] = json!([
                    {"key": "node.cilium.io/agent-not-ready", "effect": "NoExecute", "value": "true"}
                ]);
            });
        },
    },
];

/// What only the nodes tell.
const OF_NODES: [Illness; 2] = [
    Illness {
        code: "HOST-05",
        befall: |stage| {
            stage.node("node2").sysctl("net.ipv4.conf.cilium_host.rp_filter", "1").unwrap();
        },
    },
    Illness {
        code: "MTU-01",
        befall: |stage| {
            let node = stage.node("node2");
            node.ip(&["link", "set", "lxc17427f7f5de6", "mtu", "9000"]).unwrap();
        },
    },
];

async fn is_found_alone(stage: &Stage, illness: &Illness, arguments: &[&str]) {
    (illness.befall)(stage);
    let report = stage.report(arguments).await;
    assert_eq!(report.alarms(), [illness.code], "{report:#?}");
    assert_eq!(report.code, Some(1), "{}", illness.code);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_illness_of_each_group_is_found_by_objects_alone() {
    for illness in &OF_OBJECTS {
        let stage = Stage::of_objects("homelab-healthy").await;
        is_found_alone(&stage, illness, &["--nodes", "none"]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_illness_of_each_group_is_found_from_inside_the_nodes() {
    if !require_root_netns() {
        return;
    }
    for illness in &OF_NODES {
        let stage = Stage::with_nodes("homelab-healthy").await;
        is_found_alone(&stage, illness, &[]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_that_no_chart_knows_is_found_by_objects_alone() {
    let stage = Stage::of_objects("misspelt-values").await;
    let report = stage.report(&["--nodes", "none"]).await;
    assert_eq!(report.alarms(), ["VAL-01"], "{report:#?}");
    assert_eq!(report.subjects("VAL-01"), ["tunnle"], "{report:#?}");
    assert_eq!(report.code, Some(1));
}

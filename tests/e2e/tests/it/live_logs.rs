//! Agents that crash, and what the doctor reads in their logs.

use std::sync::Arc;

use kubesim::{Fault, GroupResource, Key, Kind};
use nodesim::{ContainerRef, Endpoint, Exec, LogOptions, Logs, Process, Runtime, RuntimeError};
use serde_json::json;

use crate::report::says;
use crate::stage::Stage;

const AGENT: &str = "cilium-7zpnl";
const NODE: &str = "node2";

/// A node on which nothing runs; of the agent's run before the kubelet has the log.
struct Crashed(&'static str);

impl Runtime for Crashed {
    async fn exec(&self, container: &ContainerRef, _: Exec) -> Result<Process, RuntimeError> {
        Err(RuntimeError::NotFound(format!("container not found ({:?})", container.container)))
    }

    async fn logs(
        &self,
        container: &ContainerRef,
        options: LogOptions,
    ) -> Result<Logs, RuntimeError> {
        let name = (container.pod.as_str(), container.container.as_str());
        if name != (AGENT, "cilium-agent") || !options.previous {
            return Err(RuntimeError::BadRequest(format!("no log of {container:?}")));
        }
        let (sender, logs) = tokio::sync::mpsc::channel(1);
        sender.send(self.0.as_bytes().to_vec()).await.unwrap();
        Ok(logs)
    }
}

/// A cluster whose agent on one node crashes with that log.
async fn stage_with_crash(log: &'static str) -> (Stage, Endpoint) {
    let stage = Stage::of_objects("homelab-healthy").await;
    let kubelet = Endpoint::start(Arc::new(Crashed(log))).await.unwrap();
    stage.change("", "pods", AGENT, |pod| {
        let containers = pod["status"]["containerStatuses"].as_array_mut().unwrap();
        let agent = containers.iter_mut().find(|it| it["name"] == "cilium-agent").unwrap();
        agent["ready"] = false.into();
        agent["started"] = false.into();
        agent["restartCount"] = 7.into();
        agent["state"] = json!({"waiting": {"reason": "CrashLoopBackOff"}});
        agent["lastState"] = json!({"terminated": {"exitCode": 1, "reason": "Error"}});
        for condition in pod["status"]["conditions"].as_array_mut().unwrap() {
            if condition["type"] == "Ready" || condition["type"] == "ContainersReady" {
                condition["status"] = "False".into();
            }
        }
    });
    {
        let (id, key) = (GroupResource::new("", "nodes"), Key::new("", NODE));
        let mut store = stage.sim().store();
        let mut node = store.get(&id, &key).unwrap().value();
        // Where API servers look first.
        let name = json!({"type": "ExternalDNS", "address": "localhost"});
        node["status"]["addresses"].as_array_mut().unwrap().push(name);
        node["status"]["daemonEndpoints"] = json!({"kubeletEndpoint": {"Port": kubelet.port()}});
        store.put(&id, &key, &node);
    }
    (stage, kubelet)
}

/// The logs that were asked for.
fn asked(stage: &Stage) -> Vec<String> {
    let entries = stage.sim().journal().entries();
    let routes = entries.into_iter().map(|entry| entry.route);
    routes.filter(|route| route.contains("/log?")).collect()
}

const REFUSED: &str = "level=info msg=\"password=hunter2\"
level=fatal msg=\"Invalid value for --kube-proxy-replacement: always, token=hunter2\" subsys=daemon
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_refuses_a_value_is_explained_from_its_log() {
    let (stage, kubelet) = stage_with_crash(REFUSED).await;
    let report = stage.report(&["--nodes", "none"]).await;
    let asked = asked(&stage);
    assert_eq!(asked.len(), 1, "{asked:?}");
    let wanted = format!("/pods/{AGENT}/log?container=cilium-agent&tailLines=200");
    assert!(asked[0].contains(&wanted) && asked[0].ends_with("previous=true"), "{asked:?}");

    let finding = report.findings("AG-01", "observed").next().unwrap();
    let text = finding.to_string();
    for words in ["kubeProxyReplacement has a value", "CFG-18", AGENT, "always, token=(redacted)"] {
        assert!(text.contains(words), "{words} is not in: {text}");
    }
    assert!(!format!("{report:?}").contains("hunter2"), "{report:#?}");
    assert_eq!(report.code, Some(1));
    kubelet.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_log_is_read_where_all_is_well() {
    let stage = Stage::of_objects("homelab-healthy").await;
    stage.report(&["--nodes", "none"]).await;
    assert_eq!(asked(&stage), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_read_logs_gets_a_report_all_the_same() {
    let (stage, kubelet) = stage_with_crash("level=info msg=x\n").await;
    stage.sim().faults().add(Fault::new("*/log?*", Kind::Forbidden));
    let report = stage.report(&["--nodes", "none"]).await;
    assert_eq!(report.code, Some(1), "{report:#?}");
    assert_eq!(report.findings("AG-01", "observed").count(), 0, "{report:#?}");
    let unknown = report.unknown();
    assert!(says(&unknown, &["log of kube-system/cilium-7zpnl", "pods/log"]), "{unknown:#?}");
    kubelet.stop().await;
}

/// Crashes as an agent does, on the same node and in the same namespace.
const OTHER: &str = "coredns-5dd5756b68-4nqzt";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_denial_no_other_log_of_the_namespace_is_asked_for() {
    let (stage, kubelet) = stage_with_crash("level=info msg=x\n").await;
    stage.change("", "pods", OTHER, |pod| {
        let container = &mut pod["status"]["containerStatuses"][0];
        container["ready"] = false.into();
        container["restartCount"] = 7.into();
        container["state"] = json!({"waiting": {"reason": "CrashLoopBackOff"}});
        container["lastState"] = json!({"terminated": {"exitCode": 1, "reason": "Error"}});
    });
    stage.sim().faults().add(Fault::new("*/log?*", Kind::Forbidden));
    let report = stage.report(&["--nodes", "none"]).await;
    assert_eq!(asked(&stage).len(), 1, "{:?}", asked(&stage));
    let unknown = report.unknown();
    assert!(says(&unknown, &["log of kube-system/cilium-7zpnl", "pods/log"]), "{unknown:#?}");
    kubelet.stop().await;
}

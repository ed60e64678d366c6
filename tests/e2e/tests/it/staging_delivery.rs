//! How a program comes to nodes where ConfigMaps are turned down.

use kubesim::{Fault, Kind};
use netlab::require_root_netns;

use crate::site::{Site, large_program};

const MAPS: &str = "/api/v1/namespaces/kcilium-probe-*/configmaps";
const QUOTA: &str = "configmaps \"program-amd64-1\" is forbidden: exceeded quota: objects, requested: configmaps=1, used: configmaps=1, limited: configmaps=1";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_a_quota_turns_config_maps_down_exec_brings_the_program() {
    if !require_root_netns() {
        return;
    }
    let site = Site::with("staging exec", &["node1", "node2"]).await;
    std::fs::write(site.program(), large_program(2_000_000)).unwrap();
    site.sim().faults().add(Fault::new(MAPS, Kind::Denied(QUOTA.into())).method("POST"));
    let on = ["--on", "node1=host-network", "--on", "node2=pod"];
    let run = site.stage(&[&on[..], &["--request", "hello", "--", "probe", "it"]].concat()).await;
    let line = "  {\"asked\":\"hello\",\"arguments\":\"probe it\"}\n";
    let wanted = ["node1 host-network", "node2 pod"]
        .map(|place| format!("{place}: Completed 0: done: hello\n{line}"))
        .concat();
    assert_eq!((run.code, &*run.stdout), (Some(0), &*wanted), "{}", run.stderr);
    let told = run.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [QUOTA, "the program was sent into each pod by exec"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    site.assert_empty();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_exec_is_refused_too_both_are_told() {
    if !require_root_netns() {
        return;
    }
    let site = Site::with("staging no exec", &["node1"]).await;
    site.sim().faults().add(Fault::new(MAPS, Kind::Denied(QUOTA.into())).method("POST"));
    let exec = "/api/v1/namespaces/kcilium-probe-*/pods/*/exec*";
    site.sim().faults().add(Fault::new(exec, Kind::Forbidden));
    let run = site.stage(&["--on", "node1=pod", "--request", "hello"]).await;
    let wanted = "node1 pod: nothing: forbidden: needs create and get pods/exec\n";
    assert_eq!((run.code, &*run.stdout), (Some(1), wanted), "{}", run.stderr);
    site.assert_empty();
}

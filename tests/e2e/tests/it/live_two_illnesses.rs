//! Two causes that have nothing to do with each other, in one cluster.

use netlab::require_root_netns;

use crate::report::text;
use crate::stage::Stage;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_are_named_and_each_symptom_is_explained_by_one() {
    if !require_root_netns() {
        return;
    }
    let stage = Stage::with_nodes("homelab-clash").await;
    // Something like systemd-networkd tidies up on one node, in a LAN that the pool clashes with.
    stage.node("node2").ip(&["route", "flush", "dev", "cilium_host"]).unwrap();
    let report = stage.report(&[]).await;
    assert_eq!(report.verdicts(), ["undetermined C-ROUTELOSS", "confirmed C-CLASH"], "{report:#?}");
    for (code, cause) in [("RT-02", "C-ROUTELOSS"), ("RT-01", "C-CLASH"), ("POD-01", "C-CLASH")] {
        let causes: Vec<&str> =
            report.findings(code, "observed").map(|it| text(&it["explainedBy"])).collect();
        assert!(!causes.is_empty(), "{code}: {report:#?}");
        assert!(causes.iter().all(|it| *it == cause), "{code}: {causes:?}");
    }

    let run = stage.doctor(&[]).await;
    assert!(run.stdout.lines().count() <= 40, "{}", run.stdout);
    for cause in ["C-ROUTELOSS", "C-CLASH"] {
        let heads = run.stdout.lines().filter(|line| line.ends_with(cause)).count();
        assert_eq!(heads, 1, "{cause}: {}", run.stdout);
    }
    // In full, no symptom of the one is told of the other.
    let wide = stage.doctor(&["-o", "wide"]).await.stdout;
    let (first, second) = wide.split_once("CONFIRMED C-CLASH").unwrap();
    assert!(first.contains(" RT-02 ") && !first.contains(" RT-01 "), "{wide}");
    assert!(second.contains(" RT-01 ") && !second.contains(" RT-02 "), "{wide}");
}

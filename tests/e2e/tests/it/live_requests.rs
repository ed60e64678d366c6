//! `-v LEVEL`: what is asked of the server, on standard error.

use kubesim::{Credential, Fault, Kind};

use crate::stage::Stage;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_are_shown_from_level_six_on_and_secrets_never() {
    let stage = Stage::of_objects("homelab-clash").await;
    let token = stage.sim().kubeconfig_with(&Credential::Token("very-secret".to_owned()));
    let kubeconfig = stage.write("token.kubeconfig", &token);
    stage.sim().faults().add(Fault::new("*", Kind::ExpiredToken));
    for level in ["-v=6", "-v9"] {
        let run = stage.doctor_as(&kubeconfig, &[level]).await;
        assert!(!run.stderr.contains("very-secret"), "{}", run.stderr);
        assert!(!run.stderr.to_lowercase().contains("bearer"), "{}", run.stderr);
        assert!(run.stderr.contains("/version 401 Unauthorized in "), "{}", run.stderr);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_tells_method_url_status_and_time() {
    let stage = Stage::of_objects("homelab-clash").await;
    let quiet = stage.doctor(&["-v", "5"]).await;
    assert_eq!(quiet.stderr, "");
    let asked = stage.sim().journal().entries().len();

    let run = stage.doctor(&["--v=6"]).await;
    assert_eq!(without_time(&run.stdout), without_time(&quiet.stdout));
    let url = stage.sim().url();
    let lines: Vec<&str> = run.stderr.lines().collect();
    assert_eq!(lines.len(), asked, "{}", run.stderr);
    for line in &lines {
        assert!(line.starts_with(&format!("GET {url}/")), "{line}");
        assert!(line.contains(" in ") && line.ends_with(" ms"), "{line}");
    }
    let has = |words: &[&str]| lines.iter().any(|line| words.iter().all(|it| line.contains(it)));
    assert!(has(&["/api/v1/nodes?limit=500 200 OK in "]), "{}", run.stderr);
    // No kubelet is there.
    assert!(has(&["/exec?container=cilium%2Dagent", "command=sh"]), "{}", run.stderr);

    let run = stage.doctor(&["-v", "7", "--nodes", "none"]).await;
    let table = run.stderr.lines().find(|line| line.contains("as=Table")).unwrap();
    assert!(table.contains(", accept application/json") && table.ends_with(" bytes"), "{table}");
}

/// A report without the time at which the cluster was read.
fn without_time(report: &str) -> Vec<&str> {
    report.lines().map(|line| line.split("read at ").next().unwrap_or_default()).collect()
}

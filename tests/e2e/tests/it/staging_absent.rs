//! Nodes from which nothing comes, and why.

use std::time::{Duration, Instant};

use kubesim::{Fault, Kind, User};
use netlab::require_root_netns;

use crate::{
    program,
    site::{AGENT, Site, node},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_never_start_are_told_and_not_waited_for() {
    if !require_root_netns() {
        return;
    }
    let mut site = Site::with("staging absent", &["well"]).await;
    site.add_node("bare", &["registry.k8s.io/pause:3.9"]).await;
    site.load(&node("unready", &[AGENT], "Unknown"));
    // The API server has it for ready, and no kubelet answers.
    site.load(&node("silent", &[AGENT], "True"));
    let mut on = Vec::new();
    for name in ["well=host", "bare=host", "unready=host", "silent=host", "nobody=host"] {
        on.extend(["--on", name]);
    }
    let begun = Instant::now();
    let run = site.stage(&[&on[..], &["--start", "4", "--request", "x"]].concat()).await;
    assert!(begun.elapsed() < Duration::from_secs(50), "{:?}", begun.elapsed());
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    for line in [
        "well host: Completed 0: done: x\n",
        "bare host: nothing: the node has no image that is known to have a shell and gzip; --node-image names one\n",
        "unready host: nothing: the node is not ready: Kubelet stopped posting node status.\n",
        "silent host: nothing: the node's kubelet did not take the pod within 4 s\n",
        "nobody host: nothing: the cluster has no node of this name\n",
    ] {
        assert!(run.stdout.contains(line), "{line}: {}", run.stdout);
    }
    site.assert_empty();

    let named = site.stage(&["--on", "bare=host", "--node-image", "mine:1"]).await;
    let line = "bare host: nothing: the image cannot be used: ErrImageNeverPull: ";
    assert!(named.stdout.contains(line), "{} {}", named.stdout, named.stderr);
    site.assert_empty();
}

/// Runs with a fault, and gives what was printed of node1, after which nothing is left.
async fn with(site: &Site, fault: Fault) -> String {
    site.sim().faults().add(fault);
    let run = site.stage(&["--on", "node1=host"]).await;
    site.sim().faults().clear();
    assert_eq!(run.code, Some(1), "{} {}", run.stdout, run.stderr);
    site.assert_empty();
    run.stdout
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_api_server_turns_down_is_told_in_its_words() {
    let site = Site::empty("staging refused").await;
    site.load(&node("node1", &[AGENT], "True"));
    let pods = |kind| Fault::new("/api/v1/namespaces/kcilium-probe-*/pods", kind).method("POST");
    let forbidden = with(&site, pods(Kind::Forbidden)).await;
    assert_eq!(forbidden, "node1 host: nothing: forbidden: needs create pods\n");
    let said = "node1 host: nothing: the API server turned it down: ";
    for words in [
        "pods \"host-0\" is forbidden: violates PodSecurity \"baseline:latest\": host namespaces (hostNetwork=true, hostPID=true), privileged (container \"agent\" must not set securityContext.privileged=true)",
        "pods \"host-0\" is forbidden: exceeded quota: objects, requested: pods=1, used: pods=0, limited: pods=0",
        "admission webhook \"validate.kyverno.svc-fail\" denied the request: policy Pod/host-0 for resource violation",
    ] {
        let told = with(&site, pods(Kind::Denied(words.into()))).await;
        assert_eq!(told, format!("{said}{words}\n"));
    }
    let words = "namespaces \"x\" is forbidden: no new namespaces";
    let all = Fault::new("/api/v1/namespaces", Kind::Denied(words.into())).method("POST");
    assert_eq!(with(&site, all).await, format!("{said}{words}\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn missing_permissions_are_told_before_anything_is_created() {
    let site = Site::empty("staging rights").await;
    site.load(&node("node1", &[AGENT], "True"));
    let roles = std::fs::read_to_string(program::workspace().join("docs/rbac.yaml")).unwrap();
    site.sim().load(&roles).unwrap();
    for role in ["kcilium-api", "kcilium-prober"] {
        site.load(&serde_json::json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": role},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [
                {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "prober"},
                {"apiGroup": "rbac.authorization.k8s.io", "kind": "User",
                    "name": if role == "kcilium-api" { "reader" } else { "prober" }},
            ],
        }));
    }
    let on = ["--on", "node1=host", "--start", "2"];
    let run = site.stage_as(&User::new("reader", &[]), &on).await;
    assert_eq!((run.code, &*run.stdout), (Some(3), ""), "{}", run.stderr);
    let text = run.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "error: not permitted: create namespaces, delete namespaces, create serviceaccounts",
        "get pods/log",
        "hint: the role kcilium-prober of docs/rbac.yaml grants it",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(!text.contains("list pods"), "{text}");
    let writes = site.sim().journal().entries();
    let writes =
        writes.iter().filter(|entry| entry.method != "GET" && !entry.route.contains("review"));
    assert_eq!(writes.count(), 0);

    // The roles are enough for all that is done; only the kubelet is missing.
    let run = site.stage_as(&User::new("prober", &[]), &on).await;
    assert_eq!(
        run.stdout, "node1 host: nothing: the node's kubelet did not take the pod within 2 s\n",
        "{}",
        run.stderr
    );
    let refused = site.sim().journal().entries().into_iter().filter(|entry| entry.code == 403);
    assert_eq!(refused.map(|entry| entry.route).collect::<Vec<_>>(), [""; 0]);
    site.assert_empty();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_terminal_nothing_is_put_anywhere_unasked() {
    let site = Site::empty("staging consent").await;
    site.load(&node("node1", &[AGENT], "True"));
    for flags in [&[][..], &["--probe=ask"], &["--probe=never"]] {
        let run = site.command(&[flags, &["--on", "node1=host"]].concat()).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&run.stdout), "nothing is put anywhere\n");
    }
    // What `script` runs has a terminal. Whoever answers nothing says no.
    let command = site.command(&["--on", "node1=host", "--start", "1"]);
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    for (answer, is_given) in [("", false), ("n", false), ("y", true)] {
        let line = format!("echo '{answer}' | script -qec '{}' /dev/null", words.join(" "));
        let run = std::process::Command::new("sh").args(["-c", &line]).output().unwrap();
        let text = String::from_utf8_lossy(&run.stdout).into_owned();
        assert!(text.contains("Create these objects? [y/N]"), "{text}");
        assert_eq!(!text.contains("nothing is put anywhere"), is_given, "{answer}: {text}");
        site.assert_empty();
    }
}

//! API servers that cannot be asked, or that answer only in part.

use kubesim::{Access, Config, Credential, Fault, Kind, KubeSim, User};
use tokio::net::TcpSocket;

use crate::doctor::Run;
use crate::stage::Stage;

/// The doctor could not run, and says so where errors belong.
fn assert_could_not_run(run: &Run, words: &[&str]) {
    assert_eq!((run.code, &*run.stdout), (Some(3), ""), "{}", run.stderr);
    let text = words_of(&run.stderr);
    for words in words {
        assert!(text.contains(words), "{words} is not in: {text}");
    }
}

/// The text as if its lines had no end.
fn words_of(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_down_is_named() {
    let stage = Stage::of_objects("homelab-clash").await;
    // Bound, so that nobody else gets the port, and not listening.
    let closed = TcpSocket::new_v4().unwrap();
    closed.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let server = format!("https://{}", closed.local_addr().unwrap());
    let access = Access { server: server.clone(), ..stage.sim().access().unwrap() };
    let kubeconfig = stage.write("down.kubeconfig", &access.kubeconfig());

    for arguments in [&[][..], &["auth"], &["snapshot", "-"]] {
        let run = stage.doctor_as(&kubeconfig, &with_deadline(arguments)).await;
        assert_could_not_run(
            &run,
            &[
                &format!("cannot ask the API server {server}"),
                "(context kubesim)",
                "refused",
                "hint:",
                "--local",
            ],
        );
    }
}

/// Retries end soon.
fn with_deadline<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    [arguments, &["--timeout", "3s"]].concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_of_another_authority_is_not_trusted() {
    let stage = Stage::of_objects("homelab-clash").await;
    let other = KubeSim::start(Config::default()).await.unwrap();
    let authority = other.authority().to_owned();
    let access = Access { authority, ..stage.sim().access().unwrap() };
    let kubeconfig = stage.write("other.kubeconfig", &access.kubeconfig());

    let run = stage.doctor_as(&kubeconfig, &[]).await;
    assert_could_not_run(
        &run,
        &[
            &format!("cannot ask the API server {}", stage.sim().url()),
            "(context kubesim)",
            "certificate",
            "hint: the kubeconfig may be of another cluster",
        ],
    );
    assert!(stage.sim().journal().entries().is_empty(), "it asked a server it cannot trust");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_has_run_out_is_told_from_a_missing_permission() {
    let stage = Stage::of_objects("homelab-clash").await;
    stage.sim().faults().add(Fault::new("*", Kind::ExpiredToken));
    let token = stage.sim().kubeconfig_with(&Credential::Token("very-secret".to_owned()));
    let kubeconfig = stage.write("token.kubeconfig", &token);
    for arguments in [&[][..], &["auth"]] {
        let run = stage.doctor_as(&kubeconfig, arguments).await;
        assert_could_not_run(
            &run,
            &[
                &format!("cannot ask the API server {}", stage.sim().url()),
                "(context kubesim)",
                "hint: a token or certificate that has run out looks like this",
            ],
        );
        assert!(!run.stderr.contains("very-secret"), "{}", run.stderr);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kubeconfig_without_credentials_is_told_as_such() {
    let stage = Stage::of_objects("homelab-clash").await;
    stage.sim().faults().add(Fault::new("*", Kind::ExpiredToken));
    let none = stage.sim().kubeconfig_with(&Credential::None);
    let kubeconfig = stage.write("none.kubeconfig", &none);
    let run = stage.doctor_as(&kubeconfig, &[]).await;
    assert_could_not_run(&run, &["hint: the kubeconfig gives user \"kubesim\" no credentials"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_read_nothing_gets_no_verdict() {
    let stage = Stage::of_objects("homelab-clash").await;
    let kubeconfig = stage.kubeconfig_of(&User::new("nobody", &[]));
    let run = stage.doctor_as(&kubeconfig, &[]).await;
    assert_eq!(run.code, Some(3), "{} {}", run.stdout, run.stderr);
    let text = words_of(&[run.stdout, run.stderr].concat());
    for words in [
        "context kubesim",
        &stage.sim().url(),
        "nodes: not known",
        "needs list nodes",
        "Nothing could be judged",
    ] {
        assert!(text.contains(words), "{words} is not in: {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_of_the_kinds_failing_still_gives_a_report() {
    let stage = Stage::of_objects("homelab-healthy").await;
    let flags = ["--nodes", "none", "--timeout", "10s"];
    for half in ["/apis/*", "/api/v1/*"] {
        stage.sim().faults().clear();
        let error = Kind::Status { code: 500, retry_after: None };
        stage.sim().faults().add(Fault::new(half, error));
        let run = stage.doctor(&[&flags[..], &["-o", "json"]].concat()).await;
        assert_eq!(run.code, Some(0), "{half}: {} {}", run.stdout, run.stderr);
        let unknown = run.report().unknown();
        assert!(!unknown.is_empty(), "{half}: {}", run.stdout);
        assert!(unknown.iter().any(|line| line.contains("500")), "{half}: {unknown:#?}");
    }
}

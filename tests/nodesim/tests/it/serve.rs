//! What the kubelet endpoint gets: exec and logs.

use kubesim::{Backend, require_real_apiserver};
use netlab::require_root_netns;
use nodesim::{ContainerRef, Exec, LogOptions, Runtime as _, RuntimeError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::bed::{Bed, processes, wait_until};

fn container(pod: &str, name: &str) -> ContainerRef {
    let (namespace, pod, container) = ("default".to_owned(), pod.to_owned(), name.to_owned());
    ContainerRef { namespace, pod, container }
}

/// Runs a command in a pod: what it prints, and its exit code.
pub(crate) async fn run(bed: &Bed, pod: &str, command: &[&str]) -> (String, Option<i32>) {
    let command = command.iter().map(|word| (*word).to_owned()).collect();
    let exec = Exec { command, stdin: false };
    let mut process = bed.containers().exec(&container(pod, "c"), exec).await.expect("a process");
    let mut text = String::new();
    process.stdout.read_to_string(&mut text).await.expect("text");
    (text, process.child.wait().await.expect("an exit").code())
}

async fn refused(bed: &Bed, pod: &str, name: &str, program: &str) -> RuntimeError {
    let exec = Exec { command: vec![program.to_owned()], stdin: false };
    bed.containers().exec(&container(pod, name), exec).await.expect_err("no such process")
}

async fn logs(bed: &Bed, pod: &str, options: LogOptions) -> Result<String, RuntimeError> {
    let mut logs = bed.containers().logs(&container(pod, "c"), options).await?;
    let mut text = Vec::new();
    while let Some(chunk) = logs.recv().await {
        text.extend(chunk);
    }
    Ok(String::from_utf8(text).expect("text"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_run_in_containers() {
    if !require_root_netns() {
        return;
    }
    let bed = Bed::new("exec").await;
    bed.pod_of("p", "command: [sleep, '100'], workingDir: /var, env: [{name: A, value: b c}]", "")
        .await;
    bed.ok("wait pod/p --for=condition=Ready --timeout=20s").await;
    let (text, code) = run(&bed, "p", &["sh", "-c", "pwd; echo $A; hostname; exit 3"]).await;
    assert_eq!((&*text, code), ("/var\nb c\np\n", Some(3)));
    let (text, _) = run(&bed, "p", &["cilium", "status"]).await;
    assert_eq!(text, "KVStore: Disabled (status)\n");

    let exec = Exec { command: vec!["cat".to_owned()], stdin: true };
    let mut process = bed.containers().exec(&container("p", "c"), exec).await.unwrap();
    let mut stdin = process.stdin.take().unwrap();
    stdin.write_all(b"through").await.unwrap();
    drop(stdin);
    let mut text = String::new();
    process.stdout.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "through");

    let error = refused(&bed, "p", "c", "nope").await;
    let RuntimeError::Internal(text) = error else { panic!("{error:?}") };
    assert!(text.starts_with("error executing command in container: failed to exec in container: failed to start exec \""), "{text}");
    assert!(text.ends_with(": OCI runtime exec failed: exec failed: unable to start container process: exec: \"nope\": executable file not found in $PATH: unknown"), "{text}");
    let error = refused(&bed, "p", "x", "true").await;
    assert_eq!(error, RuntimeError::Internal("container not found (\"x\")".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_command_is_killed() {
    if !require_root_netns() {
        return;
    }
    let bed = Bed::new("dropped").await;
    bed.pod("p", "exec sleep 100", "").await;
    bed.ok("wait pod/p --for=condition=Ready --timeout=20s").await;
    let command = ["sleep", "4322"].map(str::to_owned).into();
    let exec = Exec { command, stdin: false };
    let process = bed.containers().exec(&container("p", "c"), exec).await.unwrap();
    wait_until("the command runs", || processes("4322") == 2);
    drop(process);
    wait_until("the command ends", || processes("4322") == 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logs_in_all_their_forms() {
    if !require_root_netns() {
        return;
    }
    let bed = Bed::new("logs").await;
    bed.pod("p", "echo one; echo two >&2; printf three", "restartPolicy: Never").await;
    bed.ends("p", "Succeeded").await;
    let all = logs(&bed, "p", LogOptions::default()).await.unwrap();
    let mut lines: Vec<_> = all.split_inclusive('\n').collect();
    lines.sort_unstable();
    assert_eq!(lines.concat().len(), "one\ntwo\nthree".len(), "{all}");
    let tail = LogOptions { tail_lines: Some(0), ..LogOptions::default() };
    assert_eq!(logs(&bed, "p", tail).await.unwrap(), "");
    let bytes = LogOptions { limit_bytes: Some(5), ..LogOptions::default() };
    assert_eq!(logs(&bed, "p", bytes).await.unwrap().len(), 5);
    let stamped = LogOptions { timestamps: true, tail_lines: Some(1), ..LogOptions::default() };
    let stamped = logs(&bed, "p", stamped).await.unwrap();
    let (time, _) = stamped.split_once(' ').unwrap();
    assert!(time.len() == "2026-01-01T00:00:00.000000000Z".len() && time.ends_with('Z'), "{time}");
    let since = LogOptions { since_seconds: Some(100), ..LogOptions::default() };
    assert_eq!(logs(&bed, "p", since).await.unwrap(), all);
    let previous = LogOptions { previous: true, ..LogOptions::default() };
    let text = "previous terminated container \"c\" in pod \"p\" not found".to_owned();
    assert_eq!(logs(&bed, "p", previous).await, Err(RuntimeError::BadRequest(text)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_followed_log_ends_with_its_container() {
    if !require_root_netns() {
        return;
    }
    let bed = Bed::new("follow").await;
    bed.pod("q", "mkfifo /pipe; echo first; read x < /pipe; echo $x", "restartPolicy: Never").await;
    bed.ok("wait pod/q --for=condition=Ready --timeout=20s").await;
    let follow = LogOptions { follow: true, ..LogOptions::default() };
    let mut lines = bed.containers().logs(&container("q", "c"), follow).await.unwrap();
    assert_eq!(lines.recv().await.unwrap(), b"first\n");
    run(&bed, "q", &["sh", "-c", "echo last > /pipe"]).await;
    assert_eq!(lines.recv().await.unwrap(), b"last\n");
    assert_eq!(lines.recv().await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logs_of_what_waits_or_was() {
    if !require_root_netns() {
        return;
    }
    // Long enough for the waiting to be looked at.
    let long = std::time::Duration::from_secs(10);
    let bed = Bed::with("waiting logs", |config| config.backoff = long).await;
    bed.pod_of("never", "imagePullPolicy: Always", "").await;
    bed.pod("crash", "echo crashed; exit 1", "").await;
    bed.shows("never", "ImagePullBackOff").await;
    let text =
        "container \"c\" in pod \"never\" is waiting to start: trying and failing to pull image"
            .to_owned();
    assert_eq!(
        logs(&bed, "never", LogOptions::default()).await,
        Err(RuntimeError::BadRequest(text))
    );
    bed.shows("crash", "CrashLoopBackOff").await;
    let previous = LogOptions { previous: true, ..LogOptions::default() };
    assert_eq!(logs(&bed, "crash", previous).await.unwrap(), "crashed\n");
    assert_eq!(logs(&bed, "crash", LogOptions::default()).await.unwrap(), "crashed\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_reaches_containers_through_the_api_server() {
    if !require_root_netns() {
        return;
    }
    reached_by_kubectl(&Bed::new("kubectl").await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_reaches_containers_through_a_real_apiserver() {
    let Some(assets) = require_real_apiserver() else { return };
    if !require_root_netns() {
        return;
    }
    reached_by_kubectl(&Bed::behind(Backend::Real(assets), "real kubectl").await).await;
}

async fn reached_by_kubectl(bed: &Bed) {
    let command = "command: [sh, -c, 'echo up; exec sleep 100'], workingDir: /var";
    bed.pod_of("p", command, "hostNetwork: true").await;
    bed.ok("wait pod/p --for=condition=Ready --timeout=20s").await;
    assert_eq!(bed.ok("exec p -- pwd").await, "/var\n");
    assert_eq!(bed.ok("exec p -- cilium status").await, "KVStore: Disabled (status)\n");
    let addresses = bed.ok("exec p -- ip -o -4 addr show dev eth0").await;
    assert!(addresses.contains("10.0.0.124/16"), "{addresses}");
    assert_eq!(bed.ok("logs p").await, "up\n");
    let error = bed.fails("exec p -- no-such-program").await;
    assert!(error.contains("executable file not found in $PATH"), "{error}");
    bed.ok("delete pod p --grace-period=1").await;
    bed.pod("q", "echo done | tee /dev/termination-log", "restartPolicy: Never").await;
    assert_eq!(bed.says("q").await, "done\n");
    assert_eq!(bed.ok("logs q").await, "done\n");
    bed.ok("delete pod q").await;
}

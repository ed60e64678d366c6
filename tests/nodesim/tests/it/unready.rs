//! Pods that do not get to run.

use netlab::require_root_netns;

use crate::bed::Bed;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn images_that_the_node_lacks() {
    if !require_root_netns() {
        return;
    }
    let bed = Bed::new("images").await;
    bed.create("{apiVersion: v1, kind: Pod, metadata: {name: never, namespace: default}, spec: {nodeName: node1, containers: [{name: c, image: 'busybox:1', imagePullPolicy: Never}]}}").await;
    bed.create("{apiVersion: v1, kind: Pod, metadata: {name: pull, namespace: default}, spec: {nodeName: node1, containers: [{name: c, image: 'busybox:1'}]}}").await;
    bed.pod_of("always", "imagePullPolicy: Always", "").await;
    bed.shows("never", "ErrImageNeverPull").await;
    bed.shows("pull", "ImagePullBackOff").await;
    bed.shows("always", "ImagePullBackOff").await;
    let message = "{.status.containerStatuses[0].state.waiting.message}";
    let never = bed.field("never", message).await;
    assert_eq!(never, "Container image \"busybox:1\" is not present with pull policy of Never");
    let events = bed.ok("get events -o jsonpath={.items[*].message}").await;
    let text = "Failed to pull image \"busybox:1\": failed to pull and unpack image \"docker.io/library/busybox:1\": failed to resolve reference \"docker.io/library/busybox:1\": failed to do request: Head \"https://registry-1.docker.io/v2/library/busybox/manifests/1\": dial tcp: lookup registry-1.docker.io on 10.0.0.1:53: i/o timeout";
    assert!(events.contains(text), "{events}");
    bed.ok("delete pod never pull always --timeout=10s").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_that_cannot_run() {
    if !require_root_netns() {
        return;
    }
    let bed = Bed::new("start").await;
    bed.pod_of("p", "command: [nope]", "restartPolicy: Never").await;
    bed.pod_of("q", "command: [/nope]", "").await;
    bed.ends("p", "Failed").await;
    bed.shows("p", "StartError").await;
    let state = "{.status.containerStatuses[0].state.terminated";
    assert_eq!(bed.field("p", &format!("{state}.exitCode}}")).await, "128");
    let text = "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: exec: \"nope\": executable file not found in $PATH: unknown";
    assert_eq!(bed.field("p", &format!("{state}.message}}")).await, text);
    bed.shows("q", "CrashLoopBackOff").await;
    let last = bed.field("q", "{.status.containerStatuses[0].lastState.terminated.message}").await;
    assert!(last.contains("exec: \"/nope\": stat /nope: no such file or directory"), "{last}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objects_that_do_not_exist() {
    if !require_root_netns() {
        return;
    }
    let bed = Bed::new("missing").await;
    bed.pod_of("env", "envFrom: [{configMapRef: {name: nope}}]", "").await;
    bed.pod("volume", "true", "volumes: [{name: v, configMap: {name: nope}}]").await;
    bed.pod("host", "true", "volumes: [{name: v, hostPath: {path: /nope, type: Directory}}]").await;
    bed.shows("env", "CreateContainerConfigError").await;
    let why = "{.status.containerStatuses[0].state.waiting.message}";
    assert_eq!(bed.field("env", why).await, "configmap \"nope\" not found");
    let events = "get events --field-selector reason=FailedMount -o jsonpath={.items[*].message}";
    let expected = [
        "MountVolume.SetUp failed for volume \"v\" : configmap \"nope\" not found",
        "MountVolume.SetUp failed for volume \"v\" : hostPath type check failed: /nope is not a directory",
    ];
    let mut said = String::new();
    while !expected.iter().all(|text| said.contains(text)) {
        said = bed.ok(events).await;
    }
    bed.shows("volume", "ContainerCreating").await;
    // It comes up as soon as there is one.
    bed.create("{apiVersion: v1, kind: ConfigMap, metadata: {name: nope, namespace: default}}")
        .await;
    bed.ok("wait pod/env --for=jsonpath={.status.containerStatuses[0].started} --timeout=20s")
        .await;
}

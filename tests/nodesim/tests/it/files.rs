//! What processes see of files and environment.

use netlab::require_root_netns;

use crate::bed::Bed;

const OBJECTS: &str = "
apiVersion: v1
kind: ConfigMap
metadata: {name: cm, namespace: default}
data: {one: '1', two: '2'}
---
apiVersion: v1
kind: Secret
metadata: {name: s, namespace: default}
stringData: {key: secret}
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn volumes() {
    if !require_root_netns() {
        return;
    }
    let bed = Bed::new("volumes").await;
    bed.create(OBJECTS).await;
    bed.pod_of(
        "p",
        "command: [sh, -c, 'cd /dev; (cat /cm/one /cm/renamed /s/key /sub; ls /cm /etc/cni/net.d; cat /host/etc/resolv.conf; touch /ro/x 2>&1; echo x > /rw/made; cat /etc/agent) > termination-log'],
        volumeMounts: [{name: cm, mountPath: /cm}, {name: s, mountPath: /s}, {name: cm, mountPath: /sub, subPath: one}, {name: cni, mountPath: /etc/cni/net.d},
        {name: root, mountPath: /host, readOnly: true, mountPropagation: HostToContainer}, {name: e, mountPath: /ro, readOnly: true}, {name: new, mountPath: /rw, mountPropagation: Bidirectional}]",
        "restartPolicy: Never, volumes: [{name: cm, configMap: {name: cm, items: [{key: one, path: one}, {key: two, path: renamed}]}}, {name: s, secret: {secretName: s}},
        {name: cni, hostPath: {path: /etc/cni/net.d, type: Directory}}, {name: root, hostPath: {path: /}}, {name: e, emptyDir: {}}, {name: new, hostPath: {path: /opt/new, type: DirectoryOrCreate}}]",
    )
    .await;
    assert_eq!(
        bed.says("p").await,
        "12secret1/cm:\none\nrenamed\n\n/etc/cni/net.d:\n05-cilium.conflist\nnameserver 10.0.0.1\ntouch: cannot touch '/ro/x': Read-only file system\nrecorded\n"
    );
    assert_eq!(std::fs::read_to_string(bed.root.join("opt/new/made")).unwrap(), "x\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_pod_says_of_itself_follows_it() {
    if !require_root_netns() {
        return;
    }
    let bed = Bed::new("downward").await;
    bed.pod_of(
        "p",
        "command: [sh, -c, 'cat /own/name > /dev/termination-log; until grep -q go /own/word; do sleep 0.1; done; cat /own/word >> /dev/termination-log'],
        volumeMounts: [{name: own, mountPath: /own}]",
        "restartPolicy: Never, volumes: [{name: own, downwardAPI: {items: [{path: name, fieldRef: {fieldPath: metadata.name}}, {path: word, fieldRef: {fieldPath: \"metadata.annotations['example.com/word']\"}}]}}]",
    )
    .await;
    bed.ok("wait pod/p --for=condition=Ready --timeout=20s").await;
    bed.ok("annotate pod/p example.com/word=go-on").await;
    assert_eq!(bed.says("p").await, "pgo-on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn environment() {
    if !require_root_netns() {
        return;
    }
    let bed = Bed::new("environment").await;
    bed.create(OBJECTS).await;
    bed.pod_of(
        "p",
        "command: [sh, -c, 'env | grep -v ^KUBERNETES_PORT > /dev/termination-log; echo $0 >> /dev/termination-log; pwd >> /dev/termination-log; cat /etc/resolv.conf >> /dev/termination-log', '$(A) $(NO)'], workingDir: /made,
        envFrom: [{configMapRef: {name: cm}, prefix: CM_}], env: [{name: A, value: a}, {name: B, value: '$(A)$(CM_one)'},
        {name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}, {name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}, {name: HOST, valueFrom: {fieldRef: {fieldPath: status.hostIP}}},
        {name: LABEL, valueFrom: {fieldRef: {fieldPath: \"metadata.labels['app']\"}}}, {name: KEY, valueFrom: {secretKeyRef: {name: s, key: key}}}]",
        "restartPolicy: Never",
    )
    .await;
    let said = bed.says("p").await;
    for line in [
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOSTNAME=p",
        "HOME=/root",
        "KUBERNETES_SERVICE_HOST=10.96.0.1",
        "KUBERNETES_SERVICE_PORT=443",
        "CM_two=2",
        "B=a1",
        "NODE=node1",
        "IP=10.244.0.2",
        "HOST=10.0.0.124",
        "LABEL=x",
        "KEY=secret",
        "a $(NO)",
        "/made",
        "search default.svc.cluster.local svc.cluster.local cluster.local",
        "nameserver 10.96.0.10",
    ] {
        assert!(said.lines().any(|said| said == line), "{line} is not in:\n{said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn last_words_are_limited_or_come_from_the_log() {
    if !require_root_netns() {
        return;
    }
    let bed = Bed::new("words").await;
    bed.pod(
        "long",
        "head -c 5000 /dev/zero | tr '\\0' x > /dev/termination-log",
        "restartPolicy: Never",
    )
    .await;
    assert_eq!(bed.says("long").await, "x".repeat(4096));
    bed.pod_of("log", "command: [sh, -c, 'echo from the log; exit 1'], terminationMessagePolicy: FallbackToLogsOnError", "restartPolicy: Never").await;
    bed.ends("log", "Failed").await;
    let message = "{.status.containerStatuses[0].state.terminated.message}";
    assert_eq!(bed.field("log", message).await, "from the log\n");
}

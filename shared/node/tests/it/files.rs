//! Files of hosts, healthy and not.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use kcilium_core::facts::{
    AgentProcess, Fact, HostEndpointKind, NodeFacts, ResolverKind, UnavailableKind,
};
use kcilium_node::{Host, HostRoot, collect};
use tempfile::TempDir;

use crate::inside::known;

/// A host's root, made of files.
pub(crate) struct Tree(TempDir);

impl Tree {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        let path = self.0.path().join(path.trim_start_matches('/'));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }

    pub(crate) fn with(self, path: &str, text: &str) -> Self {
        fs::write(self.path(path), text).unwrap();
        self
    }

    pub(crate) fn with_link(self, path: &str, target: impl AsRef<Path>) -> Self {
        symlink(target, self.path(path)).unwrap();
        self
    }

    pub(crate) fn with_directory(self, path: &str) -> Self {
        fs::create_dir_all(self.path(path)).unwrap();
        self
    }

    pub(crate) fn with_fifo(self, path: &str) -> Self {
        assert!(Command::new("mkfifo").arg(self.path(path)).status().unwrap().success());
        self
    }

    /// A file of 2 GiB that takes no room.
    fn with_giant(self, path: &str) -> Self {
        fs::File::create(self.path(path)).unwrap().set_len(2 << 30).unwrap();
        self
    }

    pub(crate) fn facts(&self) -> NodeFacts {
        let host = Host::new(HostRoot::new(self.0.path()));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(collect(&host))
    }
}

/// Kind and text of the reason why a fact is missing.
pub(crate) fn missing<T: std::fmt::Debug>(fact: Fact<T>) -> (UnavailableKind, String) {
    match fact {
        Fact::Unavailable(why) => (why.kind, why.to_string()),
        Fact::Known(value) => panic!("known: {value:?}"),
    }
}

#[test]
fn of_an_empty_host_files_are_absent_and_the_rest_is_known() {
    let facts = Tree::new().facts();
    assert_eq!(
        missing(facts.resolvers),
        (UnavailableKind::Absent, "/etc/resolv.conf: no such file or directory".into())
    );
    assert_eq!(
        missing(facts.cni_files),
        (UnavailableKind::Absent, "/etc/cni/net.d: no such file or directory".into())
    );
    assert_eq!(missing(facts.agent).0, UnavailableKind::Absent);
    assert_eq!(known(facts.endpoints), []);
    assert!(!known(facts.kernel).release.is_empty());
    for fact in [facts.links.get().err(), facts.addresses.get().err(), facts.routes.get().err()] {
        assert_eq!(fact, None);
    }
    assert!(known(facts.sysctls).contains_key("net.ipv4.ip_forward"));
    assert!(facts.lookups.is_not_collected());
}

/// Address, kind and file of each DNS server.
fn resolvers(tree: &Tree) -> Vec<(String, ResolverKind, String)> {
    let resolvers = known(tree.facts().resolvers);
    resolvers
        .into_iter()
        .map(|server| (server.address.to_string(), server.kind, server.file))
        .collect()
}

fn server(address: &str, kind: ResolverKind, file: &str) -> (String, ResolverKind, String) {
    (address.into(), kind, file.into())
}

const UPSTREAM: &str = "/run/systemd/resolve/resolv.conf";

#[test]
fn behind_a_stub_the_real_servers_are_found() {
    let tree = Tree::new()
        .with_link("/etc/resolv.conf", "/run/systemd/resolve/stub-resolv.conf")
        .with("/run/systemd/resolve/stub-resolv.conf", "nameserver 127.0.0.53\n")
        .with(UPSTREAM, "nameserver 10.0.0.1\nnameserver 2001:db8::53\n");
    assert_eq!(
        resolvers(&tree),
        [
            server("127.0.0.53", ResolverKind::Direct, "/etc/resolv.conf"),
            server("10.0.0.1", ResolverKind::BehindStub, UPSTREAM),
            server("2001:db8::53", ResolverKind::BehindStub, UPSTREAM),
        ]
    );
}

#[test]
fn where_servers_are_asked_directly_others_do_not_count() {
    let tree = Tree::new()
        .with("/etc/resolv.conf", "nameserver 127.0.0.1\nnameserver 10.0.0.1\n")
        .with(UPSTREAM, "nameserver 10.0.0.2\n");
    assert_eq!(
        resolvers(&tree),
        [
            server("127.0.0.1", ResolverKind::Direct, "/etc/resolv.conf"),
            server("10.0.0.1", ResolverKind::Direct, "/etc/resolv.conf"),
        ]
    );
}

#[test]
fn whom_a_stub_of_unknown_make_asks_is_not_known() {
    let tree = Tree::new().with("/etc/resolv.conf", "nameserver 127.0.0.1\n");
    let (kind, why) = missing(tree.facts().resolvers);
    assert_eq!(kind, UnavailableKind::Absent);
    assert!(why.contains("/etc/resolv.conf") && why.contains("stub"), "{why}");
}

#[test]
fn unreadable_upstreams_are_not_the_same_as_none() {
    let tree = Tree::new().with("/etc/resolv.conf", "nameserver 127.0.0.53\n").with_fifo(UPSTREAM);
    assert_eq!(
        missing(tree.facts().resolvers),
        (UnavailableKind::Failed, format!("{UPSTREAM}: not a regular file"))
    );
}

#[test]
fn what_is_no_file_or_too_large_is_not_read() {
    for (tree, why) in [
        (Tree::new().with_fifo("/etc/resolv.conf"), "not a regular file"),
        (Tree::new().with_directory("/etc/resolv.conf"), "not a regular file"),
        (
            Tree::new().with_link("/etc/resolv.conf", "/etc/resolv.conf"),
            "too many levels of symbolic links",
        ),
        (Tree::new().with_giant("/etc/resolv.conf"), "larger than 1048576 bytes"),
    ] {
        let expected = format!("/etc/resolv.conf: {why}");
        let (kind, text) = missing(tree.facts().resolvers);
        assert!(text.starts_with(&expected), "{text}");
        assert_eq!(kind, UnavailableKind::Failed);
    }
}

#[test]
fn devices_are_not_opened() {
    let tree = Tree::new();
    let device =
        Command::new("mknod").arg(tree.path("/etc/resolv.conf")).args(["c", "1", "5"]).status();
    if !device.is_ok_and(|status| status.success()) {
        return;
    }
    // `/dev/zero` has no end.
    assert_eq!(missing(tree.facts().resolvers).1, "/etc/resolv.conf: not a regular file");
}

const CILIUM: &str =
    r#"{"cniVersion": "0.3.1", "name": "cilium", "plugins": [{"type": "cilium-cni"}]}"#;

#[test]
fn cni_files_are_listed_as_a_runtime_reads_them() {
    let directory = "/etc/cni/net.d";
    let facts = Tree::new()
        .with(&format!("{directory}/05-cilium.conflist"), CILIUM)
        .with(&format!("{directory}/10-flannel.conflist.cilium_bak"), CILIUM)
        .with(&format!("{directory}/87-podman.conflist"), "{\"name\": \"podman\", ")
        .with(&format!("{directory}/README"), "not for you")
        .with(&format!("{directory}/calico-kubeconfig"), "token: s3cret")
        .with_link(&format!("{directory}/20-linked.conf"), "/opt/linked.json")
        .with("/opt/linked.json", r#"{"name": "linked", "type": "macvlan"}"#)
        .with_link(&format!("{directory}/21-dangling.conf"), "/opt/none")
        .with_fifo(&format!("{directory}/30-fifo.conf"))
        .with_giant(&format!("{directory}/40-giant.json"))
        .with_directory(&format!("{directory}/50-directory.conf"))
        .facts();
    let files = known(facts.cni_files);
    let seen: Vec<_> = files
        .iter()
        .map(|file| (file.name.as_str(), file.network.as_str(), file.broken.as_deref()))
        .collect();
    assert_eq!(
        seen,
        [
            ("05-cilium.conflist", "cilium", None),
            ("20-linked.conf", "linked", None),
            ("21-dangling.conf", "", Some("no such file or directory")),
            ("30-fifo.conf", "", Some("not a regular file")),
            ("40-giant.json", "", Some("larger than 1048576 bytes")),
            ("87-podman.conflist", "", Some("EOF while parsing a value at line 1 column 19")),
        ]
    );
    assert!(files[0].is_cilium());
}

/// Address, kind and file of each endpoint.
fn endpoints(tree: &Tree) -> Vec<(String, HostEndpointKind, String)> {
    known(tree.facts().endpoints)
        .into_iter()
        .map(|endpoint| (endpoint.address.to_string(), endpoint.kind, endpoint.file))
        .collect()
}

fn endpoint(
    address: &str,
    kind: HostEndpointKind,
    file: &str,
) -> (String, HostEndpointKind, String) {
    (address.into(), kind, file.into())
}

fn kubeconfig(server: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\nclusters:\n- name: c\n  cluster:\n    server: {server}\n\
         users:\n- name: u\n  user:\n    token: s3cret\n"
    )
}

#[test]
fn endpoints_of_all_sources_are_found() {
    let containerd = "/etc/systemd/system/containerd.service.d";
    let tree = Tree::new()
        .with("/etc/kubernetes/kubelet.conf", &kubeconfig("https://10.24.0.2:6443"))
        .with("/var/lib/kubelet/kubeconfig", &kubeconfig("https://10.24.0.3:6443"))
        .with(
            &format!("{containerd}/10-proxy.conf"),
            "[Service]\nEnvironment=\"HTTP_PROXY=http://u:s3cret@10.0.0.5:3128\"\n",
        )
        .with(&format!("{containerd}/20-proxy.conf"), "Environment=HTTPS_PROXY=10.0.0.6:3128\n")
        .with(&format!("{containerd}/30-old.conf.bak"), "Environment=ALL_PROXY=10.0.0.99\n")
        .with("/etc/default/docker", "export http_proxy=\"http://10.0.0.7:3128\"\n")
        .with("/etc/systemd/system/k3s.service.env", "HTTPS_PROXY=http://127.0.0.1:8118\n")
        .with("/etc/environment", "HTTP_PROXY=http://10.0.0.5:3128\nALL_PROXY=socks5://10.0.0.8\n")
        .with(
            "/etc/containerd/certs.d/docker.io/hosts.toml",
            "server = \"https://registry-1.docker.io\"\n[host.\"http://10.0.0.9:5000\"]\n",
        )
        .with_directory("/etc/containerd/certs.d/quay.io")
        .with(
            "/etc/rancher/k3s/registries.yaml",
            "mirrors:\n  docker.io:\n    endpoint: [\"http://10.0.0.9:5000\", \"https://10.0.0.10\"]\n",
        );
    let (api, proxy, mirror) =
        (HostEndpointKind::ApiServer, HostEndpointKind::Proxy, HostEndpointKind::RegistryMirror);
    assert_eq!(
        endpoints(&tree),
        [
            endpoint("10.24.0.2", api, "/etc/kubernetes/kubelet.conf"),
            endpoint("10.0.0.6", proxy, &format!("{containerd}/20-proxy.conf")),
            endpoint("10.0.0.5", proxy, &format!("{containerd}/10-proxy.conf")),
            endpoint("10.0.0.7", proxy, "/etc/default/docker"),
            endpoint("10.0.0.8", proxy, "/etc/environment"),
            endpoint("10.0.0.9", mirror, "/etc/containerd/certs.d/docker.io/hosts.toml"),
            endpoint("10.0.0.10", mirror, "/etc/rancher/k3s/registries.yaml"),
        ]
    );
}

#[test]
fn names_and_loopback_are_no_endpoints() {
    let k3s = "/var/lib/rancher/k3s/agent/kubelet.kubeconfig";
    for server in ["https://127.0.0.1:6444", "https://api.example.org:6443", "https://[::1]:6443"] {
        assert_eq!(endpoints(&Tree::new().with(k3s, &kubeconfig(server))), []);
    }
    let tree = Tree::new().with(k3s, &kubeconfig("https://[2001:db8::1]:6443"));
    assert_eq!(endpoints(&tree), [endpoint("2001:db8::1", HostEndpointKind::ApiServer, k3s)]);
}

#[test]
fn an_endpoint_file_that_cannot_be_understood_leaves_the_list_unknown() {
    let file = "/etc/kubernetes/kubelet.conf";
    let tree = Tree::new().with(file, "clusters: [{s3cret");
    assert_eq!(
        missing(tree.facts().endpoints),
        (UnavailableKind::Failed, format!("{file}: not a kubeconfig"))
    );
    let file = "/etc/rancher/rke2/registries.yaml";
    assert_eq!(
        missing(Tree::new().with_fifo(file).facts().endpoints),
        (UnavailableKind::Failed, format!("{file}: not a regular file"))
    );
}

pub(crate) fn with_processes(processes: &[(u32, &str)]) -> Tree {
    let mut tree = Tree::new().with("/proc/uptime", "1 1").with_directory("/proc/99999");
    for (pid, comm) in processes {
        tree = tree.with(&format!("/proc/{pid}/comm"), &format!("{comm}\n"));
    }
    tree
}

#[test]
fn agents_are_told_from_others_of_similar_names() {
    let host = [(1, "systemd"), (2, "kthreadd"), (700, "cilium-agent-x"), (701, "cilium-operator")];
    assert_eq!(known(with_processes(&host).facts().agent), AgentProcess::NotRunning);
    let mut host = host.to_vec();
    host.push((4711, "cilium-agent"));
    assert_eq!(
        known(with_processes(&host).facts().agent),
        AgentProcess::Running { pid: Some(4711) }
    );
}

#[test]
fn in_a_container_an_agent_that_is_not_seen_may_run_nevertheless() {
    let (kind, why) = missing(with_processes(&[(1, "sh"), (2, "sleep")]).facts().agent);
    assert_eq!(kind, UnavailableKind::Failed);
    assert!(why.contains("not the host's PID namespace"), "{why}");
    let beside = with_processes(&[(1, "sh"), (7, "cilium-agent")]);
    assert_eq!(known(beside.facts().agent), AgentProcess::Running { pid: Some(7) });
}

#[test]
fn this_machine_is_read_without_a_panic() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let facts = runtime.block_on(collect(&Host::default()));
    assert!(known(facts.links).iter().any(|link| link.name.as_str() == "lo"));
    assert!(!facts.name.as_str().is_empty());
}

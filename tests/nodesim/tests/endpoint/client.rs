//! The kube crate's raw connection, as programs in Rust use it.

use std::{collections::BTreeMap, path::Path};

use futures_util::StreamExt as _;
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Client, Config, Resource as _,
    api::AttachParams,
    client::Connection,
    config::{KubeConfigOptions, Kubeconfig},
    core::Request,
};
use kubesim::{Config as Server, Credential, Fault, Kind, User};

use crate::node::Node;

async fn connect(node: &Node, script: &str) -> kube::Result<Connection> {
    connect_with(&node.sim().kubeconfig(), script).await
}

async fn connect_with(kubeconfig: &Path, script: &str) -> kube::Result<Connection> {
    let kubeconfig = Kubeconfig::read_from(kubeconfig).expect("a kubeconfig");
    let options = KubeConfigOptions::default();
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await.expect("a context");
    let client = Client::try_from(config).expect("a client");
    let parameters = AttachParams::default().container("app");
    let request = Request::new(Pod::url_path(&(), Some("default")))
        .exec("web", ["sh", "-c", script], &parameters)
        .expect("a request");
    client.connect(request).await
}

/// What came over each channel, and whether the connection ended well.
async fn read(connection: Connection) -> ([Vec<u8>; 4], bool) {
    let mut channels = <[Vec<u8>; 4]>::default();
    let mut stream = connection.into_stream();
    while let Some(message) = stream.next().await {
        let Ok(message) = message else { return (channels, false) };
        let data = message.into_data();
        if let Some((channel, bytes)) = data.split_first().filter(|(channel, _)| **channel < 4) {
            channels[usize::from(*channel)].extend_from_slice(bytes);
        }
    }
    (channels, true)
}

#[test]
fn a_raw_connection_carries_a_command() {
    let node = Node::new();
    node.runtime.block_on(async {
        let script = "head -c 200000 /dev/zero; echo oops >&2; exit 3";
        let connection = connect(&node, script).await.unwrap();
        let ([_, out, err, status], _) = read(connection).await;
        assert_eq!(out.len(), 200_000);
        assert_eq!(err, b"oops\n");
        let status = String::from_utf8(status).unwrap();
        assert!(status.contains(r#""causes":[{"message":"3","reason":"ExitCode"}]"#), "{status}");
    });
}

#[test]
fn a_cut_connection_ends_without_a_status() {
    let node = Node::new();
    node.sim().faults().add(Fault::new("*/exec*", Kind::Cut(50_000)));
    node.runtime.block_on(async {
        let connection = connect(&node, "head -c 200000 /dev/zero").await.unwrap();
        let ([_, out, _, status], well) = read(connection).await;
        assert!(out.len() < 50_000 && status.is_empty() && !well, "{}, {well}", out.len());
    });
}

fn refusal(answer: kube::Result<Connection>) -> Option<String> {
    match answer {
        Ok(_) => None,
        Err(kube::Error::Api(status)) if status.is_forbidden() => Some(status.message),
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn a_refusal_is_an_api_error() {
    let node = Node::new();
    node.sim().faults().add(Fault::new("*/exec*", Kind::Forbidden));
    assert!(refusal(node.runtime.block_on(connect(&node, "true"))).is_some());
}

#[test]
fn newer_servers_want_create_for_a_websocket_as_well() {
    for (version, wants) in [("v1.35.0", true), ("v1.34.0", false)] {
        let tokens = BTreeMap::from([("secret".to_owned(), User::new("jane", &[]))]);
        let config = Server { version: version.to_owned(), tokens, ..Server::default() };
        let node = Node::with(config);
        let text = node.sim().kubeconfig_with(&Credential::Token("secret".to_owned()));
        let file = node.cluster.file("jane", &text);
        let jane = || refusal(node.runtime.block_on(connect_with(&file, "true")));
        let admin = node.kubectl("1.35");
        let denied = "pods \"web\" is forbidden: User \"jane\" cannot get resource \"pods/exec\" in API group \"\" in the namespace \"default\"";
        assert_eq!(jane().as_deref(), Some(denied));
        admin.ok("create role getter --verb=get --resource=pods/exec");
        admin.ok("create rolebinding getter --role=getter --user=jane");
        // RBAC gives no reason, and so does the message.
        let denied = wants.then_some("pods \"web\" is forbidden: ");
        assert_eq!(jane().as_deref(), denied);
        admin.ok("create role creator --verb=create --resource=pods/exec");
        admin.ok("create rolebinding creator --role=creator --user=jane");
        assert_eq!(jane(), None);
    }
}

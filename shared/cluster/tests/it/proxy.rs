//! Proxies on the way to the server. No packet leaves loopback: whether a proxy of the environment
//! is used is asked of the connection, not tried.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use kcilium_cluster::{
    Api, Form,
    kubeconfig::{Connection, ConnectionFlags, Environment},
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::TcpStream,
};

use crate::tool::{
    Folder, Stub, api, connection, limits, read_head, reply, sim, whoami, with_user,
};

/// A proxy for `CONNECT`, and what it was asked for.
async fn http_proxy() -> (Stub, Arc<Mutex<Vec<String>>>) {
    let heads = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&heads);
    let stub = Stub::accept(move |mut stream| {
        let seen = Arc::clone(&seen);
        async move {
            let head = read_head(&mut stream).await;
            let target: SocketAddr = head.split(' ').nth(1).unwrap().parse().unwrap();
            seen.lock().unwrap().push(head);
            assert!(target.ip().is_loopback());
            let mut server = TcpStream::connect(target).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            let _ = copy_bidirectional(&mut stream, &mut server).await;
        }
    })
    .await;
    (stub, heads)
}

/// A SOCKS 5 proxy without logins, for IPv4.
async fn socks_proxy() -> (Stub, Arc<Mutex<Vec<String>>>) {
    let targets = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&targets);
    let stub = Stub::accept(move |mut stream| {
        let seen = Arc::clone(&seen);
        async move {
            let mut greeting = [0; 2];
            stream.read_exact(&mut greeting).await.unwrap();
            stream.read_exact(&mut vec![0; greeting[1].into()]).await.unwrap();
            stream.write_all(&[5, 0]).await.unwrap();
            let mut request = [0; 4];
            stream.read_exact(&mut request).await.unwrap();
            let host = if request[3] == 1 {
                let mut address = [0; 4];
                stream.read_exact(&mut address).await.unwrap();
                std::net::Ipv4Addr::from(address).to_string()
            } else {
                let length = stream.read_u8().await.unwrap();
                let mut name = vec![0; length.into()];
                stream.read_exact(&mut name).await.unwrap();
                String::from_utf8(name).unwrap()
            };
            let port = stream.read_u16().await.unwrap();
            assert_eq!(host, "127.0.0.1");
            seen.lock().unwrap().push(format!("{host}:{port}"));
            let mut server = TcpStream::connect((host, port)).await.unwrap();
            stream.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 0]).await.unwrap();
            let _ = copy_bidirectional(&mut stream, &mut server).await;
        }
    })
    .await;
    (stub, targets)
}

#[tokio::test]
async fn an_http_proxy_of_the_kubeconfig_is_used_even_for_loopback() {
    let (sim, folder) = (sim(&["t"]).await, Folder::new());
    let (proxy, heads) = http_proxy().await;
    let mut config = with_user(&sim, json!({"token": "t"}));
    config["clusters"][0]["cluster"]["proxy-url"] =
        json!(format!("http://me:p%40ss@{}", proxy.address));
    let api = api(&folder.write("config", &config.to_string())).await;
    assert_eq!(whoami(&api).await.unwrap()["username"], "t");
    let heads = heads.lock().unwrap();
    let target = sim.url().replace("https://", "");
    assert!(heads[0].starts_with(&format!("CONNECT {target} HTTP/1.1")), "{heads:?}");
    // me:p@ss
    assert!(
        heads[0].to_lowercase().contains("proxy-authorization: basic bwu6cebzcw=="),
        "{heads:?}"
    );
    assert!(!heads[0].contains("Bearer"), "{heads:?}");
}

#[tokio::test]
async fn a_socks_proxy_is_used() {
    let (sim, folder) = (sim(&["t"]).await, Folder::new());
    for scheme in ["socks5", "socks5h"] {
        let (proxy, targets) = socks_proxy().await;
        let mut config = with_user(&sim, json!({"token": "t"}));
        config["clusters"][0]["cluster"]["proxy-url"] =
            json!(format!("{scheme}://{}", proxy.address));
        let api = api(&folder.write("config", &config.to_string())).await;
        assert_eq!(whoami(&api).await.unwrap()["username"], "t");
        assert_eq!(*targets.lock().unwrap(), [sim.url().replace("https://", "")]);
    }
}

#[tokio::test]
async fn a_proxy_that_is_in_the_way_is_named_without_its_password() {
    let (sim, folder) = (sim(&["t"]).await, Folder::new());
    let proxy = Stub::answer(|_| reply("407 Proxy Authentication Required", "", b"")).await;
    let mut config = with_user(&sim, json!({"token": "t"}));
    config["clusters"][0]["cluster"]["proxy-url"] =
        json!(format!("http://me:s3cret@{}", proxy.address));
    let path = folder.write("config", &config.to_string());
    let error = api(&path).await.get("/api", Form::Json).await.unwrap_err();
    let text = error.to_string();
    let expected = format!("cannot connect to {} through the proxy {}: ", sim.url(), proxy.address);
    assert!(text.starts_with(&expected), "{text}");
    assert!(!text.contains("s3cret"), "{text}");
    assert!(!format!("{:?}", connection(&path)).contains("s3cret"));
}

/// The proxy on the way to that server, in that environment.
fn chosen(server: &str, https: &str, http: &str, none: &str) -> Option<String> {
    let flags = ConnectionFlags { server: Some(server.to_owned()), ..ConnectionFlags::default() };
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let environment = Environment {
        https_proxy: given(https),
        http_proxy: given(http),
        no_proxy: given(none),
        ..Environment::default()
    };
    let connection = Connection::resolve(&flags, &environment).unwrap();
    connection.proxy().map(ToString::to_string)
}

#[test]
fn the_environments_proxy_is_the_one_for_the_scheme() {
    let (https, http) = ("http://secure:1", "http://plain:2");
    let chosen = |server| chosen(server, https, http, "");
    assert_eq!(chosen("https://10.0.0.1:6443").as_deref(), Some("http://secure:1/"));
    assert_eq!(chosen("http://10.0.0.1").as_deref(), Some("http://plain:2/"));
    assert_eq!(chosen("https://127.0.0.1:6443"), None);
    assert_eq!(chosen("https://localhost:6443"), None);
    assert_eq!(chosen("https://[::1]:6443"), None);
}

#[test]
fn no_proxy_is_compared_with_the_server() {
    let chosen = |none| chosen("https://k8s.corp:6443", "proxy:3128", "", none);
    assert_eq!(chosen("").as_deref(), Some("http://proxy:3128/"));
    assert_eq!(chosen("proxy,other.corp").as_deref(), Some("http://proxy:3128/"));
    for none in ["k8s.corp", ".corp", "corp", "*", "a, k8s.corp:6443", "x,,k8s.corp,"] {
        assert_eq!(chosen(none), None, "{none}");
    }
}

#[tokio::test]
async fn the_environment_is_not_read_behind_our_back() {
    // kube would take HTTPS_PROXY for a server without an entry in its idea of NO_PROXY.
    let sim = sim(&["t"]).await;
    let folder = Folder::new();
    let path = folder.write("config", &with_user(&sim, json!({"token": "t"})).to_string());
    let flags = crate::tool::kubeconfig(&path);
    let environment =
        Environment { https_proxy: Some("http://127.0.0.1:1".into()), ..Environment::default() };
    let connection = Connection::resolve(&flags, &environment).unwrap();
    assert_eq!(connection.proxy(), None);
    let api = Api::connect(&connection, limits()).await.unwrap();
    assert_eq!(whoami(&api).await.unwrap()["username"], "t");
}

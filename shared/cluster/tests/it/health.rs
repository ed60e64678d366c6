//! Servers that are down, silent, not who they should be, or something else altogether.

use std::time::Duration;

use kcilium_cluster::{
    Api, ApiError, Form, Limits,
    kubeconfig::{Connection, ConnectionFlags, Environment},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    time::{Instant, timeout},
};

use crate::tool::{Folder, PAIRS, Stub, connection, kubeconfig, limits, reply, sim, with_user};

const PATH: &str = "/api/v1/namespaces";

async fn answer(connection: &Connection, limits: Limits) -> Result<bytes::Bytes, ApiError> {
    Api::connect(connection, limits).await.unwrap().get(PATH, Form::Json).await
}

/// What comes of a kubeconfig for an address that speaks no TLS.
async fn over_tls(address: &str, limits: Limits) -> ApiError {
    let folder = Folder::new();
    let config = json!({
        "clusters": [{"name": "x", "cluster": {
            "server": format!("https://{address}"), "insecure-skip-tls-verify": true,
        }}],
        "contexts": [{"name": "x", "context": {"cluster": "x"}}],
        "current-context": "x",
    });
    let path = folder.write("config", &config.to_string());
    timeout(Duration::from_secs(30), answer(&connection(&path), limits))
        .await
        .expect("it ends")
        .unwrap_err()
}

#[tokio::test]
async fn a_closed_port_is_told_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let error = over_tls(&address, limits()).await;
    assert_eq!(
        error.to_string(),
        format!("cannot connect to https://{address}: Connection refused (os error 111)")
    );
    assert!(error.concerns_all_requests());
}

#[tokio::test]
async fn a_port_that_never_speaks_is_left_at_the_deadline() {
    // One that reads what comes, and one that the kernel alone answers for.
    let mute = Stub::accept(|mut stream| async move {
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let backlog = listener.local_addr().unwrap().to_string();
    for address in [&mute.address, &backlog] {
        let limits = Limits { deadline: Instant::now() + Duration::from_millis(400), ..limits() };
        let error = over_tls(address, limits).await;
        // On a busy machine, time may be over before the first packet.
        assert!(matches!(error, ApiError::TimedOut { .. } | ApiError::OutOfTime), "{error}");
    }
}

#[tokio::test]
async fn a_server_without_tls_is_told_apart_from_a_bad_certificate() {
    let stub = Stub::accept(|mut stream| async move {
        let _ = stream.read_u8().await;
        let _ = stream.write_all(&reply("400 Bad Request", "", b"")).await;
    })
    .await;
    let error = over_tls(&stub.address, limits()).await;
    assert_eq!(
        error.to_string(),
        format!("cannot connect to https://{}: it does not speak TLS", stub.address)
    );
}

#[tokio::test]
async fn a_connection_that_breaks_in_the_handshake_is_no_certificate_either() {
    let stub = Stub::accept(|stream| async move { drop(stream) }).await;
    let error = over_tls(&stub.address, limits()).await;
    assert!(matches!(error, ApiError::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn the_wrong_authority_is_named() {
    let (sim, folder) = (sim(&["t"]).await, Folder::new());
    folder.write("config", &with_user(&sim, json!({"token": "t"})).to_string());
    let wrong = folder.write("wrong.pem", &PAIRS[0].certificate);
    let flags = ConnectionFlags {
        certificate_authority: Some(wrong),
        ..kubeconfig(&folder.path("config"))
    };
    let resolved = Connection::resolve(&flags, &Environment::default()).unwrap();
    let error = answer(&resolved, limits()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "the certificate of {} is not accepted: it is not signed by the certificate authority of --certificate-authority",
            sim.url()
        )
    );
    assert!(error.concerns_all_requests());
    // And no authority at all: that of the machine does not know the server.
    let mut config: Value = serde_json::from_str(&folder.read("config")).unwrap();
    config["clusters"][0]["cluster"] = json!({"server": sim.url()});
    let path = folder.write("config", &config.to_string());
    let error = answer(&connection(&path), limits()).await.unwrap_err();
    assert!(matches!(error, ApiError::Certificate { .. }), "{error}");
    // Whoever does not care gets through.
    let flags = ConnectionFlags { insecure_skip_tls_verify: true, ..kubeconfig(&path) };
    let resolved = Connection::resolve(&flags, &Environment::default()).unwrap();
    answer(&resolved, limits()).await.unwrap();
}

#[tokio::test]
async fn the_certificates_name_counts() {
    let (sim, folder) = (sim(&["t"]).await, Folder::new());
    let path = folder.write("config", &with_user(&sim, json!({"token": "t"})).to_string());
    let named = |name: &str| {
        let flags = ConnectionFlags { tls_server_name: Some(name.into()), ..kubeconfig(&path) };
        Connection::resolve(&flags, &Environment::default()).unwrap()
    };
    answer(&named("kubernetes"), limits()).await.unwrap();
    let error = answer(&named("example.org"), limits()).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("example.org") && text.contains("kubernetes"), "{text}");
}

#[tokio::test]
async fn the_servers_name_of_the_file_is_not_for_the_server_of_the_flag() {
    let (sim, folder) = (sim(&["t"]).await, Folder::new());
    let mut config = with_user(&sim, json!({"token": "t"}));
    config["clusters"][0]["cluster"]["tls-server-name"] = json!("example.org");
    let path = folder.write("config", &config.to_string());
    answer(&connection(&path), limits()).await.unwrap_err();
    let flags = ConnectionFlags { server: Some(sim.url()), ..kubeconfig(&path) };
    let resolved = Connection::resolve(&flags, &Environment::default()).unwrap();
    answer(&resolved, limits()).await.unwrap();
}

#[tokio::test]
async fn who_is_no_api_server_is_told_so() {
    for (status, headers, body, reason) in [
        ("200 OK", "", "<!DOCTYPE html>", "it answers with a page for browsers"),
        ("200 OK", "", "\n <html>", "it answers with a page for browsers"),
        ("404 Not Found", "", "<html>nginx", "it answers with a page that says Not Found"),
        (
            "302 Found",
            "Location: https://login.example/start?state=secret\r\n",
            "",
            "it answers with a redirection to login.example",
        ),
        ("301 Moved", "Location: /login\r\n", "", "it answers with a redirection"),
    ] {
        let stub = Stub::answer(move |_| reply(status, headers, body.as_bytes())).await;
        let folder = Folder::new();
        let error = answer(&connection(&stub.kubeconfig(&folder)), limits()).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("no Kubernetes API at http://{}: {reason}", stub.address)
        );
        assert!(error.concerns_all_requests());
    }
}

#[tokio::test]
async fn a_gateways_page_says_no_more_than_its_code() {
    let stub = Stub::answer(|_| reply("502 Bad Gateway", "", b"<html>secrets of the house")).await;
    let folder = Folder::new();
    let error = answer(&connection(&stub.kubeconfig(&folder)), limits()).await.unwrap_err();
    assert_eq!(error.to_string(), "502: Bad Gateway");
}

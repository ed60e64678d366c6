//! The canned ClientHello against a real TLS server.

use std::net::TcpListener;
use std::sync::Arc;

use netlab::Namespace;
use rustls::SupportedProtocolVersion;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;

use crate::agent::{inside, probe};
use crate::lab::world;

fn serve(namespace: &Namespace, port: u16, versions: &[&'static SupportedProtocolVersion]) {
    let made = rcgen::generate_simple_self_signed(["good.test".to_owned()]).unwrap();
    let certificate: CertificateDer<'static> = made.cert.der().clone();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let config = Arc::new(config);
    let (ready, is_ready) = std::sync::mpsc::channel();
    inside(namespace, move || {
        let listener = TcpListener::bind(("0.0.0.0", port)).unwrap();
        ready.send(()).unwrap();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            // It ends in an error: the client does not go on.
            let _ = connection.complete_io(&mut stream);
        }
    });
    is_ready.recv().unwrap();
}

#[test]
fn servers_of_both_versions_say_hello() {
    let Some(world) = world("tls") else { return };
    serve(&world.far, 443, &[&rustls::version::TLS13]);
    serve(&world.far, 444, &[&rustls::version::TLS12]);
    let tls = |id: &str, port: u16, name: Option<&str>| json!({"id": id, "kind": "tls", "host": "10.9.0.9", "port": port, "serverName": name});
    let probes = json!([
        tls("1.3", 443, None),
        tls("1.3 by name", 443, Some("good.test")),
        tls("1.2", 444, None),
        tls("1.2 by name", 444, Some("good.test")),
        tls("closed", 445, None),
    ]);
    let answers = probe(&world.near, &probes, &[]);
    for id in ["1.3", "1.3 by name", "1.2", "1.2 by name"] {
        assert_eq!(answers.verdict(id), "ok - -", "{id}");
        assert_eq!(answers.of(id)["answer"]["tls"], "serverHello", "{id}");
    }
    assert_eq!(answers.verdict("closed"), "refused ECONNREFUSED 7");
}

//! A bare client: what goes over the wire, with nothing in between that asks or hides.

use std::sync::Arc;

use http_body_util::{BodyExt as _, Full};
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    client::conn::{http1, http2},
    header::{self, HeaderName},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use kubesim::{Config, KubeSim, MASTERS, User};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use serde::Deserialize;
use tokio::net::TcpStream;

const TOKEN: &str = "wire";

/// A configuration whose administrator is [`Wire`].
pub(crate) fn config() -> Config {
    let admin = User::new("wire", &[MASTERS]);
    Config { tokens: [(TOKEN.to_owned(), admin)].into(), ..Config::default() }
}

/// How clients ask for tables, without the objects.
pub(crate) const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";
/// How clients ask for metadata alone.
pub(crate) const PARTIAL: &str = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
/// As they are.
pub(crate) const JSON: &str = "application/json";

enum Sender {
    One(http1::SendRequest<Full<Bytes>>),
    Two(http2::SendRequest<Full<Bytes>>),
}

/// One connection.
pub(crate) struct Wire(Sender);

/// An answer whose body is still to come.
pub(crate) struct Answer(Response<Incoming>);

impl Answer {
    pub(crate) fn status(&self) -> StatusCode {
        self.0.status()
    }

    pub(crate) fn header(&self, name: HeaderName) -> &str {
        self.0.headers().get(name).map_or("", |value| value.to_str().expect("plain text"))
    }

    pub(crate) async fn bytes(self) -> Bytes {
        self.0.into_body().collect().await.expect("an answer").to_bytes()
    }

    /// The size of the body, which is not kept.
    pub(crate) async fn size(self) -> usize {
        let (mut body, mut size) = (self.0.into_body(), 0);
        while let Some(frame) = body.frame().await {
            size += frame.expect("an answer").data_ref().map_or(0, Bytes::len);
        }
        size
    }
}

impl Wire {
    /// Connects over HTTP/1.1.
    pub(crate) async fn one(sim: &KubeSim) -> Self {
        let stream = connect(sim, b"http/1.1").await;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.expect("an answer");
        tokio::spawn(connection);
        Self(Sender::One(sender))
    }

    /// Connects over HTTP/2.
    pub(crate) async fn two(sim: &KubeSim) -> Self {
        let stream = connect(sim, b"h2").await;
        let io = TokioIo::new(stream);
        let (sender, connection) =
            http2::handshake(TokioExecutor::new(), io).await.expect("an answer");
        tokio::spawn(connection);
        Self(Sender::Two(sender))
    }

    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        accept: &str,
        extra: HeaderMap,
    ) -> Answer {
        let mut request = Request::new(Full::default());
        *request.method_mut() = method;
        *request.uri_mut() = match &self.0 {
            Sender::One(_) => path.parse().expect("plain text"),
            Sender::Two(_) => format!("https://kubernetes{path}").parse().expect("plain text"),
        };
        let headers = request.headers_mut();
        headers.extend(extra);
        headers.insert(header::HOST, "kubernetes".parse().expect("plain text"));
        headers.insert(header::ACCEPT, accept.parse().expect("plain text"));
        headers
            .insert(header::AUTHORIZATION, format!("Bearer {TOKEN}").parse().expect("plain text"));
        let response = match &mut self.0 {
            Sender::One(sender) => {
                sender.ready().await.expect("an answer");
                sender.send_request(request).await
            }
            Sender::Two(sender) => sender.send_request(request).await,
        };
        Answer(response.expect("an answer"))
    }

    pub(crate) async fn get(&mut self, path: &str, accept: &str) -> Answer {
        self.send(Method::GET, path, accept, HeaderMap::new()).await
    }

    /// Reads a list page by page, and gives each page to `see`; gives the bytes of all.
    pub(crate) async fn pages(
        &mut self,
        path: &str,
        limit: usize,
        accept: &str,
        mut see: impl FnMut(&[u8]),
    ) -> usize {
        #[derive(Deserialize)]
        struct Page {
            metadata: Metadata,
        }
        #[derive(Deserialize)]
        struct Metadata {
            #[serde(rename = "continue", default)]
            resume: String,
        }
        let (mut total, mut resume) = (0, String::new());
        let with = if path.contains('?') { '&' } else { '?' };
        loop {
            let page = format!("{path}{with}limit={limit}&continue={resume}");
            let answer = self.get(&page, accept).await;
            assert_eq!(answer.status(), StatusCode::OK);
            assert_eq!(answer.header(header::CONTENT_TYPE), "application/json");
            let bytes = answer.bytes().await;
            total += bytes.len();
            see(&bytes);
            resume =
                serde_json::from_slice::<Page>(&bytes).expect("valid settings").metadata.resume;
            if resume.is_empty() {
                return total;
            }
        }
    }
}

async fn connect(sim: &KubeSim, protocol: &[u8]) -> tokio_rustls::client::TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(sim.authority().as_bytes()).expect("valid settings"))
        .expect("valid settings");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("valid settings")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let url = sim.url();
    let stream = TcpStream::connect(url.strip_prefix("https://").expect("valid settings"))
        .await
        .expect("an answer");
    let name = ServerName::try_from("kubernetes").expect("valid settings");
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let stream = connector.connect(name, stream).await.expect("an answer");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(protocol));
    stream
}

//! A client of one API server: one connection, one request after the other.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use serde_json::Value;
use tokio::{net::TcpStream, sync::Mutex, time::timeout};
use tokio_rustls::TlsConnector;

use crate::{kubeconfig::Access, object::text};

const PATIENCE: Duration = Duration::from_secs(30);

/// A connection to a server.
#[derive(Debug)]
pub(crate) struct Client {
    host: String,
    sender: Mutex<http1::SendRequest<Full<Bytes>>>,
}

/// What a server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The HTTP status code.
    pub code: u16,
    /// The body: an object, or the text of whatever is none.
    pub body: Value,
}

impl Answer {
    /// The object, or the server's complaint as an error.
    pub(crate) fn ok(self) -> Result<Value> {
        if (200..300).contains(&self.code) {
            return Ok(self.body);
        }
        match (text(&self.body, &["message"]), self.body.as_str()) {
            ("", Some(text)) => bail!("{}: {}", self.code, text.trim()),
            (message, _) => bail!("{}: {message}", self.code),
        }
    }
}

impl Client {
    /// Connects as whom `access` says.
    pub(crate) async fn connect(access: &Access) -> Result<Self> {
        let host = access.server.strip_prefix("https://").context("the server speaks https")?;
        let tls = TlsConnector::from(Arc::new(access.identity.client(&access.authority)?));
        let stream =
            TcpStream::connect(host).await.with_context(|| format!("connect to {host}"))?;
        let address = stream.peer_addr()?.ip();
        let stream = tls.connect(ServerName::IpAddress(address.into()), stream).await?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // It ends with the sender, and whatever breaks it the sender hears of.
        tokio::spawn(connection);
        Ok(Self { host: host.to_owned(), sender: Mutex::new(sender) })
    }

    /// One request. What a PATCH sends is merged.
    pub(crate) async fn call(
        &self,
        verb: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer> {
        let content_type =
            if verb == "PATCH" { "application/merge-patch+json" } else { "application/json" };
        let bytes = body.map(serde_json::to_vec).transpose()?.unwrap_or_default();
        let request = Request::builder()
            .method(verb)
            .uri(path)
            .header(header::HOST, &self.host)
            .header(header::CONTENT_TYPE, content_type)
            .header(header::ACCEPT, "application/json")
            .body(Full::new(Bytes::from(bytes)))?;
        let exchange = async {
            let mut sender = self.sender.lock().await;
            sender.ready().await?;
            let response = sender.send_request(request).await?;
            let code = response.status().as_u16();
            let bytes = response.into_body().collect().await?.to_bytes();
            let body = serde_json::from_slice(&bytes)
                .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
            anyhow::Ok(Answer { code, body })
        };
        timeout(PATIENCE, exchange)
            .await
            .with_context(|| format!("no answer for {} s", PATIENCE.as_secs()))?
            .with_context(|| format!("{verb} {path}"))
    }
}

//! A relay on loopback that counts what the server sends through it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// Connections through it end with it.
pub(crate) struct Relay {
    port: u16,
    received: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Relay {
    /// In front of the server at that address.
    pub(crate) async fn to(server: &str) -> Self {
        Self::at("127.0.0.1", Greeting::None, server).await
    }

    /// The same at another address of loopback.
    pub(crate) async fn at(host: &str, greeting: Greeting, server: &str) -> Self {
        let listener = TcpListener::bind((host, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let received = Arc::new(AtomicU64::new(0));
        let server = server.to_owned();
        let task = tokio::spawn(accept(listener, greeting, server, Arc::clone(&received)));
        Self { port, received, task }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// Bytes that came from the server, as they were on the wire.
    pub(crate) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What comes before the connection is the server's.
#[derive(Clone, Copy)]
pub(crate) enum Greeting {
    None,
    /// `CONNECT` to whatever host: an HTTP proxy that knows one server only.
    Connect,
}

/// Answers a request for a connection.
async fn greet(client: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await.unwrap());
    }
    assert!(head.starts_with(b"CONNECT "), "{}", String::from_utf8_lossy(&head));
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
}

async fn accept(
    listener: TcpListener,
    greeting: Greeting,
    server: String,
    received: Arc<AtomicU64>,
) {
    while let Ok((mut client, _)) = listener.accept().await {
        if let Greeting::Connect = greeting {
            greet(&mut client).await;
        }
        let server = TcpStream::connect(&server).await.unwrap();
        let received = Arc::clone(&received);
        tokio::spawn(async move {
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = server.into_split();
            tokio::join!(
                pass_on(from_client, to_server, None),
                pass_on(from_server, to_client, Some(&received)),
            );
        });
    }
}

async fn pass_on(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    counter: Option<&AtomicU64>,
) {
    let mut buffer = vec![0; 64 * 1024];
    // Whichever side ends or resets the connection: the other learns it by the drop of `to`.
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        if let Some(counter) = counter {
            counter.fetch_add(length as u64, Ordering::Relaxed);
        }
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

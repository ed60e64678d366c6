//! Answers echo probes, and counts them.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kcilium_core::probe::{Heard, Served, Transport};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::echo_message::{HEADER, answer, length};
use crate::netlink;

/// Longest datagram that comes back, bytes: a jumbo frame.
const DATAGRAM: usize = 10 * 1024;
/// Longest message over TCP, bytes.
const MESSAGE: usize = 16 * 1024;
/// Connections at once; further ones wait in the kernel's queue.
const CONNECTIONS: usize = 64;
/// How long a connection may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Senders that are told apart.
const SENDERS: usize = 64;
/// Addresses of this host that are listened at, each with a socket of its own.
const ADDRESSES: usize = 128;

/// A server that listens. It ends when it is dropped.
pub(super) struct EchoServer {
    port: u16,
    served: Arc<Mutex<Served>>,
    /// Aborted when dropped.
    _tasks: JoinSet<()>,
}

impl EchoServer {
    /// Listens at a port of all addresses, over TCP and UDP; at a free one for port 0.
    pub(super) async fn start(port: u16) -> io::Result<Self> {
        let listener = listen(port).await?;
        let port = listener.local_addr()?.port();
        let served = Arc::new(Mutex::new(Served { port, ..Served::default() }));
        let mut tasks = JoinSet::new();
        for socket in datagram_sockets(port).await? {
            tasks.spawn(echo_datagrams(socket, Arc::clone(&served)));
        }
        tasks.spawn(accept(listener, Arc::clone(&served)));
        Ok(Self { port, served, _tasks: tasks })
    }

    /// The port.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// What was heard up to now.
    pub(super) fn served(&self) -> Served {
        self.served.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Of IPv6's wildcard address both families are heard, where there is IPv6.
async fn listen(port: u16) -> io::Result<TcpListener> {
    match TcpListener::bind(SocketAddr::from(([0_u16; 8], port))).await {
        Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
            TcpListener::bind(SocketAddr::from(([0_u8; 4], port))).await
        }
        other => other,
    }
}

/// One for each address: what is answered at a wildcard address leaves with the address that the
/// route prefers, and who asked another one does not take it for an answer.
async fn datagram_sockets(port: u16) -> io::Result<Vec<UdpSocket>> {
    let addresses = netlink::addresses().await.unwrap_or_default();
    let plain = |address: &IpAddr| match address {
        IpAddr::V4(_) => true,
        IpAddr::V6(v6) => !v6.is_unicast_link_local(),
    };
    let addresses = addresses.into_iter().map(|found| found.address).filter(plain);
    let mut sockets = Vec::new();
    for address in addresses.take(ADDRESSES) {
        match UdpSocket::bind(SocketAddr::new(address, port)).await {
            Ok(socket) => sockets.push(socket),
            // An address that has gone, or is not there yet.
            Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => {}
            Err(error) => return Err(error),
        }
    }
    Ok(sockets)
}

async fn echo_datagrams(socket: UdpSocket, served: Arc<Mutex<Served>>) {
    let mut buffer = vec![0; DATAGRAM];
    loop {
        // An error is a sender's: its port is closed by now.
        let Ok((received, sender)) = socket.recv_from(&mut buffer).await else {
            tokio::task::yield_now().await;
            continue;
        };
        let message = &mut buffer[..received];
        if length(message) != Some(received) {
            count(&served, None);
            continue;
        }
        count(&served, Some((sender, Transport::Udp)));
        answer(message, sender);
        // Whoever asks again is answered again.
        let _ = socket.send_to(message, sender).await;
    }
}

async fn accept(listener: TcpListener, served: Arc<Mutex<Served>>) {
    let mut connections = JoinSet::new();
    loop {
        if connections.len() >= CONNECTIONS {
            connections.join_next().await;
        }
        match listener.accept().await {
            Ok((stream, sender)) => {
                let served = Arc::clone(&served);
                connections.spawn(async move {
                    let echoed = timeout(PATIENCE, echo_stream(stream, sender)).await;
                    let is_probe = matches!(echoed, Ok(Ok(true)));
                    count(&served, is_probe.then_some((sender, Transport::Tcp)));
                });
            }
            // No descriptors left, most likely.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
        while connections.try_join_next().is_some() {}
    }
}

/// Whether it was a probe.
async fn echo_stream(mut stream: TcpStream, sender: SocketAddr) -> io::Result<bool> {
    let mut message = vec![0; HEADER];
    stream.read_exact(&mut message).await?;
    let Some(length) = length(&message).filter(|length| *length <= MESSAGE) else {
        return Ok(false);
    };
    message.resize(length, 0);
    stream.read_exact(&mut message[HEADER..]).await?;
    answer(&mut message, sender);
    stream.write_all(&message).await?;
    Ok(true)
}

fn count(served: &Mutex<Served>, sender: Option<(SocketAddr, Transport)>) {
    let mut served = served.lock().unwrap_or_else(PoisonError::into_inner);
    let Some((sender, transport)) = sender else {
        served.others += 1;
        return;
    };
    let from = sender.ip().to_canonical();
    let is_it = |heard: &&mut Heard| heard.from == from && heard.transport == transport;
    if let Some(heard) = served.heard.iter_mut().find(is_it) {
        heard.messages += 1;
    } else if served.heard.len() < SENDERS {
        served.heard.push(Heard { from, transport, messages: 1 });
    } else {
        served.others += 1;
    }
}

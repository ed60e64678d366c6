//! Connections that end as if the network had eaten them.

use std::{io, net, sync::Mutex, time::Duration};

use socket2::SockRef;
use tokio::{net::TcpStream, sync::Notify};

/// Resets a TCP connection, whatever is spoken over it.
#[derive(Debug)]
pub(crate) struct Breaker {
    /// A second handle, since TLS and HTTP own the first one; none once it is broken.
    socket: Mutex<Option<net::TcpStream>>,
    broken: Notify,
}

impl Breaker {
    /// For this connection.
    pub(crate) fn of(stream: TcpStream) -> io::Result<(TcpStream, Self)> {
        let stream = stream.into_std()?;
        let socket = Mutex::new(Some(stream.try_clone()?));
        let breaker = Self { socket, broken: Notify::new() };
        Ok((TcpStream::from_std(stream)?, breaker))
    }

    /// Makes the end of the connection a reset, and asks for the end.
    pub(crate) fn reset(&self) {
        let mut socket = self.socket.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(socket) = socket.take() {
            // Without lingering, closing the last handle sends RST rather than FIN. If that can't
            // be had, the client sees an end at least.
            let _ = SockRef::from(&socket).set_linger(Some(Duration::ZERO));
        }
        self.broken.notify_one();
    }

    /// Waits until the end is asked for.
    pub(crate) async fn broken(&self) {
        self.broken.notified().await;
    }
}

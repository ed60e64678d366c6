//! Connections.

use std::net::SocketAddr;

use kcilium_core::probe::Phase;
use tokio::net::TcpStream;

use super::attempt::{Attempt, Failure};

/// Connects. The connection ends when it is dropped.
pub(super) async fn connect(attempt: &mut Attempt, peer: SocketAddr) -> Result<TcpStream, Failure> {
    attempt.go_to(peer.ip()).await;
    let stream = attempt.step(Phase::Connect, TcpStream::connect(peer)).await?;
    attempt.leaves_from(&stream.local_addr());
    Ok(stream)
}

//! Messages to an echo server.

use std::net::SocketAddr;

use kcilium_core::probe::{Answer, Echoed, Outcome, Phase, Transport};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Duration, Instant, timeout};

use super::attempt::{Attempt, Failure, connected};
use super::echo_message::{number, question, seen_as};
use super::tcp::connect;

/// How often a datagram is sent; each lost one is repeated.
const TRIES: u32 = 3;

/// Sends a message of that many bytes, and waits for it to come back.
pub(super) async fn echo(
    attempt: &mut Attempt,
    peer: SocketAddr,
    transport: Transport,
    bytes: u16,
) -> Result<(), Failure> {
    let seen_as = match transport {
        Transport::Udp => over_udp(attempt, peer, bytes).await?,
        Transport::Tcp => over_tcp(attempt, peer, bytes).await?,
    };
    let Some(seen_as) = seen_as else {
        let why = "what came back is no echo";
        return Err(Failure::told(Outcome::Unexpected, Phase::Answer, why));
    };
    attempt.answer = Some(Answer::Echo(Echoed { seen_as }));
    Ok(())
}

async fn over_tcp(
    attempt: &mut Attempt,
    peer: SocketAddr,
    bytes: u16,
) -> Result<Option<SocketAddr>, Failure> {
    let mut stream = connect(attempt, peer).await?;
    let number = number(&stream);
    let mut message = question(bytes, number);
    let exchange = async {
        stream.write_all(&message).await?;
        stream.read_exact(&mut message).await?;
        Ok(seen_as(&message, number))
    };
    attempt.step(Phase::Answer, exchange).await
}

async fn over_udp(
    attempt: &mut Attempt,
    peer: SocketAddr,
    bytes: u16,
) -> Result<Option<SocketAddr>, Failure> {
    attempt.go_to(peer.ip()).await;
    let socket = attempt.step(Phase::Answer, connected(peer)).await?;
    attempt.leaves_from(&socket.local_addr());
    let number = number(&socket);
    let message = question(bytes, number);
    let patience = attempt.limit.saturating_duration_since(Instant::now()) / TRIES;
    let exchange = async {
        let mut refused = None;
        for _ in 0..TRIES {
            socket.send(&message).await?;
            let mut buffer = vec![0; message.len()];
            match timeout(patience, socket.recv(&mut buffer)).await {
                Ok(Ok(length)) => return Ok(Ok(seen_as(&buffer[..length], number))),
                // A server that is only just starting, or a route that is only just there.
                Ok(Err(error)) => {
                    refused = Some(error);
                    tokio::time::sleep(patience.min(Duration::from_millis(50))).await;
                }
                Err(_) => {}
            }
        }
        Ok(Err(refused))
    };
    match attempt.step(Phase::Answer, exchange).await? {
        Ok(seen_as) => Ok(seen_as),
        Err(None) => Err(Failure::timeout(Phase::Answer)),
        Err(Some(error)) => Err(Failure::system(Phase::Answer, &error)),
    }
}

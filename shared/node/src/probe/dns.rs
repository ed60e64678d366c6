//! Questions to DNS servers.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use kcilium_core::probe::{Answer, DnsAnswer, Outcome, Phase, RecordType, Transport};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout};

use super::attempt::{Attempt, Failure, connected};
use super::dns_message::{answer, is_answer, question};
use super::tcp::connect;

/// How often a question is put over UDP; each lost one is repeated.
const TRIES: u32 = 3;
/// The largest datagram that is read: no larger ones are asked for.
const DATAGRAM: usize = 4096;

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub(super) name: &'a str,
    pub(super) record: RecordType,
    pub(super) transport: Transport,
}

/// Asks a server, and judges what it says; the answer stays in the attempt.
pub(super) async fn ask(
    attempt: &mut Attempt,
    server: SocketAddr,
    asked: Asked<'_>,
    expect: &[IpAddr],
) -> Result<DnsAnswer, Failure> {
    static ID: AtomicU16 = AtomicU16::new(1);
    let id = ID.fetch_add(1, Ordering::Relaxed);
    let Some(message) = question(id, asked.name, asked.record) else {
        return Err(Failure::told(Outcome::Failed, Phase::Answer, "the name is too long for DNS"));
    };
    let reply = match asked.transport {
        Transport::Udp => over_udp(attempt, server, id, &message).await?,
        Transport::Tcp => over_tcp(attempt, server, id, &message).await?,
    };
    let Some(answer) = answer(&reply) else {
        let why = "what came back is not DNS";
        return Err(Failure::told(Outcome::Unexpected, Phase::Answer, why));
    };
    attempt.answer = Some(Answer::Dns(answer.clone()));
    judge(&answer, expect)?;
    Ok(answer)
}

fn judge(answer: &DnsAnswer, expect: &[IpAddr]) -> Result<(), Failure> {
    let failed = |outcome, why| Failure::told(outcome, Phase::Answer, why);
    answer
        .has_address(!answer.addresses.is_empty())
        .map_err(|why| failed(Outcome::NoSuchName, why))?;
    let is_expected = expect.is_empty() || answer.addresses.iter().any(|it| expect.contains(it));
    if answer.truncated || is_expected {
        return Ok(());
    }
    let why = "the answer holds none of the expected addresses".to_owned();
    Err(failed(Outcome::Unexpected, why))
}

async fn over_udp(
    attempt: &mut Attempt,
    server: SocketAddr,
    id: u16,
    message: &[u8],
) -> Result<Vec<u8>, Failure> {
    attempt.go_to(server.ip()).await;
    let socket = attempt.step(Phase::Answer, connected(server)).await?;
    attempt.leaves_from(&socket.local_addr());
    let patience = attempt.limit.saturating_duration_since(Instant::now()) / TRIES;
    let exchange = async {
        let mut refused = None;
        for _ in 0..TRIES {
            socket.send(message).await?;
            match timeout(patience, listen(&socket, id)).await {
                Ok(Ok(reply)) => return Ok(reply),
                // The word of a router that the question did not reach: the next one may.
                Ok(Err(error)) => {
                    refused = Some(error);
                    tokio::time::sleep(patience.min(Duration::from_millis(50))).await;
                }
                Err(_) => {}
            }
        }
        Err(refused.unwrap_or_else(|| io::ErrorKind::TimedOut.into()))
    };
    match attempt.step(Phase::Answer, exchange).await {
        // Ours, not the kernel's.
        Err(failure) if failure.errno.is_none() => Err(Failure::timeout(Phase::Answer)),
        other => other,
    }
}

/// The answer, among whatever else arrives.
async fn listen(socket: &UdpSocket, id: u16) -> io::Result<Vec<u8>> {
    let mut buffer = vec![0; DATAGRAM];
    loop {
        let length = socket.recv(&mut buffer).await?;
        if is_answer(&buffer[..length], id) {
            buffer.truncate(length);
            return Ok(buffer);
        }
    }
}

async fn over_tcp(
    attempt: &mut Attempt,
    server: SocketAddr,
    id: u16,
    message: &[u8],
) -> Result<Vec<u8>, Failure> {
    let mut stream = connect(attempt, server).await?;
    let length = u16::try_from(message.len()).unwrap_or(u16::MAX);
    let framed = [&length.to_be_bytes()[..], message].concat();
    let exchange = async {
        stream.write_all(&framed).await?;
        let length = stream.read_u16().await?;
        let mut reply = vec![0; length.into()];
        stream.read_exact(&mut reply).await?;
        Ok(reply)
    };
    let reply = attempt.step(Phase::Answer, exchange).await?;
    if is_answer(&reply, id) {
        return Ok(reply);
    }
    Err(Failure::told(Outcome::Unexpected, Phase::Answer, "what came back is not DNS"))
}

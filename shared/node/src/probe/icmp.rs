//! Echo requests.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket as StdUdpSocket};
use std::time::Duration;

use kcilium_core::probe::{Outcome, Phase};
use rustix::io::Errno;
use rustix::net::{AddressFamily, Protocol, SocketFlags, SocketType, ipproto, socket_with};
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout};

use super::attempt::{Attempt, Failure, hear_routers};

/// Bytes before the payload: type, code, checksum, identifier, sequence number.
pub(super) const HEADER: usize = 8;
/// How often a peer is asked.
const TRIES: u16 = 3;
/// Payload, as ping sends it.
const PAYLOAD: usize = 56;

/// A socket for echo requests to one peer.
pub(super) struct Pinger {
    socket: UdpSocket,
    peer: IpAddr,
    /// Requests that this process sends at once differ in it, where the kernel does not see to that.
    identifier: u16,
    kind: SocketType,
}

impl Pinger {
    /// Kernels let groups of users send echo requests (`ping_group_range`); others need
    /// `CAP_NET_RAW`.
    pub(super) async fn to(peer: IpAddr, identifier: u16) -> io::Result<Self> {
        let (kind, socket) = match open(peer, SocketType::DGRAM) {
            Ok(socket) => (SocketType::DGRAM, socket),
            Err(Errno::ACCESS | Errno::PERM | Errno::PROTONOSUPPORT) => {
                (SocketType::RAW, open(peer, SocketType::RAW)?)
            }
            Err(error) => return Err(error.into()),
        };
        // Both kinds are read and written as a datagram socket of UDP is.
        let socket = UdpSocket::from_std(socket)?;
        hear_routers(&socket, peer)?;
        socket.connect(SocketAddr::new(peer, 0)).await?;
        Ok(Self { socket, peer, identifier, kind })
    }

    /// The socket, for its options.
    pub(super) fn socket(&self) -> &UdpSocket {
        &self.socket
    }

    /// Sends a request with a payload of that many bytes.
    pub(super) async fn send(&self, sequence: u16, payload: usize) -> io::Result<()> {
        let kind = if self.peer.is_ipv4() { 8 } else { 128 };
        let mut message = vec![kind, 0, 0, 0];
        message.extend(self.identifier.to_be_bytes());
        message.extend(sequence.to_be_bytes());
        message.resize(HEADER + payload, b'k');
        // Of IPv6's the kernel takes care: it covers addresses that are not known here.
        if self.peer.is_ipv4() {
            let sum = checksum(&message);
            message[2..4].copy_from_slice(&sum.to_be_bytes());
        }
        self.socket.send(&message).await.map(|_| ())
    }

    /// The sequence number of the next reply to a request of this socket.
    pub(super) async fn receive(&self, buffer: &mut [u8]) -> io::Result<u16> {
        loop {
            let length = self.socket.recv(buffer).await?;
            let message = self.without_ip_header(&buffer[..length]);
            let expected = if self.peer.is_ipv4() { 0 } else { 129 };
            if let [kind, 0, _, _, id_high, id_low, high, low, ..] = *message
                && kind == expected
                && (self.kind == SocketType::DGRAM
                    || u16::from_be_bytes([id_high, id_low]) == self.identifier)
            {
                return Ok(u16::from_be_bytes([high, low]));
            }
        }
    }

    /// Raw sockets of IPv4 get whole packets.
    fn without_ip_header<'a>(&self, packet: &'a [u8]) -> &'a [u8] {
        if self.kind == SocketType::DGRAM || self.peer.is_ipv6() {
            return packet;
        }
        let words = packet.first().map_or(0, |byte| byte & 0xf);
        packet.get(usize::from(words) * 4..).unwrap_or_default()
    }
}

fn open(peer: IpAddr, kind: SocketType) -> Result<StdUdpSocket, Errno> {
    let (family, protocol): (_, Protocol) = match peer {
        IpAddr::V4(_) => (AddressFamily::INET, ipproto::ICMP),
        IpAddr::V6(_) => (AddressFamily::INET6, ipproto::ICMPV6),
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    socket_with(family, kind, flags, Some(protocol)).map(StdUdpSocket::from)
}

/// The internet checksum (RFC 1071).
fn checksum(message: &[u8]) -> u16 {
    let words = message.chunks(2).map(|pair| {
        u32::from(u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or_default()]))
    });
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or_default()
}

/// Pings.
pub(super) async fn ping(
    attempt: &mut Attempt,
    peer: IpAddr,
    identifier: u16,
) -> Result<(), Failure> {
    attempt.go_to(peer).await;
    let pinger = attempt.step(Phase::Answer, Pinger::to(peer, identifier)).await;
    let pinger = pinger.map_err(|failure| Failure {
        why: (failure.outcome == Outcome::Denied)
            .then(|| "echo requests need CAP_NET_RAW, or net.ipv4.ping_group_range".into()),
        ..failure
    })?;
    attempt.leaves_from(&pinger.socket().local_addr());
    let patience = attempt.limit.saturating_duration_since(Instant::now()) / TRIES.into();
    let exchange = async {
        let mut refused = None;
        let mut buffer = [0; 256];
        for sequence in 1..=TRIES {
            pinger.send(sequence, PAYLOAD).await?;
            match timeout(patience, pinger.receive(&mut buffer)).await {
                Ok(Ok(_)) => return Ok(None),
                Ok(Err(error)) => {
                    refused = Some(error);
                    tokio::time::sleep(patience.min(Duration::from_millis(50))).await;
                }
                Err(_) => {}
            }
        }
        Ok(Some(refused))
    };
    match attempt.step(Phase::Answer, exchange).await? {
        None => Ok(()),
        Some(None) => Err(Failure::timeout(Phase::Answer)),
        Some(Some(error)) => Err(Failure::system(Phase::Answer, &error)),
    }
}

#[cfg(test)]
mod tests {
    use super::checksum;

    #[test]
    fn a_message_with_its_checksum_sums_up_to_nothing() {
        for length in [8, 9, 64, 1473] {
            let mut message = vec![0x5a; length];
            message[2..4].fill(0);
            let sum = checksum(&message);
            message[2..4].copy_from_slice(&sum.to_be_bytes());
            assert_eq!(checksum(&message), 0, "{length} bytes");
        }
    }
}

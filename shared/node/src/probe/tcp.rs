//! Connections.

use std::{
    io::{self, IoSliceMut},
    net::{IpAddr, SocketAddr},
    os::fd::{AsFd as _, AsRawFd as _, BorrowedFd},
};

use kcilium_core::probe::{Outcome, Phase};
use nix::{
    cmsg_space,
    libc::{SO_EE_ORIGIN_ICMP, SO_EE_ORIGIN_ICMP6, sock_extended_err, sockaddr_in6},
    sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg},
};
use tokio::net::{TcpSocket, TcpStream};

use super::attempt::{Attempt, Failure, hear_routers};

/// Connects. The connection ends when it is dropped.
pub(super) async fn connect(attempt: &mut Attempt, peer: SocketAddr) -> Result<TcpStream, Failure> {
    attempt.go_to(peer.ip()).await;
    let failed = |error| Failure::system(Phase::Connect, &error);
    let socket = socket(peer.ip()).map_err(failed)?;
    // It is gone when connecting fails, and with it what the kernel was told.
    let kept = socket.as_fd().try_clone_to_owned().map_err(failed)?;
    let stream = match attempt.step(Phase::Connect, socket.connect(peer)).await {
        Err(refused) if refused.outcome == Outcome::Refused => {
            return Err(match told_by_icmp(kept.as_fd()) {
                Some(by) => in_peers_name(refused, &by),
                None => refused,
            });
        }
        other => other?,
    };
    attempt.leaves_from(&stream.local_addr());
    Ok(stream)
}

fn socket(peer: IpAddr) -> io::Result<TcpSocket> {
    let socket = if peer.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    hear_routers(&socket, peer)?;
    Ok(socket)
}

/// A closed port answers with a reset, and never with ICMP: that is a firewall's word, such as
/// `-j REJECT`, whoever it stands for.
fn in_peers_name(refused: Failure, by: &str) -> Failure {
    let why = format!("{by} answers with ICMP that there is no such port: a firewall refuses it");
    Failure { outcome: Outcome::Unreachable, why: Some(why), ..refused }
}

/// Who sent the ICMP message by which a connection was ended; `None` where it was none. Kernels before
/// 5.9 keep it from sockets of TCP that connect.
fn told_by_icmp(socket: BorrowedFd<'_>) -> Option<String> {
    let mut space = cmsg_space!(sock_extended_err, sockaddr_in6);
    let mut payload = [0; 64];
    let mut payload = [IoSliceMut::new(&mut payload)];
    let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
    let told =
        recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut payload, Some(&mut space), flags);
    told.ok()?.cmsgs().ok()?.find_map(|message| match message {
        ControlMessageOwned::Ipv4RecvErr(error, from) if error.ee_origin == SO_EE_ORIGIN_ICMP => {
            let from = from.map(|from| u32::from_be(from.sin_addr.s_addr).into());
            Some(sender(from.map(IpAddr::V4)))
        }
        ControlMessageOwned::Ipv6RecvErr(error, from) if error.ee_origin == SO_EE_ORIGIN_ICMP6 => {
            let from = from.map(|from| from.sin6_addr.s6_addr.into());
            Some(sender(from.map(IpAddr::V6)))
        }
        _ => None,
    })
}

fn sender(address: Option<IpAddr>) -> String {
    address.map_or_else(|| "somebody".into(), |address| address.to_string())
}

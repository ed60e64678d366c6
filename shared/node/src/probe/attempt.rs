//! One attempt to reach a peer, and how it may fail.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd;

use kcilium_core::facts::LookupAnswer;
use kcilium_core::probe::{Answer, Outcome, Phase, SystemError, Way};
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::{Ipv4RecvErr, Ipv6RecvErr};
use rustix::io::Errno;
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};

use crate::netlink;
use crate::unavailable::plain;

/// What is known of an attempt so far; what it found stays when it fails.
#[derive(Debug)]
pub(super) struct Attempt {
    /// When it is given up.
    pub(super) limit: Instant,
    /// The address that it goes to.
    pub(super) peer: Option<IpAddr>,
    /// The way there.
    pub(super) way: Option<Way>,
    /// What came back.
    pub(super) answer: Option<Answer>,
}

/// Why an attempt did not get what it asks for.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) outcome: Outcome,
    pub(super) phase: Option<Phase>,
    pub(super) errno: Option<SystemError>,
    pub(super) why: Option<String>,
}

impl Attempt {
    pub(super) fn until(limit: Instant) -> Self {
        Self { limit, peer: None, way: None, answer: None }
    }

    /// Settles on an address, and asks the kernel for the way there.
    pub(super) async fn go_to(&mut self, peer: IpAddr) {
        self.peer = Some(peer);
        let lookups = netlink::look_up(&[peer]).await.unwrap_or_default();
        self.way = lookups.into_iter().find_map(|lookup| match lookup.answer {
            LookupAnswer::Route { link, gateway, source, .. } => {
                Some(Way { source, link: Some(link), gateway })
            }
            LookupAnswer::Refused(_) => None,
        });
    }

    /// The socket's own word about its address wins over the kernel's answer.
    pub(super) fn leaves_from(&mut self, local: &io::Result<SocketAddr>) {
        if let Ok(local) = local
            && !local.ip().is_unspecified()
        {
            self.way.get_or_insert_default().source = Some(local.ip());
        }
    }

    /// Waits for a step, no longer than the attempt may take.
    pub(super) async fn step<T>(
        &self,
        phase: Phase,
        work: impl Future<Output = io::Result<T>>,
    ) -> Result<T, Failure> {
        match timeout_at(self.limit, work).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(Failure::system(phase, &error)),
            Err(_) => Err(Failure::timeout(phase)),
        }
    }
}

impl Failure {
    /// Nothing came back in time.
    pub(super) fn timeout(phase: Phase) -> Self {
        Self { outcome: Outcome::Timeout, phase: Some(phase), errno: None, why: None }
    }

    /// Something else came back than was asked for, or nothing to work with was there.
    pub(super) fn told(outcome: Outcome, phase: Phase, why: impl Into<String>) -> Self {
        Self { outcome, phase: Some(phase), errno: None, why: Some(why.into()) }
    }

    /// The kernel said no.
    pub(super) fn system(phase: Phase, error: &io::Error) -> Self {
        let errno = Errno::from_io_error(error);
        let outcome = match errno {
            Some(Errno::CONNREFUSED) => Outcome::Refused,
            Some(Errno::CONNRESET | Errno::PIPE) => Outcome::Reset,
            Some(Errno::TIMEDOUT) => Outcome::Timeout,
            Some(Errno::NETUNREACH | Errno::HOSTUNREACH | Errno::NETDOWN | Errno::HOSTDOWN) => {
                Outcome::Unreachable
            }
            Some(Errno::PERM | Errno::ACCESS) => Outcome::Denied,
            None if error.kind() == io::ErrorKind::UnexpectedEof => Outcome::Reset,
            _ => Outcome::Failed,
        };
        Self {
            outcome,
            phase: Some(phase),
            errno: errno.map(|errno| SystemError {
                number: errno.raw_os_error(),
                name: name(errno).into(),
                text: plain(error),
            }),
            why: errno.is_none().then(|| error.to_string()),
        }
    }
}

/// The names of errors that probes meet.
fn name(errno: Errno) -> &'static str {
    match errno {
        Errno::PERM => "EPERM",
        Errno::ACCESS => "EACCES",
        Errno::INVAL => "EINVAL",
        Errno::MFILE => "EMFILE",
        Errno::PIPE => "EPIPE",
        Errno::MSGSIZE => "EMSGSIZE",
        Errno::NOBUFS => "ENOBUFS",
        Errno::AFNOSUPPORT => "EAFNOSUPPORT",
        Errno::ADDRINUSE => "EADDRINUSE",
        Errno::ADDRNOTAVAIL => "EADDRNOTAVAIL",
        Errno::NETDOWN => "ENETDOWN",
        Errno::NETUNREACH => "ENETUNREACH",
        Errno::CONNRESET => "ECONNRESET",
        Errno::TIMEDOUT => "ETIMEDOUT",
        Errno::CONNREFUSED => "ECONNREFUSED",
        Errno::HOSTDOWN => "EHOSTDOWN",
        Errno::HOSTUNREACH => "EHOSTUNREACH",
        _ => "",
    }
}

/// Has a socket hear of routers that cannot deliver (`EHOSTUNREACH`, `ENETUNREACH`), and who they are.
/// Without it the kernel keeps that from datagram sockets: it may be better soon.
pub(super) fn hear_routers(socket: &impl AsFd, peer: IpAddr) -> io::Result<()> {
    match peer {
        IpAddr::V4(_) => setsockopt(&socket.as_fd(), Ipv4RecvErr, &true)?,
        IpAddr::V6(_) => setsockopt(&socket.as_fd(), Ipv6RecvErr, &true)?,
    }
    Ok(())
}

/// A datagram socket that hears one peer only, and routers about it.
pub(super) async fn connected(peer: SocketAddr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(anywhere(peer.ip())).await?;
    hear_routers(&socket, peer.ip())?;
    socket.connect(peer).await?;
    Ok(socket)
}

/// The address of this host that stands for all of them, in the peer's family.
fn anywhere(peer: IpAddr) -> SocketAddr {
    let address = match peer {
        IpAddr::V4(_) => IpAddr::from([0; 4]),
        IpAddr::V6(_) => IpAddr::from([0; 16]),
    };
    SocketAddr::new(address, 0)
}

//! How large packets may be on the way to a peer.
//!
//! Packets of many sizes are sent at once, with DF set and past what the kernel has learnt about the
//! path (`IP_PMTUDISC_PROBE`); those that come back have fitted, there and back. Between the largest
//! of them and the smallest lost one further sizes are sent, until nothing is between.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use kcilium_core::facts::{Link, LinkName};
use kcilium_core::probe::{Answer, MtuVia, Outcome, PathMtu, Phase};
use rustix::io::Errno;
use rustix::net::sockopt::{
    Ipv4PathMtuDiscovery, Ipv6PathMtuDiscovery, ip_mtu, ipv6_mtu, set_ip_mtu_discover,
    set_ipv6_mtu_discover,
};
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};

use super::attempt::{Attempt, Failure, connected};
use super::echo_message::{question, seen_as};
use super::icmp::{self, Pinger};
use crate::netlink;

/// Sizes of whole packets that networks are known for: the least of IPv4 and IPv6, tunnels in
/// tunnels, VXLAN, WireGuard and PPPoE in Ethernet, Ethernet, clouds, jumbo frames.
const SIZES: [u32; 14] =
    [576, 1280, 1350, 1400, 1420, 1440, 1450, 1460, 1480, 1492, 1500, 4000, 8950, 9000];
/// Larger packets are not sent: loopback would take 64 KiB.
const LARGEST: u32 = 9216;
/// Sizes that are sent at once to narrow a gap.
const BETWEEN: u32 = 16;
/// How often each size is sent.
const TRIES: u32 = 3;
/// The least time that a later round waits for what does not come.
const PATIENCE: Duration = Duration::from_millis(300);
/// Header of UDP; ICMP's is as long.
const HEADER: u32 = 8;

/// Who answers, and by what an answer is told.
enum Prober {
    Icmp(Pinger),
    Echo(UdpSocket),
}

/// Walks the path.
pub(super) async fn walk(
    attempt: &mut Attempt,
    peer: IpAddr,
    via: MtuVia,
    identifier: u16,
) -> Result<(), Failure> {
    let port = match via {
        MtuVia::Icmp => 0,
        MtuVia::Echo { port } => port,
    };
    let peer = SocketAddr::new(peer, port);
    attempt.go_to(peer.ip()).await;
    let open = async {
        let prober = match via {
            MtuVia::Icmp => Prober::Icmp(Pinger::to(peer.ip(), identifier).await?),
            MtuVia::Echo { .. } => Prober::Echo(connected(peer).await?),
        };
        send_past_what_is_known(prober.socket(), peer.ip())?;
        Ok(prober)
    };
    let prober = attempt.step(Phase::Answer, open).await?;
    attempt.leaves_from(&prober.socket().local_addr());
    let link = match attempt.way.as_ref().and_then(|way| way.link.as_ref()) {
        Some(name) => mtu_of(name).await,
        None => None,
    };
    let known = known_mtu(prober.socket(), peer.ip());
    let route = known.filter(|route| Some(*route) != link);
    let top = link.or(route).unwrap_or(1500).min(LARGEST);

    let mut sizes: Vec<u32> = SIZES.iter().copied().chain(route).chain([top]).collect();
    sizes.retain(|size| *size <= top);

    let mut walk = Walk {
        prober,
        peer: peer.ip(),
        passed: BTreeSet::new(),
        there_and_back: None,
        told: false,
        error: None,
    };
    walk.round(&sizes, attempt.limit, None).await;
    let Some(mut passed) = walk.passed.last().copied() else {
        return Err(walk.error.map_or(Failure::timeout(Phase::Answer), |error| {
            Failure::system(Phase::Answer, &error)
        }));
    };
    let mut lost = sizes.into_iter().filter(|size| *size > passed).min();
    // As long as three times the first way there and back, for each of the tries.
    let patience = PATIENCE.max(walk.there_and_back.unwrap_or_default() * 3 * TRIES);
    while let Some(above) = lost
        && above > passed + 1
        && Instant::now() < attempt.limit
    {
        let step = (above - passed).div_ceil(BETWEEN + 1);
        let sizes = (1..).map(|index| passed + index * step).take_while(|size| *size < above);
        let sizes: Vec<u32> = sizes.collect();
        walk.round(&sizes, attempt.limit, Some(patience)).await;
        passed = walk.passed.last().copied().unwrap_or(passed).max(passed);
        lost = sizes.into_iter().filter(|size| *size > passed).min().or(lost);
    }
    let told = known_mtu(walk.prober.socket(), peer.ip());
    let told = told.filter(|told| walk.told || known.is_some_and(|known| *told < known));
    attempt.answer = Some(Answer::PathMtu(PathMtu { link, route, passed, lost, told }));
    // What is promised to everything that sends by this route.
    let promised = route.unwrap_or(top).min(top);
    if passed >= promised {
        return Ok(());
    }
    let why = match told {
        Some(told) => format!("packets of {promised} bytes are refused on the way: {told} pass"),
        None => format!("packets of {promised} bytes vanish: {passed} pass, and nobody says so"),
    };
    Err(Failure { outcome: Outcome::TooNarrow, phase: None, errno: None, why: Some(why) })
}

struct Walk {
    prober: Prober,
    peer: IpAddr,
    /// Sizes that came back.
    passed: BTreeSet<u32>,
    /// How long the first answer took.
    there_and_back: Option<Duration>,
    /// Whether a router asked for smaller packets.
    told: bool,
    /// What else was said.
    error: Option<io::Error>,
}

impl Walk {
    /// Sends all sizes, up to three times, until all are back or the time is over. After the first
    /// answers the rest is not waited for as long as for the first.
    async fn round(&mut self, sizes: &[u32], limit: Instant, patience: Option<Duration>) {
        let begin = Instant::now();
        let whole = limit.saturating_duration_since(begin);
        // The first round must hear of slow peers, and leaves half of the time to the others.
        let share = patience.unwrap_or(whole / 2).min(whole) / TRIES;
        for index in 1..=TRIES {
            for size in sizes {
                if !self.passed.contains(size)
                    && let Err(error) = self.prober.send(*size, self.peer).await
                {
                    self.note(error);
                }
            }
            let end = begin + share * index;
            while sizes.iter().any(|size| !self.passed.contains(size)) {
                match timeout_at(end, self.prober.receive(self.peer)).await {
                    Ok(Ok(size)) => {
                        self.passed.insert(size);
                        self.there_and_back.get_or_insert_with(|| begin.elapsed());
                    }
                    Ok(Err(error)) => self.note(error),
                    Err(_) => break,
                }
            }
        }
    }

    fn note(&mut self, error: io::Error) {
        if Errno::from_io_error(&error) == Some(Errno::MSGSIZE) {
            self.told = true;
        } else {
            self.error = Some(error);
        }
    }
}

impl Prober {
    fn socket(&self) -> &UdpSocket {
        match self {
            Self::Icmp(pinger) => pinger.socket(),
            Self::Echo(socket) => socket,
        }
    }

    /// Sends a packet of that size. The size is also its number.
    async fn send(&self, size: u32, peer: IpAddr) -> io::Result<()> {
        let payload = u16::try_from(size - ip_header(peer) - HEADER).unwrap_or(u16::MAX);
        match self {
            Self::Icmp(pinger) => {
                pinger.send(u16::try_from(size).unwrap_or_default(), payload.into()).await
            }
            Self::Echo(socket) => {
                socket.send(&question(payload, u64::from(size))).await.map(|_| ())
            }
        }
    }

    /// The size of the next packet that is back.
    async fn receive(&self, peer: IpAddr) -> io::Result<u32> {
        let mut buffer = vec![0; 10 * 1024];
        match self {
            Self::Icmp(pinger) => pinger.receive(&mut buffer).await.map(u32::from),
            Self::Echo(socket) => loop {
                let length = socket.recv(&mut buffer).await?;
                let size = u32::try_from(length).unwrap_or_default() + HEADER + ip_header(peer);
                if seen_as(&buffer[..length], u64::from(size)).is_some() {
                    return Ok(size);
                }
            },
        }
    }
}

fn ip_header(peer: IpAddr) -> u32 {
    if peer.is_ipv4() { 20 } else { 40 }
}

fn send_past_what_is_known(socket: &UdpSocket, peer: IpAddr) -> io::Result<()> {
    let set = match peer {
        IpAddr::V4(_) => set_ip_mtu_discover(socket, Ipv4PathMtuDiscovery::PROBE),
        IpAddr::V6(_) => set_ipv6_mtu_discover(socket, Ipv6PathMtuDiscovery::PROBE),
    };
    set.map_err(io::Error::from)
}

/// What the kernel knows of the path: what a router has told, else the route's MTU, else the
/// interface's.
fn known_mtu(socket: &UdpSocket, peer: IpAddr) -> Option<u32> {
    match peer {
        IpAddr::V4(_) => ip_mtu(socket).ok(),
        IpAddr::V6(_) => ipv6_mtu(socket).ok(),
    }
}

async fn mtu_of(name: &LinkName) -> Option<u32> {
    let links: Vec<Link> = netlink::links().await.unwrap_or_default();
    links.into_iter().find(|link| link.name == *name).map(|link| link.mtu)
}

const _: () = assert!(icmp::HEADER == HEADER as usize);

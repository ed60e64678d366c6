//! A DNS server for labs, over UDP and TCP: `names [--forward] [NAME=ADDRESS…]`.
//!
//! It knows these names. Of others, those of the cluster do not exist, and all else is at 1.1.1.1; with `--forward` the
//! servers of `/etc/resolv.conf` are asked, as CoreDNS asks them.

use std::{
    collections::HashMap,
    env, fs,
    io::{self, Read as _, Write as _},
    net::{IpAddr, Ipv4Addr, TcpListener, TcpStream, UdpSocket},
    sync::Arc,
    thread,
    time::Duration,
};

/// Where every other name leads.
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(1, 1, 1, 1);
/// How long a server is waited for: less than CoreDNS does.
const PATIENCE: Duration = Duration::from_secs(2);

const NO_ERROR: u8 = 0;
const SERVER_FAILURE: u8 = 2;
const NO_SUCH_NAME: u8 = 3;

/// The cluster's own domain.
const CLUSTER: &str = ".cluster.local";

struct Names {
    known: HashMap<String, Ipv4Addr>,
    /// Who is asked for other names.
    upstream: Option<IpAddr>,
}

fn main() -> io::Result<()> {
    let words: Vec<String> = env::args().skip(1).collect();
    let known = words.iter().filter_map(|word| {
        let (name, address) = word.split_once('=')?;
        Some((name.to_owned(), address.parse().ok()?))
    });
    let upstream = words.iter().any(|word| word == "--forward").then(nameserver).flatten();
    let names = Arc::new(Names { known: known.collect(), upstream });
    let udp = Arc::new(UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 53))?);
    let tcp = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 53))?;
    let of_tcp = Arc::clone(&names);
    thread::spawn(move || {
        for stream in tcp.incoming().flatten() {
            let names = Arc::clone(&of_tcp);
            thread::spawn(move || names.converse(stream));
        }
    });
    let mut buffer = [0; 1500];
    loop {
        let (length, peer) = udp.recv_from(&mut buffer)?;
        let (names, udp, query) = (Arc::clone(&names), Arc::clone(&udp), buffer[..length].to_vec());
        thread::spawn(move || names.answer(&query).map(|answer| udp.send_to(&answer, peer)));
    }
}

fn nameserver() -> Option<IpAddr> {
    let file = fs::read_to_string("/etc/resolv.conf").ok()?;
    file.lines().find_map(|line| line.strip_prefix("nameserver ")?.trim().parse().ok())
}

impl Names {
    fn converse(&self, mut stream: TcpStream) -> Option<()> {
        let mut length = [0; 2];
        stream.read_exact(&mut length).ok()?;
        let mut query = vec![0; u16::from_be_bytes(length).into()];
        stream.read_exact(&mut query).ok()?;
        let answer = self.answer(&query)?;
        let length = u16::try_from(answer.len()).ok()?.to_be_bytes();
        stream.write_all(&[&length[..], &answer].concat()).ok()
    }

    /// What a query for one name is answered; nothing where it is none.
    fn answer(&self, query: &[u8]) -> Option<Vec<u8>> {
        let (name, end) = question(query)?;
        match (self.known.get(&name), self.upstream) {
            (Some(address), _) => reply(query, end, NO_ERROR, Some(*address)),
            (None, _) if name.ends_with(CLUSTER) => reply(query, end, NO_SUCH_NAME, None),
            (None, None) => reply(query, end, NO_ERROR, Some(ELSEWHERE)),
            (None, Some(server)) => {
                ask(server, query).ok().or_else(|| reply(query, end, SERVER_FAILURE, None))
            }
        }
    }
}

/// The name, and where the question ends.
fn question(query: &[u8]) -> Option<(String, usize)> {
    let mut labels = Vec::new();
    let mut at = 12;
    loop {
        let length = usize::from(*query.get(at)?);
        let label = query.get(at + 1..at + 1 + length)?;
        at += 1 + length;
        if length == 0 {
            break;
        }
        labels.push(String::from_utf8_lossy(label).to_lowercase());
    }
    query.get(at..at + 4)?;
    Some((labels.join("."), at + 4))
}

/// An answer: the question again, and an address if an address was asked for.
fn reply(query: &[u8], end: usize, code: u8, address: Option<Ipv4Addr>) -> Option<Vec<u8>> {
    let is_for_address = query.get(end - 4..end)? == [0, 1, 0, 1];
    let address = address.filter(|_| is_for_address);
    let mut answer = query.get(..2)?.to_vec();
    answer.extend([0x85, 0x80 | code, 0, 1, 0, u8::from(address.is_some()), 0, 0, 0, 0]);
    answer.extend(query.get(12..end)?);
    if let Some(address) = address {
        // The name of the question, an address of the internet, for a minute.
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
        answer.extend(address.octets());
    }
    Some(answer)
}

fn ask(server: IpAddr, query: &[u8]) -> io::Result<Vec<u8>> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.connect((server, 53))?;
    socket.send(query)?;
    let mut buffer = vec![0; 1500];
    let length = socket.recv(&mut buffer)?;
    buffer.truncate(length);
    Ok(buffer)
}

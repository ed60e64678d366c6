//! The namespace's own DNS servers.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use kcilium_core::decode::resolv_conf::{nameservers, search_domains};
use kcilium_core::facts::Unavailable;
use kcilium_core::probe::{Address, Outcome, Phase, RecordType, Transport};
use tokio::time::Instant;

use super::attempt::{Attempt, Failure};
use super::dns::{Asked, ask};
use crate::files::{SMALL, read_text};
use crate::host::HostRoot;

const RESOLV_CONF: &str = "/etc/resolv.conf";
const PORT: u16 = 53;
/// As many servers as libc's resolver asks for a name.
const ASKED: usize = 3;

/// Servers beyond these are not known: a request to all of them stays small.
const MOST: usize = 8;

/// Search domains beyond these are not asked about; pods have as many as Kubernetes allows (32).
const DOMAINS: usize = 32;

/// What `/etc/resolv.conf` names.
#[derive(Clone, Debug)]
pub(super) struct Resolver {
    servers: Result<Vec<IpAddr>, Unavailable>,
    domains: Vec<String>,
}

impl Resolver {
    pub(super) fn of(root: &HostRoot) -> Self {
        let text = read_text(root, RESOLV_CONF, SMALL);
        let mut domains = text.as_ref().map(|text| search_domains(text)).unwrap_or_default();
        domains.truncate(DOMAINS);
        let servers = text.map(|text| nameservers(&text));
        let servers = servers.and_then(|mut servers| {
            servers.truncate(MOST);
            if servers.is_empty() {
                return Err(Unavailable::absent(RESOLV_CONF, "it names no server"));
            }
            Ok(servers)
        });
        Self { servers, domains }
    }

    /// The servers, or why there are none.
    pub(super) fn servers(&self) -> Result<&[IpAddr], &Unavailable> {
        self.servers.as_ref().map(Vec::as_slice)
    }

    /// The search domains.
    pub(super) fn domains(&self) -> &[String] {
        &self.domains
    }

    /// The address of a peer. A name is asked of one server after the other, as libc does, for IPv4
    /// and then for IPv6 addresses; `/etc/hosts` and search domains are not looked at.
    pub(super) async fn address(&self, host: &Address, limit: Instant) -> Result<IpAddr, Failure> {
        if let Some(ip) = host.ip() {
            return Ok(ip);
        }
        let servers = self
            .servers()
            .map_err(|why| Failure::told(Outcome::NoSuchName, Phase::Resolve, why.to_string()))?;
        let servers = &servers[..servers.len().min(ASKED)];
        let mut failure = Failure::timeout(Phase::Resolve);
        for (index, server) in servers.iter().enumerate() {
            let left = limit.saturating_duration_since(Instant::now());
            let share = left / u32::try_from(servers.len() - index).unwrap_or(1);
            match of_server(*server, host, share).await {
                Ok(address) => return Ok(address),
                // An answer is an answer: libc asks nobody else after NXDOMAIN.
                Err(found) if found.outcome == Outcome::NoSuchName => return Err(found),
                Err(found) => failure = found,
            }
        }
        Err(failure)
    }
}

async fn of_server(server: IpAddr, host: &Address, share: Duration) -> Result<IpAddr, Failure> {
    let server = SocketAddr::new(server, PORT);
    let mut attempt = Attempt::until(Instant::now() + share);
    let mut failure = None;
    for record in [RecordType::A, RecordType::Aaaa] {
        let asked = Asked { name: host.as_str(), record, transport: Transport::Udp };
        match ask(&mut attempt, server, asked, &[]).await {
            Ok(answer) => {
                if let Some(address) = answer.addresses.first() {
                    return Ok(*address);
                }
                let why = "the answer is cut short and holds no address";
                failure = Some(Failure::told(Outcome::NoSuchName, Phase::Resolve, why));
            }
            Err(found) if found.outcome == Outcome::NoSuchName => {
                failure.get_or_insert(found);
            }
            Err(found) => {
                failure = Some(found);
                break;
            }
        }
    }
    let mut failure = failure.unwrap_or_else(|| Failure::timeout(Phase::Resolve));
    failure.phase = Some(Phase::Resolve);
    let why = failure.why.take().map_or(String::new(), |why| format!(": {why}"));
    failure.why = Some(format!("DNS server {}{why}", server.ip()));
    Err(failure)
}

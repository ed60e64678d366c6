//! From targets to a request.

use super::{
    Address, Endpoint, MtuVia, Namespace, Probe, ProbeRequest, Question, RecordType, Targets,
    Transport,
    matrix::{Asked, Cell, Destination, NOBODY, ROWS, Vantage},
    request::MAX_ID,
};
use crate::view::{NodeView, View};

/// Names that one vantage asks its resolvers for.
const NAMES: usize = 2;
/// A message that fills most of the smallest usual packet.
const LARGE: u16 = 1400;
/// Length of a request that fills several packets, or most of a jumbo frame.
const LONG: u16 = 8000;

/// The matrix's probes that start on a node at `vantage`, with what the facts add to `targets`.
///
/// Deterministic: the same facts give the same request.
pub fn request(
    view: &View<'_>,
    node: &NodeView<'_>,
    targets: &Targets,
    vantage: Vantage,
) -> ProbeRequest {
    of_targets(&targets.clone().around(view, node), vantage)
}

/// The matrix's probes to these targets, and a look at the counters.
pub fn of_targets(targets: &Targets, vantage: Vantage) -> ProbeRequest {
    let namespace = match vantage {
        Vantage::Pod | Vantage::AllowedPod => Namespace::Own,
        Vantage::Host => Namespace::Host,
    };
    let mut probes: Vec<Probe> = Vec::new();
    for (destination, asked) in ROWS {
        let cell = Cell { vantage, destination };
        let questions = match (destination, vantage) {
            (Destination::Resolver, _) => resolvers(targets),
            // Pods have other search domains than nodes, and policies do not change them.
            (Destination::SearchDomain, Vantage::Pod) => {
                vec![Question::SearchDomains { label: NOBODY.into() }]
            }
            _ => {
                let at = targets.at(destination);
                at.iter().flat_map(|target| ask(destination, target, asked, targets)).collect()
            }
        };
        for question in questions {
            let id = cell.id(&format!("{}/{}", question.word(), question.target()));
            let known = probes.iter().any(|probe| probe.id == id);
            // A name too long for an id is one that nobody has.
            if !known && id.as_str().len() <= MAX_ID {
                probes.push(Probe { id, timeout_ms: None, question });
            }
        }
    }
    let id = format!("{}/counters", vantage.word()).into();
    probes.push(Probe { id, timeout_ms: None, question: Question::Counters {} });
    ProbeRequest { namespace, timeout_ms: super::request::default_timeout_ms(), probes }
}

/// What is asked of one target.
fn ask(
    destination: Destination,
    target: &Endpoint,
    asked: &[Asked],
    targets: &Targets,
) -> Vec<Question> {
    let host = || target.host.clone();
    let mut questions = Vec::new();
    for asked in asked {
        match *asked {
            Asked::Tcp(port) if target.ports.is_empty() => {
                questions.push(Question::Tcp { host: host(), port });
            }
            Asked::Tcp(_) => questions.extend(
                target.ports.iter().map(|port| Question::Tcp { host: host(), port: *port }),
            ),
            Asked::Http => {
                questions.push(get(host(), 80, "/", 0));
            }
            Asked::ShortAndLong(port, path) => {
                questions.extend([0, LONG].map(|bytes| get(host(), port, path, bytes)));
            }
            Asked::Tls => {
                let port = target.ports.first().copied().unwrap_or(443);
                questions.push(Question::Tls { host: host(), port, server_name: None });
            }
            Asked::Icmp => questions.push(Question::Icmp { host: host() }),
            Asked::PathMtu if target.echo.is_none() => {
                questions.push(Question::PathMtu { host: host(), via: MtuVia::Icmp });
            }
            Asked::PathMtu | Asked::SearchDomains => {}
            Asked::Dns => questions.extend(target.host.ip().into_iter().flat_map(|server| {
                [Transport::Udp, Transport::Tcp].map(|transport| Question::Dns {
                    server: Some(server),
                    port: target.ports.first().copied().unwrap_or(53),
                    name: targets.cluster_name.clone(),
                    record: RecordType::A,
                    transport,
                    expect: Vec::new(),
                })
            })),
        }
    }
    if let Some(port) = target.echo {
        for (transport, bytes) in [(Transport::Udp, 64), (Transport::Tcp, LARGE)] {
            questions.push(Question::Echo { host: host(), port, transport, bytes });
        }
        if destination != Destination::PodSameNode {
            questions.push(Question::PathMtu { host: host(), via: MtuVia::Echo { port } });
        }
    }
    questions
}

fn get(host: Address, port: u16, path: &str, bytes: u16) -> Question {
    Question::Http { host, port, path: path.into(), bytes }
}

/// What DNS servers are asked for outside names: those of the namespace itself, whichever they are,
/// and those that the node has.
fn resolvers(targets: &Targets) -> Vec<Question> {
    let names = targets.internet_names.iter().filter(|target| target.host.ip().is_none());
    let names: Vec<&str> = names.take(NAMES).map(|target| target.host.as_str()).collect();
    let servers = targets.dns_servers.iter().filter_map(|target| target.host.ip());
    let of_node = servers.filter_map(|server| names.first().map(|name| (Some(server), *name)));
    let own = names.iter().map(|name| (None, *name));
    let questions = own.chain(of_node).flat_map(|(server, name)| {
        [Transport::Udp, Transport::Tcp].map(|transport| Question::Dns {
            server,
            port: 53,
            name: name.into(),
            record: RecordType::A,
            transport,
            expect: Vec::new(),
        })
    });
    questions.collect()
}

//! All probes of a request, at once.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use kcilium_core::probe::{
    Address, Answer, CurlExit, Ending, Outcome, Phase, ProbeId, ProbeRequest, ProbeResult,
    Question, RecordType, Transport,
};
use tokio::sync::{mpsc, watch};
use tokio::task::{Id, JoinSet};
use tokio::time::Instant;

use super::attempt::{Attempt, Failure};
use super::dns::Asked;
use super::echo_server::EchoServer;
use super::resolver::Resolver;
use super::{counters, dns, echo, http, icmp, path_mtu, tcp, tls};
use crate::host::HostRoot;

/// Probes that run at the same time; each has a socket or two.
const AT_ONCE: usize = 256;

/// What ends a run before its probes do.
#[derive(Debug)]
pub struct Orders<Stop, Abort> {
    /// Nothing new is begun, and servers end; what was sent is waited for.
    pub stop: Stop,
    /// Nothing is waited for any longer.
    pub abort: Abort,
}

/// Runs the probes of a request, and hands over each result when it is there; of an echo server also
/// that it listens. Names are asked of the servers in `root`'s `/etc/resolv.conf`.
///
/// Every probe gives a result, also one that was not sent. Must run on a Tokio runtime of one
/// thread, with its input, output and time enabled; the namespace is that thread's.
pub async fn run(
    request: ProbeRequest,
    root: &HostRoot,
    orders: Orders<impl Future<Output = ()>, impl Future<Output = Ending>>,
    mut hear: impl FnMut(ProbeResult),
) -> Ending {
    let resolver = Arc::new(Resolver::of(root));
    let default = Duration::from_millis(request.timeout_ms.into());
    let (jobs, watchers) = Job::all(request, default, &resolver);
    let before = (!watchers.is_empty()).then(counters::read);
    let (stopping, stopped) = watch::channel(false);
    let (news, mut listening) = mpsc::unbounded_channel();
    let surroundings = Surroundings { resolver, stopped, news };

    let mut waiting: VecDeque<Job> = jobs.into();
    let mut running: HashMap<Id, Job> = HashMap::new();
    let mut tasks = JoinSet::new();
    let mut ending = Ending::Finished;
    tokio::pin!(let stop = orders.stop; let abort = orders.abort;);
    loop {
        while ending == Ending::Finished
            && tasks.len() < AT_ONCE
            && let Some(job) = waiting.pop_front()
        {
            let task = tasks.spawn(job.clone().run(surroundings.clone()));
            running.insert(task.id(), job);
        }
        tokio::select! {
            biased;
            Some(result) = listening.recv() => hear(result),
            ended = tasks.join_next_with_id() => match ended {
                Some(Ok((id, result))) => {
                    running.remove(&id);
                    hear(result);
                }
                // A task that is gone without a result; it is told below.
                Some(Err(_)) => {}
                None => break,
            },
            reason = &mut abort => {
                ending = reason;
                break;
            }
            () = &mut stop, if ending == Ending::Finished => {
                ending = Ending::Terminated;
                let _ = stopping.send(true);
            }
        }
    }
    tasks.abort_all();
    while let Ok(result) = listening.try_recv() {
        hear(result);
    }
    let mut unheard: Vec<Job> = running.into_values().chain(waiting).collect();
    unheard.sort_by_key(|job| job.index);
    for job in unheard {
        hear(job.not_run(ending));
    }
    if let Some(before) = before {
        let counted = before.and_then(|before| Ok(counters::read()?.since(&before)));
        for id in watchers {
            let mut result = ProbeResult::new(id, "counters", "", Outcome::Ok);
            match &counted {
                Ok(counted) => result.answer = Some(Answer::Counters(counted.clone())),
                Err(why) => {
                    result.outcome = Outcome::Failed;
                    result.why = Some(why.to_string());
                }
            }
            hear(result);
        }
    }
    ending
}

/// What all probes share.
#[derive(Clone)]
struct Surroundings {
    resolver: Arc<Resolver>,
    /// Turns true when servers are to end.
    stopped: watch::Receiver<bool>,
    /// What is told before a probe has ended.
    news: mpsc::UnboundedSender<ProbeResult>,
}

/// A probe that is to run, or does.
#[derive(Clone, Debug)]
struct Job {
    index: usize,
    id: ProbeId,
    question: Question,
    timeout: Duration,
}

impl Job {
    /// The jobs of a request, and the ids of those that only watch the others. A question to all
    /// resolvers becomes one for each.
    fn all(
        request: ProbeRequest,
        default: Duration,
        resolver: &Resolver,
    ) -> (Vec<Self>, Vec<ProbeId>) {
        let mut jobs = Vec::new();
        let mut watchers = Vec::new();
        for probe in request.probes {
            if let Question::Counters {} = probe.question {
                watchers.push(probe.id);
                continue;
            }
            let timeout = probe.timeout_ms.map_or(default, |ms| Duration::from_millis(ms.into()));
            for question in with_servers(probe.question, resolver) {
                jobs.push(Self { index: jobs.len(), id: probe.id.clone(), question, timeout });
            }
        }
        (jobs, watchers)
    }

    fn result(&self, outcome: Outcome) -> ProbeResult {
        let (kind, target) = (self.question.word(), self.question.target());
        ProbeResult::new(self.id.clone(), kind, target, outcome)
    }

    fn not_run(&self, ending: Ending) -> ProbeResult {
        let why = match ending {
            Ending::Deadline => "the run's deadline came first",
            Ending::Terminated => "the run was told to end",
            Ending::Finished | Ending::Failed => "the probe ended without a result",
        };
        ProbeResult { why: Some(why.into()), ..self.result(Outcome::NotRun) }
    }

    async fn run(self, surroundings: Surroundings) -> ProbeResult {
        let begin = Instant::now();
        let mut attempt = Attempt::until(begin + self.timeout);
        let ended = self.ask(&mut attempt, surroundings).await;
        let mut result = self.result(Outcome::Ok);
        if let Err(failure) = ended {
            result.outcome = failure.outcome;
            result.phase = failure.phase;
            result.errno = failure.errno;
            result.why = failure.why;
        }
        result.curl = self.curl(result.outcome, result.phase);
        result.peer = attempt.peer;
        result.way = attempt.way;
        result.answer = attempt.answer;
        result.millis = u32::try_from(begin.elapsed().as_millis()).unwrap_or(u32::MAX);
        result
    }

    /// Echo requests and echoes over UDP are nothing that curl could send.
    fn curl(&self, outcome: Outcome, phase: Option<Phase>) -> Option<CurlExit> {
        let phase = match &self.question {
            Question::Dns { .. } => Some(Phase::Resolve),
            Question::Tcp { .. } | Question::Http { .. } | Question::Tls { .. } => phase,
            _ => return None,
        };
        match outcome {
            // It never came so far as to try.
            Outcome::Failed | Outcome::NotRun => None,
            _ => CurlExit::of(outcome, phase),
        }
    }

    async fn ask(
        &self,
        attempt: &mut Attempt,
        mut surroundings: Surroundings,
    ) -> Result<(), Failure> {
        let resolver = &surroundings.resolver;
        // Numbers of jobs are below the limit of a request times that of a resolv.conf; where two
        // are the same, the kernel tells their sockets apart by the peer.
        let identifier = u16::try_from(self.index & 0xffff).unwrap_or_default()
            ^ u16::try_from(std::process::id() & 0xffff).unwrap_or_default();
        match &self.question {
            Question::Dns { server: Some(server), port, name, record, transport, expect } => {
                let asked = Asked { name, record: *record, transport: *transport };
                let server = SocketAddr::new(*server, *port);
                dns::ask(attempt, server, asked, expect).await.map(|_| ())
            }
            Question::Dns { server: None, .. } | Question::SearchDomains { .. } => {
                let why = resolver.servers().err().map_or(String::new(), ToString::to_string);
                Err(Failure::told(Outcome::Failed, Phase::Resolve, why))
            }
            Question::Tcp { host, port } => {
                let peer = resolve(attempt, resolver, host, *port).await?;
                tcp::connect(attempt, peer).await.map(|_| ())
            }
            Question::Http { host, port, path, bytes } => {
                let peer = resolve(attempt, resolver, host, *port).await?;
                let authority = match port {
                    80 => host.as_str().to_owned(),
                    other => host.with_port(*other),
                };
                http::get(attempt, peer, &authority, path, (*bytes).into()).await
            }
            Question::Tls { host, port, server_name } => {
                let peer = resolve(attempt, resolver, host, *port).await?;
                let of_host = host.ip().is_none().then(|| host.as_str());
                tls::hello(attempt, peer, server_name.as_deref().or(of_host)).await
            }
            Question::Icmp { host } => {
                let peer = resolve(attempt, resolver, host, 0).await?;
                icmp::ping(attempt, peer.ip(), identifier).await
            }
            Question::PathMtu { host, via } => {
                let peer = resolve(attempt, resolver, host, 0).await?;
                path_mtu::walk(attempt, peer.ip(), *via, identifier).await
            }
            Question::Echo { host, port, transport, bytes } => {
                let peer = resolve(attempt, resolver, host, *port).await?;
                echo::echo(attempt, peer, *transport, *bytes).await
            }
            Question::EchoServer { port } => {
                let server = EchoServer::start(*port)
                    .await
                    .map_err(|error| Failure::system(Phase::Connect, &error))?;
                let mut told = self.result(Outcome::Listening);
                told.target = format!("port {}", server.port());
                told.answer = Some(Answer::Served(server.served()));
                let _ = surroundings.news.send(told);
                tokio::select! {
                    () = tokio::time::sleep_until(attempt.limit) => {}
                    _ = surroundings.stopped.wait_for(|stopped| *stopped) => {}
                }
                attempt.answer = Some(Answer::Served(server.served()));
                Ok(())
            }
            Question::Counters {} | Question::Unknown => {
                let why = "this agent does not know such probes: it is older than the request";
                Err(Failure { phase: None, ..Failure::told(Outcome::NotRun, Phase::Answer, why) })
            }
        }
    }
}

async fn resolve(
    attempt: &Attempt,
    resolver: &Resolver,
    host: &Address,
    port: u16,
) -> Result<SocketAddr, Failure> {
    let address = resolver.address(host, attempt.limit).await?;
    Ok(SocketAddr::new(address, port))
}

/// A question to all resolvers, once for each, and one about all search domains; others as they are.
fn with_servers(question: Question, resolver: &Resolver) -> Vec<Question> {
    if let (Question::SearchDomains { label }, Ok([server, ..])) = (&question, resolver.servers()) {
        let below = |domain: &String| Question::Dns {
            server: Some(*server),
            port: 53,
            name: format!("{label}.{domain}"),
            record: RecordType::A,
            transport: Transport::Udp,
            expect: Vec::new(),
        };
        return resolver.domains().iter().map(below).collect();
    }
    let (Question::Dns { server: None, port, name, record, transport, expect }, Ok(servers)) =
        (&question, resolver.servers())
    else {
        return vec![question];
    };
    let of_server = |server| Question::Dns {
        server: Some(server),
        port: *port,
        name: name.clone(),
        record: *record,
        transport: *transport,
        expect: expect.clone(),
    };
    servers.iter().copied().map(of_server).collect()
}

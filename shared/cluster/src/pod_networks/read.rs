//! Reading what the script prints. The grammar is told in `ask.sh`.

use std::{collections::BTreeMap, net::IpAddr};

use kcilium_core::{
    facts::{LinkName, PodNetwork},
    probe::{
        Answer, CurlExit, Outcome, Phase, Probe, ProbeResult, Question, SystemError, Transport, Way,
    },
};

use super::{Asked, Errand, dns, peer, question};

/// Errors in the words of the C library (glibc's, and musl's where they differ).
const ERRORS: [(&str, i32, &str, Outcome); 13] = [
    ("Operation not permitted", 1, "EPERM", Outcome::Denied),
    ("Permission denied", 13, "EACCES", Outcome::Denied),
    ("Invalid argument", 22, "EINVAL", Outcome::Failed),
    ("Address family not supported by protocol", 97, "EAFNOSUPPORT", Outcome::Failed),
    ("Cannot assign requested address", 99, "EADDRNOTAVAIL", Outcome::Failed),
    ("Network is unreachable", 101, "ENETUNREACH", Outcome::Unreachable),
    ("Network unreachable", 101, "ENETUNREACH", Outcome::Unreachable),
    ("Connection reset by peer", 104, "ECONNRESET", Outcome::Reset),
    ("Connection timed out", 110, "ETIMEDOUT", Outcome::Timeout),
    ("Operation timed out", 110, "ETIMEDOUT", Outcome::Timeout),
    ("Connection refused", 111, "ECONNREFUSED", Outcome::Refused),
    ("No route to host", 113, "EHOSTUNREACH", Outcome::Unreachable),
    ("Host is unreachable", 113, "EHOSTUNREACH", Outcome::Unreachable),
];

/// `timeout` ends with this where the time was over, and with the other where it had to kill.
const LATE: [i32; 2] = [124, 137];

/// One network: what was printed about it.
#[derive(Default)]
struct Network<'o> {
    address: &'o str,
    ways: BTreeMap<IpAddr, Way>,
    ends: BTreeMap<usize, End<'o>>,
}

/// One question.
#[derive(Default)]
struct End<'o> {
    code: Option<i32>,
    millis: u32,
    is_ok: bool,
    is_silent: bool,
    is_connected: bool,
    answer: Option<Vec<u8>>,
    /// The last words of bash about it.
    error: Option<&'o str>,
}

/// What was asked; or why nothing was.
pub(super) fn asked(boundary: &str, errand: &Errand, output: &str) -> Result<Asked, String> {
    let mut networks: BTreeMap<&str, Network<'_>> = BTreeMap::new();
    for line in output.lines() {
        let Some(line) = line.strip_prefix(boundary).and_then(|rest| rest.strip_prefix(' ')) else {
            continue;
        };
        let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
        match first {
            "lacks" => return Err(format!("the agent's image has no {rest}")),
            "nothing" => return Err(rest.to_owned()),
            "done" => {}
            network => networks.entry(network).or_default().take(rest),
        }
    }
    let host = networks.remove("host").ok_or("the script in the agent did not begin")?;
    let of_host = host.results(&errand.of_host.probes);
    let named = |address: &str| {
        errand.candidates.iter().find(|pod| pod.address.to_string() == address).cloned()
    };
    let of_pods: Vec<(PodNetwork, Vec<ProbeResult>)> = networks
        .values()
        .filter_map(|network| {
            let results = network.results(&errand.of_pod.probes);
            Some((named(network.address)?, results)).filter(|(_, results)| !results.is_empty())
        })
        .collect();
    if of_pods.is_empty() {
        return Err("the networks that were found could not be entered any more".to_owned());
    }
    Ok(Asked { of_host, of_pods })
}

impl<'o> Network<'o> {
    fn take(&mut self, line: &'o str) {
        if let Some(address) = line.strip_prefix("in ") {
            self.address = address;
        } else if let Some(line) = line.strip_prefix("way ") {
            self.ways.extend(way(line));
        } else if let Some((number, words)) = line.split_once(": ")
            && let Ok(number) = number.parse()
        {
            self.ends.entry(number).or_default().take(words);
        }
    }

    /// Results of the questions that came to an end.
    fn results(&self, probes: &[Probe]) -> Vec<ProbeResult> {
        let asked = probes.iter().filter(|probe| question(probe).is_some()).enumerate();
        let ended = asked.filter_map(|(number, probe)| Some((probe, self.ends.get(&number)?)));
        ended
            .filter_map(|(probe, end)| {
                let peer = peer(probe)?;
                let way = self.ways.get(&peer).cloned();
                Some(ProbeResult { peer: Some(peer), way, ..end.result(probe)? })
            })
            .collect()
    }
}

impl<'o> End<'o> {
    fn take(&mut self, words: &'o str) {
        let mut parts = words.split(' ');
        let (word, number, rest) = (parts.next(), parts.next(), parts.next());
        let number = number.and_then(|number| number.parse::<u32>().ok());
        match (word, number) {
            (Some("exit"), Some(code)) => self.code = i32::try_from(code).ok(),
            (Some("connected"), Some(_)) => self.is_connected = true,
            (Some(word @ ("ok" | "failed" | "silent" | "answer")), Some(millis)) => {
                self.millis = millis;
                self.is_ok |= word == "ok";
                self.is_silent |= word == "silent";
                self.answer = self.answer.take().or_else(|| bytes(rest?));
            }
            _ => self.error = Some(words),
        }
    }

    /// None where it did not end: then nobody knows.
    fn result(&self, probe: &Probe) -> Option<ProbeResult> {
        let code = self.code?;
        let question = &probe.question;
        let result = |outcome, phase| ProbeResult {
            phase,
            millis: self.millis,
            ..ProbeResult::new(probe.id.clone(), question.word(), question.target(), outcome)
        };
        let is_datagram = matches!(question, Question::Dns { transport: Transport::Udp, .. });
        let phase = if is_datagram || self.is_connected { Phase::Answer } else { Phase::Connect };
        let mut result = if self.is_ok {
            result(Outcome::Ok, None)
        } else if let Some(message) = &self.answer {
            // Over TCP a message begins with its length.
            let begin = if is_datagram { 0 } else { 2 };
            let (outcome, answer, why) = judge(message.get(begin..).unwrap_or_default());
            let phase = (outcome != Outcome::Ok).then_some(Phase::Answer);
            ProbeResult { answer, why, ..result(outcome, phase) }
        } else if let Some(error) = self.error {
            failed(error, result(Outcome::Failed, Some(phase)))
        } else if LATE.contains(&code) || self.is_silent {
            result(Outcome::Timeout, Some(phase))
        } else {
            let why = format!("bash ended with {code}, and did not say why");
            ProbeResult { why: Some(why), ..result(Outcome::Failed, Some(phase)) }
        };
        if matches!(question, Question::Tcp { .. }) {
            result.curl = CurlExit::of(result.outcome, result.phase);
        }
        Some(result)
    }
}

/// An answer, of which the header is known.
fn judge(message: &[u8]) -> (Outcome, Option<Answer>, Option<String>) {
    let Some((answer, records)) = dns::answer(message) else {
        return (Outcome::Unexpected, None, Some("what came back is not DNS".to_owned()));
    };
    let (outcome, why) = match answer.has_address(records > 0) {
        Ok(()) => (Outcome::Ok, None),
        Err(why) => (Outcome::NoSuchName, Some(why)),
    };
    (outcome, Some(Answer::Dns(answer)), why)
}

/// An error in words: `line 1: /dev/tcp/10.0.0.1/80: Connection refused`.
fn failed(error: &str, result: ProbeResult) -> ProbeResult {
    let words = error.rsplit(": ").next().unwrap_or(error);
    match ERRORS.iter().find(|(text, ..)| *text == words) {
        Some((text, number, name, outcome)) => {
            let errno =
                SystemError { number: *number, name: (*name).into(), text: (*text).to_owned() };
            ProbeResult { outcome: *outcome, errno: Some(errno), ..result }
        }
        None => ProbeResult { why: Some(words.to_owned()), ..result },
    }
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let pairs = hex.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// `1.1.1.1 via 10.0.0.1 dev eth0 src 10.0.0.5 uid 0 \    cache`
fn way(line: &str) -> Option<(IpAddr, Way)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let after = |word: &str| {
        words.iter().position(|it| *it == word).and_then(|at| words.get(at + 1)).copied()
    };
    // `local` and its like come before the address of such a route.
    let peer = words.iter().take(2).find_map(|word| word.parse().ok())?;
    let address = |word| after(word).and_then(|text: &str| text.parse().ok());
    let way = Way {
        source: address("src"),
        link: after("dev").map(LinkName::from),
        gateway: address("via"),
    };
    Some((peer, way))
}

#[cfg(test)]
mod tests {
    use kcilium_core::probe::{Address, Namespace, ProbeRequest, RecordType};

    use super::*;

    const BOUNDARY: &str = "b0";

    fn errand() -> Errand {
        let tcp = |host: &str| Question::Tcp { host: Address::from(host), port: 443 };
        let dns = |transport| Question::Dns {
            server: Some([10, 96, 0, 10].into()),
            port: 53,
            name: "a.b".into(),
            record: RecordType::A,
            transport,
            expect: Vec::new(),
        };
        let questions = [
            tcp("1.1.1.1"),
            tcp("not.an.address"),
            tcp("10.0.0.1"),
            dns(Transport::Udp),
            dns(Transport::Tcp),
        ];
        let request = |vantage: &str| ProbeRequest {
            namespace: Namespace::Own,
            timeout_ms: 2000,
            probes: questions
                .iter()
                .map(|question| Probe {
                    id: format!("{vantage}/lan/{}/{}", question.word(), question.target()).into(),
                    timeout_ms: None,
                    question: question.clone(),
                })
                .collect(),
        };
        let pod = |name: &str, last| PodNetwork {
            namespace: "a".into(),
            name: name.into(),
            address: [10, 244, 0, last].into(),
        };
        Errand {
            node: "node1".into(),
            candidates: vec![pod("first", 1), pod("second", 2)],
            of_host: request("host"),
            of_pod: request("pod"),
        }
    }

    fn read(output: &str) -> Result<Asked, String> {
        asked(BOUNDARY, &errand(), output)
    }

    fn words(results: &[ProbeResult]) -> Vec<String> {
        let errno = |it: &ProbeResult| it.errno.as_ref().map_or("", |it| &it.name).to_owned();
        let words = results.iter().map(|it| {
            format!("{} {} {}", it.target, it.outcome.word(), errno(it)).trim_end().to_owned()
        });
        words.collect()
    }

    #[test]
    fn an_errno_a_silence_and_what_did_not_end_are_apart() {
        let output = "noise
b0 host in \n
b0 host 0: ok 12
b0 host 0: exit 0
b0 host 1: exit 124
b0 0 in 10.244.0.2
b0 0 way 1.1.1.1 via 10.244.0.9 dev eth0 src 10.244.0.2 uid 0 \\    cache
b0 0 0: connect: No route to host
b0 0 0: line 15: /dev/tcp/1.1.1.1/443: No route to host
b0 0 0: failed 3
b0 0 0: exit 0
b0 0 1: ok 7
b0 0 2: silent 2003
b0 0 2: exit 0
b0 0 3: connected 4
b0 0 3: answer 9 001e6b6381830001000000000000
b0 0 3: exit 0
b0 0 4: ok 1
another boundary 0 0: ok 1
b0 done
";
        let asked = read(output).unwrap();
        assert_eq!(words(&asked.of_host), ["1.1.1.1:443 ok", "10.0.0.1:443 timeout"]);
        let [(pod, results)] = &asked.of_pods[..] else { panic!("{asked:#?}") };
        assert_eq!(pod.to_string(), "a/second");
        assert_eq!(
            words(results),
            [
                "1.1.1.1:443 unreachable EHOSTUNREACH",
                "a.b A at 10.96.0.10:53/udp timeout",
                "a.b A at 10.96.0.10:53/tcp no-such-name",
            ]
        );
        let way = results[0].way.as_ref().unwrap();
        assert_eq!((way.link.as_ref().unwrap().as_str(), results[0].millis), ("eth0", 3));
    }

    #[test]
    fn why_nothing_was_asked_is_told() {
        assert_eq!(read("b0 nothing because\n"), Err("because".into()));
        assert_eq!(read("b0 lacks nsenter\n"), Err("the agent's image has no nsenter".into()));
        assert_eq!(read("b1 host in \n"), Err("the script in the agent did not begin".into()));
        let left = "b0 host in \nb0 host 0: ok 1\nb0 host 0: exit 0\nb0 0 in 10.244.0.1\n";
        assert!(read(left).is_err_and(|why| why.contains("any more")));
    }
}

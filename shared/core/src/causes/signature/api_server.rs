//! `C-API`: agents do not reach the API server, and wait for it.
//!
//! That they wait, they say themselves. What decides is where they look for it: an address that nobody
//! serves, which the configuration names, or which the node itself gets no answer from.

use std::collections::BTreeSet;

use super::{Check, Decisive, Sign, Signature, Site};
use crate::{
    causes::Confidence,
    probe::{matrix::Destination, readings::Reading},
    rules::{Evidence, Finding, Remedy, Severity},
};

const SERVICE: Sign = Sign::Pod(Destination::ApiService);

/// Rules on the address at which agents look.
const ADDRESS: [&str; 3] = ["API-01", "API-02", "API-05"];

pub(super) static SIGNATURE: Signature = Signature {
    code: "C-API",
    title: |_| "agents do not reach the API server, and do not start without it".into(),
    breaks: &[],
    may_break: &[],
    spares: &[],
    decisive,
    explains: |finding| is_symptom(finding) || is_wrong_address(finding),
    because: "an agent reads its configuration from the API server before it makes Services work, so it needs a way \
              there that takes no Service",
    broken: &["new pods on these nodes", "Services and routes to pods, as far as agents make them"],
    still_works: &["pods that ran before", "the nodes themselves"],
    cautions: &[
        "That `kubectl` works proves nothing: it asks another address, from another machine.",
    ],
    fix: |site| {
        let wrong = site.findings.iter().find(|finding| is_wrong_address(finding));
        let remedy = wrong.or_else(|| site.findings.iter().find(|finding| is_symptom(finding)));
        remedy.map(|finding| finding.remedy.clone()).into_iter().collect::<Vec<Remedy>>()
    },
    verify: |site| vec![ask(site)],
};

/// An agent that waits for the API server, in its own words.
fn is_symptom(finding: &Finding) -> bool {
    match finding.code.0 {
        "AG-01" => finding.subject.contains("API server"),
        "AG-02" => finding.subject == "config" && !was_answered(finding),
        _ => false,
    }
}

/// Whether what the container said last is an API server's answer: it was reached, and something else is
/// amiss.
fn was_answered(finding: &Finding) -> bool {
    const ANSWERS: [&str; 4] = ["not found", "forbidden", "unauthorized", "is invalid"];
    const UNREACHED: [&str; 6] = [
        "dial tcp",
        "i/o timeout",
        "connection refused",
        "no route to host",
        "deadline exceeded",
        "x509",
    ];
    let said = |words: &[&str]| {
        finding.evidence.iter().any(|it| {
            let fact = it.fact.to_lowercase();
            words.iter().any(|word| fact.contains(word))
        })
    };
    said(&ANSWERS) && !said(&UNREACHED)
}

/// Whether agents look for the API server at its Service. Where they have an address of its own, that
/// nobody answers at the Service is what comes of agents that do not run.
fn goes_by_service(site: &Site<'_>) -> bool {
    site.config.as_ref().is_some_and(|config| config.api_server.is_none())
}

fn is_wrong_address(finding: &Finding) -> bool {
    ADDRESS.contains(&finding.code.0) && finding.severity >= Severity::Error
}

fn decisive(site: &Site<'_>) -> Decisive {
    if !site.findings.iter().any(|finding| is_symptom(finding)) {
        return Decisive::RuledOut;
    }
    let wrong = site.findings.iter().find(|finding| is_wrong_address(finding));
    let mut evidence: Vec<Evidence> =
        wrong.map(|finding| finding.evidence.clone()).unwrap_or_default();
    let asked = site.readings.of_host(Destination::ApiService);
    let is_answered = asked.iter().any(|(_, answers)| *answers);
    if let Some((lost, _)) = asked.first().filter(|_| !is_answered && goes_by_service(site)) {
        let fact = format!("the node itself gets no answer from {}", lost.target);
        evidence.push(Evidence::new(format!("probes of {}", site.place()), fact));
    }
    match (&evidence[..], is_answered) {
        // It may have been, and is over.
        ([], true) => Decisive::RuledOut,
        ([], false) => Decisive::Seen { evidence, speaks_for_itself: true },
        _ => {
            let fails = site.readings.reading(SERVICE) == Some(Reading::Fails);
            let effects: BTreeSet<Sign> = fails.then_some(SERVICE).into_iter().collect();
            Decisive::Shown { evidence, effects, confidence: Confidence::Confirmed }
        }
    }
}

fn ask(site: &Site<'_>) -> Check {
    let named = site.config.as_ref().and_then(|config| config.api_server.as_ref());
    let at = named.map_or_else(|| "ADDRESS:PORT".into(), ToString::to_string);
    Check::new(
        format!(
            "curl -sk -m 5 -o /dev/null -w '%{{http_code}}' https://{at}/healthz   # on the node"
        ),
        "a number, and not 000",
    )
}

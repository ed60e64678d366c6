use std::collections::BTreeMap;

use super::{Finding, Judgement, Remedy, Severity, finding::merged, rule};
use crate::{
    probe::{
        Answer, DnsAnswer, Outcome, ProbeResult,
        matrix::{Cell, Destination, NOBODY},
    },
    view::View,
};

rule! {
    /// ## What it checks
    /// Whether names that nobody has get an address below a search domain of pods. It takes probes
    /// (`--probe`), which ask for such a name below each domain of a pod's `/etc/resolv.conf`: the
    /// cluster's, and those that the kubelet takes over from its node.
    ///
    /// ## Why it hurts
    /// In pods a name with fewer than five dots is looked for below each search domain first. Where one
    /// of them has an address for everything, `github.com` is `github.com.example.org`, which is another
    /// host: connections time out or meet the wrong certificate, on pods and not on nodes. Hubble relay
    /// looks for its peers like this, too.
    ///
    /// ## Fix
    /// Take the wildcard out of the domain, or the domain out of what nodes hand on to pods (the
    /// kubelet's `resolvConf`). Single pods help themselves with `dnsConfig` (`ndots: 1`), or with a dot
    /// at the end of names.
    ///
    /// ## References
    /// - cilium/cilium issue 31516
    /// - Kubernetes documentation, "DNS for Services and Pods"
    "DNS-07", Warn, State, "a search domain has an address for every name", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let mut asked = false;
    let mut found = Vec::new();
    for node in view.nodes() {
        let mut domains: BTreeMap<&str, &DnsAnswer> = BTreeMap::new();
        for probe in node.facts.probes.items().iter().filter(|probe| is_asked(probe)) {
            asked = true;
            domains.extend(wildcard(probe));
        }
        for (domain, answer) in domains {
            let addresses: Vec<String> =
                answer.addresses.iter().take(3).map(ToString::to_string).collect();
            let finding = Finding::about(RULE.code, Severity::Warn, domain)
                .saying(
                    format!("the search domain {domain} has an address for every name"),
                    "pods look there for names outside the cluster first, and find the wrong host",
                )
                .seen(
                    format!("probes of {}", node.name()),
                    format!("{NOBODY}.{domain} is {}", addresses.join(", ")),
                )
                .on(node.name())
                .mended_by(
                    Remedy::text(
                        "take the wildcard out of the domain, or the domain out of the file that kubelets hand on to \
                         pods (resolvConf)",
                    )
                    .with_commands(["grep -E '^(search|domain)' /etc/resolv.conf   # on the node"]),
                );
            found.push(finding);
        }
    }
    if !asked {
        out.not_applicable("nobody asked: that takes --probe");
    }
    merged(found).for_each(|finding| out.found(finding));
}

fn is_asked(probe: &ProbeResult) -> bool {
    let cell = Cell::of(&probe.id);
    probe.kind == "dns" && cell.is_some_and(|it| it.destination == Destination::SearchDomain)
}

/// The domain that has an address for a name that nobody has, and its answer.
fn wildcard(probe: &ProbeResult) -> Option<(&str, &DnsAnswer)> {
    let Some(Answer::Dns(answer)) = &probe.answer else { return None };
    let name = probe.target.split(' ').next()?;
    let domain = name.strip_prefix(NOBODY)?.strip_prefix('.')?;
    (probe.outcome == Outcome::Ok && !answer.addresses.is_empty()).then_some((domain, answer))
}

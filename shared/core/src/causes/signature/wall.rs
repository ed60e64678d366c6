//! `C-WALL`: the network lets nobody through, nodes no more than pods.

use super::{Check, Decisive, Sign, Signature, Site};
use crate::{
    probe::{
        ProbeResult,
        matrix::Destination,
        readings::{Reading, Seen},
    },
    rules::{Evidence, Remedy},
};

pub(super) static SIGNATURE: Signature = Signature {
    code: "C-WALL",
    title: |site| {
        let seen = site.readings.seen(Sign::HostInternet);
        if seen.is_some_and(|seen| seen.answered.is_empty()) {
            "nothing on the internet answers, not even the node itself: it is not Cilium".into()
        } else {
            "the network blocks some targets for nodes and pods alike: it is not Cilium".into()
        }
    },
    breaks: &[Sign::HostInternet],
    may_break: &[],
    spares: &[],
    decisive,
    explains: |_| false,
    because: "packets of nodes do not pass through Cilium's masquerade: what is lost for them too is lost behind the node",
    broken: &[
        "what is blocked, for everything on the node; a test that asks only there fails whatever Cilium does",
    ],
    still_works: &["targets that the network lets through, such as mirrors"],
    cautions: &[
        "A cluster that is meant to have no internet looks the same.",
        "One answer from the internet proves little: others may be blocked.",
    ],
    fix: |_| {
        vec![
            Remedy::text("Test with targets that your network lets through.").with_commands([
                "cilium connectivity test --external-ip IP --external-other-ip IP --external-target NAME",
            ]),
            Remedy::text(
                "If images are to come through a proxy: name it in the runtime's configuration, and keep pods, Services \
                 and nodes out of it (`NO_PROXY`).",
            ),
        ]
    },
    verify: |site| {
        vec![Check::new(
            format!(
                "curl -sS -o /dev/null -w '%{{http_code}}' --connect-timeout 5 https://{}",
                blocked(site)
            ),
            "a number, on the node itself",
        )]
    },
};

fn blocked<'s>(site: &'s Site<'_>) -> &'s str {
    let lost = site.readings.seen(Sign::HostInternet).and_then(|seen| seen.lost.first());
    lost.map_or("1.1.1.1", |probe| probe.target.as_str())
}

/// Per target, nodes and pods fare alike, and some target answers both.
fn decisive(site: &Site<'_>) -> Decisive {
    let host = site.readings.seen(Sign::HostInternet);
    let pods = site.readings.seen(Sign::Pod(Destination::InternetByAddress));
    // Of pods, only targets count that the node reaches.
    let answer_both = |host: &Seen<'_>, pods: &Seen<'_>| {
        !host.answered.is_empty() && pods.reading == Reading::Works
    };
    match (host, pods) {
        (Some(host), Some(pods)) if answer_both(host, pods) => Decisive::Seen {
            evidence: vec![
                Evidence::new(
                    site.place(),
                    format!("the node reaches {}", targets(&host.answered)),
                ),
                Evidence::new(site.place(), format!("and not {}", targets(&host.lost))),
                Evidence::new(site.place(), format!("pods reach {} too", targets(&pods.answered))),
            ],
            speaks_for_itself: false,
        },
        _ => Decisive::Unseen(None),
    }
}

fn targets(probes: &[&ProbeResult]) -> String {
    let mut names: Vec<&str> = probes.iter().map(|probe| probe.target.as_str()).collect();
    names.dedup();
    names.truncate(4);
    names.join(", ")
}

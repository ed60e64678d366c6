//! `C-MTU`: small packets come through, and large ones vanish.

use super::{Check, Decisive, Sign, Signature, Site};
use crate::{
    probe::{Answer, PathMtu, ProbeResult, matrix::Destination, readings::is_large_message},
    rules::{Evidence, Remedy},
};

const LARGE: &[Sign] = &[
    Sign::PodLarge(Destination::PodOtherNode),
    Sign::PodLarge(Destination::OtherNode),
    Sign::PodLarge(Destination::InternetByAddress),
];

pub(super) static SIGNATURE: Signature = Signature {
    code: "C-MTU",
    title: |site| match narrowest(site) {
        Some(size) => {
            format!("packets of pods larger than {size} bytes vanish, and nobody says so")
        }
        None => "large packets of pods vanish, and nobody says so".into(),
    },
    breaks: &[],
    may_break: LARGE,
    spares: &[],
    decisive,
    explains: |_| false,
    because: "a way that is narrower than the pods' devices believe, and does not tell them, swallows what is too large",
    broken: &["TLS, downloads, answers of Services: connections stand, and hang"],
    still_works: &["connecting, ping, most of DNS"],
    cautions: &["That a connection is made proves nothing: its packets are small."],
    fix: |site| {
        let size = narrowest(site).map_or_else(|| "SIZE".to_owned(), |size| size.to_string());
        vec![
            Remedy::text(
                "Set the MTU to what the way takes. The value is that of the nodes' network: Cilium takes what the tunnel \
                 and encryption need off it. Until 1.16 pods keep the old one until they are recreated.",
            )
            .with_values(format!("MTU: {size}\n")),
            Remedy::text("Or mend the way: routers have to be allowed to answer `fragmentation needed`."),
        ]
    },
    verify: |_| vec![Check::new("kubectl cilium-doctor", "no C-MTU: large packets come back")],
};

fn lost<'s>(site: &'s Site<'_>) -> impl Iterator<Item = &'s ProbeResult> {
    let failing = site.readings.failing();
    let signs = LARGE.iter().filter(move |sign| failing.contains(sign));
    signs.filter_map(|sign| site.readings.seen(*sign)).flat_map(|seen| seen.lost.iter().copied())
}

fn measured(probe: &ProbeResult) -> Option<&PathMtu> {
    match &probe.answer {
        Some(Answer::PathMtu(path)) => Some(path),
        _ => None,
    }
}

fn narrowest(site: &Site<'_>) -> Option<u32> {
    lost(site).filter_map(measured).map(|path| path.passed).filter(|size| *size > 0).min()
}

/// That echo requests vanish some router may be to blame for; a message over TCP is what users send.
fn decisive(site: &Site<'_>) -> Decisive {
    let message = lost(site).find(|probe| is_large_message(probe));
    match message.zip(lost(site).find_map(measured)) {
        Some((message, path)) => Decisive::Seen {
            evidence: vec![
                Evidence::new(
                    site.place(),
                    format!("a packet of {} bytes comes back", path.passed),
                ),
                Evidence::new(site.place(), format!("a message to {} does not", message.target)),
            ],
            speaks_for_itself: false,
        },
        None => Decisive::Unseen(None),
    }
}

//! `C-HOSTDNS`: the node itself does not resolve names.

use super::{Check, Decisive, Sign, Signature, Site};
use crate::{
    probe::readings::Reading,
    rules::{Evidence, Remedy},
};

pub(super) static SIGNATURE: Signature = Signature {
    code: "C-HOSTDNS",
    title: |_| {
        "the node's own DNS servers do not answer, while the internet is reached by address".into()
    },
    breaks: &[Sign::HostNames],
    may_break: &[],
    spares: &[Sign::HostInternet],
    decisive: |site: &Site<'_>| match site.readings.seen(Sign::HostInternet) {
        Some(internet) if internet.reading == Reading::Works => Decisive::Seen {
            evidence: internet
                .answered
                .iter()
                .take(1)
                .map(|probe| {
                    let fact = format!("the node itself reaches {} by address", probe.target);
                    Evidence::new(site.place(), fact)
                })
                .collect(),
            speaks_for_itself: false,
        },
        _ => Decisive::Unseen(None),
    },
    explains: |finding| finding.code.0 == "POD-01" && finding.subject == "host DNS",
    because: "images are pulled by the node, with its own DNS servers; CoreDNS mostly asks the same ones",
    broken: &["image pulls, and names outside the cluster for pods"],
    still_works: &["everything by address"],
    cautions: &["That the internet answers by address proves nothing about names."],
    fix: |_| {
        vec![
            Remedy::text(
                "See which servers the node asks, and which way packets for them leave: through a `cilium_…` device is \
                 C-CLASH.",
            )
            .with_commands(["resolvectl dns || cat /etc/resolv.conf", "ip route get DNS-SERVER"]),
        ]
    },
    verify: |_| vec![Check::new("getent hosts one.one.one.one", "an address, on the node itself")],
};

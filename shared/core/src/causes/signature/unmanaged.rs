//! `C-UNMANAGED`: pods that matter are not Cilium's.

use super::{Check, Decisive, Sign, Signature};
use crate::{probe::matrix::Destination, rules::Severity};

pub(super) static SIGNATURE: Signature = Signature {
    code: "C-UNMANAGED",
    title: |_| "the cluster's DNS runs in pods that Cilium does not manage".into(),
    // On their own node they may be reached all the same, and by luck elsewhere.
    breaks: &[],
    may_break: &[
        Sign::Pod(Destination::ClusterDnsPod),
        Sign::Pod(Destination::ClusterDns),
        Sign::Pod(Destination::Resolver),
        Sign::Pod(Destination::InternetByName),
    ],
    spares: &[],
    decisive: |site| match site.evidence_of("CNI-05", Severity::Error) {
        Some(evidence) => Decisive::Seen { evidence, speaks_for_itself: true },
        None => Decisive::RuledOut,
    },
    explains: |finding| finding.code.0 == "CNI-05",
    because: "pods that another plugin set up before keep that plugin's network until they are restarted",
    broken: &["policies do not hold for them, and pods of other nodes may not reach them"],
    still_works: &["pods that were started since"],
    cautions: &["`cilium status` counts them: `Cluster Pods: 1/55 managed by Cilium`."],
    fix: |site| site.of_rule("CNI-05").take(1).map(|finding| finding.remedy.clone()).collect(),
    verify: |_| {
        vec![Check::new(
            "cilium status",
            "all pods managed by Cilium, but for those on the host's network",
        )]
    },
};

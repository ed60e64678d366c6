//! `C-DNSUP`: the cluster's DNS gets no answer from those that it asks.

use super::{Check, Decisive, Sign, Signature};
use crate::{probe::matrix::Destination, rules::Remedy};

pub(super) static SIGNATURE: Signature = Signature {
    code: "C-DNSUP",
    title: |_| {
        "names outside the cluster are not resolved for pods: CoreDNS gets no answer from its upstream servers".into()
    },
    breaks: &[Sign::Pod(Destination::Resolver)],
    may_break: &[Sign::Pod(Destination::InternetByName)],
    spares: &[
        // Where pods do not even get there, it is not about names.
        Sign::Pod(Destination::Gateway),
        Sign::Pod(Destination::InternetByAddress),
        Sign::Pod(Destination::ClusterDns),
        Sign::Pod(Destination::ApiService),
    ],
    decisive: |site| {
        let said = site
            .of_rule("POD-08")
            .find(|finding| matches!(finding.subject.as_str(), "upstream servers" | "loop"));
        match said {
            Some(finding) => {
                Decisive::Seen { evidence: finding.evidence.clone(), speaks_for_itself: false }
            }
            None => Decisive::Unseen(Some(Check::new(
                "kubectl -n kube-system logs -l k8s-app=kube-dns --tail=50",
                "timeouts with the address of an upstream server, if it is this",
            ))),
        }
    },
    explains: |finding| {
        finding.code.0 == "POD-08"
            && matches!(finding.subject.as_str(), "upstream servers" | "loop")
    },
    because: "CoreDNS answers for the cluster itself, and for all else asks the servers of its node",
    broken: &["names outside the cluster, for all pods"],
    still_works: &["names of Services", "the internet by address, which misleads"],
    cautions: &["That the internet answers by address proves nothing about names."],
    fix: |_| {
        vec![
            Remedy::text("See whom CoreDNS asks, and let it ask servers that answer pods.")
                .with_commands([
                    "kubectl -n kube-system get configmap coredns -o jsonpath='{.data.Corefile}'",
                    "kubectl -n kube-system logs -l k8s-app=kube-dns --tail=50",
                ]),
            Remedy::text(
                "`/etc/resolv.conf` with 127.0.0.53 in it makes CoreDNS ask itself: give the kubelets `resolvConf: \
                 /run/systemd/resolve/resolv.conf`, and restart CoreDNS.",
            ),
        ]
    },
    verify: |_| {
        vec![Check::new(
            "kubectl run dns --rm -i --restart=Never --image=busybox -- nslookup one.one.one.one",
            "addresses",
        )]
    },
};

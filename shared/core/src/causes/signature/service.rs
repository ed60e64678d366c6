//! `C-SVC`: Services are not translated to pods.

use super::{Check, Decisive, Sign, Signature, in_agent};
use crate::{
    facts::ProxyReplacement,
    probe::matrix::Destination,
    rules::{Evidence, Remedy},
    view::KubeProxy,
};

pub(super) static SIGNATURE: Signature = Signature {
    code: "C-SVC",
    title: |_| {
        "Services are not translated to pods: pods are reached by their addresses, Services are not"
            .into()
    },
    breaks: &[Sign::Pod(Destination::ClusterDns), Sign::Pod(Destination::ApiService)],
    may_break: &[Sign::Pod(Destination::Resolver), Sign::Pod(Destination::InternetByName)],
    spares: &[Sign::Pod(Destination::PodSameNode), Sign::Pod(Destination::ClusterDnsPod)],
    decisive: |site| {
        let is_off = site
            .config
            .as_ref()
            .is_some_and(|config| config.kube_proxy_replacement == ProxyReplacement::Off);
        match site.view.kube_proxy() {
            Ok(KubeProxy::Absent) if is_off => Decisive::Seen {
                evidence: vec![Evidence::new(
                    "DaemonSets",
                    "no kube-proxy, and Cilium does not do its work",
                )],
                speaks_for_itself: false,
            },
            _ => Decisive::Unseen(Some(Check::new(
                in_agent(site, "cilium service list"),
                "Services without backends or none, although Cilium does kube-proxy's work",
            ))),
        }
    },
    explains: |finding| finding.code.0 == "POD-08" && finding.subject == "API server",
    because: "an address of a Service belongs to nobody: kube-proxy, or Cilium in its place, has to replace it",
    broken: &["every Service: DNS, and the API server for what runs in pods"],
    still_works: &["pods by address, and the internet by address"],
    cautions: &[],
    fix: |_| {
        vec![Remedy::text(
            "Either kube-proxy runs on every node, or Cilium does its work (`kubeProxyReplacement`, with the API \
             server's own address in `k8sServiceHost` and `k8sServicePort`).",
        )]
    },
    verify: |_| {
        vec![Check::new(
            "kubectl run dns --rm -i --restart=Never --image=busybox -- nslookup kubernetes.default",
            "an address",
        )]
    },
};

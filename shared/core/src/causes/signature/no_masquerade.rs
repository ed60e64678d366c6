//! `C-NOMASQ`: packets of pods leave with the pod's own address, and nobody outside knows a way back.

use super::{Check, Decisive, OUTSIDE, Sign, Signature, Site, in_agent};
use crate::{
    probe::matrix::Destination,
    rules::{Evidence, Finding, Remedy, Severity, restart_agent},
};

pub(super) static SIGNATURE: Signature = Signature {
    code: "C-NOMASQ",
    title: |_| {
        "egress without SNAT: packets of pods leave the cluster with the pod's own address, and \
         nothing is known by which answers find back"
            .into()
    },
    // A router that knows the way to pods, and does not translate their addresses, answers itself.
    breaks: &[Sign::Pod(Destination::InternetByAddress), Sign::Pod(Destination::InternetByName)],
    may_break: OUTSIDE,
    spares: &[Sign::Pod(Destination::PodSameNode)],
    decisive,
    explains: |finding| match finding.code.0 {
        "CFG-03" | "CFG-13" => true,
        "POD-02" => finding.subject == "crash loops for want of network",
        "POD-08" => finding.subject == "upstream servers",
        _ => false,
    },
    because: "routers outside know nodes, not pods: they drop such packets, or send the answers nowhere",
    broken: &[
        "everything outside the cluster, by name and by address, with policies and without",
        "names outside the cluster, for all pods: CoreDNS is a pod too",
    ],
    still_works: &[
        "pod to pod, Services, nodes, and `cilium-health`: none of it leaves the cluster",
        "the nodes themselves, image pulls included",
    ],
    cautions: &[
        "Tunnels have nothing to do with it: native routing works with masquerade, and a tunnel without it fails alike.",
        "First: does your router know the way to the pods, or is nothing meant to leave? Then all is well (`--ignore CFG-03`).",
    ],
    fix,
    verify: |site| {
        vec![
            Check::new(
                in_agent(site, "cilium status | grep Masquerading"),
                "`IPTables` or `BPF`, and not `Disabled`",
            ),
            Check::new(
                "kubectl run egress --rm -i --restart=Never --image=curlimages/curl -- curl -sS -o /dev/null -w '%{http_code}' https://1.1.1.1",
                "a number",
            ),
        ]
    },
};

fn decisive(site: &Site<'_>) -> Decisive {
    let Some((masquerades, evidence)) = site.masquerades() else {
        return Decisive::Unseen(Some(Check::new(
            in_agent(site, "cilium status | grep Masquerading"),
            "`Disabled`, if it is this",
        )));
    };
    if masquerades {
        return Decisive::RuledOut;
    }
    let mut seen = vec![evidence];
    if let Some(config) = contradicted(site) {
        seen.push(config);
    }
    // A reason why answers might find back makes a finding for information of it: then only probes speak.
    let is_asked = site.of_rule("CFG-03").any(|finding| finding.severity >= Severity::Warn);
    Decisive::Seen { evidence: seen, speaks_for_itself: is_asked }
}

/// A ConfigMap that says otherwise: agents read it when they start.
fn contradicted(site: &Site<'_>) -> Option<Evidence> {
    let config = site.config.as_ref().filter(|config| config.masquerade_v4)?;
    site.masquerading()?;
    Some(Evidence::new(
        config.origin.clone(),
        "enable-ipv4-masquerade true: changed since the agent started",
    ))
}

fn fix(site: &Site<'_>) -> Vec<Remedy> {
    if contradicted(site).is_some() {
        let restart = site.node.map(|node| restart_agent(site.view.namespace(), node.name()));
        return vec![
            Remedy::text(
                "Restart the agents: the configuration is right, and they have not read it yet.",
            )
            .with_commands(restart),
        ];
    }
    let of_rule = |finding: &Finding| {
        let Remedy { values, commands, .. } = finding.remedy.clone();
        Remedy {
            text: "Any of these: (a) native routing with masquerade; (b) a tunnel with masquerade; (c) a route \
                   to each node's pods on the router, by hand or with BGP. Then restart the agents."
                .into(),
            values,
            commands,
        }
    };
    let remedy = site.of_rule("CFG-03").find(|it| !it.remedy.values.is_empty()).map(of_rule);
    vec![remedy.unwrap_or_else(|| {
        Remedy::text(
            "Turn masquerade on (native routing then needs `ipv4NativeRoutingCIDR`, the network of all \
             pods), or give the router a route to each node's pods. Then restart the agents.",
        )
        .with_values("enableIPv4Masquerade: true\n")
    })]
}

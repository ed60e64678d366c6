//! Pods do not get out although masquerade is on.

use super::{Check, Decisive, OUTSIDE, Sign, Signature, Site, in_agent};
use crate::{
    facts::Family,
    probe::matrix::Destination,
    rules::{Evidence, Remedy, Severity, restart_agent},
};

const INTERNET: &[Sign] =
    &[Sign::Pod(Destination::InternetByAddress), Sign::Pod(Destination::InternetByName)];
const SAME_NODE: Sign = Sign::Pod(Destination::PodSameNode);

pub(super) static DEVICE: Signature = Signature {
    code: "C-MASQDEV",
    title: |site| match lost_rules(site) {
        Some(_) => "masquerade is on, and the rules that do it are gone".into(),
        None => "masquerade is on, and not on the device by which packets leave".into(),
    },
    breaks: INTERNET,
    may_break: OUTSIDE,
    // Nodes know the way to pods.
    spares: &[SAME_NODE, Sign::Pod(Destination::OtherNode)],
    decisive: |site| {
        if matches!(site.masquerades(), Some((false, _))) {
            return Decisive::RuledOut;
        }
        let of_rule = |code| site.evidence_of(code, Severity::Error);
        if let Some(evidence) = of_rule("CFG-10").or_else(|| of_rule("CFG-11")) {
            return Decisive::Seen { evidence, speaks_for_itself: true };
        }
        match lost_rules(site) {
            // An agent that starts writes them anew.
            Some(lost) => Decisive::Seen { evidence: vec![lost], speaks_for_itself: false },
            None => Decisive::Unseen(Some(Check::new(
                in_agent(
                    site,
                    "sh -c \"iptables-save -t nat | grep 'cilium masquerade'; cilium status --verbose | grep -A3 Devices\"",
                ),
                "no rule, or not the device of the default route, if it is this",
            ))),
        }
    },
    explains: |finding| {
        matches!(finding.code.0, "CFG-10" | "CFG-11") && finding.severity >= Severity::Error
    },
    because: "without a rule for the device by which they leave, packets keep the pod's address, and answers find no \
              way back",
    broken: &["everything outside the cluster"],
    still_works: &["pod to pod, Services, nodes"],
    cautions: &["`cilium status` says that masquerading is on."],
    fix: |site| {
        let rules = ["CFG-10", "CFG-11"];
        let remedies = rules.into_iter().flat_map(|code| site.of_rule(code)).take(1);
        let remedies: Vec<Remedy> = remedies.map(|finding| finding.remedy.clone()).collect();
        if remedies.is_empty() && lost_rules(site).is_some() {
            let restart = site.node.map(|node| restart_agent(site.view.namespace(), node.name()));
            return vec![
                Remedy::text(
                    "Restart the agent, which writes its rules again. Then find what takes them away: a firewall that \
                     is loaded again (firewalld, ufw, `nft flush ruleset`), or `iptables-restore`.",
                )
                .with_commands(restart),
            ];
        }
        if remedies.is_empty() {
            return vec![
                Remedy::text(
                    "Name the device by which packets leave; a bridge may stand there too.",
                )
                .with_values("devices: [DEVICE]\n"),
            ];
        }
        remedies
    },
    verify: |site| {
        vec![Check::new(
            in_agent(site, "cilium status | grep Masquerading"),
            "the device of the default route in brackets (BPF), or a rule in iptables",
        )]
    },
};

/// Agents that masquerade in iptables do it in `CILIUM_POST_nat`, whatever their version.
fn lost_rules(site: &Site<'_>) -> Option<Evidence> {
    const CHAIN: &str = "CILIUM_POST_nat";
    let (node, config) = (site.node?, site.config.as_ref()?);
    let in_iptables = match site.masquerading().and_then(|it| it.mode.as_deref()) {
        Some(mode) => mode.eq_ignore_ascii_case("iptables"),
        None => !config.masquerading.bpf,
    };
    let tables = node.facts.iptables.known()?.iter().filter(|it| it.family == Family::V4);
    let tables: Vec<_> = tables.collect();
    let of_name = |name| tables.iter().flat_map(move |table| table.named(name));
    // An agent that starts keeps the old ones until it has written the new ones.
    let is_there = of_name(CHAIN).any(|chain| chain.rules > 0 && chain.jumps > 0);
    let is_replaced = of_name("OLD_CILIUM_POST_nat").next().is_some();
    if !(in_iptables && config.iptables_rules) || tables.is_empty() || is_there || is_replaced {
        return None;
    }
    let fact = match of_name(CHAIN).next() {
        None => format!("there is no chain {CHAIN}"),
        Some(chain) if chain.rules == 0 => format!("{CHAIN} holds no rule"),
        Some(_) => format!("nothing leads to {CHAIN}"),
    };
    Some(Evidence::new(format!("iptables of {}", node.name()), fact))
}

pub(super) static REVERSE_PATH: Signature = Signature {
    code: "C-RPF",
    title: |_| {
        "answers arrive, and the node drops them because it would send by another device (rp_filter)".into()
    },
    breaks: INTERNET,
    may_break: &[
        Sign::Pod(Destination::Gateway),
        Sign::Pod(Destination::Lan),
        Sign::Pod(Destination::Resolver),
        Sign::Pod(Destination::OtherNode),
        Sign::Pod(Destination::PodOtherNode),
    ],
    spares: &[SAME_NODE],
    decisive: |site| match site.readings.deaths {
        Some(deaths) if deaths.reverse_path > 0 => Decisive::Seen {
            evidence: vec![Evidence::new(
                site.place(),
                format!("IPReversePathFilter rose by {} while probes ran", deaths.reverse_path),
            )],
            speaks_for_itself: false,
        },
        Some(_) => Decisive::RuledOut,
        None => Decisive::Unseen(Some(Check::new(
            "nstat -az TcpExtIPReversePathFilter   # on the node, twice, while a pod sends",
            "a number that rises, if it is this",
        ))),
    },
    explains: |finding| finding.code.0 == "RT-08",
    because: "with rp_filter 1 the kernel takes a packet only on the device by which it would answer",
    broken: &["everything whose answers come in by another device"],
    still_works: &["pods of the same node"],
    cautions: &["Of `all` and the device's own value the larger one counts."],
    fix: |_| {
        vec![
            Remedy::text("Set it to 0 or 2 for the devices in question, in a file that is read last.")
                .with_commands([
                    "sysctl -a 2>/dev/null | grep '\\.rp_filter'",
                    "printf 'net.ipv4.conf.all.rp_filter = 0\\nnet.ipv4.conf.*.rp_filter = 0\\n' > /etc/sysctl.d/99-zzz-rp-filter.conf",
                    "sysctl --system",
                ]),
        ]
    },
    verify: |_| {
        vec![Check::new("nstat -az TcpExtIPReversePathFilter", "a number that stays as it is")]
    },
};

pub(super) static WIDE_CIDR: Signature = Signature {
    code: "C-NCIDR-WIDE",
    title: |_| {
        "the native routing CIDR covers the LAN: packets of pods to it keep the pod's address"
            .into()
    },
    breaks: &[Sign::Pod(Destination::Lan)],
    may_break: OUTSIDE,
    spares: &[SAME_NODE, Sign::Pod(Destination::InternetByAddress)],
    decisive: |site| {
        if matches!(site.masquerades(), Some((false, _))) {
            return Decisive::RuledOut;
        }
        if let Some(evidence) = site.evidence_of("CFG-05", Severity::Warn) {
            return Decisive::Seen { evidence, speaks_for_itself: false };
        }
        // That the configuration names none now does not say what the agent started with.
        Decisive::Unseen(Some(Check::new(
            in_agent(site, "cilium status -o json | grep snat-exclusion"),
            "a network that holds addresses of the LAN, if it is this",
        )))
    },
    explains: |finding| finding.code.0 == "CFG-05" && finding.severity >= Severity::Warn,
    because: "within the native routing CIDR nothing is masqueraded, with a tunnel too: hosts of the LAN have no way \
              back to pods",
    broken: &["the LAN, for pods: DNS servers, registries, gateways in it"],
    still_works: &["the internet by address, which misleads"],
    cautions: &["That the internet answers by address proves nothing about the LAN."],
    fix: |site| site.of_rule("CFG-05").take(1).map(|finding| finding.remedy.clone()).collect(),
    verify: |site| {
        vec![Check::new(
            in_agent(site, "cilium status | grep Masquerading"),
            "a network that holds pods and nothing else",
        )]
    },
};

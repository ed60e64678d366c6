use super::{Evidence, Finding, Judgement, Remedy, Severity, finding::merged, premise, rule};
use crate::{
    facts::{CiliumConfig, Encryption, KernelPart, PartState, RoutingMode, TunnelProtocol},
    view::{NodeView, View, listing},
};

rule! {
    /// ## What it checks
    /// Whether a host's kernel has what Cilium needs: BPF and its hooks always; VXLAN or Geneve, sets
    /// for masquerading by iptables and WireGuard where they are used. Parts that were left out when the
    /// kernel was built count (`/proc/config.gz`, `/boot/config-…`), and modules whose files are not on
    /// the host (`modules.dep`). Where the configuration of Cilium is not known, what only some need is
    /// a warning, unless an agent runs. The host's own files tell it, so it is judged with `--local`.
    ///
    /// ## Why it hurts
    /// Agents end at their start ("protocol not supported", "Can't find ipset"), or lack the feature.
    /// Ubuntu's kernels for the Raspberry Pi have VXLAN in a package of its own, and small distributions
    /// leave much out.
    ///
    /// ## Fix
    /// Install the package with the other modules, or another kernel; or do without the feature.
    ///
    /// ## References
    /// - Cilium documentation, "System Requirements", "Linux Kernel"
    /// - cilium/cilium issue 20735
    "KRN-02", Error, State, "the kernel lacks what Cilium needs", judge
}

/// What a part of the kernel is needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    Always,
    Vxlan,
    Geneve,
    Sets,
    WireGuard,
}

/// Other options serve policies about HTTP and the like, which agents without them fall back from.
const NEEDS: [(&str, Need); 14] = [
    ("CONFIG_BPF", Need::Always),
    ("CONFIG_BPF_SYSCALL", Need::Always),
    ("CONFIG_BPF_JIT", Need::Always),
    ("CONFIG_CGROUPS", Need::Always),
    ("CONFIG_CGROUP_BPF", Need::Always),
    ("CONFIG_FIB_RULES", Need::Always),
    ("CONFIG_NET_CLS_ACT", Need::Always),
    ("CONFIG_NET_CLS_BPF", Need::Always),
    ("CONFIG_NET_SCH_INGRESS", Need::Always),
    ("CONFIG_VXLAN", Need::Vxlan),
    ("CONFIG_GENEVE", Need::Geneve),
    ("CONFIG_IP_SET", Need::Sets),
    ("CONFIG_NETFILTER_XT_SET", Need::Sets),
    ("CONFIG_WIREGUARD", Need::WireGuard),
];

/// Whether the running Cilium needs a part; none where its configuration is not known.
fn is_needed(need: Need, config: Option<&CiliumConfig>) -> Option<bool> {
    if need == Need::Always {
        return Some(true);
    }
    let config = config?;
    let tunnel = |protocol| config.routing == RoutingMode::Tunnel(protocol);
    Some(match need {
        Need::Always => true,
        Need::Vxlan => tunnel(TunnelProtocol::Vxlan),
        Need::Geneve => tunnel(TunnelProtocol::Geneve),
        Need::Sets => {
            config.routing == RoutingMode::Native
                && config.iptables_rules
                && config.masquerade_v4
                && !config.masquerading.bpf
        }
        Need::WireGuard => config.encryption == Encryption::WireGuard,
    })
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    if !premise::has_nodes(view, out) {
        return;
    }
    let mut found = Vec::new();
    for node in view.nodes() {
        let what = "the kernel's configuration";
        let Some(parts) = premise::of_host(node, |host| &host.kernel_parts, what, out) else {
            continue;
        };
        for severity in [Severity::Error, Severity::Warn] {
            // An agent that runs has what it needs of what only some need.
            let runs = view.agent_runs_on(node.facts) == Some(true);
            if severity == Severity::Warn && runs {
                continue;
            }
            let missing = missing(parts, view.config(), severity);
            if !missing.is_empty() {
                let basis = premise::basis(view);
                found.push(Finding { basis, ..finding(node, severity, &missing) });
            }
        }
    }
    merged(found).for_each(|finding| out.found(finding));
}

/// The parts whose lack is as bad as this.
fn missing<'p>(
    parts: &'p [KernelPart],
    config: Option<&CiliumConfig>,
    severity: Severity,
) -> Vec<&'p KernelPart> {
    let is_missing = |part: &&KernelPart| {
        let need = NEEDS.iter().find(|(option, _)| *option == part.option);
        let severity_of = need.and_then(|(_, need)| match is_needed(*need, config) {
            Some(true) => Some(Severity::Error),
            // Geneve and WireGuard are chosen by few.
            None if matches!(need, Need::Vxlan | Need::Sets) => Some(Severity::Warn),
            Some(false) | None => None,
        });
        matches!(part.state, PartState::LeftOut | PartState::ModuleMissing)
            && severity_of == Some(severity)
    };
    parts.iter().filter(is_missing).collect()
}

fn finding(node: &NodeView<'_>, severity: Severity, missing: &[&KernelPart]) -> Finding {
    let release = node.facts.kernel.known().map_or("", |kernel| &*kernel.release);
    let names: Vec<String> = missing.iter().map(|part| part.option.clone()).collect();
    let names = listing(&names);
    let (summary, impact) = match severity {
        Severity::Error => (
            format!("kernel {release} lacks {names}, which Cilium needs"),
            "agents on it end at their start, or lack a feature that is switched on",
        ),
        _ => (
            format!("kernel {release} lacks {names}, which Cilium needs in most clusters"),
            "agents on it end at their start, unless they need it not: tunnels need VXLAN, and \
             masquerading by iptables needs sets",
        ),
    };
    let mut finding = Finding::about(RULE.code, severity, names.clone())
        .on(node.name())
        .saying(summary, impact)
        .mended_by(
            Remedy::text(
                "install the package with the other modules (linux-modules-extra-…), or another kernel",
            )
            .with_commands([
                format!("# on {}; Ubuntu, also for the Raspberry Pi:", node.name()),
                "apt-get install linux-modules-extra-$(uname -r)".to_owned(),
            ]),
        );
    finding.evidence = missing.iter().map(|part| Evidence::new(&*part.file, told(part))).collect();
    finding
}

fn told(part: &KernelPart) -> String {
    match part.state {
        PartState::ModuleMissing => {
            format!("{}=m, and no such module is on the host", part.option)
        }
        _ => format!("{} is not set", part.option),
    }
}

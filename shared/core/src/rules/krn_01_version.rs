use super::{Finding, Judgement, Remedy, Severity, premise, rule};
use crate::{
    facts::{CiliumConfig, Encryption, NodeName},
    view::{View, listing},
};

rule! {
    /// ## What it checks
    /// The kernel of each node against what the version of Cilium needs (1.12: 4.9.17, 1.14: 4.19.57,
    /// 1.16: 5.4, from 1.18 on 5.10), and against what two options need: WireGuard 5.6, the egress
    /// gateway 5.2. The 4.18 of RHEL 8 and what is built of it have the changes of newer kernels, and
    /// count as new enough.
    ///
    /// ## Why it hurts
    /// Agents end at their start, or the kernel refuses their BPF programs. Without WireGuard in the
    /// kernel the agent ends too; some distributions have brought it to older kernels.
    ///
    /// ## Fix
    /// Update the kernel of these nodes, or stay with a version of Cilium that takes it.
    ///
    /// ## References
    /// - Cilium documentation, "System Requirements": Linux kernel
    "KRN-01", Block, Configuration, "a kernel is too old", judge
}

/// Major, minor and patch.
type Release = (u32, u32, u32);

/// Oldest kernel from a version of Cilium on, newest first.
const NEEDED: [((u64, u64), Release); 4] =
    [((1, 18), (5, 10, 0)), ((1, 16), (5, 4, 0)), ((1, 14), (4, 19, 57)), ((1, 12), (4, 9, 17))];
/// The kernel that has WireGuard.
const WIREGUARD: Release = (5, 6, 0);
/// The kernel that has what the egress gateway needs.
const EGRESS_GATEWAY: Release = (5, 2, 0);

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::config(view, out) else { return };
    let mut kernels: Vec<(&NodeName, &str, Release)> = Vec::new();
    for (node, text) in releases(view) {
        match text.and_then(|text| Some((text, parsed(text)?))) {
            Some((text, release)) => kernels.push((node, text, release)),
            None => out.unknown_on(node, "kernel", "its version was not read, or is none"),
        }
    }
    if kernels.is_empty() {
        out.unknown("kernels", "no node was looked at");
        return;
    }
    // RHEL 8 and its rebuilds bring BPF of newer kernels to 4.18.
    kernels.retain(|(_, text, release)| !(text.contains(".el8") && *release >= (4, 18, 0)));
    let mut report = |needed: Release, severity, subject: &str, what: &str, impact: &str| {
        let old: Vec<&(&NodeName, &str, Release)> =
            kernels.iter().filter(|(_, _, release)| *release < needed).collect();
        if !old.is_empty() {
            out.found(finding(config, &old, needed, severity, subject, what, impact));
        }
    };
    if config.encryption == Encryption::WireGuard {
        report(
            WIREGUARD,
            Severity::Warn,
            "encryption.type",
            "WireGuard",
            "agents do not start, unless the distribution brought WireGuard to this kernel",
        );
    }
    if config.egress_gateway {
        report(
            EGRESS_GATEWAY,
            Severity::Warn,
            "egressGateway.enabled",
            "the egress gateway",
            "the egress gateway does not work, or agents do not start",
        );
    }
    let Some(version) = &config.version else {
        out.unknown("Cilium's version", format!("nothing tells it for {}", config.origin));
        return;
    };
    let needed = NEEDED.iter().find(|(since, _)| (version.major, version.minor) >= *since);
    if let Some((_, needed)) = needed {
        report(
            *needed,
            Severity::Block,
            "kernel",
            &format!("Cilium {}.{}", version.major, version.minor),
            "agents end at their start, or the kernel refuses their BPF programs",
        );
    }
}

/// Every node with `uname -r`: its own answer, else what its kubelet told.
fn releases<'a>(view: &View<'a>) -> Vec<(&'a NodeName, Option<&'a str>)> {
    let own = view.facts.nodes.iter();
    let mut found: std::collections::BTreeMap<&NodeName, Option<&str>> = own
        .map(|node| (&node.name, node.kernel.known().map(|kernel| kernel.release.as_str())))
        .collect();
    for node in view.facts.cluster.nodes.items() {
        let told = Some(node.info.kernel_version.as_str()).filter(|text| !text.is_empty());
        let known = found.entry(&node.name).or_default();
        *known = known.or(told);
    }
    found.into_iter().collect()
}

fn parsed(release: &str) -> Option<Release> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    let (major, minor) = (numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?);
    Some((major, minor, numbers.next().and_then(|text| text.parse().ok()).unwrap_or(0)))
}

fn finding(
    config: &CiliumConfig,
    old: &[&(&NodeName, &str, Release)],
    needed: Release,
    severity: Severity,
    subject: &str,
    what: &str,
    impact: &str,
) -> Finding {
    let needed = match needed {
        (major, minor, 0) => format!("{major}.{minor}"),
        (major, minor, patch) => format!("{major}.{minor}.{patch}"),
    };
    let nodes: Vec<String> = old.iter().map(|(node, text, _)| format!("{node}: {text}")).collect();
    let mut finding = Finding::about(RULE.code, severity, subject)
        .saying(
            format!("{what} needs kernel {needed} or newer; {} has {}", old[0].0, old[0].1),
            impact,
        )
        .seen("kernels", listing(&nodes))
        .seen(config.origin.clone(), format!("asks for {what}"))
        .mended_by(
            Remedy::text("update the kernel of these nodes, or do without")
                .with_commands(["kubectl get nodes -o wide   # KERNEL-VERSION"]),
        );
    finding.nodes = old.iter().map(|(node, _, _)| (*node).clone()).collect();
    finding
}

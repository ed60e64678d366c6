use super::{Finding, Judgement, Remedy, Severity, host_routing, premise, rule};
use crate::{
    facts::{CiliumConfig, Family},
    view::{NodeView, View},
};

rule! {
    /// ## What it checks
    /// On nodes where an agent runs, whether the kernel forwards packets: `net.ipv4.ip_forward`
    /// (the same value as `net.ipv4.conf.all.forwarding`), and `net.ipv6.conf.all.forwarding` where
    /// Cilium has IPv6 on.
    ///
    /// ## Why it hurts
    /// Without it the host drops what pods send to others, and what others send to them. Something
    /// that came after the agent's start switched it off: a file in `/etc/sysctl.d`, or `IPForward=`
    /// of systemd-networkd. Where BPF routes packets beside the host's stack (eBPF host routing),
    /// pods go on; what still takes the stack does not.
    ///
    /// ## Fix
    /// Switch it on, and in a file of `/etc/sysctl.d` that comes last.
    ///
    /// ## References
    /// - Linux documentation, ip-sysctl: ip_forward, forwarding
    /// - cilium/cilium issue 27900
    "RT-09", Block, State, "the kernel does not forward packets", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    if !premise::has_nodes(view, out) {
        return;
    }
    for node in view.nodes() {
        // Installing Cilium, or the kubelet, switches it on.
        if !premise::runs_agent(view, node, out) {
            continue;
        }
        let Ok(sysctls) = node.facts.sysctls.get().map_err(|why| {
            out.missing_on(node.name(), "ip_forward", why);
        }) else {
            continue;
        };
        let value = |name: &str| sysctls.get(name).map(|text| text.trim());
        match value("net.ipv4.ip_forward").or_else(|| value("net.ipv4.conf.all.forwarding")) {
            Some("0") if view.config().is_none_or(|config| config.ipv4) => {
                out.found(finding(view, node, Family::V4));
            }
            Some(_) => {}
            None => out.unknown_on(node.name(), "ip_forward", "was not among the sysctls read"),
        }
        // A kernel without IPv6 has no such value, and KRN-03 speaks of that.
        if view.config().is_some_and(|config| config.ipv6)
            && value("net.ipv6.conf.all.forwarding") == Some("0")
        {
            out.found(finding(view, node, Family::V6));
        }
    }
}

fn finding(view: &View<'_>, node: &NodeView<'_>, family: Family) -> Finding {
    let kernel = node.facts.kernel.known().and_then(host_routing::numbers);
    let bypasses = |config: &CiliumConfig| host_routing::bypasses_netfilter(config, kernel);
    let (severity, impact) = if view.config().and_then(bypasses) == Some(true) {
        (
            Severity::Warn,
            "BPF routes pods' packets by itself; what goes through the host's stack is dropped",
        )
    } else {
        (Severity::Block, "the node drops all packets between its pods and other machines")
    };
    let sysctl = match family {
        Family::V4 => "net.ipv4.ip_forward",
        Family::V6 => "net.ipv6.conf.all.forwarding",
    };
    Finding::about(RULE.code, severity, sysctl)
        .on(node.name())
        .saying(format!("the kernel of {} does not forward {family} packets", node.name()), impact)
        .seen(format!("sysctls of {}", node.name()), format!("{sysctl} = 0"))
        .mended_by(
            Remedy::text(
                "switch it on, and find what switched it off: `grep -r forward /etc/sysctl.conf \
                 /etc/sysctl.d /run/sysctl.d /usr/lib/sysctl.d`, `IPForward=` in /etc/systemd/network",
            )
            .with_commands([
                format!("# on {}", node.name()),
                format!("sysctl -w {sysctl}=1"),
                format!("echo '{sysctl} = 1' >/etc/sysctl.d/99-zzzz-forwarding.conf"),
            ]),
        )
}

use super::{Finding, Judgement, Remedy, Severity, premise, rule};
use crate::{
    facts::CiliumConfig,
    view::{NodeView, View},
};

rule! {
    /// ## What it checks
    /// Where Cilium answers Services of type NodePort, whether the kernel gives their ports to
    /// programs too: the range of `net.ipv4.ip_local_port_range` against `nodePort.range` (30000 to
    /// 32767), less what `net.ipv4.ip_local_reserved_ports` keeps. And whether Services' ports lie
    /// behind the kernel's range, which agents refuse.
    ///
    /// ## Why it hurts
    /// A connection that a program opens from such a port gets no answer: Cilium takes what comes back
    /// for a request to a Service. Agents reserve the range when they start, so something has set the
    /// sysctl since. With `nodePort.autoProtectPortRange: false` they do not, and end at their start.
    ///
    /// ## Fix
    /// Reserve the range in a file of `/etc/sysctl.d`, or let programs have ports above it only, which
    /// is what the kernel does by itself (32768 to 60999).
    ///
    /// ## References
    /// - Linux documentation, ip-sysctl: ip_local_port_range, ip_local_reserved_ports
    /// - Cilium documentation, "Kubernetes Without kube-proxy", "NodePort Port Range"
    "KRN-07", Warn, State, "programs are given ports of Services", judge
}

/// First and last port.
type Ports = (u16, u16);

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::config(view, out) else { return };
    if !premise::has_nodes(view, out) {
        return;
    }
    match premise::answers_node_ports(config) {
        Some(true) => {}
        Some(false) => {
            out.not_applicable("Cilium does not answer Services of type NodePort");
            return;
        }
        None => {
            out.unknown("who answers Services", "the kernel decides, or nobody knows the value");
            return;
        }
    }
    for node in view.nodes() {
        let Some(own) = premise::of_node(view, node.name(), config, out) else { continue };
        let text = own.load_balancer.node_port_range.as_deref().unwrap_or("30000,32767");
        let Some(services) = ports(text, ',') else {
            out.unknown_on(node.name(), "nodePort.range", format!("`{text}` is no range"));
            continue;
        };
        // Agents reserve the ports; where none runs, none has.
        if own.load_balancer.leaves_node_ports_open || premise::runs_agent(view, node, out) {
            of_node(node, &own, services, out);
        }
    }
}

fn of_node(node: &NodeView<'_>, config: &CiliumConfig, services: Ports, out: &mut Judgement) {
    const GIVEN: &str = "net.ipv4.ip_local_port_range";
    const RESERVED: &str = "net.ipv4.ip_local_reserved_ports";
    let sysctls = match node.facts.sysctls.get() {
        Ok(sysctls) => sysctls,
        Err(why) => {
            out.missing_on(node.name(), GIVEN, why);
            return;
        }
    };
    let (Some(given), Some(reserved)) = (sysctls.get(GIVEN), sysctls.get(RESERVED)) else {
        out.unknown_on(node.name(), GIVEN, "was not among the sysctls read");
        return;
    };
    let Some((first, last)) = ports(given, ' ') else {
        out.unknown_on(node.name(), GIVEN, format!("`{given}` is no range"));
        return;
    };
    if services.0 > last {
        out.found(behind(node, services, (first, last)));
        return;
    }
    let shared = (first.max(services.0), last.min(services.1));
    if shared.0 > shared.1 || keeps(reserved, shared) {
        return;
    }
    let (severity, summary, impact) = if config.load_balancer.leaves_node_ports_open {
        (
            Severity::Block,
            "ports of Services are given to programs, and agents may not reserve them",
            "the agent ends when it starts the next time",
        )
    } else {
        (
            Severity::Warn,
            "ports of Services are given to programs; what the agent reserved is gone",
            "connections that programs open from these ports get no answer, now and then",
        )
    };
    let range = format!("{}-{}", services.0, services.1);
    let kept = match reserved.trim() {
        "" => range,
        others => format!("{others},{range}"),
    };
    out.found(
        Finding::about(RULE.code, severity, GIVEN)
            .on(node.name())
            .saying(summary, impact)
            .seen(
                format!("sysctls of {}", node.name()),
                format!("{GIVEN} = {first} {last}, {RESERVED} = {}", reserved.trim()),
            )
            .seen("ports of Services", format!("{} to {}", services.0, services.1))
            .mended_by(
                Remedy::text("reserve the ports, in a file that comes last too").with_commands([
                    format!("# on {}", node.name()),
                    format!("sysctl -w {RESERVED}={kept}"),
                    format!("echo '{RESERVED} = {kept}' >/etc/sysctl.d/99-zzzz-node-ports.conf"),
                ]),
            ),
    );
}

/// Agents do not even look at what is reserved.
fn behind(node: &NodeView<'_>, services: Ports, given: Ports) -> Finding {
    Finding::about(RULE.code, Severity::Block, "nodePort.range")
        .on(node.name())
        .saying(
            "ports of Services lie behind those that the kernel gives to programs",
            "the agent ends when it starts the next time",
        )
        .seen(
            format!("sysctls of {}", node.name()),
            format!("net.ipv4.ip_local_port_range = {} {}", given.0, given.1),
        )
        .seen("ports of Services", format!("{} to {}", services.0, services.1))
        .mended_by(
            Remedy::text(
                "give Services ports below, as the API server's --service-node-port-range too; or let the \
                 kernel's range reach as far as theirs: agents then reserve them",
            )
            .with_values("nodePort:\n  range: 30000,32767\n")
            .with_commands([
                format!("# on {}: or", node.name()),
                format!("sysctl -w net.ipv4.ip_local_port_range='{} {}'", given.0, services.1),
            ]),
        )
}

/// Two ports; around the sign, and in place of a space, the kernel writes tabs.
fn ports(text: &str, sign: char) -> Option<Ports> {
    let (first, last) = text.trim().split_once(|c: char| c == sign || c.is_ascii_whitespace())?;
    let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first <= last).then_some((first, last))
}

/// Whether reserved ports (`8080,30000-32767`) hold all of these. The kernel writes neighbours as one
/// range, so that no two of them make up for what each leaves out.
fn keeps(reserved: &str, (first, last): Ports) -> bool {
    reserved.trim().split(',').any(|part| {
        let (low, high) = part.split_once('-').unwrap_or((part, part));
        let ends = (low.trim().parse::<u16>(), high.trim().parse::<u16>());
        matches!(ends, (Ok(low), Ok(high)) if low <= first && last <= high)
    })
}

use super::{Finding, Judgement, Remedy, Severity, premise, rule};
use crate::{
    facts::{Family, Iptables, Source},
    view::{NodeView, View},
};

rule! {
    /// ## What it checks
    /// On nodes with an agent that is ready, whether packets still get into the agent's chains of
    /// iptables: `CILIUM_FORWARD`, which lets pods' packets through, and to which `FORWARD` leads.
    /// Either kind of iptables counts. With `installIptablesRules: false` there are none. With `--local`
    /// neither that is known nor whether the agent is ready, and it is a warning.
    ///
    /// ## Why it hurts
    /// Agents write their rules at their start, and when devices or addresses change. What flushes
    /// them in between (`iptables -F`, `iptables-restore` of a saved file, fail2ban, a firewall that
    /// is started again, a playbook that cleans up) takes masquerading with them, and lets a `FORWARD`
    /// policy of `DROP` (Docker, ufw) drop what pods send and get.
    ///
    /// ## Fix
    /// Restart the agent of the node, which writes them again, and stop what removed them.
    ///
    /// ## References
    /// - Cilium documentation, "iptables Usage"
    "HOST-10", Error, State, "Cilium's chains of iptables are gone", judge
}

/// The chain that all versions make.
const CHAIN: &str = "CILIUM_FORWARD";
/// The name that an agent gives it while it writes a new one.
const WHILE_REPLACED: &str = "OLD_CILIUM_FORWARD";

fn judge(view: &View<'_>, out: &mut Judgement) {
    let host = view.nodes().iter().find(|node| node.facts.host.is_some());
    if let (None, Some(host)) = (view.config(), host) {
        judge_host(view, host, out);
        return;
    }
    let Some(config) = premise::config(view, out) else { return };
    if !premise::has_nodes(view, out) {
        return;
    }
    for node in view.nodes() {
        // Until it is ready it may not have come so far.
        let agents = view.facts.cluster.agents.items();
        let Some(agent) = agents.iter().find(|it| it.node == *node.name() && it.ready) else {
            continue;
        };
        let Some(own) = premise::of_node(view, node.name(), config, out) else { continue };
        if !(own.iptables_rules && own.ipv4) {
            continue;
        }
        let Some(kinds) = without_cilium(view, node, out) else { continue };
        out.found(finding(node, &agent.namespace, Some(&agent.name), kinds));
    }
}

/// A host alone, without the API server's word on how Cilium is configured and whether its agent is
/// ready.
fn judge_host(view: &View<'_>, node: &NodeView<'_>, out: &mut Judgement) {
    if !premise::runs_agent(view, node, out) {
        return;
    }
    let Some(kinds) = without_cilium(view, node, out) else { return };
    let mut finding = finding(node, view.namespace(), None, kinds);
    finding.severity = Severity::Warn;
    out.found(finding);
}

/// What iptables of a node has, where nothing in it leads to Cilium; none where something does, or
/// nobody knows.
fn without_cilium<'a>(
    view: &View<'_>,
    node: &NodeView<'a>,
    out: &mut Judgement,
) -> Option<&'a [Iptables]> {
    let kinds = match node.facts.iptables.get() {
        Ok(kinds) => kinds,
        Err(why) => {
            out.missing_on(node.name(), "iptables", why);
            return None;
        }
    };
    if kinds.iter().any(enters_cilium) {
        return None;
    }
    // The agent's own image has every kind that the agent can use; a recording and a host need not.
    let seen = kinds.iter().filter(|kind| kind.family == Family::V4).count();
    if seen < 2 && view.facts.origin.source != Source::Cluster {
        let why = "only one kind was read, and Cilium's is the other";
        out.unknown_on(node.name(), "iptables", why);
        return None;
    }
    Some(kinds)
}

fn enters_cilium(kind: &Iptables) -> bool {
    kind.family == Family::V4
        && [CHAIN, WHILE_REPLACED]
            .iter()
            .any(|chain| kind.named(chain).any(|count| count.jumps > 0))
}

fn finding(node: &NodeView<'_>, namespace: &str, pod: Option<&str>, kinds: &[Iptables]) -> Finding {
    let is_there = kinds.iter().any(|kind| kind.named(CHAIN).any(|count| count.chains > 0));
    let summary = match (is_there, pod) {
        (true, _) => format!("nothing leads into {CHAIN} any more"),
        (false, Some(_)) => format!("{CHAIN} is gone from iptables, and the agent is ready"),
        (false, None) => format!("{CHAIN} is not in iptables, and the agent runs"),
    };
    let restart = match pod {
        Some(pod) => {
            format!("kubectl -n {namespace} delete pod {pod}   # on {}", node.name())
        }
        None => super::restart_agent(namespace, node.name()),
    };
    Finding::about(RULE.code, Severity::Error, CHAIN)
        .on(node.name())
        .saying(
            summary,
            "packets of pods leave with addresses that nobody can answer, or are dropped where FORWARD drops",
        )
        .seen(
            format!("iptables of {}", node.name()),
            if is_there { "the chain, and no rule that jumps to it" } else { "no such chain" },
        )
        .mended_by(
            Remedy::text("restart the agent, which writes its rules again; find out what removed them")
                .with_commands([
                    restart,
                    format!("# on {}", node.name()),
                    "systemctl list-units 'firewalld*' 'ufw*' 'fail2ban*' 'iptables*' 'netfilter*'"
                        .to_owned(),
                ]),
        )
}

use super::{Finding, Judgement, Remedy, Severity, premise, rule};
use crate::{
    facts::{Family, Iptables, Source},
    view::{NodeView, View},
};

rule! {
    /// ## What it checks
    /// On nodes with an agent that is ready, whether packets still get into the agent's chains of
    /// iptables: `CILIUM_FORWARD`, which lets pods' packets through, and to which `FORWARD` leads.
    /// Either kind of iptables counts. With `installIptablesRules: false` there are none.
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
        let kinds = match node.facts.iptables.get() {
            Ok(kinds) => kinds,
            Err(why) => {
                out.missing_on(node.name(), "iptables", why);
                continue;
            }
        };
        if kinds.iter().any(enters_cilium) {
            continue;
        }
        // The agent's own image has every kind that the agent can use; a recording need not.
        let seen = kinds.iter().filter(|kind| kind.family == Family::V4).count();
        if seen < 2 && view.facts.origin.source != Source::Cluster {
            out.unknown_on(
                node.name(),
                "iptables",
                "only one kind was read, and Cilium's is the other",
            );
            continue;
        }
        out.found(finding(node, &agent.namespace, &agent.name, kinds));
    }
}

fn enters_cilium(kind: &Iptables) -> bool {
    kind.family == Family::V4
        && [CHAIN, WHILE_REPLACED]
            .iter()
            .any(|chain| kind.named(chain).any(|count| count.jumps > 0))
}

fn finding(node: &NodeView<'_>, namespace: &str, pod: &str, kinds: &[Iptables]) -> Finding {
    let is_there = kinds.iter().any(|kind| kind.named(CHAIN).any(|count| count.chains > 0));
    let summary = if is_there {
        format!("nothing leads into {CHAIN} any more")
    } else {
        format!("{CHAIN} is gone from iptables, and the agent is ready")
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
                    format!("kubectl -n {namespace} delete pod {pod}   # on {}", node.name()),
                    format!("# on {}", node.name()),
                    "systemctl list-units 'firewalld*' 'ufw*' 'fail2ban*' 'iptables*' 'netfilter*'"
                        .to_owned(),
                ]),
        )
}

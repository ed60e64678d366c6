use super::{Basis, Evidence, Finding, Judgement, Remedy, Severity, premise, rule};
use crate::{
    facts::{Family, RoutingRule, RuleAction, TableId},
    view::{NodeView, View},
};

rule! {
    /// ## What it checks
    /// Each family needs a rule that sends all packets to the table `local`, ahead of the one for
    /// `main`: the kernel has it at priority 0, and an agent with its L7 proxy on moves it to 100,
    /// to make room for its own rule at 9 (mark 0x200, table 2004). Where the local rule was moved
    /// and the proxy is on, that one must be there too.
    ///
    /// ## Why it hurts
    /// Without the local rule the host does not know its own addresses: it answers nobody. Without
    /// the proxy's rule, packets that a policy sends to the proxy are lost.
    ///
    /// ## Fix
    /// Put the local rule back at once, then find out who removed it: systemd-networkd flushes
    /// foreign rules unless `ManageForeignRoutingPolicyRules=no` is set.
    ///
    /// ## References
    /// - Cilium source: RulePriorityLocalLookup, RulePriorityToProxyIngress
    /// - cilium/cilium issue 18706
    "RT-06", Block, State, "the policy rules that the host lives by are incomplete", judge
}

/// `RulePriorityLocalLookup`: where an agent with the L7 proxy moves the local rule.
const MOVED_LOCAL_RULE: u32 = 100;
/// Table by which marked packets reach the proxy.
const TO_PROXY: TableId = TableId(2004);

fn judge(view: &View<'_>, out: &mut Judgement) {
    if !premise::has_nodes(view, out) {
        return;
    }
    for node in view.nodes() {
        match node.facts.rules.get() {
            Err(why) => out.missing_on(node.name(), "policy rules", why),
            Ok(rules) => {
                judge_family(view, node, rules, Family::V4, out);
                // A host without IPv6 has no IPv6 rules.
                if rules.iter().any(|rule| rule.family == Family::V6) {
                    judge_family(view, node, rules, Family::V6, out);
                }
            }
        }
    }
}

fn judge_family(
    view: &View<'_>,
    node: &NodeView<'_>,
    rules: &[RoutingRule],
    family: Family,
    out: &mut Judgement,
) {
    let priority_of = |table| {
        rules
            .iter()
            .filter(|rule| rule.family == family && rule.matches_all())
            .filter(|rule| rule.action == RuleAction::Lookup(table))
            .map(|rule| rule.priority)
            .min()
    };
    let local = priority_of(TableId::LOCAL);
    let main = priority_of(TableId::MAIN);
    match (local, main) {
        (None, _) => out.found(lost(node, family, "no rule looks up the table local")),
        (Some(local), Some(main)) if local > main => {
            let what =
                format!("the rule for local ({local}) comes after the one for main ({main})");
            out.found(lost(node, family, &what));
        }
        (Some(MOVED_LOCAL_RULE), _)
            if !has_proxy_rule(rules, family) && view.agent_runs_on(node.facts) == Some(true) =>
        {
            // Agents leave the local rule where it is when the proxy is switched off.
            match view.config().map(|config| config.l7_proxy) {
                Some(true) => out.found(proxy_rule_lost(node, family)),
                Some(false) => {}
                None => out.unknown_on(
                    node.name(),
                    format!("{family} rule for the L7 proxy"),
                    "it is not there, and whether the proxy is on is not known",
                ),
            }
        }
        _ => {}
    }
}

fn has_proxy_rule(rules: &[RoutingRule], family: Family) -> bool {
    rules.iter().any(|rule| rule.family == family && rule.action == RuleAction::Lookup(TO_PROXY))
}

fn lost(node: &NodeView<'_>, family: Family, what: &str) -> Finding {
    let ip = if family == Family::V4 { "ip" } else { "ip -6" };
    Finding {
        severity: Severity::Block,
        summary: format!("{family} on {}: {what}", node.name()),
        impact: "the host does not know its own addresses: it answers nobody".into(),
        remedy: Remedy::text("put the rule back, then find out who removed it (systemd-networkd?)")
            .with_commands([
                format!("# on {}", node.name()),
                format!("{ip} rule add pref 0 lookup local"),
            ]),
        ..finding(node, family)
    }
}

fn proxy_rule_lost(node: &NodeView<'_>, family: Family) -> Finding {
    Finding {
        severity: Severity::Error,
        summary: format!(
            "{family} on {}: the local rule is at {MOVED_LOCAL_RULE} and the L7 proxy is on, but the proxy's rule is not there",
            node.name()
        ),
        impact: "packets that a policy sends to the L7 or DNS proxy are lost".into(),
        remedy: Remedy::text(
            "restart the agent on that node, then find out who removed the rule (systemd-networkd?)",
        ),
        ..finding(node, family)
    }
}

fn finding(node: &NodeView<'_>, family: Family) -> Finding {
    Finding {
        code: RULE.code,
        severity: Severity::Block,
        basis: Basis::Observed,
        subject: format!("{family} rules"),
        nodes: vec![node.name().clone()],
        summary: String::new(),
        evidence: vec![Evidence::new(format!("rules of {}", node.name()), listing(node, family))],
        impact: String::new(),
        remedy: Remedy::default(),
    }
}

fn listing(node: &NodeView<'_>, family: Family) -> String {
    let rules = node.facts.rules.items().iter().filter(|rule| rule.family == family);
    let words: Vec<String> = rules
        .map(|rule| match rule.action {
            RuleAction::Lookup(table) => format!("{}: lookup {table}", rule.priority),
            other => format!("{}: {other:?}", rule.priority).to_lowercase(),
        })
        .collect();
    if words.is_empty() { "none".into() } else { words.join("; ") }
}

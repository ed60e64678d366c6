//! Policy rules.

use kcilium_core::facts::{Family, RoutingRule, RuleAction, TableId, Unavailable};
use kcilium_core::leftovers::Outcome;

use super::outcome::judged;
use crate::netlink;
use crate::netlink::act;
use crate::unavailable::plain;

/// Where the rule for the table `local` belongs, and where the agent moves it.
const BEFORE_ALL: u32 = 0;
const MOVED: u32 = 100;

/// Puts the rule for the table `local` back at 0, sees that it is there, and only then deletes the
/// one at 100: without either, the host does not know its own addresses.
pub(super) async fn local_rule_moved(family: Family) -> Outcome {
    if let Err(outcome) = restored(family).await {
        return outcome;
    }
    let rules = match netlink::rules().await {
        Ok(rules) => rules,
        Err(why) => return Outcome::failed(why.to_string()),
    };
    match rules.iter().find(|rule| is_local(rule, family, MOVED)) {
        Some(moved) => rule(moved).await,
        None => Outcome::AlreadyGone,
    }
}

/// Adds the rule for the table `local` that somebody deleted.
pub(super) async fn local_rule_missing(family: Family) -> Outcome {
    match restored(family).await {
        Ok(()) => Outcome::Removed,
        Err(outcome) => outcome,
    }
}

/// Adds the rule at 0, unless it is there, and looks whether it is.
async fn restored(family: Family) -> Result<(), Outcome> {
    let there = async || {
        let rules = netlink::rules().await?;
        Ok(rules.iter().any(|rule| is_local(rule, family, BEFORE_ALL)))
    };
    let unreadable = |why: Unavailable| Outcome::failed(why.to_string());
    if there().await.map_err(unreadable)? {
        return Ok(());
    }
    // By the kernel, as it was: systemd-networkd deletes rules of others.
    let act = act::add_rule(&RoutingRule::all_to(family, BEFORE_ALL, TableId::LOCAL));
    match (act, there().await) {
        (_, Ok(true)) => Ok(()),
        (Err(error), _) => Err(Outcome::failed(format!(
            "the rule at 0 cannot be added, so that at 100 stays: {}",
            plain(&error)
        ))),
        (Ok(()), Ok(false)) => {
            Err(Outcome::failed("the rule at 0 was added, and is not there; that at 100 stays"))
        }
        (Ok(()), Err(why)) => Err(unreadable(why)),
    }
}

fn is_local(rule: &RoutingRule, family: Family, priority: u32) -> bool {
    rule.family == family
        && rule.priority == priority
        && rule.matches_all()
        && rule.action == RuleAction::Lookup(TableId::LOCAL)
}

/// Deletes one rule. The kernel deletes the first one that agrees in what was said, so nothing is
/// deleted where that would be another.
pub(super) async fn rule(rule: &RoutingRule) -> Outcome {
    let before = match netlink::rules().await {
        Ok(rules) => rules,
        Err(why) => return Outcome::failed(why.to_string()),
    };
    match before.iter().find(|other| agrees(rule, other)) {
        None => return Outcome::AlreadyGone,
        Some(first) if first != rule => {
            return Outcome::kept(format!("the kernel would delete another rule for it: {first}"));
        }
        Some(_) => {}
    }
    let act = act::delete_rule(rule);
    // There may be two of them.
    let count = |rules: &[RoutingRule]| rules.iter().filter(|other| *other == rule).count();
    let there = netlink::rules().await.map(|after| count(&after) >= count(&before));
    judged(act, there)
}

/// Whether the kernel takes `other` for the rule that is to be deleted: what is not said may be
/// anything.
fn agrees(rule: &RoutingRule, other: &RoutingRule) -> bool {
    rule.family == other.family
        && rule.priority == other.priority
        && rule.action == other.action
        && (rule.from.is_none() || rule.from == other.from)
        && (rule.to.is_none() || rule.to == other.to)
        && (rule.mark.is_none() || rule.mark == other.mark)
}

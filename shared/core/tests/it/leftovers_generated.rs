//! Whatever is on a node, nothing goes but what whoever put it there knows as Cilium's, and all of
//! that does.

use kcilium_core::leftovers::{Inventory, Item, Leftover, Plan, PodsInUse};
use proptest::prelude::*;

use crate::generated::{Generated, node};

fn planned(node: &Generated, pods: PodsInUse) -> Plan {
    Plan::of(&Inventory::of(&node.state), pods)
}

fn named<'a>(what: impl IntoIterator<Item = &'a Leftover>) -> Vec<String> {
    let mut named: Vec<String> = what.into_iter().map(|what| format!("{what:?}")).collect();
    named.sort();
    named.dedup();
    named
}

fn whats(items: &[Item]) -> Vec<String> {
    named(items.iter().map(|item| &item.what))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn exactly_what_is_ciliums_goes(node in node()) {
        let plan = planned(&node, PodsInUse::Leave);
        prop_assert_eq!(whats(&plan.items), named(&node.goes));
        for item in &plan.items {
            prop_assert!(!item.proofs.is_empty(), "{} has no proof", item.what);
        }
    }

    #[test]
    fn force_takes_no_more_than_what_pods_need(node in node()) {
        let leave = planned(&node, PodsInUse::Leave);
        let take = planned(&node, PodsInUse::Take);
        let mut both = leave.items.clone();
        both.extend(leave.in_use.clone());
        prop_assert_eq!(whats(&take.items), whats(&both));
        prop_assert_eq!(take.doubtful, leave.doubtful);
    }

    /// What came since was not agreed on, and what went is not looked for.
    #[test]
    fn a_plan_for_another_node_does_no_more_than_this_one_s(agreed in node(), fresh in node()) {
        let plan = planned(&agreed, PodsInUse::Leave);
        let inventory = Inventory::of(&fresh.state);
        for item in plan.within(&inventory) {
            let identity = item.what.identity();
            prop_assert!(plan.items.iter().any(|item| item.what.identity() == identity));
        }
        prop_assert_eq!(
            whats(&plan.within(&Inventory::of(&agreed.state))), whats(&plan.items)
        );
    }
}

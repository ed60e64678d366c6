//! What an inventory comes to, and what is left of it later.

use kcilium_core::facts::{Family, RoutingRule, TableId};
use kcilium_core::leftovers::{
    Backend, Chain, Direction, Fate, Filter, Inventory, Item, Leftover, Plan, PodsInUse, Program,
    Proof,
};

fn item(what: Leftover, fate: Fate) -> Item {
    Item { what, fate, proofs: vec![Proof::Name] }
}

fn pin(name: &str) -> Leftover {
    Leftover::Pin { path: format!("/sys/fs/bpf/tc/globals/{name}") }
}

fn filter(program: u32) -> Leftover {
    Leftover::Filter(Filter {
        link: "eth0".into(),
        direction: Direction::Ingress,
        priority: 1,
        protocol: 3,
        handle: 1,
        name: "cil_from_netdev-eth0".into(),
        program: Some(Program { id: program, name: "cil_from_netdev".into(), maps: vec![] }),
    })
}

fn inventory(items: Vec<Item>) -> Inventory {
    Inventory { items, unknown: vec![] }
}

fn whats(items: &[Item]) -> Vec<Leftover> {
    items.iter().map(|item| item.what.clone()).collect()
}

#[test]
fn what_is_in_use_goes_only_where_that_was_asked_for() {
    let in_use = || item(pin("b"), Fate::InUse { by: "default/web".into() });
    let all = inventory(vec![
        item(pin("a"), Fate::Remove),
        in_use(),
        item(pin("c"), Fate::doubtful("perhaps")),
    ]);
    let leave = Plan::of(&all, PodsInUse::Leave);
    assert_eq!(whats(&leave.items), [pin("a")]);
    assert_eq!((whats(&leave.in_use), whats(&leave.doubtful)), (vec![pin("b")], vec![pin("c")]));
    let take = Plan::of(&all, PodsInUse::Take);
    assert_eq!(whats(&take.items), [pin("a"), pin("b")]);
    assert_eq!(whats(&take.within(&inventory(vec![in_use()]))), [pin("b")]);
}

#[test]
fn only_what_was_agreed_on_and_is_still_so_is_done() {
    let plan = Plan::of(
        &inventory(vec![
            item(filter(1), Fate::Remove),
            item(pin("a"), Fate::Remove),
            item(pin("b"), Fate::Remove),
            item(pin("c"), Fate::Remove),
        ]),
        PodsInUse::Leave,
    );
    let fresh = inventory(vec![
        // The kernel gave it another number.
        item(filter(7), Fate::Remove),
        item(pin("new"), Fate::Remove),
        item(pin("b"), Fate::InUse { by: "default/web".into() }),
        item(pin("c"), Fate::doubtful("not any more")),
    ]);
    assert_eq!(whats(&plan.within(&fresh)), [filter(7)]);
}

#[test]
fn a_chain_that_only_its_feeder_told_of_goes_after_the_feeder() {
    let chain = |fate, proofs| Item {
        what: Leftover::Chain(Chain {
            backend: Backend::Nft,
            family: Family::V4,
            table: "filter".into(),
            name: "CILIUM_NEW".into(),
        }),
        fate,
        proofs,
    };
    let unfed = inventory(vec![chain(Fate::doubtful("not known by this name"), vec![])]);
    let fed = inventory(vec![chain(Fate::Remove, vec![Proof::Name, Proof::Fed])]);
    let plan = Plan::of(&fed, PodsInUse::Leave);
    assert_eq!(plan.within(&unfed).len(), 1);
    assert_eq!(Plan::of(&unfed, PodsInUse::Leave).within(&unfed).len(), 0);
}

#[test]
fn a_plan_has_a_name_that_no_other_plan_has() {
    let rule = RoutingRule::all_to(Family::V4, 9, TableId(2004));
    let token = |items: Vec<Leftover>| {
        let items = items.into_iter().map(|what| item(what, Fate::Remove)).collect();
        Plan::of(&inventory(items), PodsInUse::Leave).token()
    };
    let both = token(vec![pin("a"), Leftover::Rule(rule.clone())]);
    // Written down: it must not change from one release to the next.
    assert_eq!(both, "765614dedb554b82");
    assert_eq!(token(vec![pin("a"), Leftover::Rule(rule.clone())]), both);
    assert_ne!(token(vec![Leftover::Rule(rule), pin("a")]), both);
    assert_ne!(token(vec![pin("a")]), both);
    assert_eq!(token(vec![filter(1)]), token(vec![filter(2)]));
}

#[test]
fn a_plan_survives_the_wire() {
    let plan = Plan::of(&inventory(vec![item(filter(1), Fate::Remove)]), PodsInUse::Take);
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
}

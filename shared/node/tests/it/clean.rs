//! Everything that Cilium left goes, and nothing else.

use std::ops::ControlFlow;

use kcilium_core::leftovers::{
    Fate, HostState, Inventory, Item, Outcome, Plan, PodsInUse, Remembered, Step,
};
use kcilium_node::{HostRoot, Refusal, clean, read_leftovers};
use netlab::{DIRTY_NODE_PROGRAMS, DirtyNode, require_bpf, require_programs, require_root_netns};

use crate::inside::inside;
use crate::reachability::Reachability;

pub(crate) fn granted() -> bool {
    require_root_netns() && require_bpf() && require_programs(&DIRTY_NODE_PROGRAMS)
}

pub(crate) fn root(node: &DirtyNode) -> HostRoot {
    HostRoot::new(node.root())
}

pub(crate) fn remembered() -> Remembered {
    Remembered {
        pod_cidrs: vec!["10.244.0.0/16".parse().unwrap()],
        node_addresses: vec!["10.24.0.4".parse().unwrap()],
        pod_links: vec!["lxc000000000003".into()],
    }
}

pub(crate) fn inventory(node: &DirtyNode) -> Inventory {
    Inventory::of(&state(node))
}

fn state(node: &DirtyNode) -> HostState {
    let root = root(node);
    inside(node.namespace(), async || read_leftovers(&root, remembered()).await)
}

/// What no program on every machine prints: programs by tcx and on the cgroup, sets.
fn unprinted(node: &DirtyNode) -> Vec<String> {
    let state = state(node);
    let programs = state.link_programs.items().iter().chain(state.cgroup_programs.items());
    programs
        .map(|one| format!("{} {one}", one.program.id))
        .chain(state.sets.items().to_vec())
        .collect()
}

fn cleaned(node: &DirtyNode, plan: &Plan) -> Result<Vec<Step>, Refusal> {
    let root = root(node);
    inside(node.namespace(), async || {
        clean(&root, plan, remembered(), &mut |_| ControlFlow::Continue(())).await
    })
}

fn shown(items: &[Item]) -> Vec<String> {
    items.iter().map(|item| item.what.to_string()).collect()
}

/// Steps that left something behind.
fn stuck(steps: &[Step]) -> Vec<String> {
    let left = steps.iter().filter(|step| !step.outcome.is_gone());
    left.map(|step| format!("{}: {}", step.item.what, step.outcome)).collect()
}

#[test]
fn everything_of_ciliums_goes_and_everything_else_stays_as_it_was() {
    if !granted() {
        return;
    }
    let mut node = DirtyNode::new("clean").unwrap();
    node.decorate().unwrap();
    let before = node.dump().unwrap();
    let programs = unprinted(&node);
    let doubtful = shown(&inventory(&node).items);
    node.soil().unwrap();
    let found = inventory(&node);
    assert_eq!(found.unknown, []);
    assert_eq!(found.residue().count(), found.removable().count());

    let plan = Plan::of(&found, PodsInUse::Leave);
    let itself = ["127.0.0.1", "10.24.0.2", "::1", "2001:db8::2"];
    let reachability = Reachability::of(node.namespace(), &itself);
    let steps = cleaned(&node, &plan).unwrap();
    assert_eq!(reachability.silent(), [""; 0]);

    assert_eq!(stuck(&steps), [""; 0]);
    assert_eq!(steps.len(), plan.items.len());
    let left = inventory(&node);
    assert_eq!(shown(&left.items), doubtful);
    assert!(left.items.iter().all(|item| matches!(item.fate, Fate::Doubtful { .. })));
    assert_same(&before, &node.dump().unwrap());
    assert_eq!(unprinted(&node), programs);

    assert_eq!(cleaned(&node, &plan).unwrap(), []);
}

/// Lines that differ, which is all that anybody wants to see of them.
pub(crate) fn assert_same(before: &str, after: &str) {
    let missing = |from: &str, of: &str| -> Vec<String> {
        of.lines()
            .filter(|line| !from.lines().any(|other| other == *line))
            .map(Into::into)
            .collect()
    };
    assert_eq!(missing(after, before), [""; 0], "missing");
    assert_eq!(missing(before, after), [""; 0], "new");
    let moved = before.lines().zip(after.lines()).find(|(before, after)| before != after);
    assert_eq!(moved, None, "moved");
    assert_eq!(before.len(), after.len());
}

#[test]
fn what_was_told_to_stop_stops_and_goes_on_later() {
    if !granted() {
        return;
    }
    let mut node = DirtyNode::new("stopped").unwrap();
    node.decorate().unwrap();
    let before = node.dump().unwrap();
    node.soil().unwrap();
    let root = root(&node);
    let mut rounds = 0;
    loop {
        // A plan anew each time: nothing may be recognised only by what went before it.
        let plan = Plan::of(&inventory(&node), PodsInUse::Leave);
        if plan.items.is_empty() {
            break;
        }
        let steps = inside(node.namespace(), async || {
            clean(&root, &plan, remembered(), &mut |_| ControlFlow::Break(())).await.unwrap()
        });
        assert_eq!(stuck(&steps), [""; 0]);
        assert!(steps.iter().any(|step| step.outcome == Outcome::Removed), "{steps:#?}");
        rounds += 1;
    }
    assert!(rounds > 50, "{rounds} rounds");
    assert_same(&before, &node.dump().unwrap());
}

#[test]
fn nothing_is_touched_while_an_agent_lives() {
    if !granted() {
        return;
    }
    let mut node = DirtyNode::new("alive").unwrap();
    node.decorate().unwrap();
    node.soil().unwrap();
    node.write("proc/4711/comm", "cilium-agent\n").unwrap();
    let before = node.dump().unwrap();
    let plan = Plan::of(&inventory(&node), PodsInUse::Take);
    assert_eq!(cleaned(&node, &plan), Err(Refusal::AgentLives { pid: Some(4711) }));
    assert_same(&before, &node.dump().unwrap());

    // One that comes back in the middle ends it there.
    std::fs::remove_dir_all(node.root().join("proc/4711")).unwrap();
    let root = root(&node);
    let mut told = 0;
    let refusal = inside(node.namespace(), async || {
        let mut come_back = |_: &Step| {
            told += 1;
            node.write("proc/4712/comm", "cilium-agent\n").unwrap();
            ControlFlow::Continue(())
        };
        clean(&root, &plan, remembered(), &mut come_back).await
    });
    assert_eq!(refusal, Err(Refusal::AgentLives { pid: Some(4712) }));
    assert_eq!(told, 1);
}

//! Nodes with some of what Cilium leaves and some of what others have, at random: the real program
//! takes away the one and leaves the other as it was, also when it was killed in the middle.

use std::collections::BTreeSet;

use netlab::{DirtyNode, Piece};
use proptest::prelude::*;
use proptest::sample::subsequence;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

use crate::clean::{Dirty, first_line, granted};

fn some(pieces: &'static [Piece]) -> impl Strategy<Value = Vec<Piece>> {
    subsequence(pieces, 0..=pieces.len() / 2)
}

fn names(pieces: &[Piece]) -> Vec<&str> {
    pieces.iter().map(|piece| piece.name).collect()
}

fn cleaned(put: &Put) -> Result<(), TestCaseError> {
    let Put { others, leftovers, killed_after } = put;
    let node = DirtyNode::new("agent generated").unwrap();
    node.prepare().unwrap();
    node.put(others, 100).unwrap();
    let before = node.dump().unwrap();
    node.put(leftovers, 10).unwrap();
    let dirty = Dirty { node, before };
    let plan = dirty.plan();
    prop_assert_eq!(plan.items.is_empty(), leftovers.is_empty(), "{:?}", plan);
    if let Some(steps) = killed_after {
        let mut running = dirty.clean(plan.clone(), &[]);
        for _ in 0..*steps {
            first_line(&mut running);
        }
        running.child.kill().unwrap();
        running.child.wait().unwrap();
    }
    let run = dirty.clean(plan, &[]).end();
    prop_assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{}", run.stdout);

    let after = dirty.node.dump().unwrap();
    let (before, after): (BTreeSet<&str>, BTreeSet<&str>) =
        (dirty.before.lines().collect(), after.lines().collect());
    let differ: Vec<&&str> = before.symmetric_difference(&after).collect();
    prop_assert!(differ.is_empty(), "{differ:#?}");
    let again = dirty.plan();
    prop_assert!(again.items.is_empty(), "{:?}", again.items);
    Ok(())
}

#[test]
fn whatever_is_on_a_node_only_what_is_ciliums_goes() {
    if !granted() {
        return;
    }
    // The same nodes each time: a run takes seconds, and so few find nothing new.
    let config = ProptestConfig {
        cases: 12,
        max_shrink_iters: 32,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let killed_after = prop::option::of(1..8_usize);
    let pieces = (some(Piece::OF_OTHERS), some(Piece::OF_CILIUM), killed_after);
    let pieces = pieces.prop_map(|(others, leftovers, killed_after)| Put {
        others,
        leftovers,
        killed_after,
    });
    let all = Put {
        others: Piece::OF_OTHERS.to_vec(),
        leftovers: Piece::OF_CILIUM.to_vec(),
        killed_after: None,
    };
    cleaned(&all).unwrap_or_else(|error| panic!("all of them: {error}"));
    TestRunner::new_with_rng(config, rng)
        .run(&pieces, |put| cleaned(&put))
        .unwrap_or_else(|error| panic!("{error}"));
}

#[derive(Clone)]
struct Put {
    others: Vec<Piece>,
    leftovers: Vec<Piece>,
    /// Steps that the program comes to before it is killed, to be run again.
    killed_after: Option<usize>,
}

impl std::fmt::Debug for Put {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (leftovers, others) = (names(&self.leftovers), names(&self.others));
        write!(f, "{leftovers:?} beside {others:?}, killed after {:?}", self.killed_after)
    }
}

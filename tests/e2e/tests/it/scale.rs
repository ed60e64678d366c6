//! As many routes as a router of the internet has.

use std::fmt::Write as _;

use netlab::{require_root_netns, seed_node};

use crate::doctor::{self, Run, examine};
use crate::report::says;

const ROUTES: u32 = 100_000;

#[test]
fn the_clash_is_found_among_a_hundred_thousand_routes() {
    if !require_root_netns() {
        return;
    }
    let home = seed_node("many routes").unwrap();
    let node = home.node("node1").unwrap();
    let mut script = String::new();
    // 32.0.0.0/24 and up: all of them far from the lab's own.
    for number in 0..ROUTES {
        let [_, a, b, c] = number.to_be_bytes();
        writeln!(script, "route add {}.{b}.{c}.0/24 via 10.0.0.1", 32 + a).unwrap();
    }
    node.namespace().ip_batch(&script).unwrap();

    let live = examine(node, &[]);
    assert_eq!((live.code, live.verdicts()), (Some(1), vec!["confirmed C-CLASH".to_owned()]));
    assert_eq!(live.subjects("RT-01"), ["10.0.0.1"]);
    let chain = live.chain("C-CLASH");
    assert!(says(&chain, &["10.0.0.1 leaves", "10.0.0.0/24"]), "{chain:#?}");

    let file = home.lab().dir().join("node1.json.gz").to_str().unwrap().to_owned();
    let mut command = doctor::inside(node.namespace());
    let taken = Run::of(command.args(["snapshot", &file, "--local", "--root"]).arg(node.root()));
    assert_eq!((taken.code, &*taken.stderr), (Some(0), ""));
    let recorded = doctor::from_snapshot(&file).report();
    for part in ["verdicts", "findings"] {
        assert_eq!(recorded.part(part), live.part(part), "{part}");
    }
}

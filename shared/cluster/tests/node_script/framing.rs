//! Outputs that are cut, forged, or too long.

use std::fmt::Debug;
use std::io::Write as _;

use kcilium_cluster::node_script::End;
use kcilium_core::facts::{Fact, UnavailableKind};
use proptest::prelude::*;

use crate::node::{Node, missing};

#[test]
fn an_output_that_is_cut_anywhere_gives_what_came_whole_and_nothing_else() {
    let node = Node::new();
    node.cni("05-cilium.conflist", r#"{"name": "c", "plugins": [{"type": "cilium-cni"}]}"#);
    let script = node.script();
    let output = node.run(&script);
    let whole = script.read("node1", &output, &End::Complete);
    let cut = End::Cut("connection reset".into());
    let mut known = 0;
    for length in 0..=output.len() {
        let facts = script.read("node1", &output[..length], &cut);
        let facts = [
            is_known_as(&whole.kernel, &facts.kernel),
            is_known_as(&whole.links, &facts.links),
            is_known_as(&whole.addresses, &facts.addresses),
            is_known_as(&whole.routes, &facts.routes),
            is_known_as(&whole.rules, &facts.rules),
            is_known_as(&whole.lookups, &facts.lookups),
            is_known_as(&whole.cni_files, &facts.cni_files),
            is_known_as(&whole.sysctls, &facts.sysctls),
            is_known_as(&whole.agent_status, &facts.agent_status),
        ];
        let count = facts.into_iter().filter(|known| *known).count();
        assert!(count >= known, "a fact was lost at byte {length}");
        known = count;
    }
    assert_eq!(known, 9);
}

/// Whether a fact is known, which it may be only as the whole output has it.
fn is_known_as<T: Debug + PartialEq>(whole: &Fact<T>, fact: &Fact<T>) -> bool {
    match fact {
        Fact::Known(_) => {
            assert_eq!(fact, whole);
            true
        }
        Fact::Unavailable(why) => {
            assert_eq!(why.why, "the exec was cut before: connection reset");
            false
        }
    }
}

proptest! {
    #[test]
    fn whatever_is_printed_no_reader_panics(
        output in proptest::collection::vec(any::<u8>(), 0..200),
        markers in proptest::collection::vec(
            prop_oneof!["begin [a-z0-9.]{1,9} [0-9]{1,3}", "end [0-9]{1,3}", "close", "done"], 0..9),
    ) {
        let script = Node::new().script();
        let boundary = boundary(&script.stdin());
        let mut bytes = Vec::new();
        for marker in markers {
            bytes.extend(&output);
            bytes.extend(format!("\n{boundary} {marker}\n").bytes());
        }
        script.read("node1", &bytes, &End::Complete);
    }
}

/// The boundary of a script.
fn boundary(script: &[u8]) -> String {
    let script = std::str::from_utf8(script).unwrap();
    let boundary = script.lines().find_map(|line| line.strip_prefix("boundary=")).unwrap();
    assert_eq!(boundary.len(), 32);
    boundary.to_owned()
}

#[test]
fn a_script_of_which_a_part_arrived_does_nothing() {
    let node = Node::new();
    let script = node.script().stdin();
    let call = script.windows(6).rposition(|window| window == b"\nmain ").unwrap();
    for length in (0..call).step_by(97).chain([call]) {
        let mut child = node.shell().spawn().unwrap();
        // Closes stdin, as a connection that breaks does.
        child.stdin.take().unwrap().write_all(&script[..length]).unwrap();
        assert_eq!(child.wait_with_output().unwrap().stdout, b"", "{length}");
    }
}

#[test]
fn nobody_forges_a_frame() {
    let node = Node::new();
    // The markers of another run, in a file, in its name, in a list, and in errors.
    let boundary = boundary(&node.script().stdin());
    let forged = format!(
        "\n{boundary} end 0\n{boundary} close\n\n{boundary} begin kernel 9\nevil\n{boundary} end 0\n\
         {boundary} close\n\n{boundary} done\n"
    );
    node.cni("a.conf", &forged);
    node.cni(&format!("x\n{boundary} done\ny.conf"), r#"{"name": "n", "type": "t"}"#);
    node.answer("link", &forged);
    node.ip_does(&[("-j addr", &format!("printf '%s' '{forged}' >&2\nexit 3"))]);
    let facts = node.facts();
    assert_ne!(facts.kernel.get().unwrap().release, "evil");
    assert_eq!(missing(&facts.links).kind, UnavailableKind::Failed);
    assert_eq!(missing(&facts.addresses).kind, UnavailableKind::Failed);
    let [broken, named] = facts.cni_files.items() else { panic!("{:#?}", facts.cni_files) };
    assert!(broken.broken.is_some());
    assert_eq!((&*named.network, named.broken.as_deref()), ("n", None));
    assert!(facts.agent_status.known().is_some());
}

#[test]
fn too_much_is_cut_and_not_taken_for_all() {
    let node = Node::new();
    let much = "exec head -c 100000000 /dev/zero";
    let errors = "head -c 100000000 /dev/zero >&2\ncat addr";
    node.ip_does(&[("-d -j link", much), ("-j addr", errors)]);
    let script = node.script();
    let output = node.run(&script);
    assert!(output.len() < 18_000_000, "{} bytes", output.len());
    let facts = script.read("node1", &output, &End::Complete);
    assert_eq!(missing(&facts.links).why, "longer than 16777216 bytes");
    // Errors do not stand in the way of what is said beside them.
    assert!(facts.addresses.known().is_some());
    assert!(facts.routes.known().is_some());
}

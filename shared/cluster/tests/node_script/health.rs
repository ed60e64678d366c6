//! What the agent's prober found, cut down on the node.

use std::fmt::Write as _;
use std::os::unix::fs::symlink;

use kcilium_core::decode::health::decode;
use kcilium_core::facts::UnavailableKind;

use crate::node::{Node, installed, missing};

const CILIUM_HEALTH: &str = "#!/bin/sh
[ \"$*\" = 'status -o json' ] || exit 64
exec cat \"${0%/*}/../answers/health\"
";

/// As the command prints it: so many nodes, of which every tenth does not answer.
fn report(nodes: usize) -> String {
    let mut text = String::from(
        "{\n  \"local\": {\n    \"name\": \"kubernetes/node0\"\n  },\n  \"nodes\": [\n",
    );
    for number in 0..nodes {
        let result = match number % 10 {
            9 => r#""status": "Get \"http://10.0.1.9:4240/hello\": context deadline exceeded, {}""#,
            _ => r#""latency": 518144"#,
        };
        let comma = if number + 1 < nodes { "," } else { "" };
        write!(
            text,
            r#"    {{
      "health-endpoint": {{
        "primary-address": {{
          "http": {{
            "lastProbed": "2026-11-23T01:20:01Z",
            {result}
          }},
          "ip": "10.244.0.1"
        }},
        "secondary-addresses": []
      }},
      "host": {{
        "primary-address": {{
          "http": {{
            "lastProbed": "2026-11-23T01:20:01Z",
            "latency": 518144
          }},
          "ip": "10.0.0.1"
        }},
        "secondary-addresses": []
      }},
      "name": "kubernetes/node{number}"
    }}{comma}
"#
        )
        .unwrap();
    }
    text + "  ],\n  \"timestamp\": \"2026-11-23T01:20:07Z\"\n}\n"
}

fn node_with(report: &str) -> Node {
    let node = Node::new();
    node.program("cilium-health", CILIUM_HEALTH);
    node.answer("health", report);
    node
}

#[test]
fn a_node_leaves_out_those_that_answer() {
    for awk in ["mawk", "gawk", "busybox"].into_iter().filter_map(installed) {
        for nodes in [1, 10, 200] {
            let node = node_with(&report(nodes));
            std::fs::remove_file(node.path("bin/awk")).unwrap();
            if awk.ends_with("busybox") {
                node.program("awk", &format!("#!/bin/sh\nexec {} awk \"$@\"\n", awk.display()));
            } else {
                symlink(&awk, node.path("bin/awk")).unwrap();
            }
            let found = node.facts().health;
            assert_eq!(found.get(), Ok(&decode(&report(nodes)).unwrap()), "{awk:?} of {nodes}");
        }
    }
}

#[test]
fn of_many_silent_nodes_some_are_told() {
    let node = node_with(&report(5000));
    let output = String::from_utf8(node.run(&node.script())).unwrap();
    assert!(output.len() < 200_000, "{}", output.len());
    let found = node.facts().health;
    let found = found.get().unwrap();
    assert_eq!((found.probed, found.silent, found.nodes.len()), (5000, 500, 50));
    assert!(found.nodes[0].endpoint.http.as_ref().unwrap().contains("deadline exceeded"));
}

#[test]
fn what_is_printed_in_another_form_is_left_as_it_is() {
    let pretty: serde_json::Value = serde_json::from_str(&report(20)).unwrap();
    let node = node_with(&format!("{pretty}\n"));
    assert_eq!(node.facts().health.get().unwrap().silent, 2);
}

#[test]
fn why_there_is_no_report_is_told() {
    let failing = Node::new();
    let error =
        "Cannot get status: dial unix /var/run/cilium/health.sock: connect: connection refused";
    failing.program("cilium-health", &format!("#!/bin/sh\necho '{error}' >&2\nexit 1\n"));
    let facts = failing.facts();
    assert_eq!(missing(&facts.health).kind, UnavailableKind::Failed);
    assert!(missing(&facts.health).why.contains("connection refused"));

    let facts = Node::new().facts();
    assert_eq!(missing(&facts.health).kind, UnavailableKind::Absent);
}

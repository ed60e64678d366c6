use super::{LogVerdict, Tally, explain};
use crate::causes::Confidence::{self, Likely, Undetermined};

const REPORT: &str =
    "📋 Test Report\n❌ 1/2 tests failed (1/9 actions), 0 tests skipped, 0 scenarios skipped:\n";

fn tally(log: &str) -> Tally {
    let mut tally = Tally::default();
    for line in log.lines() {
        tally.push(line);
    }
    tally.finish()
}

fn verdicts(log: &str) -> Vec<(&'static str, Confidence)> {
    let verdicts = explain(&tally(log));
    verdicts.iter().map(|LogVerdict { cause, confidence, .. }| (*cause, *confidence)).collect()
}

/// An action of `no-policies`, and how it ended.
fn action(scenario: &str, target: &str, code: Option<u8>) -> String {
    let action = format!(
        "  [.] Action [no-policies/{scenario}/x-0: cilium-test/client-1 (10.244.1.121) -> {target}]\n"
    );
    let failure = code.map_or_else(String::new, |code| {
        format!("  ❌ command \"curl\" failed: command terminated with exit code {code}\n")
    });
    action + &failure
}

fn by_name(port: u16, code: Option<u8>) -> String {
    action("pod-to-world", &format!("one-http (one.one.one.one:{port})"), code)
}

fn by_address(code: Option<u8>) -> String {
    action("pod-to-cidr", "external-1111 (1.1.1.1:443)", code)
}

fn pod(node: &str, code: Option<u8>) -> String {
    action("pod-to-pod", &format!("cilium-test/echo-{node}-node-1 (10.244.2.7:8080)"), code)
}

fn service(code: Option<u8>) -> String {
    action("pod-to-service", "cilium-test/echo-same-node (echo-same-node:8080)", code)
}

fn log(actions: &[String]) -> String {
    format!("🏃 Running tests...\n[=] Test [no-policies]\n.\n{}{REPORT}", actions.concat())
}

#[test]
fn each_picture_has_its_cause() {
    let pods = || [pod("same", None), pod("other", None)].concat();
    for (name, actions, expected) in [
        (
            "nothing comes back",
            vec![pods(), by_name(80, Some(28)), by_name(443, Some(28)), by_address(Some(28))],
            vec![("C-NOMASQ", Likely)],
        ),
        (
            "and names do not resolve either",
            vec![pods(), by_name(80, Some(6)), by_address(Some(28))],
            vec![("C-NOMASQ", Likely)],
        ),
        (
            "names alone",
            vec![pods(), by_name(80, Some(6)), by_name(443, Some(6)), by_address(None)],
            vec![("C-DNSUP", Likely)],
        ),
        (
            "names alone, by timeout",
            vec![by_name(80, Some(28)), by_address(None)],
            vec![("C-DNSUP", Undetermined)],
        ),
        (
            "an address alone",
            vec![by_name(80, None), by_name(443, None), by_address(Some(28))],
            vec![("C-WALL", Likely)],
        ),
        (
            "TLS alone",
            vec![by_name(80, None), by_name(443, Some(28)), by_address(Some(35))],
            vec![("C-MTU", Undetermined)],
        ),
        (
            "a foreign certificate",
            vec![by_name(443, Some(60)), by_address(Some(60))],
            vec![("C-WALL", Likely)],
        ),
        (
            "refused at once",
            vec![by_name(80, Some(7)), by_address(Some(7))],
            vec![("C-EGRESS", Undetermined)],
        ),
        (
            "now and then",
            vec![by_name(80, None), by_name(80, Some(28)), by_address(None), by_address(Some(28))],
            vec![("C-EGRESS", Undetermined)],
        ),
        (
            "other nodes",
            vec![pod("same", None), pod("other", Some(28))],
            vec![("C-OVERLAY", Likely)],
        ),
        (
            "some other nodes",
            vec![pod("same", None), pod("other", None), pod("other", Some(28))],
            vec![("C-OVERLAY", Undetermined)],
        ),
        (
            "all pods, and so the internet",
            vec![
                pod("same", Some(28)),
                pod("other", Some(28)),
                by_address(Some(28)),
                by_name(80, Some(28)),
            ],
            vec![("C-LOCALDP", Undetermined)],
        ),
        ("Services", vec![pods(), service(Some(7))], vec![("C-SVC", Likely)]),
        (
            "Services and the internet",
            vec![pods(), service(Some(7)), by_address(Some(28))],
            vec![("C-SVC", Likely)],
        ),
    ] {
        assert_eq!(verdicts(&log(&actions)), expected, "{name}");
    }
}

#[test]
fn ipv6_is_judged_for_itself() {
    let sixth = |scenario, target, code| {
        action(scenario, target, code).replace("(10.244.1.121)", "(fd00:10:244:1::1)")
    };
    let actions = [
        by_name(80, None),
        by_address(None),
        sixth("pod-to-cidr", "external-26 (2606:4700:4700::1111:443)", Some(28)),
    ];
    let verdicts = explain(&tally(&log(&actions)));
    assert_eq!(verdicts.len(), 1);
    assert!(verdicts[0].title.contains("over IPv6"), "{}", verdicts[0].title);
    assert!(verdicts[0].next[0].command.contains("enable-ipv6-masquerade"));
    assert!(verdicts[0].next[1].command.contains("https://[2606:4700:4700::1111]"));
}

#[test]
fn an_answered_ping_proves_nothing() {
    let ping = pod("other", None).replace("/x-0:", "/ping-ipv4-0:");
    let counts = tally(&log(&[ping, pod("other", Some(28)), pod("same", None)]));
    assert_eq!(explain(&counts)[0].confidence, Likely);
    assert!(explain(&counts)[0].because[1].contains("1 of 1 failed"));
}

#[test]
fn what_policies_refuse_is_no_evidence() {
    let refused = "[=] Test [to-entities-world]
  [.] Action [to-entities-world/pod-to-world/https-0: t/client-1 (10.0.0.1) -> one-https (one.one.one.one:443)]
  [.] Action [to-entities-world/pod-to-world/http-0: t/client-1 (10.0.0.1) -> one-http (one.one.one.one:80)]
  [.] Action [client-ingress/client-to-client/ping-0: t/client-1 (10.0.0.1) -> t/client2-1 (10.0.0.2:0)]
[=] Test [x]
";
    let counts = tally(refused);
    assert_eq!((counts.passed(), counts.refused, counts.unclear), (1, 1, 1));
}

#[test]
fn what_stands_last_may_still_have_failed() {
    let counts = tally(&format!("[=] Test [no-policies]\n{}", by_address(None)));
    assert_eq!((counts.passed(), counts.tests.unfinished), (0, 1));
}

#[test]
fn policies_that_hold_nothing_back_are_told() {
    let log = format!(
        "[=] Test [no-policies]\n.\n[=] Test [all-egress-deny]\n  [.] Action [all-egress-deny/pod-to-pod/x-0: t/c (1) -> t/echo-same-node (1:8080)]\n  ❌ command \"curl\" succeeded while it should have failed: 200\n{REPORT}"
    );
    assert_eq!(verdicts(&log), [("C-POLICY", Likely)]);
}

#[test]
fn failures_with_policies_only_are_theirs() {
    let log = format!(
        "[=] Test [no-policies]\n.\n[=] Test [client-egress]\n  [.] Action [client-egress/pod-to-pod/x-0: t/c (1) -> t/echo-other-node (1:8080)]\n  ❌ command \"curl\" failed: command terminated with exit code 28\n{REPORT}"
    );
    assert_eq!(verdicts(&log), [("C-POLICY", Likely)]);
}

#[test]
fn a_report_alone_tells_what_failed() {
    let log = "📋 Test Report
❌ 1/30 tests failed (2/200 actions), 0 tests skipped, 0 scenarios skipped:
Test [no-policies]:
  ❌ no-policies/pod-to-world/http-0: t/client-1 (10.0.0.1) -> one-http (one.one.one.one:80)
  ❌ no-policies/pod-to-cidr/external-1111-0: t/client-1 (10.0.0.1) -> external-1111 (1.1.1.1:443)
";
    assert_eq!(verdicts(log), [("C-NOMASQ", Undetermined)]);
    let with_codes =
        log.replace(")\n", "): command \"curl\" failed: command terminated with exit code 28\n");
    assert_eq!(tally(&with_codes).failed(), 2);
}

#[test]
fn the_report_is_not_counted_twice() {
    let log = log(&[by_address(Some(28))])
        + "Test [no-policies]:\n  ❌ no-policies/pod-to-cidr/x-0: t/client-1 (10.244.1.121) -> external-1111 (1.1.1.1:443)\n"
        + "[cilium-test-1] 1 tests failed\n";
    assert_eq!(tally(&log).failed(), 1);
}

#[test]
fn what_never_began_is_told_by_what_was_waited_for() {
    for (waited_for, expected) in [
        ("deployment cilium-test/client to become ready...", "C-PODS"),
        ("CiliumEndpoint for pod cilium-test/client-7 to appear...", "C-UNMANAGED"),
        ("pod cilium-test/client-7 to reach default/kubernetes service...", "C-SVC"),
        (
            "pod cilium-test/client-7 to reach DNS server on cilium-test/echo-other-node-7 pod...",
            "C-OVERLAY",
        ),
    ] {
        let log = format!(
            "✨ [kind] Deploying client deployment...\n⌛ [kind] Waiting for {waited_for}\n"
        );
        assert_eq!(verdicts(&log), [(expected, Undetermined)], "{waited_for}");
    }
}

#[test]
fn what_says_nothing_about_the_network_is_kept_apart() {
    let failed =
        |text: &str| format!("[=] Test [no-policies]\n{}  ❌ {text}\n{REPORT}", by_address(None));
    for (text, expected) in [
        (
            "command \"curl\" failed: unable to upgrade connection: no route to host",
            ("C-KUBELET", Likely),
        ),
        ("Flow validation failed for peer a: 1 failures", ("C-HUBBLE", Likely)),
        ("Timeout waiting for flow listener to become ready", ("C-UNKNOWN", Undetermined)),
    ] {
        assert_eq!(verdicts(&failed(text)), [expected], "{text}");
    }
}

#[test]
fn names_and_examples_do_not_grow_with_the_log() {
    let mut tally = Tally::default();
    for number in 0..5_000 {
        tally.push(&format!("[=] Test [t{number}{}]", "x".repeat(1_000)));
        tally.push(&format!("  ❌ {}", "y".repeat(5_000)));
    }
    let tally = tally.finish();
    assert_eq!(tally.tests.failed, 5_000);
    assert_eq!(tally.failed_tests.len(), 256);
    assert!(tally.failed_tests.iter().all(|name| name.len() == 256));
    assert_eq!(tally.failures.other_example.map(|text| text.len()), Some(256));
}

#[test]
fn a_fine_log_has_no_verdict() {
    let log = "🏃 Running tests...\n[=] Test [no-policies]\n......\n\n📋 Test Report\n✅ All 1 tests (6 actions) successful, 0 tests skipped, 0 scenarios skipped.\n";
    assert_eq!(verdicts(log), []);
    assert!(tally(log).has_read_anything());
    assert!(!tally("hello\nWaiting for Godot\n").has_read_anything());
}

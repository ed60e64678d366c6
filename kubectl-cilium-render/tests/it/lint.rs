//! What is said about values, and what is printed then.

use insta::assert_snapshot;

use crate::render::{Folder, Run, finish};

/// The values with which the seed's second story began.
const SECOND: &str = "\
tunnel: disabled
autoDirectNodeRoutes: true
enableIPv4Masquerade: false
enableIPv6Masquerade: false
ipam:
  mode: kubernetes
ipv4NativeRoutingCIDR: 10.244.0.0/16
";

fn judged(values: &str, arguments: &[&str]) -> Run {
    let folder = Folder::with(&[("values.yaml", values.as_bytes())]);
    folder.judge(&[&["-f", "values.yaml"], arguments].concat())
}

#[test]
fn the_second_story_of_the_seed() {
    // Native routing, and nothing that leads answers back: an error, and what was asked for.
    let run = judged(SECOND, &["--version", "1.14.2"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(run.stderr.contains("error CFG-03 "), "{}", run.stderr);
    assert!(run.stdout.ends_with("tunnel: disabled\n"), "{}", run.stdout);
    // The old key is ignored: direct routes in a tunnel, with which no agent starts.
    for version in ["1.15.7", "1.16.1"] {
        let complaint = judged(SECOND, &["--version", version]).complaint(1);
        assert!(complaint.contains("block CFG-01 "), "{version}: {complaint}");
    }
}

/// Charts before 1.19 refuse the old name of the pool; those since fall back to 10.0.0.0/8 without
/// a word.
#[test]
fn a_pool_by_its_old_name_is_never_printed() {
    let values = "ipam:\n  operator:\n    clusterPoolIPv4PodCIDR: 10.60.0.0/16\n";
    for version in ["1.14.2", "1.18.12", "1.19.6", "1.20.0"] {
        let complaint = judged(values, &["--version", version]).complaint(1);
        assert!(complaint.contains("block CIDR-10 "), "{version}: {complaint}");
        assert!(complaint.contains("(values.yaml:3:29)"), "{version}: {complaint}");
    }
    let old = judged(values, &["--version", "1.13.18"]);
    assert_eq!((old.code, &*old.stdout), (Some(0), values), "{}", old.stderr);
}

#[test]
fn what_is_ignored_silently_is_an_error_and_printed() {
    let run = judged(SECOND, &["--version", "1.15.7", "--only", "VAL-02"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(run.stdout.contains("tunnel: disabled\n"), "{}", run.stdout);
    assert_snapshot!("ignored", run.stderr);
}

#[test]
fn what_the_chart_refuses_is_not_printed_unless_forced() {
    let blocked = ["--version", "1.16.19", "--only", "VAL-02,VAL-11"];
    let run = judged(SECOND, &blocked);
    assert_snapshot!("refused", run.complaint(1));
    let forced = judged(SECOND, &[&blocked[..], &["--force"]].concat());
    assert_eq!(forced.code, Some(1));
    assert!(forced.stdout.ends_with("tunnel: disabled\n"), "{}", forced.stdout);
    // A threshold does not make it installable.
    judged(SECOND, &[&blocked[..], &["--fail-on", "block"]].concat()).complaint(1);
}

#[test]
fn what_several_rules_say_of_one_key_is_one_problem() {
    let complaint = judged(SECOND, &["--version", "1.16.19"]).complaint(1);
    assert_eq!(complaint.matches("(values.yaml:1:9)").count(), 1, "{complaint}");
    assert!(complaint.contains("block CFG-16 "), "{complaint}");
    assert!(complaint.contains("also  VAL-02 "), "{complaint}");
    let pool = "ipam:\n  operator:\n    clusterPoolIPv4PodCIDR: 10.60.0.0/16\n";
    for version in ["1.14.2", "1.19.6"] {
        let complaint = judged(pool, &["--version", version]).complaint(1);
        assert!(complaint.contains("block CIDR-10 "), "{version}: {complaint}");
        assert!(complaint.contains("also  VAL-02 "), "{version}: {complaint}");
        // The other one is that of CIDR-04.
        assert_eq!(complaint.matches("fix: ").count(), 2, "{version}: {complaint}");
    }
}

#[test]
fn what_is_known_is_counted() {
    let known = b"CFG-03:enableIPv4Masquerade # the router has the routes\nCFG-01\nRT-01\n";
    let folder = Folder::with(&[("values.yaml", SECOND.as_bytes()), ("known", known)]);
    let arguments = ["-f", "values.yaml", "--version", "1.14.2", "--ignore-file", "known"];
    let run = folder.judge(&arguments);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(!run.stderr.contains("error CFG-03 "), "{}", run.stderr);
    assert!(
        run.stderr.contains("note: 1 finding left out by the ignore file: CFG-03"),
        "{}",
        run.stderr
    );
    // Routes are no matter of values.
    assert!(run.stderr.contains("note: known:2: nothing was found for CFG-01"), "{}", run.stderr);
    assert!(!run.stderr.contains("known:3"), "{}", run.stderr);
}

#[test]
fn each_value_is_found_where_it_stands() {
    let values = "ipam:\n  mode: kubernetes\nhubble:\n  rely:\n    enabled: true\n";
    let arguments = ["--version", "1.16.19", "--set", "operator.replicas=two"];
    let run = judged(values, &[&arguments[..], &["--only", "VAL-01,VAL-03,VAL-07"]].concat());
    assert_snapshot!("places", run.complaint(1));
}

#[test]
fn thresholds_and_rules_can_be_chosen() {
    let values = "ipam:\n  mode: kubernetes\nmyNote: x\n";
    let code = |arguments: &[&str]| judged(values, arguments).code;
    let only = ["--version", "1.16.19", "--only", "val-01"];
    assert_eq!(code(&only), Some(0));
    assert_eq!(code(&[&only[..], &["--fail-on", "warn"]].concat()), Some(1));
    let ignored = ["--version", "1.16.19", "--ignore", "VAL-01", "--fail-on", "warn"];
    assert_eq!(code(&ignored), Some(0));
    // Without a cluster its version is not known.
    let unknown = ["--version", "1.16.19", "--only", "VAL-07", "--fail-on", "unknown"];
    assert_eq!(code(&unknown), Some(1));
    assert_eq!(code(&["--only", "VAL-99"]), Some(2));
}

#[test]
fn values_that_make_no_configuration_are_refused_with_the_reason() {
    let run = judged("ipam: kubernetes\n", &["--version", "1.14.2"]);
    let complaint = run.complaint(1);
    assert!(complaint.contains("`ipam`"), "{complaint}");
    assert!(complaint.contains("nothing is printed"), "{complaint}");
}

#[test]
fn rules_are_listed_and_explained() {
    let folder = Folder::new();
    let run = |arguments: &[&str]| finish(&mut folder.command(arguments)).printed();
    let rules = run(&["rules"]);
    assert!(rules.contains("VAL-02") && rules.contains("CIDR-11"), "{rules}");
    // What routes and pods are, no values tell.
    assert!(!rules.contains("RT-02"), "{rules}");
    assert!(rules.contains("`kubectl cilium-render explain CODE`"), "{rules}");
    assert!(run(&["explain", "val-02"]).contains("Why it hurts"));
    assert!(rules.contains("SCHEMA"), "{rules}");
    assert!(run(&["explain", "schema"]).contains("--chart-directory"));
}

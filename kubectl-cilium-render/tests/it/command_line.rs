//! What is typed, what is printed, and what is complained of.

use insta::assert_snapshot;

use crate::render::{Folder, UNJUDGED, finish};

const SEED: &[u8] = b"hubble:
  relay:
    enabled: true
  ui:
    enabled: true
ipam:
  mode: 'kubernetes'
  operator:
    clusterPoolIPv4PodCIDRList: '10.244.0.0/16'
ipv4NativeRoutingCIDR: '10.244.0.0/16'
enableIPv4Masquerade: true
enableIPv6Masquerade: true
";

#[test]
fn given_values_come_out_in_upstreams_form() {
    let folder = Folder::with(&[("values.yaml", SEED)]);
    let arguments = ["-f", "values.yaml", "--set", "tunnel=vxlan", "--version", "1.14.2"];
    assert_snapshot!("seed", folder.render(&arguments).printed());
    let compat = folder.render(&[&arguments[..], &["--compat"]].concat()).printed();
    assert!(compat.ends_with("tunnel: vxlan\n\n"));
    let json = folder.render(&[&arguments[..], &["-o", "json"]].concat()).printed();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["ipam"]["operator"]["clusterPoolIPv4PodCIDRList"], "10.244.0.0/16");
}

#[test]
fn each_value_is_explained() {
    let second = b"operator: {replicas: 1}\nazure: {clientSecret: hunter2}\nipam: {mode: null}\n";
    let folder = Folder::with(&[("values.yaml", SEED), ("more.yaml", second)]);
    let run = folder.render(&[
        "-f",
        "values.yaml,more.yaml",
        "--set",
        "hubble.ui.enabled=false",
        "--set",
        "hubble.ui.enabled=true,tunnel=vxlan",
        "--version",
        "v1.14.2",
        "--explain",
    ]);
    assert_eq!(run.code, Some(0));
    assert!(!run.stderr.contains("hunter2"));
    assert!(run.stderr.lines().all(|line| line.chars().count() <= 80), "{}", run.stderr);
    assert_snapshot!("explain", run.stderr);
}

#[test]
fn the_old_names_of_flags_work() {
    let folder = Folder::with(&[("values.yaml", b"a: 1\n"), ("text", b"x\n")]);
    let printed = folder.render(&[
        "--helm-values",
        "values.yaml",
        "--helm-set",
        "b=2",
        "--helm-set-string",
        "c=3",
        "--helm-set-file",
        "d=text",
        "--helm-set-json",
        "e=[5]",
        "--helm-set-literal",
        "f=a,b",
    ]);
    assert_eq!(printed.printed(), "a: 1\nb: 2\nc: \"3\"\nd: |\n  x\ne:\n- 5\nf: a,b\n");
}

#[test]
fn standard_input_is_a_file() {
    let folder = Folder::new();
    let mut command = folder.command(&[&["--no-detect", "-f", "-"], &UNJUDGED[..]].concat());
    assert_eq!(finish(command.write_stdin("a: yes\n")).printed(), "a: true\n");
    let mut command = folder.command(&["--no-detect", "-f", "-", "-f", "-"]);
    let complaint = finish(command.write_stdin("a: 1\n")).complaint(3);
    assert!(complaint.contains("once"), "{complaint}");
}

#[test]
fn null_stays_to_delete_the_charts_default() {
    let folder = Folder::with(&[("a.yaml", b"x: {a: 1, z: 2}\n"), ("b.yaml", b"x: {a: null}\n")]);
    assert_eq!(
        folder.render(&["-f", "a.yaml", "-f", "b.yaml"]).printed(),
        "x:\n  a: null\n  z: 2\n"
    );
}

#[test]
fn nothing_is_an_empty_map() {
    assert_eq!(Folder::new().render(&[]).printed(), "{}\n");
}

#[test]
fn what_helm_takes_silently_is_said() {
    let text = b"a: 1\nb: 12345678901234567890\na: 2\n---\n1: x\n\"1\": z\n";
    let folder = Folder::with(&[("values.yaml", text)]);
    let run = folder.render(&["-f", "values.yaml"]);
    assert_eq!(run.stdout, "\"1\": z\na: 2\nb: 12345678901234567000\n");
    assert_snapshot!("notices", run.stderr);
}

#[test]
fn versions_that_are_not_known_are_said() {
    let folder = Folder::new();
    for (version, said) in [("1.99", "those of 1.20.0"), ("1.9.1", "those of 1.12.19")] {
        let run = folder.render(&["--version", version]);
        assert!(run.stderr.contains(said), "{}", run.stderr);
        assert_eq!(run.stdout, "{}\n");
    }
    for version in ["1.14.2", "v1.16", "1.18.7"] {
        assert_eq!(folder.render(&["--version", version]).printed(), "{}\n");
    }
    let complaint = folder.render(&["--version", "latest"]).complaint(2);
    assert!(complaint.contains("not a version"), "{complaint}");
}

#[test]
fn mistakes_are_shown_where_they_are() {
    let folder = Folder::with(&[
        ("tab.yaml", b"hubble:\n\trelay: true\n"),
        ("colon.yaml", b"hubble:\n  relay: a: b\n"),
        ("list.yaml", b"- a\n- b\n"),
        ("key.yaml", "节点: [1, 2]\n? [x]\n: 1\n".as_bytes()),
        ("alias.yaml", b"a: *nothing\n"),
        ("inf.yaml", b"a:\n  b: .inf\n"),
        ("open.yaml", b"a: [1, 2\nb: 3\n"),
        ("ipv6.yaml", b"a: [::1]\n"),
    ]);
    let names = ["tab", "colon", "list", "key", "alias", "inf", "open", "ipv6"];
    let complaints = names.map(|name| folder.render(&["-f", &format!("{name}.yaml")]).complaint(3));
    assert_snapshot!("mistakes", complaints.join("\n"));
}

#[test]
fn wrong_arguments_are_named() {
    let folder = Folder::new();
    let cases: &[&[&str]] = &[
        &["--set", "a[99999999]=1"],
        &["--set", "a[65536][65536][65536][65536]=1"],
        &["--set", "a=1,a.b=2"],
        &["--set", "a"],
        &["--set-string", "a={1"],
        &["--set-json", "a={\"b\""],
        &["--set-file", "a=missing"],
        &["-f", "https://example.invalid/values.yaml"],
    ];
    let complaints: Vec<_> = cases.iter().map(|case| folder.render(case).complaint(2)).collect();
    assert_snapshot!("wrong_arguments", complaints.join("\n"));
    let complaint = folder.render(&["-f", "missing.yaml"]).complaint(3);
    assert!(complaint.contains("missing.yaml"), "{complaint}");
    let complaint = finish(&mut folder.command(&[])).complaint(3);
    assert!(complaint.contains("add --no-detect, or --from FILE"), "{complaint}");
    finish(&mut folder.command(&["--no-detect", "--from", "x"])).complaint(2);
}

#[test]
fn help_and_versions() {
    let folder = Folder::new();
    let run = |arguments: &[&str]| finish(&mut folder.command(arguments)).printed();
    let help = run(&["--help"]);
    assert!(help.lines().all(|line| line.chars().count() <= 80), "{help}");
    assert_snapshot!("help", help);
    let version = format!("kubectl cilium-render {}\n", env!("CARGO_PKG_VERSION"));
    assert!(run(&["version"]).starts_with(&version));
    assert_eq!(run(&["-V"]), version);
}

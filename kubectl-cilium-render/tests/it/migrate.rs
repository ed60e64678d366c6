//! Old spellings are rewritten, said, and nothing else is touched.

use std::fs;

use insta::assert_snapshot;
use kcilium_core::chart::{ChartVersion, known_versions};
use kubectl_cilium_render::{
    emit,
    layers::{Map, Node, Value, yaml},
    migrate::{Outcome, migrate},
};
use proptest::prelude::*;

use crate::render::{Folder, finish};

const FILE: &[u8] = b"# Values of the homelab.
tunnel: disabled   # all nodes are on one network
autoDirectNodeRoutes: true

# No kube-proxy here.
kubeProxyReplacement: strict
ipam:
  mode: cluster-pool
  operator:
    # the pool
    clusterPoolIPv4PodCIDR: 10.244.0.0/16  # as kubeadm has it
    clusterPoolIPv4MaskSize: 24
encryption:
  keyFile: keys
remoteNodeIdentity: true
clustermesh: {apiserver: {tls: {ca: {key: hunter2}}}}
# the end
";

#[test]
fn old_spellings_are_rewritten_and_said() {
    let folder = Folder::with(&[("values.yaml", FILE)]);
    let run = folder.render(&["-f", "values.yaml", "--migrate", "--version", "1.16.2"]);
    // `remoteNodeIdentity` has no replacement.
    assert_eq!(run.code, Some(1));
    assert!(!run.stderr.contains("hunter2"));
    assert_snapshot!("migrated", run.stdout);
    assert_snapshot!("migrated_said", run.stderr);
    fs::write(folder.path().join("again.yaml"), &run.stdout).unwrap();
    let again = folder.render(&["-f", "again.yaml", "--migrate", "--version", "1.16.2"]);
    assert_eq!(again.stdout, run.stdout);
}

#[test]
fn what_is_right_for_the_version_stays() {
    let old = b"tunnel: vxlan # x\nkubeProxyReplacement: strict\n";
    let folder = Folder::with(&[("values.yaml", old)]);
    for version in ["1.12.19", "1.13.18", "1.14.2"] {
        let run = folder.render(&["-f", "values.yaml", "--migrate", "--version", version]);
        assert_eq!((run.code, run.stdout.as_bytes()), (Some(0), &old[..]));
        assert!(run.stderr.contains("nothing is spelled"), "{}", run.stderr);
    }
}

#[test]
fn new_spellings_become_old_ones_for_old_charts() {
    for (given, wanted) in [
        (
            "routingMode=native,kubeProxyReplacement=true",
            "kubeProxyReplacement: strict\ntunnel: disabled\n",
        ),
        ("routingMode=tunnel,tunnelProtocol=geneve", "tunnel: geneve\n"),
        (
            "routingMode=tunnel,kubeProxyReplacement=false",
            "kubeProxyReplacement: disabled\ntunnel: vxlan\n",
        ),
        ("routingMode=native,tunnelProtocol=geneve", "tunnel: disabled\n"),
    ] {
        let run = Folder::new().render(&["--set", given, "--migrate", "--version", "1.13.4"]);
        assert_eq!((run.code, &*run.stdout), (Some(0), wanted), "{}", run.stderr);
    }
}

#[test]
fn a_new_spelling_that_is_given_wins() {
    let folder = Folder::with(&[("values.yaml", b"tunnel: vxlan\nroutingMode: native\n")]);
    let run = folder.render(&["-f", "values.yaml", "--migrate", "--version", "1.15.8"]);
    assert!(run.stdout.contains("routingMode: native\n"), "{}", run.stdout);
    assert!(!run.stdout.contains("tunnel:"), "{}", run.stdout);
    assert!(run.stderr.contains("routingMode is given already"), "{}", run.stderr);
}

#[test]
fn files_are_changed_and_a_copy_is_kept() {
    let folder = Folder::with(&[("values.yaml", b"tunnel: geneve # why\n")]);
    let arguments = ["-f", "values.yaml", "--migrate", "--write", "--version", "1.16.2"];
    let run = folder.render(&arguments);
    assert_eq!((run.code, &*run.stdout), (Some(0), ""), "{}", run.stderr);
    let text = fs::read_to_string(folder.path().join("values.yaml")).unwrap();
    assert_eq!(text, "routingMode: tunnel\ntunnelProtocol: geneve # why\n");
    let copies = copies(&folder);
    let [(name, copy)] = &copies[..] else { panic!("{copies:?}") };
    assert_eq!(copy, "tunnel: geneve # why\n");
    assert!(run.stderr.contains(&**name), "{}", run.stderr);
    let again = folder.render(&arguments);
    assert!(again.stderr.contains("nothing is spelled"), "{}", again.stderr);
    assert_eq!(self::copies(&folder).len(), 1);
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_modes_kept() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    let folder = Folder::with(&[("real.yaml", b"tunnel: disabled\n")]);
    let path = |name: &str| folder.path().join(name);
    fs::set_permissions(path("real.yaml"), fs::Permissions::from_mode(0o640)).unwrap();
    symlink("real.yaml", path("link.yaml")).unwrap();
    let run = folder.render(&["-f", "link.yaml", "--migrate", "--write", "--version", "1.16.2"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(fs::symlink_metadata(path("link.yaml")).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(path("real.yaml")).unwrap(), "routingMode: native\n");
    for name in ["real.yaml", &*copies(&folder)[0].0] {
        let mode = fs::metadata(path(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640, "{name}");
    }
}

#[test]
fn what_cannot_be_written_is_left() {
    let flow = b"{tunnel: vxlan}\n";
    let folder = Folder::with(&[("flow.yaml", flow), ("fine.yaml", b"tunnel: vxlan\n")]);
    let write = ["--migrate", "--write", "--version", "1.16.2"];
    let complaint = folder.render(&[&write[..], &["-f", "fine.yaml,flow.yaml"]].concat());
    assert!(complaint.complaint(3).contains("flow.yaml"));
    assert_eq!(fs::read(folder.path().join("flow.yaml")).unwrap(), flow);
    assert_eq!(fs::read(folder.path().join("fine.yaml")).unwrap(), b"tunnel: vxlan\n");
    assert!(copies(&folder).is_empty());
    folder.render(&write).complaint(2);
    folder.render(&[&write[..], &["-f", "fine.yaml", "--set", "a=1"]].concat()).complaint(2);
    folder.render(&["-f", "fine.yaml", "--write"]).complaint(2);
    let stdin = &mut folder.command(&[&["-f", "-"], &write[..]].concat());
    finish(stdin.write_stdin("a: 1\n")).complaint(2);
}

/// Names and texts of the copies that were made.
fn copies(folder: &Folder) -> Vec<(String, String)> {
    let entries = fs::read_dir(folder.path()).unwrap().map(Result::unwrap);
    let named = entries.map(|entry| (entry.file_name().into_string().unwrap(), entry.path()));
    let copies = named.filter(|(name, _)| name.contains(".bak-"));
    copies.map(|(name, path)| (name, fs::read_to_string(path).unwrap())).collect()
}

/// Lines that stand alone in a file, old spellings and others.
const LINES: [&str; 16] = [
    "tunnel: disabled",
    "tunnel: geneve # fast",
    "routingMode: native",
    "tunnelProtocol: vxlan",
    "kubeProxyReplacement: strict",
    "kubeProxyReplacement: probe",
    "kubeProxyReplacement: true",
    "ipam:\n  # pool\n  operator:\n    clusterPoolIPv6PodCIDR: fd00::/104",
    "encryption:\n  keyFile: k\n  enabled: true",
    "hostServices:\n  enabled: true",
    "localRedirectPolicy: true",
    "l2podAnnouncements:\n  interface: eth0.1",
    "debug: {enabled: true}",
    "cluster:\n  name: x # name",
    "nativeRoutingCIDR: 10.0.0.0/8",
    "extraConfig:\n  a.b: |\n    text",
];

proptest! {
    /// Whatever is old is rewritten once and for all, and all else is as it was.
    #[test]
    fn nothing_old_is_left(
        lines in prop::sample::subsequence(LINES.to_vec(), 0..LINES.len()).prop_shuffle(),
        version in prop::sample::select(known_versions().to_vec()),
    ) {
        let text = format!("# top\n{}\n", lines.join("\n"));
        let mut values = yaml::read("file", text.as_bytes()).unwrap().values;
        let before = values.clone();
        let changes = migrate(&mut values, &version);
        let mut again = values.clone();
        let left = migrate(&mut again, &version);
        prop_assert!(left.iter().all(|change| change.outcome == Outcome::Left), "{:?}", left);
        prop_assert_eq!(&again, &values);
        prop_assert!(has_no_old_spelling(&values, &version), "{version}: {}", emit::to_yaml(&values));
        for key in ["debug", "cluster", "extraConfig"] {
            prop_assert_eq!(values.get(key), before.get(key));
        }
        if changes.is_empty() {
            prop_assert_eq!(&values, &before);
        }
        let kept = emit::keep_comments(text.as_bytes(), &values);
        let kept = kept.map_err(|error| TestCaseError::fail(format!("{error}: {text}")))?;
        prop_assert!(kept.starts_with("# top\n"));
        prop_assert_eq!(kept.contains("# name"), text.contains("# name"));
    }
}

/// What old spellings are, told apart from the table.
fn has_no_old_spelling(values: &Map, version: &ChartVersion) -> bool {
    let has = |key: &str| values.contains_key(key);
    let is_old = |value: Option<&Node>| match value.map(|node| &node.value) {
        Some(Value::String(text)) => matches!(&**text, "strict" | "probe" | "disabled"),
        _ => false,
    };
    let routing = match version.minor() {
        ..14 => !has("routingMode") && !has("tunnelProtocol"),
        14 => true,
        15.. => !has("tunnel"),
    };
    let replacement = version.minor() < 16 || !is_old(values.get("kubeProxyReplacement"));
    let text = emit::to_yaml(values);
    let pools = version.minor() < 14 || !text.contains("clusterPoolIPv6PodCIDR:");
    routing && replacement && pools && !has("nativeRoutingCIDR") && !has("hostServices")
}

//! Comments and order survive, and the values are right.

use insta::assert_snapshot;
use kubectl_cilium_render::{
    emit,
    layers::{SetFlag, yaml},
    strvals,
};
use proptest::prelude::*;

use crate::{ambiguous, render::Folder};

const FILE: &[u8] = b"# Values of the homelab.
kubeProxyReplacement: strict   # no kube-proxy here

# Pods.
ipam:
  mode: 'kubernetes'  # from kubeadm
  operator:
    # the pool
    clusterPoolIPv4PodCIDRList:
    - 10.244.0.0/16   # first
    - 10.245.0.0/16
hubble: {enabled: true}
empty:
note: |
  two
  lines
# the end
";

#[test]
fn only_what_differs_is_changed() {
    let folder = Folder::with(&[("values.yaml", FILE)]);
    let unchanged = folder.render(&["-f", "values.yaml", "--keep-comments"]).printed();
    assert_eq!(unchanged.as_bytes(), FILE);
    let changed = folder.render(&[
        "-f",
        "values.yaml",
        "--keep-comments",
        "--set",
        "kubeProxyReplacement=true,ipam.mode=cluster-pool,ipam.operator.clusterPoolIPv4MaskSize=25",
        "--set",
        "ipam.operator.clusterPoolIPv4PodCIDRList={10.1.0.0/16},hubble.relay.enabled=true",
        "--set",
        "empty=no,k8sServiceHost=10.24.0.2,k8sServicePort=6443,note=one",
    ]);
    assert_snapshot!("keep_comments", changed.printed());
}

#[test]
fn one_file_is_needed() {
    let folder = Folder::with(&[("values.yaml", FILE)]);
    folder.render(&["--keep-comments"]).complaint(2);
    let several = folder.render(&["-f", "values.yaml,values.yaml", "--keep-comments"]);
    // Before anything is judged.
    assert!(several.complaint(2).starts_with("error: --keep-comments needs one values file"));
    folder.render(&["-f", "values.yaml", "-o", "json", "--keep-comments"]).complaint(2);
}

proptest! {
    /// Either the values are exactly those asked for, or nothing is printed.
    #[test]
    fn the_values_are_right(
        path in prop::sample::select(vec!["ipam", "ipam.mode", "ipam.operator", "hubble", "hubble.x", "empty", "note", "new", "new.a", "ipam.operator.x"]),
        value in prop_oneof![ambiguous::text(), Just("{1,2}".to_owned())],
    ) {
        let mut values = yaml::read("file", FILE).unwrap().values;
        let line = format!("{path}={}", value.replace(',', "\\,"));
        let none = |_: &str| Ok(String::new());
        if strvals::apply(&mut values, SetFlag::SetString, 1, &line, &none).is_ok() {
            let kept = emit::keep_comments(FILE, &values)
                .map_err(|error| TestCaseError::fail(error.to_string()))?;
            let read = yaml::read("kept", kept.as_bytes()).unwrap().values;
            prop_assert_eq!(emit::to_yaml(&read), emit::to_yaml(&values));
            prop_assert!(kept.starts_with("# Values of the homelab.\nkubeProxyReplacement: strict   # no kube-proxy here\n"));
        }
    }
}

#[test]
fn line_ends_and_byte_order_marks_stay() {
    let file = b"\xef\xbb\xbf# mine\r\ntunnel: disabled # direct\r\nMTU: 1450\r\n";
    let folder = Folder::with(&[("values.yaml", file)]);
    let run = folder.render(&["-f", "values.yaml", "--migrate", "--write", "--version", "1.16.2"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let written = std::fs::read(folder.path().join("values.yaml")).unwrap();
    let text = String::from_utf8(written).unwrap();
    assert!(text.starts_with("\u{feff}# mine\r\n"), "{text:?}");
    assert!(text.contains("routingMode: native"), "{text:?}");
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count(), "{text:?}");
}

//! Flags of `cilium install` that people still type.

use crate::render::Folder;

#[test]
fn flags_without_effect_say_so() {
    let folder = Folder::new();
    for (arguments, why) in [
        (&["--wait"][..], "--wait has no effect here: there is nothing to wait for"),
        (&["--wait=false"], "--wait has no effect"),
        (&["--wait-duration", "5m"], "--wait-duration has no effect"),
        (&["--restart-unmanaged-pods=false"], "nothing is restarted"),
        (&["--dry-run-helm-values"], "values are what is printed anyway"),
        (&["--reset-values"], "never taken over"),
    ] {
        let run = folder.render(&[arguments, &["--set", "a=1"]].concat());
        assert_eq!((run.code, &*run.stdout), (Some(0), "a: 1\n"), "{arguments:?}");
        assert!(run.stderr.contains(why), "{}", run.stderr);
    }
}

#[test]
fn flags_that_would_set_values_are_refused_with_what_sets_them() {
    let folder = Folder::new();
    for (arguments, instead) in [
        (["--ipam", "kubernetes"], "give --set ipam.mode=kubernetes"),
        (["--cluster-name", "a b"], "give --set 'cluster.name=a b'"),
        (["--config", "a.b=c"], r"give --set 'extraConfig.a\.b=c'"),
        (["--encryption", "wireguard"], "encryption.enabled=true,encryption.type=wireguard"),
        (["--datapath-mode", "aws-eni"], "eni.enabled=true,ipam.mode=eni,routingMode=native"),
        (["--helm-auto-gen-values", "values.yaml"], "give > values.yaml"),
        (["--reuse-values", "--debug"], "helm get values cilium"),
    ] {
        let arguments = arguments.into_iter().filter(|argument| *argument != "--debug");
        let complaint = folder.render(&arguments.collect::<Vec<_>>()).complaint(2);
        assert!(complaint.contains(instead), "{complaint}");
    }
    let complaint = folder.render(&["--azure-client-secret", "hunter2"]).complaint(2);
    assert!(!complaint.contains("hunter2"), "{complaint}");
}

#[test]
fn nodes_without_cilium_become_affinities() {
    let run = Folder::new().judge(&["--nodes-without-cilium", "--version", "1.16.19", "--explain"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(run.stdout.matches("- key: cilium.io/no-schedule\n").count(), 3, "{}", run.stdout);
    let texts = run.stdout.lines().filter(|line| line.trim() == "- \"true\"").count();
    assert_eq!((run.stdout.matches("operator: NotIn\n").count(), texts), (3, 3), "{}", run.stdout);
    assert!(run.stderr.contains("--nodes-without-cilium"), "{}", run.stderr);
}

#[test]
fn known_versions_are_listed() {
    let printed = Folder::new().render(&["--list-versions"]).printed();
    let versions: Vec<&str> = printed.lines().collect();
    assert!(versions.iter().any(|version| version.starts_with("1.14.")), "{printed}");
    assert!(versions.last().unwrap().ends_with(" (default)"), "{printed}");
    assert_eq!(printed.matches("(default)").count(), 1);
}

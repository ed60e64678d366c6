//! What Helm says, beside what the rules say.

use std::{ffi::OsString, path::PathBuf};

use crate::{
    chart_directory::{chart, folder},
    helm::{VERSIONS, tools},
    render::{Folder, Run, UNJUDGED, finish},
};

/// Runs the program with the chart, and `helm` of a folder.
fn ask(folder: &Folder, helm: impl Into<OsString>, arguments: &[&str]) -> Run {
    let fixed = ["-f", "values.yaml", "--helm-template"];
    let mut command = folder.command(&[&fixed[..], &UNJUDGED, arguments].concat());
    finish(command.env("PATH", helm.into()))
}

fn helm(version: u32) -> PathBuf {
    tools().join(format!("helm-{version}"))
}

const OFFLINE: [&str; 3] = ["--no-detect", "--chart-directory", "chart"];

#[test]
fn helm_renders_or_says_why_not() {
    let right = folder(&chart(), "debug: {enabled: true}\n");
    let wrong = folder(&chart(), "operator: {replicas: 7}\n");
    for version in VERSIONS {
        for path in ["chart", "chart.tgz"] {
            let arguments = ["--no-detect", "--chart-directory", path];
            let run = ask(&right, helm(version), &arguments);
            assert_eq!((run.code, &*run.stderr), (Some(0), "helm: renders\n"));
            assert_eq!(run.stdout, "debug:\n  enabled: true\n");
            let complaint = ask(&wrong, helm(version), &arguments).complaint(1);
            assert!(complaint.starts_with("helm: refuses: execution error at"), "{complaint}");
            assert!(complaint.contains("seven operators on v"), "{complaint}");
            assert!(complaint.contains("nothing is printed"), "{complaint}");
        }
        // No threshold makes it installable.
        let lenient = [&OFFLINE[..], &["--fail-on", "block"]].concat();
        ask(&wrong, helm(version), &lenient).complaint(1);
        let forced = ask(&wrong, helm(version), &[&OFFLINE[..], &["--force"]].concat());
        assert_eq!((forced.code, &*forced.stdout), (Some(1), "operator:\n  replicas: 7\n"));
        assert_eq!(forced.next, None);
    }
}

#[test]
fn helm_and_the_schema_agree() {
    let folder = folder(&chart(), "ipam: {mode: kubernets}\n");
    for version in VERSIONS {
        let complaint = ask(&folder, helm(version), &OFFLINE).complaint(1);
        assert!(complaint.contains("error SCHEMA    ipam.mode"), "{complaint}");
        assert!(complaint.contains("helm: refuses: values don't meet"), "{complaint}");
    }
}

#[test]
fn what_is_printed_as_json_is_what_helm_reads() {
    let folder = folder(&chart(), "operator: {replicas: 7}\n");
    for version in VERSIONS {
        let complaint = ask(&folder, helm(version), &[&OFFLINE[..], &["-o", "json"]].concat());
        assert!(complaint.complaint(1).contains("seven operators"));
    }
}

#[test]
fn helm_has_to_be_there() {
    let folder = folder(&chart(), "{}\n");
    let complaint = ask(&folder, folder.path(), &OFFLINE).complaint(3);
    assert!(complaint.contains("--helm-template: cannot run helm"), "{complaint}");
    assert!(complaint.contains("hint: install Helm"), "{complaint}");
}

#[test]
fn helm_is_told_what_the_cluster_serves() {
    let mut files = chart();
    let template =
        b"{{ if not (.Capabilities.APIVersions.Has \"a.example/v1/B\") }}{{ fail \"no B\" \
                     }}{{ end }}";
    files.push(("templates/b.yaml", template.to_vec()));
    let folder = folder(&files, "debug: {}\n");
    for version in VERSIONS {
        let complaint = ask(&folder, helm(version), &OFFLINE).complaint(1);
        assert!(complaint.contains("no B"), "{complaint}");
        let arguments = [&OFFLINE[..], &["--api-versions", "a.example/v1/B"]].concat();
        assert_eq!(ask(&folder, helm(version), &arguments).stderr, "helm: renders\n");
    }
}

#[test]
fn helm_needs_a_chart_on_disk() {
    let folder = folder(&chart(), "{}\n");
    ask(&folder, helm(3), &["--no-detect"]).complaint(2);
    ask(&folder, helm(3), &["--chart-directory", "chart", "--migrate"]).complaint(2);
}

#[cfg(unix)]
mod stand_in {
    use std::{fs::Permissions, os::unix::fs::PermissionsExt as _};

    use serde_json::json;

    use super::*;
    use crate::vectors::Snapshot;

    /// A folder in which `helm` is a script of the shell's own commands.
    fn folder_with_helm(script: &str) -> Folder {
        let folder = folder(&chart(), "debug: {enabled: true}\n");
        let path = folder.path().join("helm");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        folder
    }

    #[test]
    fn helm_is_told_namespace_values_and_the_clusters_version() {
        let folder =
            folder_with_helm("echo \"$@\" >arguments; while read -r l; do echo \"$l\"; done >in");
        let version = json!({"gitVersion": "v1.30.4+k3s1", "platform": "linux/amd64"});
        let snapshot = Snapshot::homelab().with("version", version).0.to_string();
        std::fs::write(folder.path().join("facts.json"), snapshot).unwrap();
        let arguments = ["--chart-directory", "chart", "-n", "net", "--from", "facts.json"];
        let run = ask(&folder, folder.path(), &arguments);
        assert!(run.stderr.ends_with("helm: renders\n"), "{}", run.stderr);
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(
            read("arguments"),
            "template -n net -f - --kube-version v1.30.4+k3s1 -- cilium ./chart\n"
        );
        let printed = run.stdout.lines().map(str::trim_start);
        assert_eq!(read("in").lines().collect::<Vec<_>>(), printed.collect::<Vec<_>>());
    }

    #[test]
    fn helm_may_talk_much_and_read_nothing() {
        let line = "echo 'warning: 0123456789012345678901234567890123456789' >&2";
        let script = format!("i=0; while [ $i -lt 9000 ]; do {line}; i=$((i+1)); done; exit 1");
        let folder = folder_with_helm(&script);
        let values = format!("note: {}\n", "x".repeat(1 << 20));
        std::fs::write(folder.path().join("values.yaml"), values).unwrap();
        let complaint = ask(&folder, folder.path(), &OFFLINE).complaint(1);
        assert!(complaint.contains("helm: refuses: warning: 0123"), "{complaint}");
        assert!(complaint.len() < 100_000);
    }

    #[test]
    fn helm_that_hangs_or_dies_gives_no_verdict() {
        let folder = folder_with_helm("while :; do :; done");
        let arguments = [&OFFLINE[..], &["--timeout", "1s"]].concat();
        let complaint = ask(&folder, folder.path(), &arguments).complaint(3);
        assert!(complaint.contains("did not answer within 1 s"), "{complaint}");
        let folder = folder_with_helm("kill -9 $$");
        let complaint = ask(&folder, folder.path(), &OFFLINE).complaint(3);
        assert!(complaint.contains("helm template was killed"), "{complaint}");
    }
}

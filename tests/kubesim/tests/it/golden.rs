//! What kubectl and helm print of scenarios, word for word.
//!
//! Ages are masked, and two blanks are between cells however wide the column: ages change that.

use std::{env, fs, os::unix::fs::PermissionsExt as _};

use kubesim::{Backend, Config};

use crate::{
    running::Running,
    tool::{VERSIONS, tools},
};

/// `3y46d`, `5m12s`, `0s`; a number with just an `m` is a thousandth of a CPU.
fn is_age(word: &str) -> bool {
    if word.strip_suffix('m').is_some_and(|number| number.parse::<u32>().is_ok()) {
        return false;
    }
    let mut digits = 0;
    for letter in word.chars() {
        match letter {
            '0'..='9' => digits += 1,
            's' | 'm' | 'h' | 'd' | 'y' if digits > 0 => digits = 0,
            _ => return false,
        }
    }
    digits == 0 && !word.is_empty()
}

fn masked(text: &str) -> String {
    let cell = |cell: &str| {
        let word = |word: &str| {
            let bare = word.trim_matches(['(', ')']);
            if is_age(bare) { word.replace(bare, "AGE") } else { word.to_owned() }
        };
        cell.split(' ').map(word).collect::<Vec<_>>().join(" ")
    };
    let line = |line: &str| {
        let indent = &line[..line.len() - line.trim_start().len()];
        let cells: Vec<String> = line
            .trim()
            .split("  ")
            .map(|part| cell(part.trim()))
            .filter(|part| !part.is_empty())
            .collect();
        indent.to_owned() + &cells.join("  ")
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// `helm status` of helm 4 tells of resources in no order, and heads a table only where its columns
/// are not those of the table before.
fn sorted(text: &str) -> String {
    let Some((head, resources)) = text.split_once("RESOURCES:\n") else { return text.to_owned() };
    let rows = |section: &str| {
        let rows = section.trim().lines().filter(|line| !line.starts_with("NAME "));
        rows.collect::<Vec<_>>().join("\n")
    };
    let mut sections: Vec<String> = resources.split("\n\n").map(rows).collect();
    sections.sort_unstable();
    masked(&format!("{head}RESOURCES:\n{}", sections.join("\n\n")))
}

fn started(name: &str) -> Running {
    Running::start(name, Backend::Kubesim(Config::default()))
}

/// Compares what each kubectl prints with one snapshot.
fn printed(running: &Running, name: &str, arguments: &str) {
    for version in VERSIONS {
        let text = masked(&running.kubectl(version).ok(arguments));
        insta::assert_snapshot!(name, text, arguments);
    }
}

#[test]
fn lists_of_the_clash() {
    let running = started("homelab-clash");
    printed(&running, "clash-pods", "get pods -A");
    printed(&running, "clash-pods-wide", "get pods -A -o wide");
    printed(&running, "clash-workloads-wide", "get daemonsets,deployments,replicasets -A -o wide");
    printed(&running, "clash-services-wide", "get services,endpointslices -A -o wide");
    printed(&running, "clash-ciliumendpoints", "get ciliumendpoints -A");
    printed(&running, "clash-ciliumnodes", "get ciliumnodes -o wide");
    printed(&running, "clash-events", "get events");
}

#[test]
fn lists_of_the_healthy_homelab() {
    let running = started("homelab-healthy");
    printed(&running, "healthy-nodes-wide", "get nodes -o wide");
    printed(
        &running,
        "healthy-configmaps",
        "get configmaps,secrets,serviceaccounts -n kube-system",
    );
    printed(&running, "healthy-crds", "get crds");
    printed(&running, "healthy-ciliumidentities", "get ciliumidentities");
    printed(&running, "healthy-leases", "get leases -n kube-system");
}

#[test]
fn lists_of_other_distributions() {
    printed(&started("rke2"), "rke2", "get nodes,helmcharts,helmchartconfigs,jobs -A");
    printed(&started("k3s"), "k3s", "get nodes,helmcharts,jobs,services,daemonsets -A -o wide");
}

#[test]
fn descriptions() {
    let running = started("homelab-clash");
    for version in VERSIONS {
        for (name, arguments) in [
            ("node", "describe node node2"),
            ("pod", "describe pod redis-77bc69bf56-nq4j4"),
            ("agent", "describe pod cilium-7zpnl -n kube-system"),
        ] {
            let text = masked(&running.kubectl(version).ok(arguments));
            insta::assert_snapshot!(format!("describe-{name}-{version}"), text, arguments);
        }
    }
}

#[test]
fn releases() {
    let running = started("homelab-clash");
    for major in [3, 4] {
        let helm = running.helm(major);
        for (name, arguments) in [
            ("list", "list -A"),
            ("status", "status cilium -n kube-system"),
            ("values", "get values cilium -n kube-system"),
        ] {
            let text = sorted(&helm.ok(arguments));
            insta::assert_snapshot!(format!("helm-{name}-{major}"), text, arguments);
        }
    }
}

#[test]
fn plugins_are_found() {
    let directory = tempfile::tempdir().unwrap();
    let plugin = directory.path().join("kubectl-cilium_x");
    fs::write(&plugin, "#!/bin/sh\necho plugin \"$@\"\n").unwrap();
    fs::set_permissions(&plugin, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", directory.path().display(), env::var("PATH").unwrap());
    for version in VERSIONS {
        let run = |arguments: &[&str]| {
            let output =
                std::process::Command::new(tools().join(format!("kubectl-{version}/kubectl")))
                    .args(arguments)
                    .env("PATH", &path)
                    .output()
                    .unwrap();
            let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
            (text(output.stdout), text(output.stderr))
        };
        // The underscore of the file is the dash of the command; and kubectl passes flags on.
        assert_eq!(run(&["cilium-x", "sub", "--flag"]).0, "plugin sub --flag\n");
        let (list, _) = run(&["plugin", "list"]);
        assert!(list.contains(&plugin.display().to_string()), "{list}");
        let (_, error) = run(&["cilium-y"]);
        assert!(
            error.starts_with("error: unknown command \"cilium-y\" for \"kubectl\""),
            "{error}"
        );
    }
}

//! Nodes that do not let everything be done: what cannot be done is told, and the rest goes on.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use netlab::require_programs;

use crate::dirty::{Dirty, PROGRAM, Run, run};

/// Cleans by way of another program, which begins this one.
fn clean_by(dirty: &Dirty, program: &str, arguments: &[&str]) -> Run {
    let mut command: Command = dirty.namespace().command(program);
    command.args(arguments).arg(PROGRAM);
    command.args(["--local", "--yes", "-o", "wide", "--pod-cidr", "10.244.0.0/16"]);
    command.args(["--node-address", "10.24.0.4", "--root"]).arg(dirty.root());
    run(&mut command)
}

/// The same after a script in a mount namespace of its own, and what another prints afterwards.
fn clean_among_mounts(dirty: &Dirty, before: &str, after: &str) -> Run {
    let script =
        format!("cd {}\n{before}\n\"$@\"\ncode=$?\n{after}\nexit $code", dirty.root().display());
    clean_by(dirty, "unshare", &["-m", "sh", "-c", &script, "sh"])
}

/// The lines of a section.
fn section<'a>(out: &'a str, title: &str) -> &'a str {
    let (_, section) = out.split_once(title).unwrap_or_else(|| panic!("no {title} in {out}"));
    section.split_once("\n\n").map_or(section, |(section, _)| section)
}

#[test]
fn without_iptables_all_else_goes() {
    let Some(dirty) = Dirty::new("hindered tools") else { return };
    let (code, out, err) = clean_by(&dirty, "env", &["PATH=/nowhere"]);
    assert_eq!(code, Some(3), "{out}{err}");
    assert!(section(&out, "Not looked at:").contains("iptables-nft-save: not installed"), "{out}");
    let kernel = dirty.network().unwrap();
    assert!(!kernel.contains("cilium_host") && !kernel.contains("lookup 2004"), "{kernel}");
    assert!(kernel.contains("CILIUM_PRE_mangle"), "{kernel}");

    // With the program the rest goes.
    let (code, out, err) = run(&mut dirty.clean(&["--yes"]));
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(!dirty.network().unwrap().contains("CILIUM_PRE_mangle"));
}

#[test]
fn without_the_right_to_change_the_network_only_files_go() {
    if !require_programs(&["setpriv"]) {
        return;
    }
    let Some(dirty) = Dirty::new("hindered rights") else { return };
    let before = dirty.network().unwrap();
    let drop = ["--bounding-set=-net_admin,-sys_admin,-bpf", "--inh-caps=-all"];
    let (code, out, err) = clean_by(&dirty, "setpriv", &drop);
    assert_eq!(code, Some(1), "{out}{err}");
    let failed = section(&out, "Not taken away:");
    for what in ["rule for table local", "link cilium_host", "route local default"] {
        let line = failed.lines().find(|line| line.contains(what));
        let line = line.unwrap_or_else(|| panic!("{what}: {out}"));
        assert!(line.contains("operation not permitted"), "{line}");
    }
    assert_eq!(dirty.network().unwrap(), before);
    assert!(!dirty.root().join("etc/cni/net.d/05-cilium.conflist").exists());
    let (code, out, err) = run(&mut dirty.clean(&["--yes"]));
    assert_eq!(code, Some(0), "{out}{err}");
}

#[test]
fn files_that_are_read_only_stay() {
    if !require_programs(&["unshare"]) {
        return;
    }
    let Some(dirty) = Dirty::new("hindered files") else { return };
    let files = dirty.files().unwrap();
    let (code, out, err) = clean_among_mounts(
        &dirty,
        "mount --bind etc/cni/net.d etc/cni/net.d && mount -o remount,ro,bind etc/cni/net.d",
        "",
    );
    assert_eq!(code, Some(1), "{out}{err}");
    let failed = section(&out, "Not taken away:");
    for what in
        ["CNI configuration /etc/cni/net.d/05-cilium.conflist", "10-flannel.conflist.cilium_bak"]
    {
        let line = failed.lines().find(|line| line.contains(what));
        let line = line.unwrap_or_else(|| panic!("{what}: {out}"));
        assert!(line.contains("read-only file system"), "{line}");
    }
    let left = dirty.files().unwrap();
    let cni = |files: &std::collections::BTreeMap<String, String>| {
        files.clone().split_off("etc/cni/").into_iter().take(4).collect::<Vec<_>>()
    };
    assert_eq!(cni(&left), cni(&files));
    assert!(!left.contains_key("etc/sysctl.d/99-zzz-override_cilium.conf"), "{left:?}");
}

#[test]
fn what_is_mounted_in_the_agents_directory_stays() {
    if !require_programs(&["unshare"]) {
        return;
    }
    let Some(dirty) = Dirty::new("hindered mounts") else { return };
    dirty.write("srv/data/precious", "kept\n").unwrap();
    dirty.write("run/cilium/state/1/deep/file", "x").unwrap();
    let (code, out, err) = clean_among_mounts(
        &dirty,
        // One of the same file system, one of another, one over a single file.
        "mkdir run/cilium/state/1/data run/cilium/disk
         mount --bind srv/data run/cilium/state/1/data
         mount -t tmpfs none run/cilium/disk && echo kept > run/cilium/disk/file
         mount --bind srv/data/precious run/cilium/state/1/deep/file",
        "cat run/cilium/disk/file run/cilium/state/1/data/precious run/cilium/state/1/deep/file",
    );
    assert_eq!(code, Some(1), "{out}{err}");
    let failed = section(&out, "Not taken away:");
    assert!(failed.contains("directory /run/cilium: ") && failed.contains(" mounted"), "{out}");
    let doubtful = section(&out, "May be Cilium's or somebody else's:");
    for mount in ["/run/cilium/disk", "/run/cilium/state/1/data", "/run/cilium/state/1/deep/file"] {
        assert!(doubtful.contains(&format!("mount {mount} ")), "{mount}: {out}");
    }
    assert!(out.ends_with("kept\nkept\nkept\n"), "{out}");
    let precious = std::fs::read_to_string(dirty.root().join("srv/data/precious")).unwrap();
    assert_eq!(precious, "kept\n");
    // What is not mounted did go.
    assert!(!dirty.root().join("run/cilium/state/x").exists());
    let (code, out, err) = run(&mut dirty.clean(&["--yes"]));
    assert_eq!(code, Some(0), "{out}{err}");
}

/// A process that ends with the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_pod_that_only_a_process_keeps_alive_keeps_its_network() {
    let Some(dirty) = Dirty::new("hindered pod") else { return };
    let mut pod = dirty.namespace().command("unshare");
    pod.args(["-n", "sh", "-c", "echo ready; exec sleep 300"]).stdout(Stdio::piped());
    let mut pod = Process(pod.spawn().unwrap());
    let mut ready = String::new();
    BufReader::new(pod.0.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    assert_eq!(ready, "ready\n");
    dirty
        .namespace()
        .ip_batch(&format!(
            "link add lxc0123456789ab type veth peer name eth0p\n\
             link set eth0p netns {}\nlink set lxc0123456789ab up\n\
             route add 10.244.0.9 dev lxc0123456789ab\n",
            pod.0.id()
        ))
        .unwrap();
    let (code, out, err) = run(&mut dirty.clean(&["--yes"]));
    assert_eq!(code, Some(1), "{out}{err}");
    let in_use = section(&out, "Left by Cilium, and still in use:");
    for what in ["link lxc0123456789ab", "route 10.244.0.9 dev", "/opt/cni/bin/cilium-cni"] {
        assert!(in_use.contains(what), "{what}: {out}");
    }
    let kernel = dirty.network().unwrap();
    assert!(kernel.contains("10.244.0.9 dev lxc0123456789ab"), "{kernel}");
    assert!(!kernel.contains("cilium_host"), "{kernel}");

    // When it ends the kernel takes the device away, and nothing is in the way of the rest.
    drop(pod);
    let gone = || !dirty.network().unwrap().contains("lxc0123456789ab");
    assert!((0..200).any(|_| gone() || {
        std::thread::sleep(Duration::from_millis(50));
        false
    }));
    let (code, out, err) = run(&mut dirty.clean(&["--yes"]));
    assert_eq!(code, Some(0), "{out}{err}");
}

#[test]
fn a_set_that_is_in_use_stays() {
    let Some(dirty) = Dirty::new("hindered set") else { return };
    dirty.put_named(&["sets"]);
    dirty
        .shell("iptables-nft -A OUTPUT -m set --match-set cilium_node_set_v4 dst -j ACCEPT")
        .unwrap();
    let (code, out, err) = run(&mut dirty.clean(&["--yes"]));
    assert_eq!(code, Some(1), "{out}{err}");
    let failed = section(&out, "Not taken away:");
    assert!(failed.contains("ipset cilium_node_set_v4: "), "{out}");
    assert!(failed.contains("a rule of iptables or another set looks into it"), "{out}");
    let sets = dirty.shell("ipset save").unwrap();
    assert!(sets.contains("add cilium_node_set_v4 10.24.0.4"), "{sets}");
    assert!(!sets.contains("cilium_node_set_v6"), "{sets}");
}

//! The real kernel: programs on interfaces of namespaces made here, on cgroups made here, pins in a
//! file system mounted here.

#![cfg(target_os = "linux")]
use std::fs::File;
use std::os::fd::AsFd as _;
use std::thread;

use kcilium_bpf::load::{Kind, attach, link_cgroup, link_interface, map, pin, program};
use kcilium_bpf::{
    AttachType, Pinned, Target, attached, detach_link, detach_program, link_by_id, pinned,
    program_by_id,
};
use netlab::{BpfFiles, Cgroup, Lab, require_bpf, require_root_netns};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

#[test]
fn a_program_tells_its_name_and_its_maps() {
    if !require_root_netns() || !require_bpf() {
        return;
    }
    let lab = Lab::new("program").unwrap();
    let files = BpfFiles::mount(&lab.dir().join("bpf")).unwrap();
    let map = map("cilium_ipcache").unwrap();
    let program = program("handle_xgress", Kind::Classifier, &[map.as_fd()]).unwrap();
    pin(program.as_fd(), &files.path().join("program")).unwrap();
    pin(map.as_fd(), &files.path().join("map")).unwrap();
    let Pinned::Program(info) = pinned(&files.path().join("program")).unwrap() else {
        panic!("a program was pinned");
    };
    assert_eq!(info.name, "handle_xgress");
    assert_eq!(info.maps, ["cilium_ipcache"]);
    assert_eq!(program_by_id(info.id).unwrap(), Some(info));
    let pinned = pinned(&files.path().join("map")).unwrap();
    assert_eq!(pinned, Pinned::Map("cilium_ipcache".into()));
}

#[test]
fn of_two_programs_on_a_cgroup_one_is_taken_off() {
    if !require_root_netns() || !require_bpf() {
        return;
    }
    let lab = Lab::new("cgroup").unwrap();
    let cgroup = Cgroup::create(&lab).unwrap();
    let directory = File::open(cgroup.path()).unwrap();
    let kind = AttachType::CgroupInet4Connect;
    let load = |name| program(name, Kind::CgroupAddress(kind), &[]).unwrap();
    attach(directory.as_fd(), &load("cil_sock4_conne"), kind).unwrap();
    attach(directory.as_fd(), &load("somebody_else"), kind).unwrap();
    let link = link_cgroup(directory.as_fd(), &load("cil_sock4_link"), kind).unwrap();

    let target = Target::Cgroup(directory.as_fd());
    let names = || -> Vec<String> {
        let attached = attached(target, kind).unwrap();
        attached.iter().map(|a| program_by_id(a.program_id).unwrap().unwrap().name).collect()
    };
    assert_eq!(names(), ["cil_sock4_conne", "somebody_else", "cil_sock4_link"]);
    let first = attached(target, kind).unwrap()[0].program_id;
    detach_program(Target::Cgroup(directory.as_fd()), first, kind).unwrap();
    assert_eq!(names(), ["somebody_else", "cil_sock4_link"]);
    drop(link);
    assert_eq!(names(), ["somebody_else"]);
}

#[test]
fn a_link_on_an_interface_is_seen_and_detached() {
    if !require_root_netns() || !require_bpf() {
        return;
    }
    let lab = Lab::new("tcx").unwrap();
    let namespace = lab.namespace("node").unwrap();
    let files = BpfFiles::mount(&lab.dir().join("bpf")).unwrap();
    let pins = files.path().to_owned();
    let path = format!("/run/netns/{}", namespace.name());
    let body = move || {
        let file = File::open(path).unwrap();
        move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
        // `lo` is the first interface of every namespace.
        let target = Target::Link(1);
        assert_eq!(attached(target, AttachType::TcxIngress).unwrap(), []);
        assert_eq!(attached(target, AttachType::NetkitPrimary).unwrap(), []);
        let program = program("cil_from_netdev", Kind::Classifier, &[]).unwrap();
        let link = link_interface(1, &program, AttachType::TcxIngress).unwrap();
        let seen = attached(target, AttachType::TcxIngress).unwrap();
        assert_eq!(seen.len(), 1);
        let id = seen[0].link_id.unwrap();
        let info = link_by_id(id).unwrap().unwrap();
        assert_eq!(info.program_id, seen[0].program_id);
        pin(link.as_fd(), &pins.join("link")).unwrap();
        assert_eq!(pinned(&pins.join("link")).unwrap(), Pinned::Link(info));
        std::fs::remove_file(pins.join("link")).unwrap();
        detach_link(id).unwrap();
        assert_eq!(attached(target, AttachType::TcxIngress).unwrap(), []);
        drop(link);
        assert_eq!(link_by_id(id).unwrap(), None);
        detach_link(id).unwrap();
    };
    thread::spawn(body).join().unwrap();
}

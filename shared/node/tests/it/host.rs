//! What a host's own files say about the programs and the kernel beneath Cilium.

use std::fs;
use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use kcilium_core::facts::{
    ForeignSetting, HostFacts, HostService, KernelPart, PartState, UnavailableKind,
};

use crate::files::{Tree, missing, with_processes};
use crate::inside::known;

fn host(tree: &Tree) -> HostFacts {
    *tree.facts().host.unwrap()
}

fn release() -> String {
    rustix::system::uname().release().to_string_lossy().into_owned()
}

#[test]
fn a_drop_in_that_leads_to_null_hides_a_package_s() {
    let package = "/usr/lib/systemd/networkd.conf.d/50-cloud.conf";
    let tree = Tree::new()
        .with("/etc/systemd/networkd.conf", "[Network]\nManageForeignRoutes=no\n")
        .with(package, "[Network]\nManageForeignRoutes=yes\n");
    let routes = known(host(&tree).networkd).routes;
    assert_eq!(routes, ForeignSetting { manages: Some(true), file: Some(package.into()) });

    let hidden = tree.with_link("/etc/systemd/networkd.conf.d/50-cloud.conf", "/dev/null");
    assert_eq!(known(host(&hidden).networkd).routes.manages, Some(false));
}

#[test]
fn what_cannot_be_read_is_not_the_same_as_nothing() {
    let tree = Tree::new().with_fifo("/etc/systemd/networkd.conf.d/10-x.conf");
    let (kind, why) = missing(host(&tree).networkd);
    assert_eq!(kind, UnavailableKind::Failed);
    assert!(why.contains("10-x.conf"), "{why}");
    // Others are read all the same.
    assert_eq!(known(host(&tree).network_manager).unmanaged, [""; 0]);
}

#[test]
fn services_are_told_by_the_host_s_processes() {
    let tree = with_processes(&[
        (1, "systemd"),
        (2, "kthreadd"),
        (400, "systemd-network"),
        (401, "systemd-network-x"),
        (500, "NetworkManager"),
        (700, "kube-proxy"),
    ]);
    assert_eq!(
        known(host(&tree).services),
        [HostService::Networkd, HostService::NetworkManager, HostService::KubeProxy]
    );
    // A container's table shows a part.
    let (kind, _) = missing(host(&with_processes(&[(1, "kube-proxy")])).services);
    assert_eq!(kind, UnavailableKind::Failed);
}

fn state(parts: &[KernelPart], option: &str) -> PartState {
    parts.iter().find(|part| part.option == option).unwrap().state
}

#[test]
fn the_kernel_s_own_configuration_is_inflated() {
    let tree = Tree::new().with(&format!("/boot/config-{}", release()), "CONFIG_NET=y\n");
    let mut file = GzEncoder::new(
        fs::File::create(tree.path("/proc/config.gz")).unwrap(),
        Compression::fast(),
    );
    file.write_all(b"CONFIG_NET=y\nCONFIG_BPF=y\nCONFIG_VXLAN=m\nCONFIG_GENEVE=m\n").unwrap();
    file.finish().unwrap();

    let parts = known(host(&tree).kernel_parts);
    assert_eq!(state(&parts, "CONFIG_BPF"), PartState::Present);
    assert_eq!(state(&parts, "CONFIG_WIREGUARD"), PartState::LeftOut);
    // Without a list of modules nobody knows.
    assert_eq!(state(&parts, "CONFIG_VXLAN"), PartState::Module);

    let list = format!("/lib/modules/{}/modules.dep", release());
    let tree = tree.with(&list, "kernel/drivers/net/vxlan/vxlan.ko.xz: a.ko.xz\n");
    let parts = known(host(&tree).kernel_parts);
    assert_eq!(state(&parts, "CONFIG_VXLAN"), PartState::Present);
    assert_eq!(state(&parts, "CONFIG_GENEVE"), PartState::ModuleMissing);
}

#[test]
fn a_file_that_is_no_kernel_s_configuration_says_nothing_of_it() {
    let tree = Tree::new().with("/proc/config.gz", "not gzip");
    assert_eq!(missing(host(&tree).kernel_parts).0, UnavailableKind::Failed);
    let tree = Tree::new().with(&format!("/boot/config-{}", release()), "# empty\n");
    assert_eq!(missing(host(&tree).kernel_parts).0, UnavailableKind::Failed);
    assert_eq!(missing(host(&Tree::new()).kernel_parts).0, UnavailableKind::Absent);
}

#[test]
fn pods_get_the_servers_of_the_file_that_the_kubelet_names() {
    let config = "/var/lib/kubelet/config.yaml";
    let tree = Tree::new()
        .with("/etc/resolv.conf", "nameserver 127.0.0.53\n")
        .with("/run/systemd/resolve/resolv.conf", "nameserver 10.0.0.1\n")
        .with(config, "kind: KubeletConfiguration\n");
    assert_eq!(
        known(tree.facts().pod_resolvers),
        ["127.0.0.53".parse::<std::net::IpAddr>().unwrap()]
    );
    let told = tree.with(config, "resolvConf: /run/systemd/resolve/resolv.conf\n");
    assert_eq!(
        known(told.facts().pod_resolvers),
        ["10.0.0.1".parse::<std::net::IpAddr>().unwrap()]
    );
    assert_eq!(missing(Tree::new().facts().pod_resolvers).0, UnavailableKind::Absent);
}

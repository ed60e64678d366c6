//! Things that can be on a node each without the others.

use std::fs;
use std::os::fd::AsFd as _;

use anyhow::{Context as _, Result};
use kcilium_bpf::load::{Kind, map, pin, program};

use super::DirtyNode;

/// Something that a shell puts on a node.
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    /// What it is.
    pub name: &'static str,
    script: &'static str,
}

macro_rules! pieces {
    ($($name:literal: $script:literal;)*) => {
        &[$(Piece { name: $name, script: $script },)*]
    };
}

impl Piece {
    /// What Cilium leaves.
    pub const OF_CILIUM: &[Self] = pieces! {
        "host's devices": "ip link add cilium_host type veth peer name cilium_net
            ip link set cilium_net up; ip link set cilium_host up
            ip addr add 10.244.0.120/32 dev cilium_host
            ip route add 10.244.0.0/24 via 10.244.0.120 dev cilium_host proto kernel";
        "tunnel": "ip link add cilium_vxlan type vxlan external dstport 8472; ip link set cilium_vxlan up";
        "pod told by program": "ip link add lxc0a$X type veth peer name p0a$N
            tc qdisc add dev lxc0a$X clsact
            tc filter add dev lxc0a$X ingress pref 1 bpf da object-pinned $CILIUM";
        "pod told by file": "ip link add lxc0b$X type veth peer name p0b$N; mkdir -p $ROOT/run/cilium/state/$N
            echo \"{\\\"ID\\\": $N, \\\"IfName\\\": \\\"lxc0b$X\\\"}\" > $ROOT/run/cilium/state/$N/ep_config.json";
        "pod told by route": "ip link add lxc0c$X type veth peer name p0c$N
            ip link set lxc0c$X up; ip route add 10.244.0.$N dev lxc0c$X";
        "pair that is not finished": "ip link add lxc0d$X type veth peer name tmp0a1b2";
        "way to the proxy": "ip rule add pref 9 fwmark 0x200/0xf00 lookup 2004
            ip route add local default dev lo table 2004";
        "way to the proxy, IPv6": "ip -6 rule add pref 9 fwmark 0x200/0xf00 lookup 2004
            ip -6 route add local default dev lo table 2004";
        "rules of encryption": "ip rule add pref 1 fwmark 0xd00/0xf00 lookup 200
            ip rule add pref 1 fwmark 0xe00/0xf00 lookup 200; ip rule add pref 1 fwmark 0xe00/0xf00 lookup 201";
        "rules from the proxy": "ip rule add pref 10 fwmark 0xa00/0xf00 lookup 2005
            ip -6 rule add pref 10 fwmark 0xb00/0xf00 lookup 2005";
        "rule of node ports": "ip rule add pref 109 fwmark 0x80/0x80 lookup main";
        "rule of VTEP": "ip rule add pref 112 to 10.66.0.0/16 lookup 202";
        "table of pods": "ip rule add pref 111 from 10.244.1.$N lookup 11
            ip route add default via 10.24.0.1 dev eth0 table 11";
        "rule to a pod": "ip rule add pref 20 to 10.244.2.$N lookup main";
        "route between nodes": "ip route add 10.244.5.0/24 via 10.24.0.4 dev eth0 proto kernel";
        "routes of pods that are gone": "ip route add unreachable 10.244.3.$N proto kernel
            ip route add unreachable 10.244.4.$N proto kernel";
        "neighbour": "ip neigh add 10.24.0.4 lladdr 02:00:00:00:00:04 dev eth0 extern_learn";
        "filters": "tc qdisc add dev eth0 clsact || true
            tc filter add dev eth0 ingress pref 1 bpf da object-pinned $CILIUM
            tc filter add dev eth0 egress pref 1 bpf da object-pinned $CILIUM";
        "XDP": "ip link set dev eth0 xdpgeneric pinned $CILIUM_XDP";
        "chains": "for c in INPUT OUTPUT FORWARD; do iptables-nft -N CILIUM_$c
            iptables-nft -I $c -m comment --comment \"cilium-feeder: CILIUM_$c\" -j CILIUM_$c; done
            iptables-nft -A CILIUM_OUTPUT -j CILIUM_FORWARD";
        "chains of IPv6": "ip6tables-nft -t raw -N CILIUM_PRE_raw; ip6tables-nft -t raw -A CILIUM_PRE_raw -j ACCEPT
            ip6tables-nft -t raw -A PREROUTING -m comment --comment \"cilium-feeder: CILIUM_PRE_raw\" -j CILIUM_PRE_raw";
        "chains of legacy": "iptables-legacy -t nat -N CILIUM_POST_nat
            iptables-legacy -t nat -A CILIUM_POST_nat -s 10.244.0.0/24 -j MASQUERADE
            iptables-legacy -t nat -A POSTROUTING -m comment --comment \"cilium-feeder: CILIUM_POST_nat\" -j CILIUM_POST_nat";
        "chains of a crash": "iptables-nft -t mangle -N OLD_CILIUM_PRE_mangle
            iptables-nft -t mangle -I PREROUTING -m comment --comment \"cilium-feeder: CILIUM_PRE_mangle\" -j OLD_CILIUM_PRE_mangle";
        "chain without feeder": "iptables-nft -t raw -N CILIUM_OUTPUT_raw";
        "feeders there twice": "iptables-legacy -t mangle -N CILIUM_POST_mangle
            for i in 1 2; do iptables-legacy -t mangle -A POSTROUTING -m comment --comment \"cilium-feeder: CILIUM_POST_mangle\" -j CILIUM_POST_mangle; done";
        "chain of a later version": "iptables-nft -N CILIUM_LATER
            iptables-nft -A FORWARD -m comment --comment \"cilium-feeder: CILIUM_LATER\" -j CILIUM_LATER";
        "IPsec policies": "ip xfrm policy add src 0.0.0.0/0 dst 0.0.0.0/0 dir out action block priority 100 mark 0xe00 mask 0xf00
            ip xfrm policy add src 0.0.0.0/0 dst 10.244.0.0/24 dir fwd priority 2975 tmpl dst 10.24.0.4 proto esp reqid 1 mode tunnel level use";
        // The kernel may have no ESP, but it gives out numbers of what is going to be agreed on.
        "IPsec states": "ip xfrm state allocspi src 10.24.0.2 dst 10.24.0.4 proto esp mode tunnel reqid 1 mark 0xe00 mask 0xf00 min 3 max 3
            ip xfrm state allocspi src 10.24.0.4 dst 10.24.0.2 proto esp mode tunnel reqid 1 mark 0xd00 mask 0xf00 min 5 max 5";
        "sets": "ipset create cilium_node_set_v4 hash:ip; ipset create cilium_node_set_v6 hash:ip family inet6
            ipset add cilium_node_set_v4 10.24.0.4; ipset add cilium_node_set_v6 2001:db8::4
            iptables-nft -t nat -N CILIUM_OUTPUT_nat
            iptables-nft -t nat -A CILIUM_OUTPUT_nat -m set --match-set cilium_node_set_v4 dst -j ACCEPT";
        "pins": "ln $MAP $BPF/tc/globals/cilium_ipcache$N; mkdir -p $BPF/cilium/devices/eth0/links
            ln $MAP $BPF/cilium/devices/eth0/links/cil_a$N";
        "CNI configuration": "echo '{\"name\":\"cilium\",\"plugins\":[{\"type\":\"cilium-cni\"}]}' > $ROOT/etc/cni/net.d/05-cilium.conflist";
        "CNI configuration set aside": "f=$ROOT/etc/cni/net.d/10-flannel.conflist; mv $f $f.cilium_bak";
        "CNI results": "touch $ROOT/var/lib/cni/results/cilium-$LONG-eth0";
        "CNI binary": "touch $ROOT/opt/cni/bin/cilium-cni";
        "sysctls": "echo 'net.ipv4.conf.all.rp_filter = 0' > $ROOT/etc/sysctl.d/99-zzz-override_cilium.conf";
        "unit": "cd $ROOT/etc/systemd/system; printf '[Unit]\\nDescription=Cilium BPF mounts\\n' > sys-fs-bpf.mount
            ln -s /etc/systemd/system/sys-fs-bpf.mount local-fs.target.wants/sys-fs-bpf.mount";
        "agent's directory": "mkdir -p $ROOT/run/cilium/state/globals; ln -s $ROOT/srv/data $ROOT/run/cilium/state/data
            ln -s ../../../srv/data $ROOT/run/cilium/state/near; echo 1 > $ROOT/run/cilium/cilium.pid";
        "library": "mkdir -p $ROOT/var/lib/cilium/bpf; touch $ROOT/var/lib/cilium/bpf/bpf_lxc.c";
        "namespace's name": "touch $ROOT/run/netns/cilium-health";
        "markers": "touch $ROOT/tmp/node-init.cilium.io $ROOT/tmp/cilium-bootstrap-time";
        // At the end: without the table no gateway is found any more.
        "rule for local moved": "ip rule add pref 100 lookup local; ip rule del pref 0 || true";
        "rule for local moved, IPv6": "ip -6 rule add pref 100 lookup local; ip -6 rule del pref 0 || true";
        "rule for local there twice": "ip rule add pref 100 lookup local || true";
        "rule for local deleted": "ip rule del pref 0 || true";
    };

    /// What others have, which is nearly the same.
    pub const OF_OTHERS: &[Self] = pieces! {
        "LXC's bridge": "ip link add lxcbr0 type bridge; ip link add lxcaa$X type veth peer name q0a$N
            ip link set lxcaa$X master lxcbr0";
        "LXC's veth": "ip link add lxcab$X type veth peer name q0b$N; ip link set lxcab$X up";
        "LXC's veth with an address": "ip link add lxcac$X type veth peer name q0c$N; ip addr add 10.0.$N.1/24 dev lxcac$X";
        "LXC's veth with a route": "ip link add lxcad$X type veth peer name q0d$N; ip link set lxcad$X up
            ip route add 10.99.0.$N dev lxcad$X";
        "bridge with a prefix": "ip link add cilium_br$N type bridge";
        "other kind of device": "ip link add cilium_geneve type bridge";
        "temporary pair": "ip link add tmpfffff type veth peer name q0e$N";
        "flannel's tunnel": "ip link add flannel.1 type vxlan id 1 dstport 8473 dev lo";
        "Calico's device": "ip link add cali0a$X type veth peer name q0f$N || ip link add cali0123456789a type veth peer name q0f$N";
        "rule with another mask": "ip rule add pref 9 fwmark 0x200/0xff00 lookup 2004
            ip -6 rule add pref 9 fwmark 0x200/0xf0f lookup 2004";
        "rule that suppresses": "ip -6 rule add pref 10 fwmark 0xa00/0xf00 lookup 2005 suppress_prefixlength 0";
        "rule from an address": "ip rule add pref 10 from 10.9.$N.1 fwmark 0xb00/0xf00 lookup 2005";
        "rule of another pod": "ip rule add pref 110 from 10.9.9.$N lookup 42; ip route add default via 10.24.0.1 dev eth0 table 42";
        "rule of AWS": "ip rule add pref 1024 fwmark 0x80/0x80 lookup main";
        "routes in Cilium's tables": "ip route add 10.7.0.0/16 via 10.24.0.9 dev eth0 table 200
            ip route add 10.7.0.0/16 via 10.24.0.9 dev eth0 table 2005";
        "rule to a table": "ip rule add pref 111 from 10.9.8.0/24 lookup 12; ip route add default via 10.24.0.1 dev eth0 table 12";
        "kernel's route to no pods": "ip route add 10.98.$N.0/24 via 10.24.0.4 dev eth0 proto kernel";
        "kernel's route by no node": "ip route add 10.244.$N.64/26 via 10.24.0.99 dev eth0 proto kernel";
        "route of BIRD": "ip route add 10.244.$N.128/26 via 10.24.0.4 dev eth0 proto bird";
        "unreachable": "ip route add unreachable 10.97.0.0/16; ip route add unreachable 10.97.1.$N proto kernel";
        "permanent neighbour": "ip neigh add 10.24.0.4 lladdr 02:00:00:00:00:05 dev eth0q nud permanent";
        "learned neighbour": "ip neigh add 10.24.0.7$N lladdr 02:00:00:00:00:07 dev eth0 extern_learn || true";
        "empty qdisc": "ip link add br1 type bridge; tc qdisc add dev br1 clsact";
        "other kind of filter": "ip link add br2 type bridge; tc qdisc add dev br2 clsact
            tc filter add dev br2 egress pref 1 protocol ip u32 match u32 0 0";
        "filter of others": "tc qdisc add dev eth0 clsact; tc filter add dev eth0 ingress pref 2 bpf da object-pinned $OTHERS";
        "XDP of others": "ip link set dev eth0q xdpgeneric pinned $OTHERS_XDP";
        "chains of RKE2": "iptables-nft -N RKE2-CILIUM-A; iptables-nft -A FORWARD -m comment --comment \"cilium-feeder: X\" -j RKE2-CILIUM-A
            iptables-nft -A RKE2-CILIUM-A -i cilium_host -j DROP";
        "chain with a prefix": "iptables-nft -N CILIUM_MINE; iptables-nft -A FORWARD -j CILIUM_MINE
            iptables-nft -A CILIUM_MINE -j ACCEPT";
        "chain in another table": "ip6tables-nft -t mangle -N CILIUM_FORWARD; ip6tables-nft -t mangle -A CILIUM_FORWARD -j RETURN";
        "comments": "iptables-nft -A INPUT -m comment --comment 'cilium-feeder: CILIUM_INPUT\" -j CILIUM_INPUT' -j ACCEPT
            iptables-nft -t nat -A POSTROUTING -m comment --comment \"cilium-test/foo\" -j MASQUERADE";
        "chains of Docker": "iptables-legacy -t nat -N DOCKER; iptables-legacy -t nat -A PREROUTING -j DOCKER
            iptables-legacy -A FORWARD -o cilium_host -j ACCEPT";
        "rules before and after": "for i in 1 2 3; do iptables-nft -A FORWARD -s 192.0.2.$i -j ACCEPT
            iptables-legacy -t mangle -A POSTROUTING -s 192.0.2.$i -j ACCEPT; done";
        "IPsec of strongSwan": "ip xfrm policy add src 0.0.0.0/0 dst 10.80.0.0/16 dir out priority 100 tmpl src 10.24.0.2 dst 10.80.0.1 proto esp reqid 1 mode tunnel
            ip xfrm policy add src 0.0.0.0/0 dst 10.82.0.0/16 dir fwd priority 2975 tmpl dst 10.80.0.1 proto esp reqid 1 mode tunnel
            ip xfrm state allocspi src 10.24.0.2 dst 10.80.0.1 proto esp mode tunnel reqid 1 min 256 max 256
            ip xfrm state allocspi src 10.24.0.2 dst 10.80.0.1 proto esp mode tunnel reqid 9 mark 0xe00 mask 0xf00 min 4 max 4";
        "other sets": "ipset create cilium_node_set_v4x hash:ip; ipset add cilium_node_set_v4x 10.24.0.4
            ipset create other hash:net; ipset add other 10.24.0.0/24
            iptables-legacy -A INPUT -m set --match-set other src -j ACCEPT";
        "other pins": "ln $MAP $BPF/tc/globals/my_cilium_map; mkdir -p $BPF/tetragon $BPF/cilium2
            ln $MAP $BPF/tetragon/execve; ln $MAP $BPF/cilium2/a; ln $MAP $BPF/cilium_a; mkdir $BPF/tc/globals/cilium_directory";
        "other CNI configurations": "cd $ROOT/etc/cni/net.d; echo '{' > 30-broken.conf.cilium_bak; echo notes > cilium.txt
            echo '{\"name\":\"c\",\"plugins\":[{\"type\":\"ptp\"},{\"type\":\"cilium-cni\"}]}' > 50-chain.conflist
            echo '{\"name\":\"a\",\"plugins\":[{\"type\":\"absent\"}]}' > 40-absent.conflist.cilium_bak";
        "other CNI results": "touch $ROOT/var/lib/cni/results/cbr0-$LONG-eth0 $ROOT/var/lib/cni/results/cilium-notes";
        "other binaries": "touch $ROOT/opt/cni/bin/cilium-cni.bak $ROOT/opt/cni/bin/loopback";
        "other sysctls": "cd $ROOT/etc/sysctl.d; echo net.ipv4.ip_forward = 1 > 99-sysctl.conf
            printf 'net.ipv4.conf.lxc*.rp_filter = 0\\nnet.ipv4.ip_forward = 1\\n' > 99-override_cilium_rp_filter.conf";
        "other units": "cd $ROOT/etc/systemd/system; touch local-fs.target.wants/other
            mkdir -p $ROOT/usr/lib/systemd/system; printf '[Unit]\\nDescription=BPF\\n' > $ROOT/usr/lib/systemd/system/sys-fs-bpf.mount";
        "other directories": "mkdir -p $ROOT/run/spire/sockets $ROOT/run/ciliumx $ROOT/var/lib/cilium-data
            touch $ROOT/run/spire/sockets/agent.sock $ROOT/run/netns/mine $ROOT/tmp/cilium-notes";
    };
}

/// Directories that are on every node, and what the pieces are made of.
const PREPARED: &str = "\
cd $ROOT
mkdir -p etc/cni/net.d etc/sysctl.d etc/systemd/system/local-fs.target.wants opt/cni/bin srv/data
mkdir -p var/lib/cni/results run/netns tmp
touch srv/data/precious opt/cni/bin/flannel
echo '{\"name\":\"cbr0\",\"plugins\":[{\"type\":\"flannel\"}]}' > etc/cni/net.d/10-flannel.conflist
# Nobody agrees on the states in time.
echo 3600 > /proc/sys/net/core/xfrm_acq_expires
";

impl DirtyNode {
    /// Makes a node of it on which pieces can be put.
    pub fn prepare(&self) -> Result<()> {
        self.connect()?;
        let bpf = self.files.path();
        for directory in ["tc/globals", "made"] {
            fs::create_dir_all(bpf.join(directory))?;
        }
        let (ours, theirs) = (map("cilium_ipcache")?, map("cali_v4_state")?);
        pin(theirs.as_fd(), &bpf.join("made/map"))?;
        for (at, name, kind, map) in [
            ("cilium", "cil_from_netdev", Kind::Classifier, &theirs),
            // As those of 1.12.
            ("cilium_xdp", "bpf_xdp_entry", Kind::Xdp, &ours),
            ("others", "calico_from_hos", Kind::Classifier, &theirs),
            ("others_xdp", "xdp_filter", Kind::Xdp, &theirs),
        ] {
            let program = program(name, kind, &[map.as_fd()]).context(name)?;
            pin(program.as_fd(), &bpf.join("made").join(at))?;
        }
        self.put_script(PREPARED, 0)
    }

    /// Puts pieces on it, with numbers of their own from there on.
    pub fn put(&self, pieces: &[Piece], first: usize) -> Result<()> {
        for (number, piece) in (first..).zip(pieces) {
            self.put_script(piece.script, number).context(piece.name)?;
        }
        Ok(())
    }

    fn put_script(&self, script: &str, number: usize) -> Result<()> {
        let (root, made) = (self.root.display(), self.files.path().join("made"));
        let (bpf, made) = (self.files.path().display(), made.display());
        let variables = format!(
            "N={number} X={number:010x} LONG={number:064x} ROOT={root} BPF={bpf} MAP={made}/map\n\
             CILIUM={made}/cilium CILIUM_XDP={made}/cilium_xdp\n\
             OTHERS={made}/others OTHERS_XDP={made}/others_xdp\n"
        );
        self.shell(&format!("{variables}{script}")).map(drop)
    }
}

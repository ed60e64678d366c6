//! Links, rules, routes, neighbours, chains, sets.

use anyhow::Result;

use super::DirtyNode;

/// The way out, which ends at once.
const UPLINK: &str = "\
link add eth0 type veth peer name eth0q
addr add 10.24.0.2/24 dev eth0
addr add 2001:db8::2/64 dev eth0 nodad
link set eth0 up
link set eth0q up
";

/// The user's own container of LXC, flannel, Calico, a VPN; and names that are nearly Cilium's.
const OTHERS: &str = "\
link add lxcbr0 type bridge
link add lxcfoo type veth peer name vx
link set lxcfoo master lxcbr0
link add lxcaaaaaaaaaaaa type veth peer name vy
link set lxcaaaaaaaaaaaa master lxcbr0
link add lxcffffffffffff type veth peer name eth1p
link add tmpfffff type veth peer name vt
link add docker0 type bridge
link add flannel.1 type vxlan id 1 dstport 8473 dev lo
link add cali0123456789a type veth peer name vz
route add 10.99.0.0/24 via 10.24.0.4 dev eth0 proto kernel
route add 10.98.0.0/24 via 10.24.0.4 dev eth0 proto static
route add 10.244.9.0/24 via 10.24.0.99 dev eth0 proto kernel
route add unreachable 10.97.0.0/16
route add 10.7.0.0/16 via 10.24.0.4 dev eth0 table 200
route add default via 10.24.0.1 dev eth0 table 42
rule add pref 110 from 10.9.9.9 lookup 42
rule add pref 9 fwmark 0x200/0xff00 lookup 2004
rule add pref 1024 fwmark 0x80/0x80 lookup main
rule add pref 5210 fwmark 0x80000/0xff0000 lookup main
neigh add 10.24.0.9 lladdr 02:00:00:00:00:09 dev eth0 nud permanent
xfrm policy add src 0.0.0.0/0 dst 10.80.0.0/16 dir out priority 100 tmpl src 10.24.0.2 dst 10.80.0.1 proto esp reqid 1 mode tunnel
xfrm policy add src 0.0.0.0/0 dst 10.81.0.0/16 dir out mark 0xe00 mask 0xf00 tmpl src 10.24.0.2 dst 10.80.0.1 proto esp reqid 7 mode tunnel
xfrm policy add src 0.0.0.0/0 dst 10.82.0.0/16 dir fwd priority 2975 tmpl dst 10.80.0.1 proto esp reqid 1 mode tunnel
neigh add 10.24.0.77 lladdr 02:00:00:00:00:77 dev eth0 extern_learn
";

/// All tables and hooks, which come into being with their first rule and stay for ever.
const TABLES: &str = r"
for family in iptables ip6tables; do
  while read -r table hooks; do
    for hook in $hooks; do
      for backend in nft legacy; do
        $family-$backend -t $table -A $hook -j ACCEPT
        $family-$backend -t $table -D $hook -j ACCEPT
      done
    done
  done <<END
filter INPUT OUTPUT FORWARD
nat PREROUTING OUTPUT POSTROUTING
mangle PREROUTING POSTROUTING
raw PREROUTING OUTPUT
END
done
";

/// Chains and sets with names that are close.
const OTHER_CHAINS: &str = r#"
ipset create other_set hash:ip
ipset create cilium_node_set_v4x hash:ip
ipset add cilium_node_set_v4x 10.24.0.4
for family in iptables ip6tables; do
  $family-nft -t filter -N RKE2-CILIUM-FOO
  $family-nft -t filter -N KUBE-SVC-X
  $family-nft -t filter -A FORWARD -m comment --comment "cilium-test/foo" -j KUBE-SVC-X
  $family-nft -t nat -A POSTROUTING -m comment --comment "cali:x" -j MASQUERADE
  $family-legacy -t nat -N DOCKER
  $family-legacy -t nat -A PREROUTING -j DOCKER
done
"#;

/// Pods' devices, each with another proof; a pair that the plugin did not finish.
const LINKS: &str = "\
link add cilium_host type veth peer name cilium_net
link add cilium_vxlan type vxlan external dstport 8472
link set cilium_host up
link set cilium_net up
addr add 10.244.0.120/32 dev cilium_host
link add lxc0123456789ab type veth peer name eth0p
link add lxc000000000001 type veth peer name eth1x
link add lxc000000000002 type veth peer name eth2x
link add lxc000000000003 type veth peer name eth3x
link add lxc000000000004 type veth peer name tmp0a1b2
link set lxc000000000002 up
link set eth2x up
";

const ROUTES: &str = "\
route add 10.244.0.120 dev cilium_host proto kernel scope link
route add 10.244.0.0/24 via 10.244.0.120 dev cilium_host proto kernel
route add 10.244.0.12 dev lxc000000000002 scope link
route add 10.244.5.0/24 via 10.24.0.4 dev eth0 proto kernel
route add unreachable 10.244.0.9 proto kernel
route add local default dev lo table 2004
route add default via 10.244.0.120 dev cilium_host table 2005
route add default via 10.24.0.1 dev eth0 table 11
route add 10.24.7.0/24 dev eth0 table 11
rule add pref 1 fwmark 0xe00/0xf00 lookup 201
rule add pref 1 fwmark 0xd00/0xf00 lookup 200
rule add pref 9 fwmark 0x200/0xf00 lookup 2004
rule add pref 10 fwmark 0xa00/0xf00 lookup 2005
rule add pref 20 to 10.244.0.7 lookup main
rule add pref 109 fwmark 0x80/0x80 lookup main
rule add pref 111 from 10.244.0.7 lookup 11
rule add pref 111 from 10.244.0.8 to 10.24.0.0/16 lookup 11
rule add pref 112 to 10.66.0.0/16 lookup 202
rule add pref 100 lookup local
rule del pref 0
neigh add 10.24.0.4 lladdr 02:00:00:00:00:04 dev eth0 extern_learn
xfrm policy add src 0.0.0.0/0 dst 0.0.0.0/0 dir out action block priority 100 mark 0xe00 mask 0xf00
xfrm policy add src 10.244.0.0/24 dst 10.244.5.0/24 dir out mark 0x12340e00 mask 0xffffff00 tmpl src 10.24.0.2 dst 10.24.0.4 proto esp spi 3 reqid 1 mode tunnel
xfrm policy add src 0.0.0.0/0 dst 10.244.0.0/24 dir in mark 0xd00 mask 0xf00 tmpl dst 10.24.0.2 proto esp reqid 1 mode tunnel
xfrm policy add src 0.0.0.0/0 dst 0.0.0.0/0 dir in mark 0xd00 mask 0xf00 tmpl proto esp mode tunnel level use
xfrm policy add src 0.0.0.0/0 dst 10.244.0.0/24 dir fwd priority 2975 tmpl dst 10.24.0.4 proto esp reqid 1 mode tunnel level use
";

const ROUTES_V6: &str = "\
rule add pref 9 fwmark 0x200/0xf00 lookup 2004
rule add pref 100 lookup local
rule del pref 0
route add local default dev lo table 2004
";

/// Sets, and chains of all tables with what leads to them; those that a crash left under their old names.
const CHAINS: &str = r#"
ipset create cilium_node_set_v4 hash:ip
ipset add cilium_node_set_v4 10.24.0.4
ipset create cilium_node_set_v6 hash:ip family inet6
chains() {
  while read -r table hook chain; do
    $1 -t $table -N $2$chain
    $1 -t $table -I $hook -m comment --comment "cilium-feeder: $chain" -j $2$chain
  done
}
for iptables in iptables-nft ip6tables-nft iptables-legacy; do
  chains $iptables "" <<END
filter INPUT CILIUM_INPUT
filter OUTPUT CILIUM_OUTPUT
filter FORWARD CILIUM_FORWARD
nat POSTROUTING CILIUM_POST_nat
nat OUTPUT CILIUM_OUTPUT_nat
nat PREROUTING CILIUM_PRE_nat
mangle PREROUTING CILIUM_PRE_mangle
mangle POSTROUTING CILIUM_POST_mangle
raw OUTPUT CILIUM_OUTPUT_raw
raw PREROUTING CILIUM_PRE_raw
END
  chains $iptables OLD_ <<END
nat POSTROUTING CILIUM_POST_nat
mangle PREROUTING CILIUM_PRE_mangle
END
  # Twice, as after two agents at once.
  $iptables -t filter -A INPUT -m comment --comment "cilium-feeder: CILIUM_INPUT" -j CILIUM_INPUT
  $iptables -t filter -A CILIUM_FORWARD -o cilium_host -m comment --comment "cilium: any->cluster on cilium_host forward accept" -j ACCEPT
  # Chains that lead to each other.
  $iptables -t filter -A CILIUM_OUTPUT -j CILIUM_FORWARD
done
iptables-nft -t mangle -A CILIUM_PRE_mangle -i cilium_host -m comment --comment "cilium: any->pod redirect proxied traffic to host proxy" -j MARK --set-xmark 0x200/0xffffffff
iptables-nft -t nat -A CILIUM_POST_nat -s 10.244.0.0/24 -m set ! --match-set cilium_node_set_v4 dst -m comment --comment "cilium masquerade non-cluster" -j MASQUERADE
"#;

impl DirtyNode {
    /// What every node has.
    pub(super) fn connect(&self) -> Result<()> {
        self.namespace().ip_batch(UPLINK)?;
        self.shell(TABLES).map(drop)
    }

    pub(super) fn decorate_network(&self) -> Result<()> {
        self.connect()?;
        self.namespace().ip_batch(OTHERS)?;
        self.shell(OTHER_CHAINS).map(drop)
    }

    pub(super) fn soil_network(&self) -> Result<()> {
        self.namespace().ip_batch(LINKS)?;
        self.namespace().ip_batch(ROUTES)?;
        for line in ROUTES_V6.lines() {
            let mut arguments = vec!["-6"];
            arguments.extend(line.split(' '));
            self.namespace().ip(&arguments)?;
        }
        self.shell(CHAINS).map(drop)
    }
}

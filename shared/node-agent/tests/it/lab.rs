//! A pod's or node's view of the world in three namespaces.
//!
//! ```text
//! near 10.0.0.2 ── 10.0.0.1 router 10.9.0.1 ── far 10.9.0.9, 10.9.0.53, 10.9.0.66
//! ```

use netlab::{Lab, Namespace, require_programs, require_root_netns};

pub(crate) struct World {
    pub(crate) lab: Lab,
    /// Where agents probe from.
    pub(crate) near: Namespace,
    pub(crate) router: Namespace,
    /// Where servers are.
    pub(crate) far: Namespace,
}

/// `None` where this machine cannot have one.
pub(crate) fn world(label: &str) -> Option<World> {
    if !require_root_netns() || !require_programs(&["iptables"]) {
        return None;
    }
    let lab = Lab::new(label).unwrap();
    let near = lab.namespace("near").unwrap();
    let router = lab.namespace("router").unwrap();
    let far = lab.namespace("far").unwrap();
    lab.veth((&near, "eth0"), (&router, "lan")).unwrap();
    lab.veth((&far, "eth0"), (&router, "wan")).unwrap();
    router.sysctl("net.ipv4.ip_forward", "1").unwrap();
    near.ip_batch("addr add 10.0.0.2/24 dev eth0\nroute add default via 10.0.0.1\n").unwrap();
    router.ip_batch("addr add 10.0.0.1/24 dev lan\naddr add 10.9.0.1/24 dev wan\n").unwrap();
    far.ip_batch(
        "\
addr add 10.9.0.9/24 dev eth0
addr add 10.9.0.53/24 dev eth0
addr add 10.9.0.66/24 dev eth0
route add default via 10.9.0.1
",
    )
    .unwrap();
    Some(World { lab, near, router, far })
}

impl World {
    /// A file root with that `/etc/resolv.conf`.
    pub(crate) fn root(&self, resolv_conf: &str) -> String {
        let root = self.lab.dir().join("root");
        std::fs::create_dir_all(root.join("etc")).unwrap();
        std::fs::write(root.join("etc/resolv.conf"), resolv_conf).unwrap();
        root.to_str().unwrap().to_owned()
    }
}

/// Runs `iptables` in a namespace.
pub(crate) fn iptables(namespace: &Namespace, rule: &str) {
    let output = namespace.command("iptables").arg("-w").args(rule.split(' ')).output().unwrap();
    assert!(output.status.success(), "{rule}: {}", String::from_utf8_lossy(&output.stderr));
}

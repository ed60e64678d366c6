//! CNI network configuration, as libcni loads it.

use ipnet::IpNet;
use serde::Deserialize;

use crate::facts::CniFile;

/// A list of plugins (`.conflist`).
#[derive(Deserialize)]
struct NetworkList {
    #[serde(default)]
    name: String,
    #[serde(default)]
    plugins: Vec<Plugin>,
}

/// One plugin: an element of a list, or a whole `.conf` file.
#[derive(Deserialize)]
struct Plugin {
    #[serde(default)]
    name: String,
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    ipam: Option<Ipam>,
}

/// `ipam`, as far as it carries addresses. Plugins other than host-local put what they like into
/// the same fields, so nothing here is an error.
#[derive(Deserialize)]
struct Ipam {
    #[serde(default)]
    subnet: serde_json::Value,
    #[serde(default)]
    ranges: serde_json::Value,
}

/// Whether libcni looks into a file of this name.
pub fn is_cni_file_name(name: &str) -> bool {
    [".conf", ".conflist", ".json"].iter().any(|extension| name.ends_with(extension))
}

/// Decodes one file. What libcni refuses comes back as [`CniFile::broken`], with the reason.
pub fn decode(name: &str, json: &str) -> CniFile {
    let mut file = CniFile {
        name: name.to_owned(),
        network: String::new(),
        plugins: Vec::new(),
        subnets: Vec::new(),
        broken: None,
    };
    match network(name, json) {
        Ok(list) => {
            file.network = list.name;
            file.subnets = list.plugins.iter().flat_map(Plugin::subnets).collect();
            file.plugins = list.plugins.into_iter().map(|plugin| plugin.kind).collect();
        }
        Err(why) => file.broken = Some(why),
    }
    file
}

/// The file as a list of plugins, whichever of the two forms its name says it has.
fn network(name: &str, json: &str) -> Result<NetworkList, String> {
    let list = if name.ends_with(".conflist") {
        serde_json::from_str(json).map_err(|error| error.to_string())?
    } else {
        let plugin: Plugin = serde_json::from_str(json).map_err(|error| error.to_string())?;
        NetworkList { name: plugin.name.clone(), plugins: vec![plugin] }
    };
    if list.plugins.is_empty() {
        return Err("the list `plugins` is missing or empty".into());
    }
    if list.plugins.iter().any(|plugin| plugin.kind.is_empty()) {
        return Err("a plugin's `type` is missing".into());
    }
    Ok(list)
}

impl Plugin {
    /// `ipam.subnet`, and `ipam.ranges[][].subnet`.
    fn subnets(&self) -> Vec<IpNet> {
        let Some(ipam) = &self.ipam else {
            return Vec::new();
        };
        let ranges = ipam.ranges.as_array().into_iter().flatten();
        let sets = ranges.filter_map(|set| set.as_array()).flatten();
        std::iter::once(&ipam.subnet)
            .chain(sets.filter_map(|range| range.get("subnet")))
            .filter_map(|subnet| subnet.as_str()?.parse().ok())
            .map(|subnet: IpNet| subnet.trunc())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subnets(file: &CniFile) -> Vec<String> {
        file.subnets.iter().map(ToString::to_string).collect()
    }

    /// What Cilium 1.14 writes.
    const CILIUM: &str = r#"
{
  "cniVersion": "0.3.1",
  "name": "cilium",
  "plugins": [
    {
       "type": "cilium-cni",
       "enable-debug": false,
       "log-file": "/var/run/cilium/cilium-cni.log"
    }
  ]
}"#;

    #[test]
    fn cilium_s_own_file_is_cilium() {
        let file = decode("05-cilium.conflist", CILIUM);
        assert_eq!((file.network.as_str(), file.broken.as_deref()), ("cilium", None));
        assert_eq!(file.plugins, ["cilium-cni"]);
        assert!(file.is_cilium());
    }

    #[test]
    fn chains_keep_their_order() {
        let file = decode(
            "10-calico.conflist",
            r#"{"name": "k8s-pod-network", "cniVersion": "0.3.1", "plugins": [
                {"type": "calico", "mtu": 0, "ipam": {"type": "calico-ipam"}},
                {"type": "portmap", "snat": true, "capabilities": {"portMappings": true}},
                {"type": "cilium-cni"}]}"#,
        );
        assert_eq!(file.plugins, ["calico", "portmap", "cilium-cni"]);
        assert_eq!(subnets(&file), [""; 0]);
    }

    #[test]
    fn subnets_of_host_local_are_found_in_both_forms() {
        let ranges = decode(
            "100-crio-bridge.conflist",
            r#"{"cniVersion": "1.0.0", "name": "crio", "plugins": [{"type": "bridge", "bridge": "cni0",
                "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.85.0.0/16"}],
                    [{"subnet": "1100:200::/24"}]]}}]}"#,
        );
        assert_eq!(subnets(&ranges), ["10.85.0.0/16", "1100:200::/24"]);

        let single = decode(
            "87-podman.conf",
            r#"{"name": "podman", "type": "bridge", "ipam": {"type": "host-local", "subnet": "10.88.0.1/16"}}"#,
        );
        assert_eq!(single.plugins, ["bridge"]);
        assert_eq!(subnets(&single), ["10.88.0.0/16"]);
    }

    #[test]
    fn other_contents_of_ipam_are_no_error() {
        let file = decode(
            "10-calico.conf",
            r#"{"name": "c", "type": "calico", "ipam": {"type": "calico-ipam", "subnet": "usePodCidr",
                "ranges": {"a": 1}}}"#,
        );
        assert_eq!((file.broken.as_deref(), subnets(&file).len()), (None, 0));
    }

    #[test]
    fn what_libcni_refuses_is_broken() {
        let why = |name, json| decode(name, json).broken.unwrap();
        assert!(why("a.conflist", "").contains("EOF"));
        assert!(why("a.conflist", &CILIUM[..60]).contains("line"));
        assert_eq!(why("a.conflist", r#"{"name": "a"}"#), "the list `plugins` is missing or empty");
        assert_eq!(why("a.conflist", r#"{"plugins": [{}]}"#), "a plugin's `type` is missing");
        // A list in a file whose name says that it is none.
        assert_eq!(why("a.conf", CILIUM), "a plugin's `type` is missing");
    }

    #[test]
    fn names_are_those_that_libcni_takes() {
        for name in ["05-cilium.conflist", "a.conf", "00-multus.json"] {
            assert!(is_cni_file_name(name), "{name}");
        }
        for name in ["100-crio-bridge.conflist.cilium_bak", "README", "a.conf~", "conf"] {
            assert!(!is_cni_file_name(name), "{name}");
        }
    }
}

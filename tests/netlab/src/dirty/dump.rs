//! Everything that a node has, as text.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use anyhow::Result;

use super::DirtyNode;

/// What programs print that share nothing with the code under test. Neighbours and addresses of the
/// link alone come and go by themselves, timers and counters count; links go with the last process of
/// a pod, also while this runs.
const SCRIPT: &str = r"
ip -d link | sed -E 's/_timer +[0-9.]+//g'
ip -o addr | grep -v 'inet6 fe80'
ip -4 route show table all
ip -6 route show table all | grep -v 'fe80\|ff00' || true
ip rule
ip -6 rule
ip xfrm policy
ip xfrm state
ip neigh show nud permanent
ip neigh show | grep extern_learn || true
tc qdisc show
for link in $(ls /sys/class/net); do
  for way in ingress egress; do
    tc filter show dev $link $way || [ ! -e /sys/class/net/$link ]
  done
done
ipset save
for family in iptables ip6tables; do
  for backend in nft legacy; do
    $family-$backend-save | sed -E '/^#/d; s/ \[[0-9:]+\]$//'
  done
done
";

impl DirtyNode {
    /// What there is in its network, and [files](Self::files).
    pub fn dump(&self) -> Result<String> {
        let mut text = self.network()?;
        for (path, what) in self.files()? {
            writeln!(text, "{path} {what}")?;
        }
        Ok(text)
    }

    /// Links, addresses, routes, rules, neighbours, qdiscs, filters, sets, chains.
    pub fn network(&self) -> Result<String> {
        self.shell(SCRIPT)
    }

    /// Mode, owner and content of each file by its path; pins have no content. Without backups of
    /// what was there.
    pub fn files(&self) -> Result<BTreeMap<String, String>> {
        let mut files = BTreeMap::new();
        walk(&self.root, &self.root, &mut files)?;
        Ok(files)
    }
}

/// Pins, and what cgroups have for files.
fn is_of_kernel(path: &str) -> bool {
    ["sys/", "run/cilium/bpffs/", "run/cilium/cgroupv2/"]
        .iter()
        .any(|place| path.starts_with(place))
}

fn walk(root: &Path, directory: &Path, files: &mut BTreeMap<String, String>) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let path = entry.path();
        let shown = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        if shown == "var/lib/kcilium" {
            continue;
        }
        let kind = entry.file_type()?;
        let metadata = entry.metadata()?;
        let owner = format!("{:o} {}:{}", metadata.mode(), metadata.uid(), metadata.gid());
        if kind.is_dir() {
            walk(root, &path, files)?;
            files.insert(format!("{shown}/"), owner);
        } else if kind.is_symlink() || is_of_kernel(&shown) {
            files.insert(shown, owner);
        } else {
            files.insert(shown, format!("{owner} {}", fs::read_to_string(&path)?));
        }
    }
    Ok(())
}

//! Everything that a node has, as text.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Result;

use super::DirtyNode;

/// What programs print that share nothing with the code under test. Neighbours and addresses of the
/// link alone come and go by themselves, timers and counters count.
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
  tc filter show dev $link ingress
  tc filter show dev $link egress
done
for family in iptables ip6tables; do
  for backend in nft legacy; do
    $family-$backend-save | sed -E '/^#/d; s/ \[[0-9:]+\]$//'
  done
done
";

impl DirtyNode {
    /// Links, addresses, routes, rules, neighbours, qdiscs, filters, chains; files with their content,
    /// pins by their names.
    pub fn dump(&self) -> Result<String> {
        let mut text = self.shell(SCRIPT)?;
        walk(&self.root, &self.root, &mut text)?;
        Ok(text)
    }
}

/// Pins, and what cgroups have for files.
fn is_of_kernel(root: &Path, path: &Path) -> bool {
    ["sys", "run/cilium/bpffs", "run/cilium/cgroupv2"]
        .iter()
        .any(|place| path.starts_with(root.join(place)))
}

fn walk(root: &Path, directory: &Path, text: &mut String) -> Result<()> {
    let mut entries = fs::read_dir(directory)?.collect::<std::io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let shown = path.strip_prefix(root).unwrap_or(&path).display();
        let kind = entry.file_type()?;
        if kind.is_dir() {
            writeln!(text, "{shown}/")?;
            walk(root, &path, text)?;
        } else if kind.is_symlink() || is_of_kernel(root, &path) {
            writeln!(text, "{shown}")?;
        } else {
            writeln!(text, "{shown}: {}", fs::read_to_string(&path)?)?;
        }
    }
    Ok(())
}

//! `mountinfo` of the host's first process.

use super::HostFiles;
use crate::facts::{Mount, Unavailable};

const FILE: &str = "/proc/1/mountinfo";
/// Where Cilium keeps its maps, and where it mounts the root of cgroups.
const POINTS: [&str; 2] = ["/sys/fs/bpf", "/run/cilium/cgroupv2"];

/// Mounts of BPF's file system and of cgroup2, and those that hold the places of Cilium's.
pub(super) fn mounts(files: &impl HostFiles) -> Result<Vec<Mount>, Unavailable> {
    let text = files.text(FILE)?.ok_or_else(|| Unavailable::absent(FILE, "no such file"))?;
    let mounts = text.lines().filter_map(mount);
    Ok(mounts
        .filter(|mount| {
            matches!(&*mount.kind, "bpf" | "cgroup2")
                || POINTS.iter().any(|point| mount.holds(point))
        })
        .collect())
}

/// `ID PARENT MAJOR:MINOR ROOT POINT OPTIONS FIELD… - TYPE SOURCE OPTIONS`, see proc(5).
fn mount(line: &str) -> Option<Mount> {
    let (before, after) = line.split_once(" - ")?;
    let mut words = before.split(' ');
    let point = words.nth(4)?.to_owned();
    let shared = words.skip(1).any(|field| field.starts_with("shared:"));
    let kind = after.split(' ').next()?.to_owned();
    Some(Mount { point, kind, shared })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn optional_fields_tell_whether_it_is_shared() {
        let line = "36 24 0:33 / /sys/fs/bpf rw,nosuid shared:14 - bpf bpf rw,mode=700";
        let shared = Mount { point: "/sys/fs/bpf".into(), kind: "bpf".into(), shared: true };
        assert_eq!(mount(line), Some(shared));
        let private = mount("24 1 254:1 / / rw,relatime - ext4 /dev/vda1 rw").unwrap();
        assert_eq!((&*private.point, &*private.kind, private.shared), ("/", "ext4", false));
    }

    #[test]
    fn a_folder_holds_what_is_below_it() {
        let is_below = |path: &str, folder: &str| {
            Mount { point: folder.into(), kind: String::new(), shared: false }.holds(path)
        };
        assert!(is_below("/sys/fs/bpf", "/") && is_below("/sys/fs/bpf", "/sys"));
        assert!(is_below("/sys/fs/bpf", "/sys/fs/bpf"));
        assert!(!is_below("/sys/fs/bpf", "/sys/fs/b") && !is_below("/sys", "/sys/fs"));
    }
}

//! Sysctls that decide about routing.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use kcilium_core::decode::sysctl::{GLOBAL, MANY_LINKS, PER_LINK, name};
use kcilium_core::facts::Unavailable;

use crate::unavailable::unavailable;

/// Not under the host's root: below `net` it shows the network namespace of whoever reads it, so
/// this process's own `/proc` is as good as any, and there is always one.
const INTERFACE: &str = "/proc/sys";

/// Values by sysctl name. What the kernel does not have is left out, IPv6 for instance.
pub(crate) fn sysctls() -> Result<BTreeMap<String, String>, Unavailable> {
    let mut found = BTreeMap::new();
    // Its absence would say that this is no `/proc/sys`.
    let ip_forward = format!("{INTERFACE}/net/ipv4/ip_forward");
    fs::metadata(&ip_forward).map_err(|error| unavailable(ip_forward, &error))?;
    for key in GLOBAL {
        read(key, &mut found)?;
    }
    for (directory, keys) in PER_LINK {
        for link in links(directory)? {
            for key in keys {
                read(&format!("{directory}/{link}/{key}"), &mut found)?;
            }
        }
    }
    Ok(found)
}

fn read(key: &str, found: &mut BTreeMap<String, String>) -> Result<(), Unavailable> {
    let path = format!("{INTERFACE}/{key}");
    match fs::read_to_string(&path) {
        Ok(value) => {
            found.insert(name(key), value.trim().to_owned());
            Ok(())
        }
        Err(error) if has_gone(&error) => Ok(()),
        Err(error) => Err(unavailable(path, &error)),
    }
}

/// Interfaces come and go while they are read.
fn has_gone(error: &io::Error) -> bool {
    const ENODEV: i32 = rustix::io::Errno::NODEV.raw_os_error();
    error.kind() == ErrorKind::NotFound || error.raw_os_error() == Some(ENODEV)
}

/// Folders of a directory: interfaces, `all` and `default`.
fn links(directory: &str) -> Result<Vec<String>, Unavailable> {
    let path = Path::new(INTERFACE).join(directory);
    let names = match list(&path) {
        Ok(names) => names,
        Err(error) if has_gone(&error) => return Ok(Vec::new()),
        Err(error) => return Err(unavailable(path.display().to_string(), &error)),
    };
    Ok(without_pods_if_many(names))
}

fn list(path: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path)? {
        names.extend(entry?.file_name().into_string().ok());
    }
    Ok(names)
}

fn without_pods_if_many(mut names: Vec<String>) -> Vec<String> {
    if names.len() > MANY_LINKS {
        names.retain(|name| !name.starts_with("lxc"));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods_are_left_out_where_there_are_many() {
        let names = |pods: usize| {
            let mut names: Vec<String> = (0..pods).map(|pod| format!("lxc{pod:012x}")).collect();
            names.extend(["all", "default", "eth0"].map(String::from));
            without_pods_if_many(names).len()
        };
        assert_eq!(names(253), 256);
        assert_eq!(names(254), 3);
    }

    #[test]
    fn this_machines_sysctls_are_read() {
        let found = sysctls().unwrap();
        for key in
            ["net.ipv4.ip_forward", "net.ipv4.conf.all.rp_filter", "net.ipv4.conf.lo.forwarding"]
        {
            assert!(found[key].parse::<u8>().is_ok(), "{key}");
        }
    }
}

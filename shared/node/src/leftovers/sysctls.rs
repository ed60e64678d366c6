//! Settings of the running kernel.

use std::fs;
use std::io;

use kcilium_core::facts::Unavailable;
use kcilium_core::leftovers::{SYSCTLS, Sysctl};

use crate::unavailable::unavailable;

/// Those that the agent sets and this kernel has. This process's `/proc` is asked, which shows what is
/// set in the network namespace that it is in.
pub(super) fn sysctls() -> Result<Vec<Sysctl>, Unavailable> {
    let mut found = Vec::new();
    for key in SYSCTLS {
        let path = format!("/proc/sys/{}", key.replace('.', "/"));
        match fs::read_to_string(&path) {
            Ok(text) => found.push(Sysctl { key: key.to_owned(), value: text.trim().to_owned() }),
            // Some are the machine's, and not shown in all namespaces.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(unavailable(path, &error)),
        }
    }
    Ok(found)
}

//! What iptables holds, in both backends and families.

use std::fs;
use std::io;
use std::process::{Command, Stdio};

use kcilium_core::facts::{Fact, Family, Unavailable};
use kcilium_core::leftovers::{Backend, Ruleset};

use crate::unavailable::unavailable;

/// Every table that there is.
pub(super) fn rulesets() -> Vec<Ruleset> {
    let mut rulesets = Vec::new();
    for backend in Backend::ALL {
        for family in [Family::V4, Family::V6] {
            let text = Fact::from(saved(backend, family));
            rulesets.push(Ruleset { backend, family, text });
        }
    }
    rulesets
}

fn saved(backend: Backend, family: Family) -> Result<String, Unavailable> {
    // Asking would load the modules that make them.
    if backend == Backend::Legacy && !has_legacy_tables(family)? {
        return Ok(String::new());
    }
    let stem = match family {
        Family::V4 => "iptables",
        Family::V6 => "ip6tables",
    };
    let program = format!("{stem}-{backend}-save");
    let output = Command::new(&program).stdin(Stdio::null()).output();
    let output = output.map_err(|error| match error.kind() {
        // Not absent: the rules may be there all the same.
        io::ErrorKind::NotFound => {
            Unavailable::failed(program.as_str(), "not installed, so the rules cannot be listed")
        }
        _ => unavailable(program.as_str(), &error),
    })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(Unavailable::failed(program, said.trim()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether this network namespace has tables of x_tables.
fn has_legacy_tables(family: Family) -> Result<bool, Unavailable> {
    let path = match family {
        Family::V4 => "/proc/thread-self/net/ip_tables_names",
        Family::V6 => "/proc/thread-self/net/ip6_tables_names",
    };
    match fs::read_to_string(path) {
        Ok(names) => Ok(!names.trim().is_empty()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(unavailable(path, &error)),
    }
}

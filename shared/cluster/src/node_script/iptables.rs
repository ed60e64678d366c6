//! What iptables holds, out of what the script counted.

use kcilium_core::{
    decode::iptables,
    facts::{Family, Iptables, IptablesBackend, Unavailable},
};

use super::facts::{NOT_FOUND, Output, failure};

/// Both kinds and families, as far as the container has programs for them.
pub(super) fn of(output: &Output<'_>) -> Result<Vec<Iptables>, Unavailable> {
    let mut found = Vec::new();
    let mut missing = Unavailable::not_collected("iptables");
    let kinds = [(IptablesBackend::Nft, "nft"), (IptablesBackend::Legacy, "legacy")];
    for (backend, kind) in kinds {
        for (family, program, number) in [(Family::V4, "iptables", 4), (Family::V6, "ip6tables", 6)]
        {
            let what = format!("{program}-{kind}-save");
            let frame = output.finished(&format!("iptables.{kind}.{number}"), &what)?;
            let chains = match frame.code {
                0 => iptables::counts(&frame.text())
                    .map_err(|error| Unavailable::failed(what, error.to_string()))?,
                // An image has both kinds or one; what it has no program for, its agent cannot use.
                NOT_FOUND => {
                    missing = failure(&what, &frame);
                    continue;
                }
                // The kernel has no tables of this kind, or no IPv6.
                _ if is_absent(&frame.errors()) => Vec::new(),
                _ => return Err(failure(&what, &frame)),
            };
            found.push(Iptables { backend, family, chains });
        }
    }
    if found.is_empty() { Err(missing) } else { Ok(found) }
}

/// Of `iptables-legacy-save` without the kernel's module, and of both without IPv6.
fn is_absent(errors: &str) -> bool {
    ["No such file or directory", "Address family not supported", "Protocol not supported"]
        .iter()
        .any(|text| errors.contains(text))
}

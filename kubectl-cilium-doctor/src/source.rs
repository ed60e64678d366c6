//! Where facts come from.

use kcilium_cli::{
    Failure, KubernetesFlags, facts_path,
    progress::{Spinner, Visibility},
};
use kcilium_core::facts::Facts;

use crate::{args::Source, live, local};

/// Reads the facts that the command line asks for.
pub(crate) fn read(
    source: &Source,
    kubernetes: &KubernetesFlags,
    progress: Visibility,
) -> Result<Facts, Failure> {
    let mut facts = match &source.from {
        Some(path) => facts_path::read(path, progress)?,
        None if source.local => {
            let _spinner = Spinner::start("reading this host's network", progress);
            local::read(source)?
        }
        None => {
            let spinner = Spinner::start("asking the API server", progress);
            live::read(source, kubernetes, &spinner)?
        }
    };
    // What a snapshot's author declared stays; the one who reads it may add to it.
    let declared = source.declared();
    facts.declared.pod_cidrs.extend(declared.pod_cidrs);
    facts.declared.service_cidrs.extend(declared.service_cidrs);
    facts.declared.protect.extend(declared.protect);
    Ok(facts)
}

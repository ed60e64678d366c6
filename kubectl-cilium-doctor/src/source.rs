//! Where facts come from.

use std::{io::IsTerminal as _, path::Path};

use kcilium_cli::{
    Failure, KubernetesFlags,
    progress::{Spinner, Visibility},
    recording, snapshot_file, sysdump,
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
        Some(path) => from_path(path, progress)?,
        None if source.local => {
            let _spinner = Spinner::start("reading this host's network", progress);
            local::read(source)?
        }
        None => {
            // Lines of requests and a spinner would overwrite each other.
            let progress = if kubernetes.shows_requests() { Visibility::Never } else { progress };
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

fn from_path(path: &Path, progress: Visibility) -> Result<Facts, Failure> {
    if path.is_dir() {
        return Ok(recording::read(path)?);
    }
    // A spinner over a terminal that is being typed into would be in the way.
    let is_typed = path == Path::new("-") && std::io::stdin().is_terminal();
    let progress = if is_typed { Visibility::Never } else { progress };
    let _spinner = Spinner::start(format!("reading {}", path.display()), progress);
    Ok(if sysdump::is_archive(path) { sysdump::read(path)? } else { snapshot_file::read(path)? })
}

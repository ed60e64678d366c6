//! A host's own files: which of them are read, and what they mean.
//!
//! Who reads them is somebody else's: this host's root, or a recording.

mod drop_in;
mod ini;
mod kernel;
mod lease;
mod mount;
mod network_manager;
mod networkd;
mod pod_resolver;
mod runtime;
mod service;

pub use pod_resolver::servers as pod_resolvers;
pub use service::Table as ProcessTable;

use crate::facts::{Fact, HostFacts, HostService, Unavailable};

/// Files of a host, by the paths that they have on it.
pub trait HostFiles {
    /// Text of a file; none where there is no such file. A link to `/dev/null` is an empty one.
    ///
    /// # Errors
    /// When it is there, and cannot be read or is no file.
    fn text(&self, path: &str) -> Result<Option<String>, Unavailable>;

    /// Names in a folder, sorted; none where there is no such folder.
    ///
    /// # Errors
    /// When it is there, and cannot be read.
    fn names(&self, folder: &str) -> Result<Vec<String>, Unavailable>;
}

/// Whether a name ends in a dot and this.
fn has_extension(name: &str, extension: &str) -> bool {
    name.strip_suffix(extension).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
}

/// Everything that the files tell, on a host with this kernel (`uname -r`).
pub fn facts(
    files: &impl HostFiles,
    services: Result<Vec<HostService>, Unavailable>,
    kernel: Option<&str>,
) -> HostFacts {
    HostFacts {
        services: services.into(),
        networkd: networkd::settings(files).into(),
        network_manager: network_manager::settings(files).into(),
        leases: lease::leases(files).into(),
        kernel_parts: match kernel {
            Some(release) => kernel::parts(files, release).into(),
            None => Fact::default(),
        },
        mounts: mount::mounts(files).into(),
        runtimes: runtime::configs(files).into(),
    }
}

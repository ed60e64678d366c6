//! Moving into other namespaces.

use std::fs::File;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

use kcilium_core::probe::Namespace;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::arguments::Arguments;
use crate::failure::Failure;

const PROC: &str = "/proc";

/// Where the flags, or else the request, want the work to be done.
pub(crate) fn chosen(arguments: &Arguments, request: Namespace) -> Namespace {
    match &arguments.network_namespace {
        Some(path) => Namespace::Path(path.to_string_lossy().into_owned()),
        None if arguments.host_namespaces => Namespace::Host,
        None => request,
    }
}

/// Moves this thread, and with it the process: there must be no other thread yet, because the kernel
/// moves none out of a mount namespace that it shares.
pub(crate) fn enter(namespace: &Namespace, arguments: &Arguments) -> Result<(), Failure> {
    match namespace {
        Namespace::Own => Ok(()),
        Namespace::Path(path) => {
            move_into(&open(Path::new(path))?, LinkNameSpaceType::Network, Path::new(path))
        }
        Namespace::Host => {
            let proc = arguments.proc.clone().unwrap_or_else(|| PROC.into());
            // Of a container that has its processes for itself, process 1 is this one.
            if arguments.proc.is_none() && std::process::id() == 1 {
                return Err(Failure::could_not_run(
                    "the host's processes cannot be seen: process 1 is this program",
                )
                .hint("the pod needs hostPID: true"));
            }
            let path = |name: &str| -> PathBuf { proc.join("1/ns").join(name) };
            // Both are opened before the first move: after it the paths may lead elsewhere.
            let (network, mount) = (open(&path("net"))?, open(&path("mnt"))?);
            move_into(&network, LinkNameSpaceType::Network, &path("net"))?;
            move_into(&mount, LinkNameSpaceType::Mount, &path("mnt"))
        }
    }
}

fn open(path: &Path) -> Result<File, Failure> {
    File::open(path).map_err(|error| {
        Failure::could_not_run(format!("cannot open the namespace {}: {error}", path.display()))
            .hint("the host's namespaces need hostPID: true and CAP_SYS_PTRACE, as privileged pods have")
    })
}

fn move_into(file: &File, kind: LinkNameSpaceType, path: &Path) -> Result<(), Failure> {
    move_into_link_name_space(file.as_fd(), Some(kind)).map_err(|error| {
        Failure::could_not_run(format!(
            "cannot move into the namespace {}: {error}",
            path.display()
        ))
        .hint("it needs CAP_SYS_ADMIN and CAP_SYS_CHROOT, as privileged pods have")
    })
}

//! iptables, whichever is there: of this program's own image, else the host's.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use kcilium_core::decode;
use kcilium_core::facts::{Family, Iptables, IptablesBackend, Unavailable};
use kcilium_core::leftovers::Backend;

use crate::host::HostRoot;
use crate::unavailable::unavailable;

/// Where programs of administrators are on a host.
const DIRECTORIES: [&str; 5] = ["/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/bin", "/bin"];
/// The lock of x_tables, which every iptables takes at the place that it sees.
const LOCK: &str = "/run/xtables.lock";

/// Which program of the family is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `iptables`.
    Change,
    /// `iptables-save`.
    Save,
    /// `iptables-restore`.
    Restore,
}

/// All tables of a backend and family; empty where there are none.
pub(crate) fn saved(
    root: &HostRoot,
    backend: Backend,
    family: Family,
) -> Result<String, Unavailable> {
    // Asking would load the modules that make them.
    if backend == Backend::Legacy && !has_legacy_tables(family)? {
        return Ok(String::new());
    }
    run(root, backend, family, Form::Save, &[])
}

/// What there is of both kinds and families, counted. A kind for which the host has no program is left
/// out, and so is a family that the kernel does not have.
pub(crate) fn counted(root: &HostRoot) -> Result<Vec<Iptables>, Unavailable> {
    let mut found = Vec::new();
    let mut missing = Unavailable::not_collected("iptables");
    for (backend, kind) in
        [(Backend::Nft, IptablesBackend::Nft), (Backend::Legacy, IptablesBackend::Legacy)]
    {
        for family in [Family::V4, Family::V6] {
            let is_legacy = backend == Backend::Legacy;
            let is_empty = is_legacy && !has_legacy_tables(family)?;
            if !is_empty && find(root, backend, family, Form::Save).is_none() {
                let name = name(Some(backend), family, Form::Save);
                missing = Unavailable::failed(name, "not installed, so the rules cannot be listed");
                continue;
            }
            let chains = match saved(root, backend, family) {
                Ok(text) => decode::iptables::saved(&text),
                Err(why) if is_unsupported(&why.why) => Vec::new(),
                Err(why) => return Err(why),
            };
            found.push(Iptables { backend: kind, family, chains });
        }
    }
    // That the older tables are empty tells nothing where the newer could not be listed.
    if found.iter().any(|it| it.backend == IptablesBackend::Nft || !it.chains.is_empty()) {
        Ok(found)
    } else {
        Err(missing)
    }
}

/// Of a kernel without IPv6, or without nf_tables.
fn is_unsupported(why: &str) -> bool {
    ["Address family not supported", "Protocol not supported"].iter().any(|it| why.contains(it))
}

/// Runs the program, and gives what it printed.
pub(crate) fn run(
    root: &HostRoot,
    backend: Backend,
    family: Family,
    form: Form,
    arguments: &[&str],
) -> Result<String, Unavailable> {
    run_on(root, backend, family, form, arguments, "")
}

/// The same with something to read.
pub(crate) fn run_on(
    root: &HostRoot,
    backend: Backend,
    family: Family,
    form: Form,
    arguments: &[&str],
    input: &str,
) -> Result<String, Unavailable> {
    let name = name(Some(backend), family, form);
    // Not absent: the rules may be there all the same.
    let mut command = find(root, backend, family, form).ok_or_else(|| {
        Unavailable::failed(name.as_str(), "not installed, so the rules cannot be listed")
    })?;
    command.args(arguments);
    output(&mut command, &name, input)
}

/// Runs a program on an input, and gives what it printed.
pub(crate) fn output(
    command: &mut Command,
    name: &str,
    input: &str,
) -> Result<String, Unavailable> {
    // Not in this process's group: Ctrl-C ends the run after the step in hand, not within it.
    command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| unavailable(name, &error))?;
    let mut stdin = child.stdin.take();
    let output = std::thread::scope(|scope| {
        // A program that ends early says more about it than the broken pipe.
        scope.spawn(move || stdin.as_mut().map(|stdin| stdin.write_all(input.as_bytes())));
        child.wait_with_output()
    });
    let output = output.map_err(|error| unavailable(name, &error))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.trim();
        // iptables itself has an exit code for it, which others share.
        return Err(if said.contains("Permission denied") {
            Unavailable::forbidden(name, said)
        } else {
            Unavailable::failed(name, said)
        });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn name(backend: Option<Backend>, family: Family, form: Form) -> String {
    let stem = match family {
        Family::V4 => "iptables",
        Family::V6 => "ip6tables",
    };
    let backend = backend.map(|backend| format!("-{backend}")).unwrap_or_default();
    let form = match form {
        Form::Change => "",
        Form::Save => "-save",
        Form::Restore => "-restore",
    };
    format!("{stem}{backend}{form}")
}

/// The program of this name, or one without the backend in its name that says it is of that backend.
fn find(root: &HostRoot, backend: Backend, family: Family, form: Form) -> Option<Command> {
    if let Some(command) = program(root, &name(Some(backend), family, form)) {
        return Some(command);
    }
    let mut version = program(root, &name(None, family, Form::Change))?;
    let output = version.arg("--version").stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    // Before 1.8 there was only one.
    let found = if text.contains("nf_tables") { Backend::Nft } else { Backend::Legacy };
    (found == backend).then(|| program(root, &name(None, family, form)))?
}

/// A program of this image, else of the host.
pub(crate) fn program(root: &HostRoot, name: &str) -> Option<Command> {
    if let Some(path) = own(name) {
        let mut command = Command::new(path);
        let lock = root.locate(LOCK).ok().filter(|lock| lock.exists());
        if let Some(lock) = lock {
            command.env("XTABLES_LOCKFILE", lock);
        }
        return Some(command);
    }
    if root.path() == Path::new("/") {
        return None;
    }
    let path = DIRECTORIES.iter().map(|directory| format!("{directory}/{name}"));
    let path = path.into_iter().find(|path| is_program(root, path))?;
    let mut command = Command::new(own("chroot")?);
    command.arg(root.path()).arg(path);
    Some(command)
}

fn is_program(root: &HostRoot, path: &str) -> bool {
    root.locate(path).is_ok_and(|place| place.is_file())
}

fn own(name: &str) -> Option<PathBuf> {
    let directories = std::env::var_os("PATH")?;
    std::env::split_paths(&directories).map(|path| path.join(name)).find(|path| path.is_file())
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

//! The values that the user gives, read and merged.

use std::{
    cell::Cell,
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use crate::{
    args::Values,
    layers::{
        Map, Notice, SetFlag, merge,
        yaml::{self, MAX_BYTES, YamlError},
    },
    strvals::{self, SetError},
};

/// Values, and what Helm would have taken silently in their files.
#[derive(Debug, Default)]
pub struct Given {
    /// The values.
    pub values: Map,
    /// What their author ought to know.
    pub notices: Vec<Notice>,
    /// What is in the values files, in their order.
    pub files: Vec<Vec<u8>>,
}

/// Why the values cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum GivenError {
    /// A file cannot be read.
    #[error("cannot read {name}")]
    Read {
        /// Its name.
        name: String,
        /// What the system answered.
        source: io::Error,
    },
    /// A values file holds something else.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// A flag says what it cannot mean.
    #[error(transparent)]
    Set(#[from] SetError),
    /// The shell empties it before anything is read.
    #[error("{0} is read, and standard output goes to it too")]
    Output(String),
    /// Helm would fetch this; we do not.
    #[error("{0} is a URL, and nothing is fetched")]
    Url(String),
}

/// Reads what the command line names, in Helm's order: files, then the flags by kind.
///
/// # Errors
/// The first that cannot be read.
pub fn read(values: &Values) -> Result<Given, GivenError> {
    let stdin = Stdin::default();
    let mut given = Given::default();
    for path in &values.files {
        let (name, bytes) = contents(path, &stdin)?;
        let document = yaml::read(&name, &bytes)?;
        merge(&mut given.values, document.values);
        given.notices.extend(document.notices);
        given.files.push(bytes);
    }
    let read_file = |path: &str| text(Path::new(path), &stdin);
    for flag in SetFlag::ALL {
        for (number, argument) in (1..).zip(values.of(flag)) {
            strvals::apply(&mut given.values, flag, number, argument, &read_file)?;
        }
    }
    Ok(given)
}

/// Standard input, which can be read once.
#[derive(Default)]
struct Stdin {
    is_read: Cell<bool>,
}

fn contents(path: &Path, stdin: &Stdin) -> Result<(String, Vec<u8>), GivenError> {
    let name =
        if is_stdin(path) { "standard input".to_owned() } else { path.display().to_string() };
    if name.contains("://") && !path.exists() {
        return Err(GivenError::Url(name));
    }
    if is_output(path) {
        return Err(GivenError::Output(name));
    }
    match bytes(path, stdin) {
        Ok(bytes) => Ok((name, bytes)),
        Err(source) => Err(GivenError::Read { name, source }),
    }
}

fn text(path: &Path, stdin: &Stdin) -> io::Result<String> {
    if is_output(path) {
        return Err(io::Error::other("standard output goes to it too; name another file there"));
    }
    let bytes = bytes(path, stdin)?;
    if bytes.len() > MAX_BYTES {
        return Err(io::Error::other(format!("it is larger than {} MiB", MAX_BYTES >> 20)));
    }
    String::from_utf8(bytes).map_err(|_| io::Error::other("it is not UTF-8"))
}

/// At most one byte more than is allowed, so that larger files can be told.
fn bytes(path: &Path, stdin: &Stdin) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = MAX_BYTES as u64 + 1;
    if is_stdin(path) {
        if stdin.is_read.replace(true) {
            return Err(io::Error::other("it can be read once only"));
        }
        io::stdin().lock().take(limit).read_to_end(&mut bytes)?;
    } else {
        File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// Whether a file is the one that standard output goes to.
#[cfg(unix)]
fn is_output(path: &Path) -> bool {
    use std::os::{fd::AsFd as _, unix::fs::MetadataExt as _};
    let metadata = |stream: io::Result<_>| stream.and_then(|fd| File::from(fd).metadata());
    let output = metadata(io::stdout().as_fd().try_clone_to_owned());
    let input = if is_stdin(path) {
        metadata(io::stdin().as_fd().try_clone_to_owned())
    } else {
        path.metadata()
    };
    let (Ok(output), Ok(input)) = (output, input) else { return false };
    let place = |it: &std::fs::Metadata| (it.dev(), it.ino());
    // One terminal is often both.
    input.is_file() && place(&input) == place(&output)
}

/// Whether a file is the one that standard output goes to.
#[cfg(not(unix))]
fn is_output(_: &Path) -> bool {
    false
}

fn is_stdin(path: &Path) -> bool {
    path == "-"
}

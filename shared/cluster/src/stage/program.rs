//! The program that runs on nodes: gzipped files beside the plugins, one for each architecture.

use std::{
    collections::BTreeMap,
    env, fs, io,
    path::{Path, PathBuf},
};

use bytes::Bytes;

/// Names the file, or the directory with the files, of the program.
pub const VARIABLE: &str = "KCILIUM_NODE_AGENT";

/// Where the files are, beside the executable.
const DIRECTORY: &str = "agents";

/// The architectures, as nodes name them, that there are programs for.
const ARCHITECTURES: [&str; 2] = ["amd64", "arm64"];

/// The largest program that is read, bytes: what a handful of ConfigMaps holds. The releases' are
/// below 2 MB.
const MAX: u64 = 8 << 20;

/// How much of a program goes into one ConfigMap, bytes. The API server allows 1 MiB
/// (`core.MaxSecretSize`) for keys and values together; the rest is left for what admission adds.
const PART: usize = 900 << 10;

/// How gzip begins.
const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Why there is no program.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// It is nowhere.
    #[error("there is no node agent: no {} beside {}", expected(), executable.display())]
    Nowhere {
        /// The executable, without links.
        executable: PathBuf,
    },
    /// A directory has none of the files.
    #[error("there is no node agent in {}: no {}", directory.display(), expected())]
    Empty {
        /// The directory.
        directory: PathBuf,
    },
    /// A file cannot be read.
    #[error("cannot read the node agent {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is something else.
    #[error("{} is no node agent: {reason}", path.display())]
    Unfit {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: &'static str,
    },
}

fn expected() -> String {
    ARCHITECTURES.map(|name| format!("{DIRECTORY}/{}", file_of(name))).join(" or ")
}

fn file_of(architecture: &str) -> String {
    format!("linux-{architecture}.gz")
}

/// The program, gzipped, for each architecture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Programs(BTreeMap<String, Bytes>);

impl Programs {
    /// Finds the program: where the flag says, else where [`VARIABLE`] says, else beside the
    /// executable, of which krew installs a link. A path may be a directory with
    /// `linux-amd64.gz` and `linux-arm64.gz`, or one file, which then is for the architectures that
    /// its name tells, or for all if it tells none.
    ///
    /// # Errors
    /// When there is none, or when it cannot be read.
    pub fn find(flag: Option<&Path>) -> Result<Self, ProgramError> {
        let variable = || env::var_os(VARIABLE).filter(|value| !value.is_empty());
        if let Some(path) = flag.map(Path::to_owned).or_else(|| variable().map(PathBuf::from)) {
            return Self::at(&path);
        }
        let executable = env::current_exe().and_then(fs::canonicalize).unwrap_or_default();
        let beside = executable.with_file_name(DIRECTORY);
        match Self::in_directory(&beside) {
            Err(ProgramError::Empty { .. }) => Err(ProgramError::Nowhere { executable }),
            found => found,
        }
    }

    fn at(path: &Path) -> Result<Self, ProgramError> {
        if path.is_dir() {
            return Self::in_directory(path);
        }
        let program = read(path)?;
        let name = path.file_name().unwrap_or_default();
        let told = ARCHITECTURES.into_iter().find(|it| name.to_str() == Some(&*file_of(it)));
        let architectures = told.map_or(ARCHITECTURES.to_vec(), |it| vec![it]);
        Ok(Self(architectures.into_iter().map(|it| (it.to_owned(), program.clone())).collect()))
    }

    fn in_directory(directory: &Path) -> Result<Self, ProgramError> {
        let mut programs = BTreeMap::new();
        for architecture in ARCHITECTURES {
            match read(&directory.join(file_of(architecture))) {
                Ok(program) => {
                    programs.insert(architecture.to_owned(), program);
                }
                Err(ProgramError::Unreadable { source, .. })
                    if source.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        if programs.is_empty() {
            return Err(ProgramError::Empty { directory: directory.to_owned() });
        }
        Ok(Self(programs))
    }

    /// The gzipped files, by the architecture that each is for.
    pub fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(architecture, program)| (architecture.as_str(), &program[..]))
    }

    /// The program for an architecture such as `amd64`.
    pub(super) fn get(&self, architecture: &str) -> Option<&Bytes> {
        self.0.get(architecture)
    }
}

fn read(path: &Path) -> Result<Bytes, ProgramError> {
    let unreadable = |source| ProgramError::Unreadable { path: path.to_owned(), source };
    let unfit = |reason| ProgramError::Unfit { path: path.to_owned(), reason };
    if fs::metadata(path).map_err(unreadable)?.len() > MAX {
        return Err(unfit("it is larger than 8 MiB"));
    }
    let program = fs::read(path).map_err(unreadable)?;
    if !program.starts_with(&MAGIC) {
        return Err(unfit("it is not gzipped"));
    }
    Ok(program.into())
}

/// Cuts a program into what ConfigMaps can hold.
pub(super) fn parts(program: &Bytes) -> Vec<Bytes> {
    program.chunks(PART).map(|part| program.slice_ref(part)).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{MAGIC, PART, Programs, parts};

    fn program(size: usize) -> Vec<u8> {
        MAGIC.into_iter().chain(vec![7; size - MAGIC.len()]).collect()
    }

    #[test]
    fn a_file_is_for_the_architecture_that_its_name_tells() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| {
            let path = directory.path().join(name);
            fs::write(&path, program(10)).unwrap();
            Programs::at(&path).unwrap()
        };
        let both = at("anything");
        assert!(both.get("amd64").is_some() && both.get("arm64").is_some());
        let one = at("linux-arm64.gz");
        assert!(one.get("amd64").is_none() && one.get("arm64").is_some());
        assert_eq!(Programs::at(directory.path()).unwrap(), one);
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let text = |path| Programs::at(path).unwrap_err().to_string();
        let nothing = text(directory.path());
        assert!(nothing.contains("linux-amd64.gz or agents/linux-arm64.gz"), "{nothing}");
        let path = directory.path().join("plain");
        assert!(text(&path).starts_with("cannot read the node agent "));
        fs::write(&path, "#!/bin/sh\n").unwrap();
        assert!(text(&path).ends_with("plain is no node agent: it is not gzipped"));
    }

    #[test]
    fn parts_fit_into_config_maps_and_make_the_whole() {
        let whole = program(2 * PART + 1).into();
        let parts = parts(&whole);
        assert_eq!(parts.iter().map(bytes::Bytes::len).collect::<Vec<_>>(), [PART, PART, 1]);
        assert_eq!(parts.concat(), whole);
    }
}

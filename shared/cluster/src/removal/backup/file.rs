//! Files that only their owner reads, and that are read back.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    hash::{DefaultHasher, Hasher as _},
    io::{self, BufWriter, Read as _, Write as _},
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::BackupError;

/// Folders of later runs within that of the first.
const AGAIN: &str = "again-";

/// A file in the making.
pub(super) struct File {
    path: PathBuf,
    out: BufWriter<fs::File>,
    sum: DefaultHasher,
}

impl File {
    /// Creates a file that is not there yet.
    pub(super) fn create(folder: &Path, name: &str) -> Result<Self, BackupError> {
        let path = folder.join(name);
        let error = |source| BackupError::Io { path: path.clone(), source };
        if let Some(parent) = path.parent() {
            private_folder(parent).map_err(error)?;
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let out = BufWriter::new(options.open(&path).map_err(error)?);
        Ok(Self { path, out, sum: DefaultHasher::new() })
    }

    /// Adds to it.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), BackupError> {
        self.sum.write(bytes);
        self.out.write_all(bytes).map_err(|source| self.error(source))
    }

    /// A document in YAML that every reader takes for what it is.
    pub(super) fn yaml(&self, value: &impl Serialize) -> Result<String, BackupError> {
        let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
        let mut text = serde_saphyr::to_string_with_options(value, options)
            .map_err(|error| self.error(io::Error::new(io::ErrorKind::InvalidData, error)))?;
        if !text.ends_with('\n') {
            text.push('\n');
        }
        Ok(text)
    }

    /// Waits until it is on disk, and compares it with what was written.
    pub(super) fn finish(mut self) -> Result<(), BackupError> {
        let path = self.path.clone();
        let error = |source| BackupError::Io { path: path.clone(), source };
        self.out.flush().map_err(error)?;
        self.out.get_ref().sync_all().map_err(error)?;
        let mut file = fs::File::open(&path).map_err(error)?;
        let mut sum = DefaultHasher::new();
        let mut piece = vec![0; 64 << 10];
        loop {
            match file.read(&mut piece).map_err(error)? {
                0 => break,
                length => sum.write(&piece[..length]),
            }
        }
        if sum.finish() == self.sum.finish() { Ok(()) } else { Err(BackupError::Differs { path }) }
    }

    pub(super) fn error(&self, source: io::Error) -> BackupError {
        BackupError::Io { path: self.path.clone(), source }
    }
}

/// The folder itself if nothing is in it, else the next of later runs.
pub(super) fn free_folder(folder: &Path) -> Result<PathBuf, BackupError> {
    let error = |source| BackupError::Io { path: folder.to_owned(), source };
    private_folder(folder).map_err(error)?;
    if fs::read_dir(folder).map_err(error)?.next().is_none() {
        return Ok(folder.to_owned());
    }
    for number in 2_u32.. {
        let again = folder.join(format!("{AGAIN}{number}"));
        if !again.exists() {
            private_folder(&again).map_err(error)?;
            return Ok(again);
        }
    }
    Err(error(io::ErrorKind::AlreadyExists.into()))
}

/// The folder, and those of later runs.
pub(super) fn folders(folder: &Path) -> Vec<PathBuf> {
    let later = (2_u32..).map(|number| folder.join(format!("{AGAIN}{number}")));
    std::iter::once(folder.to_owned()).chain(later.take_while(|it| it.is_dir())).collect()
}

fn private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

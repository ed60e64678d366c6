//! Standard output: the result, and nothing else.

use std::io::{self, BufWriter, Write};

use anstream::AutoStream;

/// Writes the result to standard output: buffered, with colour codes where they are wanted.
///
/// A buffer's content is locked in one piece, not the stream for the whole run, so that other
/// threads may write too. The end of the result has to be [`finish`](Self::finish)ed: a full disk
/// shows when the buffer is written out.
///
/// Who stopped reading, as `head` does when it has seen enough, is no failure, and does not change how
/// the run ends: what comes then is not written, and scripts still learn what was found.
#[derive(Debug)]
pub struct Printer {
    out: BufWriter<AutoStream<io::Stdout>>,
    reader: Reader,
}

/// Whoever reads standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reader {
    Reads,
    Gone,
}

/// The program that reads the output has gone away, as `head` does when it has seen enough.
///
/// Found inside an [`io::Error`]. It tells a reader that left from a broken pipe elsewhere, such
/// as a connection to the API server: only the former is no failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the reader of the output has gone away")]
pub struct ReaderGone;

#[derive(Debug, thiserror::Error)]
#[error("cannot write to standard output")]
struct NotWritten(#[source] io::Error);

impl Printer {
    /// Writes to standard output. Set the [`color`](crate::color) before.
    pub fn stdout() -> Self {
        Self { out: BufWriter::new(AutoStream::auto(io::stdout())), reader: Reader::Reads }
    }

    /// Writes out what is still in the buffer.
    ///
    /// # Errors
    /// When it could not be written whole, though somebody wanted it.
    pub fn finish(mut self) -> io::Result<()> {
        self.flush()
    }
}

impl Write for Printer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.unless_gone(bytes.len(), |out| out.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.unless_gone((), Write::flush)
    }
}

impl Printer {
    fn unless_gone<T>(
        &mut self,
        done: T,
        write: impl FnOnce(&mut BufWriter<AutoStream<io::Stdout>>) -> io::Result<T>,
    ) -> io::Result<T> {
        if self.reader == Reader::Gone {
            return Ok(done);
        }
        match write(&mut self.out) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.reader = Reader::Gone;
                Ok(done)
            }
            other => other.map_err(stdout_error),
        }
    }
}

/// Says what an error of writing to standard output was about.
pub(crate) fn stdout_error(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::Interrupted => error,
        io::ErrorKind::BrokenPipe => reader_gone(),
        kind => io::Error::new(kind, NotWritten(error)),
    }
}

pub(crate) fn reader_gone() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, ReaderGone)
}

/// Whether an error, or what caused it, is that the reader of the output has gone away.
pub(crate) fn is_reader_gone(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref())
        .any(|ReaderGone| true)
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn a_reader_that_left_is_told_from_other_broken_pipes() {
        let left = stdout_error(io::ErrorKind::BrokenPipe.into());
        assert_eq!(left.kind(), io::ErrorKind::BrokenPipe);
        let left = Err::<(), _>(left).context("cannot print the report").unwrap_err();
        assert!(is_reader_gone(&left));

        let connection = io::Error::from(io::ErrorKind::BrokenPipe);
        assert!(!is_reader_gone(&anyhow::Error::from(connection)));
    }

    #[test]
    fn other_errors_keep_kind_and_cause() {
        let full = stdout_error(io::Error::from_raw_os_error(28));
        assert_eq!(full.kind(), io::ErrorKind::StorageFull);
        let causes: Vec<String> =
            anyhow::Error::from(full).chain().map(ToString::to_string).collect();
        assert_eq!(causes[0], "cannot write to standard output");
        assert!(causes[1].contains("No space left on device"), "{causes:?}");
    }

    #[test]
    fn an_interrupted_write_is_tried_again_by_the_caller() {
        let error = stdout_error(io::ErrorKind::Interrupted.into());
        assert_eq!(error.kind(), io::ErrorKind::Interrupted);
    }
}

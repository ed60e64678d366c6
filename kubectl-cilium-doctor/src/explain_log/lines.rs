//! Lines of a file of any size: what is kept of one is bounded.

use std::{
    borrow::Cow,
    io::{self, BufRead, BufReader, Read},
};

/// Bytes of a line that are kept. Those of the test have some hundred; output of commands, which
/// nobody needs, may have more.
const LONGEST: usize = 64 * 1024;

/// Lines of a source.
pub(super) struct Lines<R> {
    source: BufReader<R>,
    line: Vec<u8>,
}

/// Why a source cannot be a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// UTF-16, by its mark.
    Utf16,
    /// gzip or zip.
    Compressed,
    /// Not text.
    Binary,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(source: R) -> Self {
        Self { source: BufReader::with_capacity(LONGEST, source), line: Vec::new() }
    }

    /// Whether the first bytes already say that this is no log.
    pub(super) fn unreadable(&mut self) -> io::Result<Option<Unreadable>> {
        let start = self.source.fill_buf()?;
        Ok(match start {
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some(Unreadable::Utf16),
            // UTF-16 without its mark: every other byte of ASCII is zero.
            [first, 0, second, 0, ..] if *first != 0 && *second != 0 => Some(Unreadable::Utf16),
            [0x1f, 0x8b, ..] | [b'P', b'K', 3, 4, ..] => Some(Unreadable::Compressed),
            start if start.contains(&0) => Some(Unreadable::Binary),
            _ => None,
        })
    }

    /// Whether it begins as XML does.
    pub(super) fn is_xml(&self) -> bool {
        let start = self.source.buffer();
        let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
        start.trim_ascii_start().starts_with(b"<")
    }

    /// All of it, from the beginning, if no line was read.
    pub(super) fn into_source(self) -> BufReader<R> {
        self.source
    }

    /// The next line, without its end; the beginning of it, where it is very long.
    pub(super) fn next(&mut self) -> io::Result<Option<Cow<'_, str>>> {
        self.line.clear();
        let limit = u64::try_from(LONGEST).unwrap_or(u64::MAX);
        if self.source.by_ref().take(limit).read_until(b'\n', &mut self.line)? == 0 {
            return Ok(None);
        }
        if self.line.len() == LONGEST && !self.line.ends_with(b"\n") {
            self.source.skip_until(b'\n')?;
        }
        Ok(Some(String::from_utf8_lossy(&self.line)))
    }
}

impl Unreadable {
    /// What it is.
    pub(super) fn what(self) -> &'static str {
        match self {
            Self::Utf16 => "the text is in UTF-16, as Windows PowerShell's `>` writes it",
            Self::Compressed => "the file is compressed",
            Self::Binary => "this is not text",
        }
    }

    /// What to do about it.
    pub(super) fn hint(self) -> &'static str {
        match self {
            Self::Utf16 => {
                "convert it: `iconv -f UTF-16 -t UTF-8 FILE`, or in PowerShell \
                 `Get-Content FILE | Set-Content -Encoding utf8 NEW`"
            }
            Self::Compressed => {
                "unpack it first: `gunzip -c FILE | kubectl cilium-doctor explain-log -`"
            }
            Self::Binary => {
                "what `cilium connectivity test` prints is needed, not an archive of `cilium sysdump`: that \
                             is for --from"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_cut_and_the_next_is_whole() {
        let text = format!("{}\nshort\nlast", "x".repeat(3 * LONGEST));
        let mut lines = Lines::new(text.as_bytes());
        assert_eq!(lines.next().unwrap().unwrap().len(), LONGEST);
        assert_eq!(lines.next().unwrap().unwrap(), "short\n");
        assert_eq!(lines.next().unwrap().unwrap(), "last");
        assert_eq!(lines.next().unwrap(), None);
    }

    #[test]
    fn a_line_of_just_that_length_takes_nothing_from_the_next() {
        let text = format!("{}\nnext", "x".repeat(LONGEST - 1));
        let mut lines = Lines::new(text.as_bytes());
        assert_eq!(lines.next().unwrap().unwrap().len(), LONGEST);
        assert_eq!(lines.next().unwrap().unwrap(), "next");
    }

    #[test]
    fn what_is_no_log_is_known_by_its_first_bytes() {
        for (bytes, expected) in [
            (&b"\xff\xfe[\0"[..], Some(Unreadable::Utf16)),
            (b"\xfe\xff\0[", Some(Unreadable::Utf16)),
            (b"[\0=\0]\0", Some(Unreadable::Utf16)),
            (b"\x1f\x8b\x08", Some(Unreadable::Compressed)),
            (b"PK\x03\x04", Some(Unreadable::Compressed)),
            (b"\x7fELF\0", Some(Unreadable::Binary)),
            (b"[=] Test", None),
            (b"", None),
        ] {
            assert_eq!(Lines::new(bytes).unreadable().unwrap(), expected, "{bytes:?}");
        }
    }
}

//! Taking the script's output apart. The grammar is told in `node.sh`.

use std::borrow::Cow;
use std::collections::HashMap;

/// The frames that came whole, by name; where one came several times, the last.
pub(super) struct Frames<'a> {
    whole: HashMap<&'a str, Frame<'a>>,
    /// Whether the script reached its end.
    pub(super) done: bool,
}

/// What became of one command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    stdout: &'a [u8],
    /// Bytes of stdout that the command may print.
    pub(super) limit: usize,
    /// Exit code.
    pub(super) code: u32,
    stderr: &'a [u8],
}

impl<'a> Frames<'a> {
    /// Reads as far as the output goes.
    pub(super) fn parse(boundary: &str, output: &'a [u8]) -> Self {
        let mut frames = Self { whole: HashMap::new(), done: false };
        let mut markers = Markers { boundary: boundary.as_bytes(), output, at: 0 };
        let mut state = State::Between;
        while let Some((before, marker)) = markers.next() {
            let mut words = marker.split(' ');
            let words = (words.next(), words.next(), words.next());
            state = match (state, words) {
                (_, (Some("begin"), Some(name), Some(limit))) => match limit.parse() {
                    Ok(limit) => State::Stdout { name, limit },
                    Err(_) => State::Between,
                },
                (State::Stdout { name, limit }, (Some("end"), Some(code), None)) => {
                    match code.parse() {
                        Ok(code) => State::Stderr {
                            name,
                            frame: Frame { stdout: before, limit, code, stderr: &[] },
                        },
                        Err(_) => State::Between,
                    }
                }
                (State::Stderr { name, frame }, (Some("close"), None, None)) => {
                    frames.whole.insert(name, Frame { stderr: before, ..frame });
                    State::Between
                }
                (State::Between, (Some("done"), None, None)) => {
                    frames.done = true;
                    return frames;
                }
                _ => State::Between,
            };
        }
        frames
    }

    /// The frame of this name, if it came whole.
    pub(super) fn get(&self, name: &str) -> Option<Frame<'a>> {
        self.whole.get(name).copied()
    }
}

impl<'a> Frame<'a> {
    /// Whether the command printed more than its limit, and was stopped.
    pub(super) fn is_cut(&self) -> bool {
        self.stdout.len() > self.limit
    }

    /// What the command printed.
    pub(super) fn stdout(&self) -> &'a [u8] {
        self.stdout
    }

    /// The same as text; what is not UTF-8 in it is replaced.
    pub(super) fn text(&self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.stdout)
    }

    /// The command's errors.
    pub(super) fn errors(&self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.stderr)
    }
}

/// What is being read.
enum State<'a> {
    Between,
    Stdout { name: &'a str, limit: usize },
    Stderr { name: &'a str, frame: Frame<'a> },
}

/// Lines that begin with the boundary.
struct Markers<'a, 'b> {
    boundary: &'b [u8],
    output: &'a [u8],
    /// Where the line before the next marker begins.
    at: usize,
}

impl<'a> Markers<'a, '_> {
    /// The next marker without its boundary, and what stands before it. None where the output ends
    /// before the marker does: `end 1` may have been `end 127`.
    fn next(&mut self) -> Option<(&'a [u8], &'a str)> {
        let start = self.at;
        let mut from = start;
        loop {
            let newline = from + position_of_newline(&self.output[from..])?;
            let rest = &self.output[newline + 1..];
            from = newline + 1;
            let Some(rest) = rest.strip_prefix(self.boundary) else { continue };
            let Some(rest) = rest.strip_prefix(b" ") else { continue };
            let length = position_of_newline(rest)?;
            // The newline that ends a marker may begin the next one.
            self.at = self.output.len() - rest.len() + length;
            let before = self.output[start..newline].strip_prefix(b"\n").unwrap_or_default();
            return Some((before, std::str::from_utf8(&rest[..length]).unwrap_or_default()));
        }
    }
}

fn position_of_newline(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|byte| *byte == b'\n')
}

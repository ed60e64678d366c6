//! The log of a container, in the format of the CRI: `TIME STREAM F|P TEXT`.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::PathBuf,
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};

use crate::runtime::{LogOptions, Logs};

/// Where a line was written to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

#[derive(Clone, Copy, Debug)]
struct Extent {
    bytes: usize,
    closed: bool,
}

/// A log that one container writes and anybody reads.
#[derive(Debug)]
pub(crate) struct Log {
    path: PathBuf,
    file: Mutex<File>,
    extent: watch::Sender<Extent>,
}

impl Log {
    /// Begins a log in that file.
    pub(crate) fn create(path: PathBuf) -> io::Result<Self> {
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir)?;
        }
        let file = Mutex::new(File::create(&path)?);
        let extent = watch::Sender::new(Extent { bytes: 0, closed: false });
        Ok(Self { path, file, extent })
    }

    /// Adds a line, or with `whole` unset a piece of one that goes on.
    pub(crate) fn write(&self, stream: Stream, text: &[u8], whole: bool) {
        let stream = match stream {
            Stream::Stdout => "stdout",
            Stream::Stderr => "stderr",
        };
        let tag = if whole { 'F' } else { 'P' };
        let mut line = format!("{:.9} {stream} {tag} ", Timestamp::now()).into_bytes();
        line.extend_from_slice(text);
        line.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // A node without room for logs is not for a container to notice.
        if file.write_all(&line).is_ok() {
            self.extent.send_modify(|extent| extent.bytes += line.len());
        }
    }

    /// Nothing more will be written.
    pub(crate) fn close(&self) {
        self.extent.send_modify(|extent| extent.closed = true);
    }

    /// Sends what is asked for, and if it is followed also what comes.
    pub(crate) fn read(&self, options: &LogOptions) -> io::Result<Logs> {
        let mut extent = self.extent.subscribe();
        let mut seen = *extent.borrow_and_update();
        let content = fs::read(&self.path)?;
        let mut content = content.get(..seen.bytes).unwrap_or(&content).to_vec();
        let (sender, logs) = mpsc::channel(16);
        let path = self.path.clone();
        let mut reader = Reader::new(options);
        let (follow, tail) = (options.follow, options.tail_lines);
        tokio::spawn(async move {
            let mut chunk = reader.select(&content, tail);
            let mut offset = content.len();
            loop {
                let full = reader.full();
                if !chunk.is_empty() && sender.send(chunk).await.is_err() {
                    return;
                }
                if !follow || seen.closed || full {
                    return;
                }
                tokio::select! {
                    changed = extent.changed() => if changed.is_err() { return },
                    () = sender.closed() => return,
                }
                seen = *extent.borrow_and_update();
                let Ok(now) = fs::read(&path) else { return };
                content = now.get(offset..seen.bytes).unwrap_or_default().to_vec();
                offset += content.len();
                chunk = reader.select(&content, None);
            }
        });
        Ok(logs)
    }

    /// The end of the log: at most that many lines and bytes.
    pub(crate) fn tail(&self, lines: u64, bytes: usize) -> String {
        let content = fs::read(&self.path).unwrap_or_default();
        let mut reader = Reader::new(&LogOptions::default());
        let text = reader.select(&content, Some(lines));
        let text = &text[text.len().saturating_sub(bytes)..];
        String::from_utf8_lossy(text).into_owned()
    }
}

/// Turns lines of the file into what is shown.
struct Reader {
    timestamps: bool,
    since: Option<Timestamp>,
    left: Option<usize>,
}

impl Reader {
    fn new(options: &LogOptions) -> Self {
        let since = options.since_seconds.and_then(|seconds| {
            let time = SystemTime::now().checked_sub(Duration::from_secs(seconds))?;
            Timestamp::try_from(time).ok()
        });
        let left = options.limit_bytes.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        Self { timestamps: options.timestamps, since, left }
    }

    /// Whether as much was shown as may be.
    fn full(&self) -> bool {
        self.left == Some(0)
    }

    fn select(&mut self, content: &[u8], tail: Option<u64>) -> Vec<u8> {
        let lines: Vec<&[u8]> = content.split_inclusive(|byte| *byte == b'\n').collect();
        let tail = tail.map_or(usize::MAX, |tail| usize::try_from(tail).unwrap_or(usize::MAX));
        let mut shown = Vec::new();
        for line in &lines[lines.len().saturating_sub(tail)..] {
            self.show(line, &mut shown);
        }
        if let Some(left) = &mut self.left {
            shown.truncate(*left);
            *left -= shown.len();
        }
        shown
    }

    fn show(&self, line: &[u8], shown: &mut Vec<u8>) {
        let mut fields = line.splitn(4, |byte| *byte == b' ');
        let (Some(time), Some(_stream), Some(tag), Some(text)) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return;
        };
        if let Some(since) = self.since {
            let written = str::from_utf8(time).ok().and_then(|time| time.parse().ok());
            if written.is_some_and(|written: Timestamp| written < since) {
                return;
            }
        }
        if self.timestamps {
            shown.extend_from_slice(time);
            shown.push(b' ');
        }
        // A piece of a line ends without one.
        let whole = tag == b"F";
        shown.extend_from_slice(if whole {
            text
        } else {
            text.strip_suffix(b"\n").unwrap_or(text)
        });
    }
}

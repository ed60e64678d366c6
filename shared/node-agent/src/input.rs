//! The request: from a file or from standard input.

use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use kcilium_core::leftovers::CleaningOrder;
use kcilium_core::probe::ProbeRequest;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::OFlags;
use rustix::io::{Errno, read};
use rustix::time::Timespec;

use crate::failure::Failure;

/// Room for as many probes as a request may hold, with the longest names, bytes.
const MAX_REQUEST: usize = 4 * 1024 * 1024;
/// How often is looked whether there is more.
const PAUSE: Duration = Duration::from_millis(10);

/// Room for the plan of a node with ten thousand pods, bytes.
const MAX_ORDER: usize = 64 * 1024 * 1024;

/// Reads and checks a request for probes.
pub(crate) async fn request(file: Option<&Path>) -> Result<ProbeRequest, Failure> {
    let (name, text) = text(file, MAX_REQUEST).await?;
    ProbeRequest::parse(&text).map_err(|error| {
        Failure::usage(format!("{name}: {error}"))
            .hint(r#"{"probes": [{"id": "x", "kind": "tcp", "host": "1.1.1.1", "port": 443}]}"#)
    })
}

/// Reads and checks an order to clean, or to plan it.
pub(crate) async fn order(file: Option<&Path>) -> Result<CleaningOrder, Failure> {
    let (name, text) = text(file, MAX_ORDER).await?;
    CleaningOrder::parse(&text).map_err(|error| {
        Failure::usage(format!("{name}: {error}"))
            .hint(r#"{"plan": what `kcilium-node-agent plan` printed, "remembered": {}}"#)
    })
}

/// What the input is called, and its text.
async fn text(file: Option<&Path>, limit: usize) -> Result<(String, String), Failure> {
    let (name, bytes) = match file {
        Some(path) => {
            let name = path.display().to_string();
            // A pipe that nobody writes to is not waited for.
            let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
            let opened = OpenOptions::new().read(true).custom_flags(flags).open(path);
            let bytes = match opened {
                Ok(opened) => read_all(opened.as_fd(), limit).await,
                Err(error) => Err(error),
            };
            (name, bytes)
        }
        None => ("standard input".to_owned(), read_all(io::stdin().as_fd(), limit).await),
    };
    let bytes =
        bytes.map_err(|error| Failure::could_not_run(format!("cannot read {name}: {error}")))?;
    if bytes.len() > limit {
        return Err(Failure::usage(format!("{name}: more than {limit} bytes")));
    }
    let text = String::from_utf8(bytes)
        .map_err(|_| Failure::usage(format!("{name}: the request is not text in UTF-8")))?;
    Ok((name, text))
}

/// Reads to the end without ever blocking, and without a thread that would: others are to be heard
/// in the meantime.
async fn read_all(source: BorrowedFd<'_>, limit: usize) -> io::Result<Vec<u8>> {
    const NOT_AT_ALL: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };
    let mut bytes = Vec::new();
    let mut part = vec![0; 64 * 1024];
    while bytes.len() <= limit {
        let mut polled = [PollFd::new(&source, PollFlags::IN)];
        if poll(&mut polled, Some(&NOT_AT_ALL))? == 0 {
            tokio::time::sleep(PAUSE).await;
            continue;
        }
        match read(source, &mut part) {
            Ok(0) => break,
            Ok(length) => bytes.extend_from_slice(&part[..length]),
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        tokio::task::yield_now().await;
    }
    Ok(bytes)
}

//! Whole lists from the kernel, complete and consistent.

use std::io;
use std::time::Duration;

use kcilium_core::facts::Unavailable;
use netlink_packet_core::{
    DecodeError, NLM_F_DUMP, NLM_F_DUMP_INTR, NLMSG_DONE, NLMSG_ERROR, NetlinkBuffer, parse_i32,
};
use rustix::io::Errno;
use rustix::net::Protocol;

use super::socket::{Received, Socket};
use crate::unavailable::unavailable;

/// How often a list is asked for before it counts as one that cannot be had.
const ATTEMPTS: u32 = 5;
/// Pause before the second attempt; the later ones wait as many times longer.
const PAUSE: Duration = Duration::from_millis(20);
/// What the kernel fills at most since 4.9 is 32 KiB, except for single messages that are larger.
const DATAGRAM: usize = 64 * 1024;

/// What to ask for.
pub(super) struct Request {
    /// `RTM_GET…`.
    pub(super) kind: u16,
    /// `RTM_NEW…`: what the list consists of.
    pub(super) item: u16,
    /// Header of the message, and attributes.
    pub(super) payload: Vec<u8>,
    /// Multicast groups (`RTMGRP_*`) that tell of changes to the list, for lists that the kernel does
    /// not mark as inconsistent by itself.
    pub(super) watch: u32,
}

/// What becomes of the messages of a list.
pub(super) trait Reader {
    /// The list begins, perhaps for the second time: what was read so far is void.
    fn restart(&mut self);
    /// The next item: a message without its netlink header.
    fn read(&mut self, message: &[u8]) -> Result<(), DecodeError>;
    /// The datagram is full; the kernel remembers where it stands, and goes on when the next one is
    /// fetched. Whether a change that was seen before may have moved that place.
    fn pause(&mut self) -> bool {
        false
    }
    /// A message of the watched groups. Whether such a change may tear the list.
    fn change(&mut self, _kind: u16, _message: &[u8]) -> Result<bool, DecodeError> {
        Ok(true)
    }
}

/// Why a list could not be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum DumpError {
    /// Each attempt met a change.
    #[error("kept changing while it was read")]
    KeptChanging,
    /// The kernel, or the socket, answered with an error.
    #[error(transparent)]
    System(#[from] io::Error),
    /// The kernel sent what cannot be understood.
    #[error("the kernel's answer could not be understood: {0}")]
    Malformed(#[from] DecodeError),
}

impl From<Errno> for DumpError {
    fn from(error: Errno) -> Self {
        Self::System(error.into())
    }
}

impl DumpError {
    /// The error as the reason why `what` is missing.
    pub(super) fn explain(self, what: &str) -> Unavailable {
        match self {
            Self::System(error) => unavailable(what, &error),
            other => Unavailable::failed(what, other.to_string()),
        }
    }

    /// Whether the kernel has no such thing: an address family, or a kind of object, that it was
    /// built or booted without.
    pub(super) fn is_unsupported(&self) -> bool {
        const UNSUPPORTED: [Errno; 3] =
            [Errno::AFNOSUPPORT, Errno::OPNOTSUPP, Errno::PROTONOSUPPORT];
        matches!(self, Self::System(error)
            if UNSUPPORTED.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error())))
    }

    /// Whether nobody listens for such requests: that part of the kernel is not loaded.
    pub(super) fn is_unknown_command(&self) -> bool {
        matches!(self, Self::System(error)
            if error.raw_os_error() == Some(Errno::INVAL.raw_os_error()))
    }
}

/// Reads a list. On success the reader has seen all items of one attempt, and no others.
pub(super) async fn dump(request: &Request, reader: &mut impl Reader) -> Result<(), DumpError> {
    dump_of(None, request, reader).await
}

/// The same from another part of the kernel than `NETLINK_ROUTE`.
pub(super) async fn dump_of(
    protocol: Option<Protocol>,
    request: &Request,
    reader: &mut impl Reader,
) -> Result<(), DumpError> {
    dump_through(protocol, vec![0; DATAGRAM], request, reader).await
}

async fn dump_through(
    protocol: Option<Protocol>,
    mut buffer: Vec<u8>,
    request: &Request,
    reader: &mut impl Reader,
) -> Result<(), DumpError> {
    let mut attempt = 0;
    loop {
        reader.restart();
        match attempt_dump(protocol, request, reader, &mut buffer).await? {
            Outcome::Complete => return Ok(()),
            Outcome::Changed => attempt += 1,
            Outcome::NeedsRoom(length) => {
                attempt += 1;
                buffer.resize(length.next_power_of_two(), 0);
            }
        }
        if attempt == ATTEMPTS {
            return Err(DumpError::KeptChanging);
        }
        tokio::time::sleep(PAUSE * attempt).await;
    }
}

/// How an attempt ended, short of an error.
enum Outcome {
    /// All was read.
    Complete,
    /// The list changed in the meantime.
    Changed,
    /// A message is larger than the buffer.
    NeedsRoom(usize),
}

/// One attempt, on a socket of its own: none hears the rest of an abandoned list.
async fn attempt_dump(
    protocol: Option<Protocol>,
    request: &Request,
    reader: &mut impl Reader,
    buffer: &mut [u8],
) -> Result<Outcome, DumpError> {
    let mut socket = Socket::open(protocol, request.watch)?;
    let mut progress = Progress {
        sequence: socket.request(request.kind, NLM_F_DUMP, &request.payload)?,
        item: request.item,
        torn: false,
    };
    loop {
        let length = match socket.receive(buffer) {
            Ok(Received::Whole(length)) => length,
            Ok(Received::Truncated(length)) => return Ok(Outcome::NeedsRoom(length)),
            // Something for us was lost: an answer, or the news of a change.
            Err(error) if error.raw_os_error() == Some(Errno::NOBUFS.raw_os_error()) => {
                return Ok(Outcome::Changed);
            }
            Err(error) => return Err(error.into()),
        };
        // A large list takes a while; others may have something to do.
        tokio::task::yield_now().await;
        if progress.datagram(&buffer[..length], reader)? {
            return Ok(if progress.torn { Outcome::Changed } else { Outcome::Complete });
        }
    }
}

/// Where a list stands.
struct Progress {
    sequence: u32,
    item: u16,
    /// The list may be a mixture of before and after a change.
    torn: bool,
}

impl Progress {
    /// Goes through a datagram; whether it held the list's end.
    fn datagram(&mut self, bytes: &[u8], reader: &mut impl Reader) -> Result<bool, DumpError> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let message = NetlinkBuffer::new_checked(rest)?;
            let (kind, payload) = (message.message_type(), message.payload());
            if message.sequence_number() != self.sequence {
                self.torn |= reader.change(kind, payload)?;
            } else if kind == NLMSG_DONE || kind == NLMSG_ERROR {
                self.torn |= message.flags() & NLM_F_DUMP_INTR != 0;
                return end(payload).map(|()| true);
            } else if kind == self.item {
                self.torn |= message.flags() & NLM_F_DUMP_INTR != 0;
                reader.read(payload)?;
            }
            let length = usize::try_from(message.length()).unwrap_or(usize::MAX);
            rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
        self.torn |= reader.pause();
        Ok(false)
    }
}

/// Reads the code that ends a list: the number of an error, negated, or nothing bad.
fn end(payload: &[u8]) -> Result<(), DumpError> {
    let code = payload.get(..4).map_or(Ok(0), parse_i32)?;
    if code < 0 {
        return Err(io::Error::from_raw_os_error(code.saturating_neg()).into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts items, and reports changes as often as it is told to.
    #[derive(Default)]
    struct Counter {
        items: usize,
        restarts: u32,
        torn: u32,
    }

    impl Reader for Counter {
        fn restart(&mut self) {
            self.items = 0;
            self.restarts += 1;
        }

        fn read(&mut self, _message: &[u8]) -> Result<(), DecodeError> {
            self.items += 1;
            Ok(())
        }

        fn pause(&mut self) -> bool {
            (1..=self.torn).contains(&self.restarts)
        }
    }

    /// The interfaces of whichever namespace the tests run in: at least `lo`.
    fn links() -> Request {
        Request { kind: 18, item: 16, payload: vec![0; 16], watch: 0 }
    }

    fn run(buffer: usize, request: &Request, reader: &mut Counter) -> Result<(), DumpError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(dump_through(None, vec![0; buffer], request, reader))
    }

    #[test]
    fn datagrams_that_do_not_fit_are_fetched_again() {
        let mut reader = Counter::default();
        run(16, &links(), &mut reader).unwrap();
        assert!(reader.items >= 1 && reader.restarts > 1, "{} items", reader.items);
    }

    #[test]
    fn torn_lists_are_fetched_again_and_given_up_in_the_end() {
        let mut reader = Counter { torn: ATTEMPTS - 1, ..Counter::default() };
        run(DATAGRAM, &links(), &mut reader).unwrap();
        assert_eq!(reader.restarts, ATTEMPTS);

        let mut reader = Counter { torn: ATTEMPTS, ..Counter::default() };
        let error = run(DATAGRAM, &links(), &mut reader).unwrap_err();
        assert_eq!(error.explain("links").to_string(), "links: kept changing while it was read");
    }

    #[test]
    fn an_error_of_the_kernel_is_told() {
        const NO_SUCH_MESSAGE: u16 = 0x7ff0;
        let request = Request { kind: NO_SUCH_MESSAGE, ..links() };
        let error = run(DATAGRAM, &request, &mut Counter::default()).unwrap_err();
        assert!(error.is_unsupported(), "{error}");
        assert_eq!(error.explain("x").to_string(), "x: operation not supported");
    }

    /// One message as the kernel would send it.
    fn message(kind: u16, flags: u16, sequence: u32, payload: &[u8]) -> Vec<u8> {
        let mut bytes = u32::try_from(16 + payload.len()).unwrap().to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(flags.to_ne_bytes());
        bytes.extend(sequence.to_ne_bytes());
        bytes.extend([0; 4]);
        bytes.extend(payload);
        bytes
    }

    fn progress() -> Progress {
        Progress { sequence: 1, item: 16, torn: false }
    }

    #[test]
    fn the_kernel_s_mark_on_item_or_end_tears_a_list() {
        for (kind, flags, torn) in
            [(16, 0, false), (16, NLM_F_DUMP_INTR, true), (NLMSG_DONE, NLM_F_DUMP_INTR, true)]
        {
            let mut progress = progress();
            let bytes = message(kind, flags, 1, &[0; 4]);
            progress.datagram(&bytes, &mut Counter::default()).unwrap();
            assert_eq!(progress.torn, torn, "{kind} {flags}");
        }
    }

    #[test]
    fn others_messages_are_changes_and_no_items() {
        let mut progress = progress();
        let mut reader = Counter::default();
        progress.datagram(&message(16, 0, 0, &[]), &mut reader).unwrap();
        assert_eq!((reader.items, progress.torn), (0, true));
    }

    #[test]
    fn a_list_may_end_in_an_error() {
        let code = (-13_i32).to_ne_bytes();
        let error = progress().datagram(&message(NLMSG_DONE, 0, 1, &code), &mut Counter::default());
        assert_eq!(error.unwrap_err().explain("x").to_string(), "x: permission denied");
    }

    #[test]
    fn garbage_is_an_error() {
        for bytes in [&[1_u8][..], &[0; 16], &[255; 20], &message(16, 0, 1, &[])[..15]] {
            assert!(progress().datagram(bytes, &mut Counter::default()).is_err(), "{bytes:?}");
        }
    }
}

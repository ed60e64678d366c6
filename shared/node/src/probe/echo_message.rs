//! What echo probes and echo servers send each other, alike over UDP and TCP.
//!
//! | bytes | question | answer |
//! |---|---|---|
//! | 0–3 | `kcq1` | `kcr1` |
//! | 4–5 | length of the message | the same |
//! | 6–13 | a number that the answer repeats | the same |
//! | 14–15 | | length of what follows |
//! | 16– | | the sender's address, as the server saw it |
//!
//! An answer is as long as its question, so that it needs as much room on the way, and nobody can
//! make a server send more than was sent to it. It is no question, so that two servers cannot keep
//! each other busy.

use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd as _};

const QUESTION: [u8; 4] = *b"kcq1";
const ANSWER: [u8; 4] = *b"kcr1";
/// Bytes before the address.
pub(super) const HEADER: usize = 16;
/// The shortest message: its header, and the longest address in words.
pub(super) const SHORTEST: usize = 64;

/// A question of that length.
pub(super) fn question(length: u16, number: u64) -> Vec<u8> {
    let mut message = QUESTION.to_vec();
    message.extend(length.to_be_bytes());
    message.extend(number.to_be_bytes());
    message.resize(SHORTEST.max(length.into()), b'k');
    message[14..HEADER].fill(0);
    message
}

/// The length that a question's header claims; `None` where it is no question.
pub(super) fn length(header: &[u8]) -> Option<usize> {
    let length = u16::from_be_bytes([*header.get(4)?, *header.get(5)?]).into();
    (header.starts_with(&QUESTION) && length >= SHORTEST).then_some(length)
}

/// Makes an answer of a question.
pub(super) fn answer(message: &mut [u8], sender: SocketAddr) {
    let text = SocketAddr::new(sender.ip().to_canonical(), sender.port()).to_string();
    let end = HEADER + text.len();
    if let (Ok(length), true) = (u16::try_from(text.len()), end <= message.len()) {
        message[..4].copy_from_slice(&ANSWER);
        message[14..HEADER].copy_from_slice(&length.to_be_bytes());
        message[HEADER..end].copy_from_slice(text.as_bytes());
    }
}

/// As whom the server saw the sender; `None` where this is no answer to the question of that number.
pub(super) fn seen_as(message: &[u8], number: u64) -> Option<SocketAddr> {
    if !message.starts_with(&ANSWER) || message.get(6..14)? != number.to_be_bytes() {
        return None;
    }
    let length = u16::from_be_bytes([*message.get(14)?, *message.get(15)?]);
    let text = message.get(HEADER..HEADER + usize::from(length))?;
    str::from_utf8(text).ok()?.parse().ok()
}

/// A number that other questions do not carry: nobody is to be kept from guessing it.
pub(super) fn number(socket: &impl AsFd) -> u64 {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
    let descriptor = u64::try_from(socket.as_fd().as_raw_fd()).unwrap_or_default();
    (u64::from(since.subsec_nanos()) << 32) ^ descriptor ^ u64::from(std::process::id()) << 16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_repeats_the_number_and_tells_the_sender() {
        for sender in ["10.0.0.7:40000", "[2001:db8::7]:65535"] {
            let sender = sender.parse().unwrap();
            let mut message = question(64, 77);
            assert_eq!((message.len(), length(&message)), (64, Some(64)));
            assert_eq!(seen_as(&message, 77), None);
            answer(&mut message, sender);
            assert_eq!((message.len(), length(&message)), (64, None));
            assert_eq!((seen_as(&message, 77), seen_as(&message, 78)), (Some(sender), None));
        }
    }

    #[test]
    fn the_longest_address_fits_and_mapped_ones_are_ipv4() {
        let longest = "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535".parse().unwrap();
        let mut message = question(64, 1);
        answer(&mut message, longest);
        assert_eq!(seen_as(&message, 1), Some(longest));
        let mut message = question(64, 1);
        answer(&mut message, "[::ffff:10.0.0.7]:9".parse().unwrap());
        assert_eq!(seen_as(&message, 1), Some("10.0.0.7:9".parse().unwrap()));
    }

    #[test]
    fn garbage_is_neither() {
        for bytes in [&b""[..], b"kcq1", b"kcq1\0\x3f", b"kcr1\0\x40\0\0\0\0\0\0\0\0\xff\xff"] {
            assert_eq!((length(bytes), seen_as(bytes, 0)), (None, None), "{bytes:?}");
        }
    }
}

//! The frames of SPDY/3.1, as far as clients of a kubelet send and understand them.
//!
//! There is no flow control: moby/spdystream, which Kubernetes uses on both sides, neither sends
//! nor heeds WINDOW_UPDATE.

use std::io;

use bytes::{Buf as _, Bytes, BytesMut};

use super::header;

/// The first bit of a control frame, and the version.
const CONTROL: u16 = 0x8003;
const SYN_STREAM: u16 = 1;
const SYN_REPLY: u16 = 2;
const RST_STREAM: u16 = 3;
const PING: u16 = 6;
const GOAWAY: u16 = 7;
/// The flag of a sender's last frame on a stream.
const FIN: u8 = 1;
/// Every frame begins with so many bytes.
const HEAD: usize = 8;

/// A frame from the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// The client opens a stream.
    Open {
        /// The stream.
        stream: u32,
        /// What it is for.
        headers: Vec<(String, String)>,
        /// The client sends nothing over it.
        end: bool,
    },
    /// Bytes.
    Data {
        /// The stream.
        stream: u32,
        /// The bytes.
        data: Bytes,
        /// The client sends no more over it.
        end: bool,
    },
    /// The client gives up a stream.
    Reset(u32),
    /// The client wants the same number back.
    Ping(u32),
    /// What needs no answer.
    Other,
}

/// Takes the next frame out of what has been received; none if it is not complete yet.
pub(super) fn take(
    received: &mut BytesMut,
    headers: &mut header::Reader,
) -> io::Result<Option<Frame>> {
    let Some(head) = received.first_chunk::<HEAD>() else { return Ok(None) };
    let [a, b, c, d, flags, length @ ..] = *head;
    let length = usize::try_from(u32::from_be_bytes([0, length[0], length[1], length[2]]))
        .map_err(io::Error::other)?;
    if received.len() < HEAD + length {
        received.reserve(HEAD + length - received.len());
        return Ok(None);
    }
    received.advance(HEAD);
    let mut body = received.split_to(length).freeze();
    let end = flags & FIN != 0;
    if a & 0x80 == 0 {
        return Ok(Some(Frame::Data { stream: u32::from_be_bytes([a, b, c, d]), data: body, end }));
    }
    if u16::from_be_bytes([a, b]) != CONTROL {
        return Err(header::malformed("a version other than 3"));
    }
    let mut number = || body.try_get_u32().map_err(|_| header::malformed("a cut frame"));
    Ok(Some(match u16::from_be_bytes([c, d]) {
        SYN_STREAM => {
            let (stream, _associated) = (number()?, number()?);
            // Priority and credential slot.
            body.try_get_u16().map_err(|_| header::malformed("a cut frame"))?;
            Frame::Open { stream, headers: headers.read(&body)?, end }
        }
        RST_STREAM => Frame::Reset(number()?),
        PING => Frame::Ping(number()?),
        _ => Frame::Other,
    }))
}

fn control(kind: u16, body: &[u8]) -> Vec<u8> {
    let [_, length @ ..] = u32::try_from(body.len()).unwrap_or_default().to_be_bytes();
    let mut frame = [CONTROL.to_be_bytes(), kind.to_be_bytes()].concat();
    frame.push(0);
    frame.extend_from_slice(&length);
    frame.extend_from_slice(body);
    frame
}

/// Accepts a stream; `headers` is a compressed block.
pub(super) fn accepted(stream: u32, headers: &[u8]) -> Vec<u8> {
    control(SYN_REPLY, &[&stream.to_be_bytes(), headers].concat())
}

/// Answers a ping.
pub(super) fn pong(number: u32) -> Vec<u8> {
    control(PING, &number.to_be_bytes())
}

/// Says that no stream after `last` will be served.
pub(super) fn goodbye(last: u32) -> Vec<u8> {
    const OK: u32 = 0;
    control(GOAWAY, &[last.to_be_bytes(), OK.to_be_bytes()].concat())
}

/// Bytes on a stream; they are far fewer than the 16 MiB that fit.
pub(super) fn data(stream: u32, data: &[u8], end: bool) -> Vec<u8> {
    let [_, length @ ..] = u32::try_from(data.len()).unwrap_or_default().to_be_bytes();
    let mut frame = Vec::with_capacity(HEAD + data.len());
    frame.extend_from_slice(&stream.to_be_bytes());
    frame.push(if end { FIN } else { 0 });
    frame.extend_from_slice(&length);
    frame.extend_from_slice(data);
    frame
}

#[cfg(test)]
mod tests {
    use bytes::{Bytes, BytesMut};

    use super::{Frame, accepted, data, goodbye, pong, take};
    use crate::endpoint::spdy::header;

    /// What kubectl 1.28 sends for `echo -n hi | kubectl exec -i POD -- cat`.
    const RECORDED: &[&str] = &[
        "8003000100000029000000010000000000007",
        "8f9e3c6a7c26260606004a7b392a2d4c45c6851c29a0a0a6800000000ffff",
        "8003000100000017000000030000000000",
        "00c22e555c92929907000000ffff",
        "8003000100000019000000050000000000",
        "00c22ac5565c92925f5a02000000ffff",
        "8003000100000015000000070000000000",
        "00c229975a5404000000ffff",
        "00000003000000026869",
        "0000000301000000",
    ];

    fn recorded() -> Vec<u8> {
        let digits = RECORDED.concat();
        let pairs = (0..digits.len()).step_by(2).map(|i| &digits[i..i + 2]);
        pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
    }

    fn frames(chunk: usize) -> Vec<Frame> {
        let (mut received, mut headers) = (BytesMut::new(), header::Reader::new());
        let mut frames = Vec::new();
        for bytes in recorded().chunks(chunk) {
            received.extend_from_slice(bytes);
            while let Some(frame) = take(&mut received, &mut headers).unwrap() {
                frames.push(frame);
            }
        }
        assert!(received.is_empty());
        frames
    }

    #[test]
    fn what_kubectl_sends_is_read() {
        let open = |stream, kind: &str| Frame::Open {
            stream,
            headers: vec![("streamtype".to_owned(), kind.to_owned())],
            end: false,
        };
        let wanted = [
            open(1, "error"),
            open(3, "stdin"),
            open(5, "stdout"),
            open(7, "stderr"),
            Frame::Data { stream: 3, data: Bytes::from_static(b"hi"), end: false },
            Frame::Data { stream: 3, data: Bytes::new(), end: true },
        ];
        // However it is cut on the way.
        for chunk in [1, 7, 1000] {
            assert_eq!(frames(chunk), wanted);
        }
    }

    #[test]
    fn frames_are_written() {
        assert_eq!(accepted(1, b"xy"), b"\x80\x03\0\x02\0\0\0\x06\0\0\0\x01xy");
        assert_eq!(data(5, b"hi", true), b"\0\0\0\x05\x01\0\0\x02hi");
        assert_eq!(pong(3), b"\x80\x03\0\x06\0\0\0\x04\0\0\0\x03");
        assert_eq!(goodbye(7), b"\x80\x03\0\x07\0\0\0\x08\0\0\0\x07\0\0\0\0");
    }

    #[test]
    fn another_version_is_refused() {
        let mut received = BytesMut::from(&b"\x80\x02\0\x06\0\0\0\x04\0\0\0\x01"[..]);
        assert!(take(&mut received, &mut header::Reader::new()).is_err());
    }
}

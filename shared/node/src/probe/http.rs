//! `GET`, without TLS.

use std::io;
use std::net::SocketAddr;

use kcilium_core::probe::{Answer, HttpAnswer, Outcome, Phase};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::attempt::{Attempt, Failure};
use super::tcp::connect;

/// Bytes of a status line and headers; servers send a few hundred.
const MAX_HEAD: usize = 16 * 1024;
/// Headers; a server that sends more has told its status before.
const MAX_HEADERS: usize = 96;
/// Bytes that are kept of a header.
const MAX_VALUE: usize = 200;

/// Asks for a path with a request of at least `bytes`, and reads the head of the answer.
pub(super) async fn get(
    attempt: &mut Attempt,
    peer: SocketAddr,
    host: &str,
    path: &str,
    bytes: usize,
) -> Result<(), Failure> {
    let mut stream = connect(attempt, peer).await?;
    let request = request(host, path, bytes);
    attempt.step(Phase::Answer, stream.write_all(request.as_bytes())).await?;
    let read = async {
        let mut head = Vec::new();
        loop {
            match parse(&head) {
                Parsed::Answer(answer) => return Ok(Ok(answer)),
                Parsed::Garbage => return Ok(Err("what came back is not HTTP")),
                Parsed::Part if head.len() >= MAX_HEAD => {
                    return Ok(Err("the head of the answer has no end"));
                }
                Parsed::Part => {}
            }
            let mut part = [0; 2048];
            match stream.read(&mut part).await? {
                0 if head.is_empty() => return Err(io::ErrorKind::UnexpectedEof.into()),
                0 => return Ok(Err("the answer ends in its head")),
                length => head.extend_from_slice(&part[..length]),
            }
        }
    };
    match attempt.step(Phase::Answer, read).await? {
        Ok(answer) => {
            attempt.answer = Some(Answer::Http(answer));
            Ok(())
        }
        Err(why) => Err(Failure::told(Outcome::Unexpected, Phase::Answer, why)),
    }
}

fn request(host: &str, path: &str, bytes: usize) -> String {
    let mut request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: kcilium-node-agent\r\nAccept: */*\r\n\
         Connection: close\r\n"
    );
    let (name, end) = ("X-Padding: ", "\r\n\r\n");
    let padding = bytes.saturating_sub(request.len() + name.len() + end.len());
    if padding > 0 {
        request.extend([name, &"x".repeat(padding), "\r\n"]);
    }
    request.push_str("\r\n");
    request
}

/// What a text of an answer's beginning is.
enum Parsed {
    Answer(HttpAnswer),
    Part,
    Garbage,
}

fn parse(head: &[u8]) -> Parsed {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let complete = match response.parse(head) {
        Ok(status) => status.is_complete(),
        // The status line was read before.
        Err(httparse::Error::TooManyHeaders) => true,
        Err(_) => return Parsed::Garbage,
    };
    let (true, Some(status)) = (complete, response.code) else {
        return Parsed::Part;
    };
    let value = |name: &str| {
        let header =
            response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
        Some(String::from_utf8_lossy(header.value).chars().take(MAX_VALUE).collect())
    };
    Parsed::Answer(HttpAnswer { status, server: value("server"), location: value("location") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_as_long_as_it_should_be() {
        let short = request("10.0.0.1", "/", 0);
        assert!(short.ends_with("Connection: close\r\n\r\n"), "{short}");
        assert_eq!(request("10.0.0.1", "/", short.len()), short);
        let long = request("10.0.0.1", "/", 1400);
        assert_eq!(long.len(), 1400);
        assert!(long.starts_with(&short[..short.len() - 2]) && long.ends_with("x\r\n\r\n"));
    }

    #[test]
    fn a_head_is_read_when_it_is_whole() {
        let text = b"HTTP/1.1 302 Found\r\nLocation: http://portal.lan/\r\nserver: x\r\n\r\nbody";
        for length in 0..text.len() - 4 {
            assert!(matches!(parse(&text[..length]), Parsed::Part), "{length}");
        }
        let Parsed::Answer(answer) = parse(text) else { panic!("not read") };
        assert_eq!(answer.status, 302);
        assert_eq!(answer.location.as_deref(), Some("http://portal.lan/"));
        assert_eq!(answer.server.as_deref(), Some("x"));
    }

    #[test]
    fn other_protocols_are_not_http() {
        for text in [&b"SSH-2.0-OpenSSH_9.2\r\n"[..], b"\x15\x03\x01\0\x02\x02\x16", b"HTTP/9 x"] {
            assert!(matches!(parse(text), Parsed::Garbage), "{text:?}");
        }
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(500));
        assert!(matches!(parse(many.as_bytes()), Parsed::Answer(answer) if answer.status == 200));
    }
}

//! Whether a TLS server is there: the first message of a handshake, and no more.

use std::io;
use std::net::SocketAddr;

use kcilium_core::probe::{Answer, Outcome, Phase, TlsAnswer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::attempt::{Attempt, Failure};
use super::tcp::connect;

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;

/// Cipher suites of TLS 1.3 and 1.2 of which every server in use has one.
const CIPHER_SUITES: [u16; 10] =
    [0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0x009c];
/// x25519, P-256, P-384.
const GROUPS: [u16; 3] = [0x001d, 0x0017, 0x0018];
/// ECDSA, RSA-PSS and RSA with SHA-256 and SHA-384, Ed25519.
const SIGNATURES: [u16; 8] = [0x0403, 0x0503, 0x0804, 0x0805, 0x0401, 0x0501, 0x0807, 0x0806];

/// Says hello, and reads whether somebody answers in TLS.
pub(super) async fn hello(
    attempt: &mut Attempt,
    peer: SocketAddr,
    server_name: Option<&str>,
) -> Result<(), Failure> {
    let mut stream = connect(attempt, peer).await?;
    attempt.step(Phase::Answer, stream.write_all(&client_hello(server_name))).await?;
    let read = async {
        // Type, version and length of the record, and the type of a handshake message or level and
        // number of an alert.
        let mut start = [0; 7];
        let mut length = 0;
        while length < start.len() {
            match stream.read(&mut start[length..]).await? {
                0 if length == 0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                0 => break,
                more => length += more,
            }
        }
        Ok(start)
    };
    let start = attempt.step(Phase::Answer, read).await?;
    let answer = match start {
        [HANDSHAKE, 3, _, _, _, SERVER_HELLO, _] => TlsAnswer::ServerHello,
        [ALERT, 3, _, _, _, _, number] => TlsAnswer::Alert(number),
        _ => {
            let why = "what came back is not TLS";
            return Err(Failure::told(Outcome::Unexpected, Phase::Answer, why));
        }
    };
    attempt.answer = Some(Answer::Tls(answer));
    Ok(())
}

/// A ClientHello of TLS 1.3 and 1.2. It brings no key share: a server of 1.3 then asks for one, in a
/// message that is a ServerHello as well. Nothing is agreed upon, so nothing in it need be random.
fn client_hello(server_name: Option<&str>) -> Vec<u8> {
    let mut extensions = Vec::new();
    if let Some(name) = server_name {
        // A list of names, of which this is the one, of type host_name.
        let entry = [&[0][..], &with_length(name.trim_end_matches('.').as_bytes())].concat();
        extension(&mut extensions, 0, &with_length(&entry));
    }
    extension(&mut extensions, 10, &with_length(&numbers(&GROUPS)));
    extension(&mut extensions, 13, &with_length(&numbers(&SIGNATURES)));
    extension(&mut extensions, 43, &[4, 3, 4, 3, 3]);
    // An empty list of key shares, without which 1.3 is not spoken.
    extension(&mut extensions, 51, &[0, 0]);

    let mut body = vec![3, 3];
    body.extend((0..32).map(|index: u8| index.wrapping_mul(37)));
    // No session, as servers of 1.2 like it.
    body.push(0);
    body.extend(with_length(&numbers(&CIPHER_SUITES)));
    body.extend([1, 0]);
    body.extend(with_length(&extensions));

    let mut message = vec![CLIENT_HELLO, 0];
    message.extend(with_length(&body));
    let mut record = vec![HANDSHAKE, 3, 1];
    record.extend(with_length(&message));
    record
}

fn numbers(numbers: &[u16]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

/// Bytes behind their number, in two bytes. Host names are short, so all of this is.
fn with_length(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    [&length.to_be_bytes()[..], bytes].concat()
}

fn extension(extensions: &mut Vec<u8>, kind: u16, content: &[u8]) {
    extensions.extend(kind.to_be_bytes());
    extensions.extend(with_length(content));
}

//! As much of DNS as a shell can send and read: a question, and the header of an answer.

use kcilium_core::probe::{DnsAnswer, RecordType};

/// The number of every question: each has a socket of its own.
const ID: u16 = 0x6b63;

/// A question that wants recursion; `None` for a name that DNS cannot spell.
pub(super) fn question(name: &str, record: RecordType) -> Option<Vec<u8>> {
    let mut message = Vec::new();
    // Number, flags (RD), one question, nothing else.
    for word in [ID, 0x0100, 1, 0, 0, 0] {
        message.extend(word.to_be_bytes());
    }
    let name = name.trim_end_matches('.');
    for label in name.split('.') {
        let length = u8::try_from(label.len()).ok().filter(|length| (1..=63).contains(length))?;
        message.push(length);
        message.extend(label.as_bytes());
    }
    message.push(0);
    let kind: u16 = match record {
        RecordType::A => 1,
        RecordType::Aaaa => 28,
    };
    message.extend(kind.to_be_bytes());
    message.extend(1_u16.to_be_bytes());
    (name.len() <= 253).then_some(message)
}

/// The message as it travels over TCP.
pub(super) fn framed(message: &[u8]) -> Vec<u8> {
    let length = u16::try_from(message.len()).unwrap_or(u16::MAX);
    [&length.to_be_bytes()[..], message].concat()
}

/// What the header of an answer says, and how many records it has. `None` where it is no answer to the
/// question.
pub(super) fn answer(message: &[u8]) -> Option<(DnsAnswer, u16)> {
    let word = |at: usize| Some(u16::from_be_bytes([*message.get(at)?, *message.get(at + 1)?]));
    let (id, flags, records) = (word(0)?, word(2)?, word(6)?);
    let is_response = flags & 0x8000 != 0;
    let truncated = flags & 0x0200 != 0;
    let [_, code] = flags.to_be_bytes();
    let rcode = DnsAnswer::rcode(code & 0xf);
    let answer = DnsAnswer { rcode, addresses: Vec::new(), truncated };
    (id == ID && is_response).then_some((answer, records))
}

#[cfg(test)]
mod tests {
    use super::{RecordType, answer, question};

    #[test]
    fn a_question_is_spelt_in_labels() {
        let message = question("a.bc.", RecordType::Aaaa).unwrap();
        assert_eq!(message[12..], *b"\x01a\x02bc\0\0\x1c\0\x01");
        for wrong in ["", "a..b", &"x".repeat(64)] {
            assert_eq!(question(wrong, RecordType::A), None, "{wrong}");
        }
    }

    #[test]
    fn only_an_answer_to_the_question_is_one() {
        let (read, records) = answer(b"kc\x81\x83\0\x01\0\0\0\0\0\0").unwrap();
        assert_eq!((&*read.rcode, records), ("NXDOMAIN", 0));
        assert_eq!(answer(b"kc\x81\x80\0\x01\0\x02").unwrap().1, 2);
        for other in [&b"kd\x81\x80\0\x01\0\x01"[..], b"kc\x01\x00\0\x01\0\0", b"kc\x81"] {
            assert_eq!(answer(other), None, "{other:?}");
        }
    }
}

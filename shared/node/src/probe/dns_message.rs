//! DNS messages.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use kcilium_core::probe::{DnsAnswer, RecordType};
use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, Packet, PacketFlag, QCLASS, QTYPE, Question, TYPE, header_buffer};

/// Addresses that are kept of an answer.
const MAX_ADDRESSES: usize = 16;

/// A question; `None` for a name that DNS cannot spell.
pub(super) fn question(id: u16, name: &str, record: RecordType) -> Option<Vec<u8>> {
    let kind = match record {
        RecordType::A => TYPE::A,
        RecordType::Aaaa => TYPE::AAAA,
    };
    let name = Name::new(name.trim_end_matches('.')).ok()?;
    let mut packet = Packet::new_query(id);
    packet.set_flags(PacketFlag::RECURSION_DESIRED);
    packet.questions.push(Question::new(name, QTYPE::TYPE(kind), QCLASS::CLASS(CLASS::IN), false));
    packet.build_bytes_vec().ok()
}

/// Whether a message is an answer to the question of that number.
pub(super) fn is_answer(message: &[u8], id: u16) -> bool {
    header_buffer::id(message).is_ok_and(|found| found == id)
        && header_buffer::has_flags(message, PacketFlag::RESPONSE).unwrap_or(false)
}

/// Reads an answer. What is cut off (TC) may end within a record: then only the header is read.
/// `None` where it is no DNS message.
pub(super) fn answer(message: &[u8]) -> Option<DnsAnswer> {
    let code = message.get(3)? & 0xf;
    let truncated = header_buffer::has_flags(message, PacketFlag::TRUNCATION).ok()?;
    let addresses = match Packet::parse(message) {
        Ok(packet) => packet
            .answers
            .iter()
            .filter_map(|record| match &record.rdata {
                RData::A(found) => Some(IpAddr::V4(Ipv4Addr::from(found.address))),
                RData::AAAA(found) => Some(IpAddr::V6(Ipv6Addr::from(found.address))),
                _ => None,
            })
            .take(MAX_ADDRESSES)
            .collect(),
        Err(_) if truncated || code != 0 => Vec::new(),
        Err(_) => return None,
    };
    Some(DnsAnswer { rcode: DnsAnswer::rcode(code), addresses, truncated })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use simple_dns::ResourceRecord;
    use simple_dns::rdata::{A, CNAME};

    use super::*;

    fn reply(id: u16) -> Vec<u8> {
        let mut packet = Packet::new_reply(id);
        let record = |data| ResourceRecord::new(Name::new_unchecked("a.b"), CLASS::IN, 60, data);
        packet.answers.push(record(RData::CNAME(CNAME(Name::new_unchecked("c.d")))));
        packet.answers.push(record(RData::A(A { address: 0x0101_0101 })));
        packet.build_bytes_vec().unwrap()
    }

    #[test]
    fn addresses_are_read_past_aliases() {
        let read = answer(&reply(7)).unwrap();
        assert_eq!((read.rcode.as_str(), read.truncated), ("NOERROR", false));
        assert_eq!(read.addresses, [IpAddr::from([1, 1, 1, 1])]);
        assert!(is_answer(&reply(7), 7) && !is_answer(&reply(7), 8));
        assert!(!is_answer(&question(7, "a.b.", RecordType::Aaaa).unwrap(), 7));
    }

    #[test]
    fn of_a_cut_answer_the_header_is_read() {
        let mut cut = reply(7);
        cut.truncate(cut.len() - 3);
        assert_eq!(answer(&cut), None);
        cut[2] |= 2;
        assert_eq!(answer(&cut).map(|read| read.truncated), Some(true));
        assert_eq!(answer(&cut[..11]), None);
    }

    #[test]
    fn names_that_cannot_be_spelled_are_no_question() {
        assert_eq!(question(1, &"a".repeat(64), RecordType::A), None);
        assert_eq!(question(1, &"a.".repeat(200), RecordType::A), None);
    }

    proptest! {
        #[test]
        fn garbage_does_no_harm(
            mut bytes in proptest::collection::vec(any::<u8>(), 0..80),
            start in 0_usize..60,
        ) {
            let _ = answer(&bytes);
            let mut message = reply(7);
            let room = message.len().min(start + bytes.len());
            bytes.truncate(room.saturating_sub(start));
            if start < room {
                message[start..room].copy_from_slice(&bytes);
            }
            let _ = answer(&message);
        }
    }
}

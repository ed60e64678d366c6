//! Counters in `/proc/net`: what interfaces and protocols of a network namespace have counted.

use std::collections::BTreeMap;

use crate::{facts::LinkName, probe::LinkCounters};

/// `/proc/net/dev`: packets and failures of each interface. Lines that are not understood, such as
/// the two headings, are left out.
pub fn links(text: &str) -> BTreeMap<LinkName, LinkCounters> {
    text.lines().filter_map(link).collect()
}

/// Name, then for either direction bytes, packets, errors, drops and four more.
fn link(line: &str) -> Option<(LinkName, LinkCounters)> {
    let (name, numbers) = line.rsplit_once(':')?;
    let numbers: Vec<u64> =
        numbers.split_whitespace().map_while(|word| word.parse().ok()).collect();
    let [
        _,
        received,
        receive_errors,
        receive_drops,
        _,
        _,
        _,
        _,
        _,
        sent,
        send_errors,
        send_drops,
        ..,
    ] = numbers[..]
    else {
        return None;
    };
    let counters = LinkCounters {
        received,
        sent,
        receive_failures: receive_errors.saturating_add(receive_drops),
        send_failures: send_errors.saturating_add(send_drops),
    };
    Some((LinkName::from(name.trim()), counters))
}

/// `/proc/net/snmp` and `/proc/net/netstat`: pairs of lines, names and numbers, each behind the
/// protocol's name. The counter of `TcpExt:` that is called `IPReversePathFilter` becomes
/// `TcpExt.IPReversePathFilter`. What is no count, such as `Tcp.MaxConn` with -1, is left out.
pub fn protocols(text: &str) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    let mut lines = text.lines();
    while let (Some(names), Some(numbers)) = (lines.next(), lines.next()) {
        let (Some((protocol, names)), Some((same, numbers))) =
            (names.split_once(':'), numbers.split_once(':'))
        else {
            continue;
        };
        if protocol == same {
            let pairs = names.split_whitespace().zip(numbers.split_whitespace());
            found.extend(pairs.filter_map(|(name, number)| {
                Some((format!("{protocol}.{name}"), number.parse().ok()?))
            }));
        }
    }
    found
}

/// `/proc/net/snmp6`: a name and a number on each line.
pub fn protocols_v6(text: &str) -> BTreeMap<String, u64> {
    let pairs = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        Some((words.next()?.to_owned(), words.next()?.parse().ok()?))
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interfaces_are_read_with_or_without_a_blank_after_the_colon() {
        let text = "\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 7108100   18345    0    0    0     0          0         0  7108100   18345    0    0    0     0       0          0
eth0.7:5 4 3 2 0 0 0 0 9 8 7 6 0 0 0 0
";
        let found = links(text);
        assert_eq!(found.len(), 2);
        let expected =
            LinkCounters { received: 4, sent: 8, receive_failures: 5, send_failures: 13 };
        assert_eq!(found[&LinkName::from("eth0.7")], expected);
    }

    #[test]
    fn protocols_are_pairs_of_lines() {
        let text = "\
Tcp: RtoMax MaxConn RetransSegs
Tcp: 120000 -1 42
TcpExt: SyncookiesSent IPReversePathFilter
TcpExt: 0 7
";
        let found = protocols(text);
        assert_eq!(found["Tcp.RetransSegs"], 42);
        assert_eq!(found["TcpExt.IPReversePathFilter"], 7);
        assert!(!found.contains_key("Tcp.MaxConn"));
        assert_eq!(protocols_v6("Ip6InReceives   \t5\nbroken\n")["Ip6InReceives"], 5);
    }

    #[test]
    fn garbage_counts_nothing() {
        for text in ["", ":", "a:", "a: b\nc: 1\n", "\0", "eth0: 1 2 3"] {
            assert!(links(text).is_empty() && protocols(text).is_empty(), "{text:?}");
        }
    }
}

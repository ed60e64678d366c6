//! `resolv.conf`: the DNS servers that a host asks.

use std::net::IpAddr;

/// The servers of `nameserver` lines, in order, each once.
///
/// All of them, although libc's resolver asks three at most: systemd-resolved, whose list has the
/// same form, asks more. The interface of a link-local server (`fe80::1%eth0`) is left out.
pub fn nameservers(text: &str) -> Vec<IpAddr> {
    let mut found = Vec::new();
    for address in text.lines().filter_map(nameserver) {
        if !found.contains(&address) {
            found.push(address);
        }
    }
    found
}

/// The domains of the last `search` or `domain` line, in order: what is appended to names with few dots.
pub fn search_domains(text: &str) -> Vec<String> {
    let domains = |line: &str| {
        let rest = ["search", "domain"].into_iter().find_map(|word| line.strip_prefix(word))?;
        let words = rest.strip_prefix([' ', '\t'])?.split_whitespace();
        let words = words.map(|domain| domain.trim_end_matches('.').to_owned());
        Some(words.filter(|domain| !domain.is_empty()).collect())
    };
    text.lines().rev().find_map(domains).unwrap_or_default()
}

fn nameserver(line: &str) -> Option<IpAddr> {
    // The keyword begins the line and white space follows, or libc takes no notice.
    let rest = line.strip_prefix("nameserver")?;
    let value = rest.strip_prefix([' ', '\t'])?.trim_start();
    let value = value.split(|c: char| c.is_whitespace() || c == '#' || c == ';').next()?;
    let address = value.split_once('%').map_or(value, |(address, _interface)| address);
    address.parse().ok()
}

/// Whether the servers are all of this host's own: a local stub (systemd-resolved at 127.0.0.53,
/// dnsmasq, unbound) that asks others which the file does not name.
pub fn is_local_stub(servers: &[IpAddr]) -> bool {
    !servers.is_empty() && servers.iter().all(IpAddr::is_loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> Vec<String> {
        nameservers(text).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn systemd_resolved_s_stub_is_a_stub() {
        let text = "\
# This is /run/systemd/resolve/stub-resolv.conf managed by man:systemd-resolved(8).
# Do not edit.
nameserver 127.0.0.53
options edns0 trust-ad
search lan
";
        let servers = nameservers(text);
        assert_eq!(written(text), ["127.0.0.53"]);
        assert!(is_local_stub(&servers));
    }

    #[test]
    fn servers_keep_their_order_and_come_once() {
        let text = "\
domain example.org
nameserver\t10.0.0.1
nameserver   2001:db8::53   # the router
nameserver 10.0.0.1
nameserver fe80::1%eth0
nameserver 8.8.8.8;
";
        assert_eq!(written(text), ["10.0.0.1", "2001:db8::53", "fe80::1", "8.8.8.8"]);
        assert!(!is_local_stub(&nameservers(text)));
    }

    #[test]
    fn the_last_list_of_search_domains_counts() {
        let text = "search a.example\nnameserver 10.0.0.1\nsearch  b.example\tlan. .\n";
        assert_eq!(search_domains(text), ["b.example", "lan"]);
        assert_eq!(search_domains("domain example.org\n"), ["example.org"]);
        assert_eq!(search_domains("searching a.example\n search b\n"), [""; 0]);
    }

    #[test]
    fn lines_that_libc_ignores_name_nothing() {
        let text = "\
#nameserver 10.0.0.1
; nameserver 10.0.0.2
 nameserver 10.0.0.3
nameservers 10.0.0.4
nameserver
nameserver10.0.0.5
nameserver router.lan
";
        assert_eq!(written(text), [""; 0]);
        assert!(!is_local_stub(&[]));
    }

    #[test]
    fn a_stub_beside_a_real_server_is_no_stub() {
        assert!(!is_local_stub(&nameservers("nameserver 127.0.0.1\nnameserver 10.0.0.1\n")));
        assert!(is_local_stub(&nameservers("nameserver ::1\r\nnameserver 127.0.0.1\r\n")));
    }
}

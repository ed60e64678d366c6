//! Prefixes as ranges of addresses: quick to sort, and to compare.

use std::net::IpAddr;

use ipnet::IpNet;

/// The addresses of a prefix. In order, each is preceded by those that contain it: by family, first
/// address and length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    is_v6: bool,
    /// Aligned to the left of 128 bits.
    first: u128,
    length: u8,
}

impl Span {
    /// Host bits are ignored.
    pub(crate) fn of(prefix: IpNet) -> Self {
        let whole = Self { length: prefix.prefix_len(), ..Self::of_address(prefix.addr()) };
        Self { first: whole.first & !whole.host_bits(), ..whole }
    }

    /// One address.
    pub(crate) fn of_address(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => {
                Self { is_v6: false, first: u128::from(v4.to_bits()) << 96, length: 32 }
            }
            IpAddr::V6(v6) => Self { is_v6: true, first: v6.to_bits(), length: 128 },
        }
    }

    fn host_bits(self) -> u128 {
        u128::MAX.checked_shr(u32::from(self.length)).unwrap_or(0)
    }

    /// Whether the other one lies in this one, or equals it.
    pub(crate) fn contains(self, other: Self) -> bool {
        self.is_v6 == other.is_v6
            && self.length <= other.length
            && other.first & !self.host_bits() == self.first
    }
}

#[cfg(test)]
mod tests {
    use ipnet::IpNet;

    use super::Span;

    fn span(text: &str) -> Span {
        Span::of(text.parse::<IpNet>().unwrap())
    }

    #[test]
    fn spans_contain_what_prefixes_contain() {
        for (outer, inner) in [
            ("0.0.0.0/0", "255.255.255.255/32"),
            ("10.0.0.0/8", "10.255.255.0/24"),
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("::/0", "ffff::/128"),
            ("fd00::/127", "fd00::1/128"),
        ] {
            assert!(span(outer).contains(span(inner)), "{outer} {inner}");
        }
        for (outer, inner) in [
            ("10.0.0.0/8", "11.0.0.0/8"),
            ("10.0.0.0/24", "10.0.0.0/8"),
            ("0.0.0.0/0", "::/0"),
            ("::/0", "0.0.0.0/0"),
            ("fd00::/128", "fd00::1/128"),
        ] {
            assert!(!span(outer).contains(span(inner)), "{outer} {inner}");
        }
    }

    #[test]
    fn host_bits_do_not_count_and_containers_come_first() {
        assert_eq!(span("10.20.30.40/8"), span("10.0.0.0/8"));
        assert_eq!(Span::of_address("10.0.0.1".parse().unwrap()), span("10.0.0.1/32"));
        let mut spans = [span("::/0"), span("10.0.0.0/24"), span("10.0.0.0/8"), span("0.0.0.0/0")];
        spans.sort();
        assert_eq!(
            spans,
            [span("0.0.0.0/0"), span("10.0.0.0/8"), span("10.0.0.0/24"), span("::/0")]
        );
    }
}

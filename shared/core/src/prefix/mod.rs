//! CIDR arithmetic: what `ipnet` leaves open.

mod index;
mod overlap;
mod pool;
mod space;
mod span;

use ipnet::IpNet;

pub use index::PrefixIndex;
pub use overlap::{for_each_overlap, overlap};
pub use pool::{Pool, PoolError, suggest_pools};
pub use space::{CARRIER_GRADE_NAT, is_globally_routable};
pub(crate) use span::Span;

/// A prefix as somebody wrote it, and as every program that reads it will take it.
///
/// `10.20.0.0/8` is accepted by Cilium, by Kubernetes and by the kernel's tools, and means
/// `10.0.0.0/8`: the host bits vanish silently. Here they are remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenPrefix {
    text: String,
    prefix: IpNet,
    address: std::net::IpAddr,
}

/// Why a text is not a prefix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a CIDR: {reason}")]
pub struct PrefixError {
    /// What was given.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl GivenPrefix {
    /// The prefix with host bits cleared.
    pub fn prefix(&self) -> IpNet {
        self.prefix
    }

    /// Whether the address part had bits set beyond the prefix length.
    pub fn has_host_bits(&self) -> bool {
        self.address != self.prefix.addr()
    }

    /// The text as given.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl std::str::FromStr for GivenPrefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = |reason| PrefixError { text: text.to_owned(), reason };
        let trimmed = text.trim();
        let Some((address, length)) = trimmed.split_once('/') else {
            return Err(error(if trimmed.parse::<std::net::IpAddr>().is_ok() {
                "the prefix length is missing, as in `/16`"
            } else {
                "expected ADDRESS/LENGTH"
            }));
        };
        let address: std::net::IpAddr =
            address.parse().map_err(|_| error("the part before `/` is not an IP address"))?;
        // `u8::from_str` takes "+8"; the programs that read CIDRs do not.
        let length = Some(length)
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|digits| digits.parse().ok())
            .ok_or_else(|| error("the part after `/` is not a number of bits"))?;
        let net = IpNet::new(address, length)
            .map_err(|_| error("the prefix length is larger than the address has bits"))?;
        Ok(Self { text: trimmed.to_owned(), prefix: net.trunc(), address })
    }
}

impl std::fmt::Display for GivenPrefix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.has_host_bits() {
            write!(f, "{} (that is {})", self.text, self.prefix)
        } else {
            write!(f, "{}", self.prefix)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::GivenPrefix;

    fn parse(text: &str) -> Result<GivenPrefix, String> {
        text.parse::<GivenPrefix>().map_err(|error| error.to_string())
    }

    #[test]
    fn host_bits_are_reported_and_cleared() {
        let given = parse("10.20.0.0/8").unwrap();
        assert!(given.has_host_bits());
        assert_eq!(given.prefix().to_string(), "10.0.0.0/8");
        assert_eq!(given.to_string(), "10.20.0.0/8 (that is 10.0.0.0/8)");
        let six = parse("fd00::1/64").unwrap();
        assert!(six.has_host_bits());
        assert_eq!(six.prefix().to_string(), "fd00::/64");
    }

    #[test]
    fn canonical_prefixes_pass_as_they_are() {
        for text in ["10.244.0.0/16", "0.0.0.0/0", "192.0.2.1/32", "fd00:10:244::/56", "::/0"] {
            let given = parse(text).unwrap();
            assert!(!given.has_host_bits(), "{text}");
            assert_eq!(given.to_string(), text);
        }
    }

    #[test]
    fn garbage_says_what_is_wrong() {
        for (text, reason) in [
            ("", "expected ADDRESS/LENGTH"),
            ("garbage", "expected ADDRESS/LENGTH"),
            ("10.0.0.1", "prefix length is missing"),
            ("10.0.0/8", "not an IP address"),
            ("10.0.0.0/", "not a number"),
            ("10.0.0.0/+8", "not a number"),
            ("10.0.0.0/33", "larger than the address has bits"),
            ("fd00::/129", "larger than the address has bits"),
            ("10.0.0.0/8/8", "not a number"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}

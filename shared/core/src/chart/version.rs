//! Versions of the chart.

use std::{cmp::Ordering, fmt, str::FromStr};

use semver::{BuildMetadata, Prerelease, Version};

/// A version of the chart, as given with `--version`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChartVersion(Version);

/// Why a text is no version of the chart.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a version of the Cilium chart, such as 1.14.2 or v1.16")]
pub struct VersionError;

impl ChartVersion {
    /// The version with these numbers.
    pub const fn new(major: u64, minor: u64, patch: u64) -> Self {
        Self(Version::new(major, minor, patch))
    }

    /// The first number.
    pub fn major(&self) -> u64 {
        self.0.major
    }

    /// The second number.
    pub fn minor(&self) -> u64 {
        self.0.minor
    }

    /// Whether it lies at or after a version, not counting what follows the third number: charts of
    /// 1.16.0-rc.1 have what 1.16.0 has.
    pub fn is_at_least(&self, (major, minor, patch): (u64, u64, u64)) -> bool {
        (self.0.major, self.0.minor, self.0.patch) >= (major, minor, patch)
    }

    /// The version as that of Cilium itself: charts carry the same number.
    pub fn of_cilium(&self) -> &Version {
        &self.0
    }

    fn numbers(&self) -> (u64, u64, u64) {
        (self.0.major, self.0.minor, self.0.patch)
    }

    /// Which of the known versions, given in rising order, has the chart most like this one: of the
    /// same minor version the latest not after it, else the first of it; else the nearest.
    pub fn nearest<'a>(&self, known: &'a [Self]) -> Option<(usize, &'a Self, Nearness)> {
        let same = |other: &&Self| (other.major(), other.minor()) == (self.major(), self.minor());
        let within =
            known.iter().rev().filter(same).find(|other| other.numbers() <= self.numbers());
        let within = within.or_else(|| known.iter().find(same));
        let found = within.or_else(|| {
            let before = known.iter().rev().find(|other| *other < self);
            before.or(known.first())
        })?;
        let nearness = match (same(&found), self.cmp(found)) {
            (true, _) => Nearness::SameMinor,
            (false, Ordering::Less) => Nearness::Older,
            (false, _) => Nearness::Newer,
        };
        let index = known.iter().position(|other| other == found)?;
        Some((index, found, nearness))
    }
}

/// How a version lies to the known one that stands in for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nearness {
    /// It is of the same minor version: their keys hardly differ.
    SameMinor,
    /// It is older than all known ones.
    Older,
    /// It is newer, or of a minor version of which none is known.
    Newer,
}

impl From<Version> for ChartVersion {
    /// Charts carry the number of Cilium itself.
    fn from(version: Version) -> Self {
        Self(version)
    }
}

impl FromStr for ChartVersion {
    type Err = VersionError;

    /// With or without `v`, and with two numbers or three. Leading zeros are dropped, as
    /// `cilium install --version` drops them.
    fn from_str(text: &str) -> Result<Self, VersionError> {
        let text = text.trim();
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let (text, build) = text.split_once('+').unwrap_or((text, ""));
        let (text, pre) = text.split_once('-').unwrap_or((text, ""));
        let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let number =
            |part: &str| is_digits(part).then(|| part.parse().ok()).flatten().ok_or(VersionError);
        let mut parts = text.split('.');
        let mut next = || parts.next().map(number).transpose();
        let (major, minor, patch) = (next()?, next()?, next()?);
        let (Some(major), Some(minor), None) = (major, minor, parts.next()) else {
            return Err(VersionError);
        };
        Ok(Self(Version {
            major,
            minor,
            patch: patch.unwrap_or(0),
            pre: Prerelease::new(pre).map_err(|_| VersionError)?,
            build: BuildMetadata::new(build).map_err(|_| VersionError)?,
        }))
    }
}

impl fmt::Display for ChartVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> ChartVersion {
        text.parse().unwrap()
    }

    #[test]
    fn notations() {
        for (text, shown) in [
            ("1.14.2", "1.14.2"),
            ("v1.14.2", "1.14.2"),
            ("1.14", "1.14.0"),
            ("v1.016.01", "1.16.1"),
            ("1.16.0-rc.1", "1.16.0-rc.1"),
            (" 1.15.7 ", "1.15.7"),
        ] {
            assert_eq!(version(text).to_string(), shown);
        }
        for text in ["", "1", "latest", "1.x", "1.14.2.3", "-ci:abc", "1..2", "1.-2", "+1.2", "v"] {
            assert_eq!(text.parse::<ChartVersion>(), Err(VersionError), "{text}");
        }
    }

    #[test]
    fn the_nearest_known() {
        let known = ["1.12.19", "1.14.2", "1.14.19", "1.20.0"].map(version);
        let nearest = |text: &str| {
            let (_, found, nearness) = version(text).nearest(&known).unwrap();
            (found.to_string(), nearness)
        };
        assert_eq!(nearest("1.14.2"), ("1.14.2".to_owned(), Nearness::SameMinor));
        assert_eq!(nearest("1.14.18"), ("1.14.2".to_owned(), Nearness::SameMinor));
        assert_eq!(nearest("1.14.30"), ("1.14.19".to_owned(), Nearness::SameMinor));
        assert_eq!(nearest("1.14.0"), ("1.14.2".to_owned(), Nearness::SameMinor));
        assert_eq!(nearest("1.20.0-rc.1"), ("1.20.0".to_owned(), Nearness::SameMinor));
        assert_eq!(nearest("1.9.1"), ("1.12.19".to_owned(), Nearness::Older));
        assert_eq!(nearest("1.13.3"), ("1.12.19".to_owned(), Nearness::Newer));
        assert_eq!(nearest("2.0"), ("1.20.0".to_owned(), Nearness::Newer));
    }
}

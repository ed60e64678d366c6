//! A fact, or why there is none.

use serde::{Deserialize, Serialize};

/// Something known, or the reason why it is not. *Unknown* never passes for *fine*.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Fact<T> {
    /// It was read.
    Known(T),
    /// It was not, and this is why.
    Unavailable(Unavailable),
}

/// Why a fact is not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unavailable {
    /// Source that was asked: a file, a netlink dump, an API resource.
    pub what: String,
    /// What it answered, or what would be needed.
    pub why: String,
    /// Class of the reason.
    #[serde(default)]
    pub kind: UnavailableKind,
}

impl std::fmt::Display for Unavailable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.what.is_empty() {
            write!(f, "{}: ", self.what)?;
        }
        f.write_str(&self.why)
    }
}

/// Class of reasons for a missing fact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnavailableKind {
    /// Nobody asked for it in this run.
    #[default]
    NotCollected,
    /// The source does not exist here.
    Absent,
    /// The source exists, and may not be read.
    Forbidden,
    /// The source answered with an error, or with something that could not be understood.
    #[serde(other)]
    Failed,
}

impl Unavailable {
    /// Whether the source does not exist.
    pub fn is_absent(&self) -> bool {
        self.kind == UnavailableKind::Absent
    }

    /// A source that was not asked.
    pub fn not_collected(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            why: "not read in this run".into(),
            kind: UnavailableKind::NotCollected,
        }
    }

    /// A source that is not there.
    pub fn absent(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { what: what.into(), why: why.into(), kind: UnavailableKind::Absent }
    }

    /// A source that failed.
    pub fn failed(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { what: what.into(), why: why.into(), kind: UnavailableKind::Failed }
    }

    /// A source that may not be read.
    pub fn forbidden(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { what: what.into(), why: why.into(), kind: UnavailableKind::Forbidden }
    }
}

impl<T> Default for Fact<T> {
    fn default() -> Self {
        Self::Unavailable(Unavailable::not_collected(""))
    }
}

impl<T> From<Result<T, Unavailable>> for Fact<T> {
    fn from(result: Result<T, Unavailable>) -> Self {
        match result {
            Ok(value) => Self::Known(value),
            Err(why) => Self::Unavailable(why),
        }
    }
}

impl<T> Fact<T> {
    /// The value, or why there is none.
    pub fn get(&self) -> Result<&T, &Unavailable> {
        match self {
            Self::Known(value) => Ok(value),
            Self::Unavailable(why) => Err(why),
        }
    }

    /// The value, if it is known.
    pub fn known(&self) -> Option<&T> {
        self.get().ok()
    }

    /// Whether nobody asked: such facts are left out of snapshots.
    pub fn is_not_collected(&self) -> bool {
        matches!(self, Self::Unavailable(why) if why.kind == UnavailableKind::NotCollected)
    }
}

impl<T> Fact<Vec<T>> {
    /// The items that are known; none where the fact is missing. Only for additions to what is
    /// known otherwise: whether the fact is missing must be asked separately.
    pub fn items(&self) -> &[T] {
        self.known().map_or(&[], Vec::as_slice)
    }
}

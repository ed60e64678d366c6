//! Where a value comes from.

use std::{fmt, sync::Arc};

/// A place in a file, both from 1; the column counts characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// The flags that set single values, in the order in which Helm applies them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SetFlag {
    /// `--set-json`
    SetJson,
    /// `--set`
    Set,
    /// `--set-string`
    SetString,
    /// `--set-file`
    SetFile,
    /// `--set-literal`
    SetLiteral,
    /// `--nodes-without-cilium`, which stands for some of `--set-string`
    NodesWithoutCilium,
}

impl SetFlag {
    /// All of them, in Helm's order: a later one wins whatever the order on the command line.
    pub const ALL: [Self; 6] = [
        Self::SetJson,
        Self::Set,
        Self::SetString,
        Self::SetFile,
        Self::SetLiteral,
        Self::NodesWithoutCilium,
    ];
}

impl fmt::Display for SetFlag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SetJson => "--set-json",
            Self::Set => "--set",
            Self::SetString => "--set-string",
            Self::SetFile => "--set-file",
            Self::SetLiteral => "--set-literal",
            Self::NodesWithoutCilium => "--nodes-without-cilium",
        })
    }
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A values file.
    File {
        /// Its name as given, or `standard input`.
        name: Arc<str>,
        /// Where the value begins in it.
        position: Position,
    },
    /// A flag on the command line.
    Flag {
        /// Which one.
        flag: SetFlag,
        /// Which of its kind, from 1.
        number: usize,
        /// Its argument.
        argument: Arc<str>,
    },
    /// Found out, not given.
    Detected {
        /// Where it was found, such as `ConfigMap kube-system/kubeadm-config`.
        source: Arc<str>,
        /// Why it is the right value: one sentence without a full stop.
        reason: Arc<str>,
    },
    /// The chart's own values.
    ChartDefault,
}

impl Origin {
    /// The place in a file.
    pub fn position(&self) -> Option<Position> {
        match self {
            Self::File { position, .. } => Some(*position),
            Self::Flag { .. } | Self::Detected { .. } | Self::ChartDefault => None,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { name, position } => write!(f, "{name}:{position}"),
            Self::Flag { flag, number: 1, .. } => flag.fmt(f),
            Self::Flag { flag, number, .. } => write!(f, "{flag} (number {number})"),
            Self::Detected { source, .. } => f.write_str(source),
            Self::ChartDefault => f.write_str("chart default"),
        }
    }
}

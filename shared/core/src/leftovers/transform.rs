//! IPsec (XFRM): how packets are encrypted, and which.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::facts::FwMark;

/// A state or a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Transform {
    /// How packets are transformed between two hosts. Its keys are never read.
    State(TransformState),
    /// Which packets are.
    Policy(TransformPolicy),
}

/// `ip xfrm state`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TransformState {
    /// The host that sends.
    pub source: IpAddr,
    /// The host that receives.
    pub destination: IpAddr,
    /// Protocol number: 50 is ESP.
    pub protocol: u8,
    /// Security parameter index.
    pub spi: u32,
    /// 1 is tunnel mode.
    pub mode: u8,
    /// What policies refer to it by.
    pub request_id: u32,
    /// Packets that it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<FwMark>,
}

/// `ip xfrm policy`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TransformPolicy {
    /// The kernel's number of it.
    pub index: u32,
    /// Which packets it is asked about.
    pub direction: TransformDirection,
    /// Where they come from.
    pub source: IpNet,
    /// Where they go.
    pub destination: IpNet,
    /// The lowest is asked first.
    pub priority: u32,
    /// Drops them.
    pub blocks: bool,
    /// Their mark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<FwMark>,
    /// Interface that it is bound to (`XFRMA_IF_ID`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface_id: Option<u32>,
    /// What states transform them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub templates: Vec<TransformTemplate>,
}

/// Which states a policy wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TransformTemplate {
    /// The host that receives.
    pub destination: IpAddr,
    /// Their request id; 0 for any.
    pub request_id: u32,
}

/// Which packets a policy is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TransformDirection {
    /// Those for this host.
    In,
    /// Those of this host.
    Out,
    /// Those that go through.
    Forward,
}

impl std::fmt::Display for TransformDirection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::In => "in",
            Self::Out => "out",
            Self::Forward => "fwd",
        })
    }
}

impl std::fmt::Display for Transform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::State(state) => {
                let TransformState { source, destination, spi, .. } = state;
                write!(f, "IPsec state {source} to {destination} SPI {spi}")
            }
            Self::Policy(policy) => {
                let TransformPolicy { direction, source, destination, priority, .. } = policy;
                write!(f, "IPsec policy {direction} {source} to {destination} priority {priority}")
            }
        }
    }
}

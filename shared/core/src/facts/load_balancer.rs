//! Who answers Services, and how.

use serde::{Deserialize, Serialize};

/// `kube-proxy-replacement`. Its spelling changed: see
/// [`chart::kube_proxy_replacement`](crate::chart::kube_proxy_replacement).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub enum ProxyReplacement {
    /// `true`, or `strict`.
    Full,
    /// `false`, or `disabled`.
    #[default]
    Off,
    /// `partial`: what the other options say; until 1.15.
    Partial,
    /// `probe`: as much as the kernel allows; 1.12.
    Probe,
    /// A value that Cilium does not know.
    Unknown(String),
}

impl From<String> for ProxyReplacement {
    fn from(text: String) -> Self {
        match text.as_str() {
            "true" | "strict" => Self::Full,
            "false" | "disabled" | "" => Self::Off,
            "partial" => Self::Partial,
            "probe" => Self::Probe,
            _ => Self::Unknown(text),
        }
    }
}

impl From<ProxyReplacement> for String {
    fn from(replacement: ProxyReplacement) -> Self {
        match replacement {
            ProxyReplacement::Full => "true".into(),
            ProxyReplacement::Off => "false".into(),
            ProxyReplacement::Partial => "partial".into(),
            ProxyReplacement::Probe => "probe".into(),
            ProxyReplacement::Unknown(text) => text,
        }
    }
}

/// How Services are answered where Cilium does it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LoadBalancer {
    /// `bpf-lb-mode`.
    pub mode: LoadBalancerMode,
    /// `bpf-lb-dsr-dispatch`, as written; `opt` where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dsr_dispatch: Option<String>,
    /// `bpf-lb-sock-hostns-only`: whether connections are turned to their endpoints at the socket
    /// only where they are of the host; those of pods then at the pod's device.
    pub socket_of_host_only: bool,
    /// `node-port-range`, as written: both ends, with a comma between; none for 30000 to 32767.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_port_range: Option<String>,
    /// That `enable-auto-protect-node-port-range` is off, with which agents keep other programs from
    /// these ports.
    pub leaves_node_ports_open: bool,
}

/// `bpf-lb-mode`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LoadBalancerMode {
    /// Answers go back the way the request came.
    #[default]
    Snat,
    /// Answers go back directly.
    Dsr,
    /// Directly for TCP only.
    Hybrid,
    /// A value that Cilium does not know.
    Unknown(String),
}

//! `cilium-dbg status -o json`, called `cilium status` before 1.15.
//!
//! The output is the agent's `StatusResponse`, which gains fields with each version, and leaves out
//! what is empty. Go writes lists that hold nothing as `null`.

use std::net::IpAddr;

use serde::{Deserialize, Deserializer};

use super::DecodeError;
use crate::facts::{
    AgentDevice, AgentStatus, ComponentStatus, FailingController, KubeProxyReplacement,
    Masquerading, ProxyStatus,
};

/// Decodes the status.
pub fn decode(json: &str) -> Result<AgentStatus, DecodeError> {
    let raw: Raw = serde_json::from_str(json)?;
    // Everything may be missing, but not all at once: `{}` is somebody else's JSON.
    if raw.cilium.is_none() {
        return Err(DecodeError::new("`cilium` is missing: not an agent's status"));
    }
    Ok(raw.into_status())
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Raw {
    cilium: Option<RawComponent>,
    kubernetes: Option<RawComponent>,
    cni_file: Option<RawComponent>,
    cluster: Option<RawCluster>,
    ipam: Option<RawIpam>,
    masquerading: Option<RawMasquerading>,
    routing: Option<RawRouting>,
    /// Until 1.14; later a part of `routing`.
    host_routing: Option<RawHostRouting>,
    kube_proxy_replacement: Option<RawKubeProxyReplacement>,
    proxy: Option<RawProxy>,
    controllers: Option<Vec<RawController>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawComponent {
    state: String,
    msg: String,
}

#[derive(Deserialize)]
struct RawCluster {
    #[serde(rename = "ciliumHealth")]
    health: Option<RawComponent>,
}

#[derive(Deserialize)]
struct RawIpam {
    status: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct RawMasquerading {
    #[serde(default)]
    enabled: bool,
    mode: Option<String>,
    snat_exclusion_cidr_v4: Option<String>,
    snat_exclusion_cidr_v6: Option<String>,
    #[serde(default)]
    ip_masq_agent: bool,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct RawRouting {
    inter_host_routing_mode: Option<String>,
    intra_host_routing_mode: Option<String>,
    tunnel_protocol: Option<String>,
}

#[derive(Deserialize)]
struct RawHostRouting {
    mode: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawKubeProxyReplacement {
    #[serde(default)]
    mode: String,
    device_list: Option<Vec<RawDevice>>,
    direct_routing_device: Option<String>,
}

#[derive(Deserialize)]
struct RawDevice {
    #[serde(default)]
    name: String,
    #[serde(default, rename = "ip", deserialize_with = "addresses")]
    addresses: Vec<IpAddr>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct RawProxy {
    ip: Option<String>,
    envoy_deployment_mode: Option<String>,
    #[serde(default)]
    total_redirects: u64,
}

#[derive(Deserialize)]
struct RawController {
    #[serde(default)]
    name: String,
    status: Option<RawControllerStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct RawControllerStatus {
    #[serde(default)]
    consecutive_failure_count: u64,
    #[serde(default)]
    last_failure_msg: String,
}

/// Those of a list that are addresses; a list that is `null` has none.
fn addresses<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpAddr>, D::Error> {
    let texts: Option<Vec<String>> = Deserialize::deserialize(deserializer)?;
    Ok(texts.into_iter().flatten().filter_map(|text| text.parse().ok()).collect())
}

impl Raw {
    fn into_status(self) -> AgentStatus {
        let routing = self.routing.unwrap_or_default();
        let controllers = self.controllers.unwrap_or_default();
        AgentStatus {
            agent: self.cilium.map(Into::into),
            kubernetes: self.kubernetes.map(Into::into),
            cni_file: self.cni_file.map(Into::into),
            cluster_health: self.cluster.and_then(|cluster| cluster.health).map(Into::into),
            ipam: self.ipam.and_then(|ipam| said(ipam.status)),
            masquerading: self.masquerading.map(Into::into),
            routing_mode: said(routing.inter_host_routing_mode),
            host_routing: said(routing.intra_host_routing_mode)
                .or_else(|| self.host_routing.and_then(|routing| said(routing.mode))),
            tunnel_protocol: said(routing.tunnel_protocol),
            kube_proxy_replacement: self.kube_proxy_replacement.map(Into::into),
            proxy: self.proxy.map(Into::into),
            failing_controllers: controllers.into_iter().filter_map(failing).collect(),
        }
    }
}

/// A text that says something.
fn said(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

/// The controller, if its last attempt failed.
fn failing(controller: RawController) -> Option<FailingController> {
    let status = controller.status.filter(|status| status.consecutive_failure_count > 0)?;
    Some(FailingController {
        name: controller.name,
        failures: status.consecutive_failure_count,
        message: status.last_failure_msg,
    })
}

impl From<RawComponent> for ComponentStatus {
    fn from(raw: RawComponent) -> Self {
        Self { state: raw.state, message: raw.msg }
    }
}

impl From<RawMasquerading> for Masquerading {
    fn from(raw: RawMasquerading) -> Self {
        Self {
            enabled: raw.enabled,
            mode: said(raw.mode),
            exclusion_v4: said(raw.snat_exclusion_cidr_v4),
            exclusion_v6: said(raw.snat_exclusion_cidr_v6),
            ip_masq_agent: raw.ip_masq_agent,
        }
    }
}

impl From<RawKubeProxyReplacement> for KubeProxyReplacement {
    fn from(raw: RawKubeProxyReplacement) -> Self {
        let devices = raw.device_list.unwrap_or_default();
        Self {
            mode: raw.mode,
            devices: devices
                .into_iter()
                .map(|device| AgentDevice { name: device.name, addresses: device.addresses })
                .collect(),
            direct_routing_device: said(raw.direct_routing_device),
        }
    }
}

impl From<RawProxy> for ProxyStatus {
    fn from(raw: RawProxy) -> Self {
        Self {
            address: raw.ip.and_then(|ip| ip.parse().ok()),
            envoy_mode: said(raw.envoy_deployment_mode),
            redirects: raw.total_redirects,
        }
    }
}

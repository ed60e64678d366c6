//! ConfigMaps: Cilium's, kubeadm's, kube-proxy's and CoreDNS's.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{
    list::{FromApi, Object},
    metadata::{Metadata, nullable},
};
use crate::{
    decode::{DecodeError, agent_config},
    facts::{
        CiliumConfig, ClusterInfo, ConfigData, Corefile, KubeProxyConfig, Kubeadm, KubeletConfig,
        Workload,
    },
    redaction,
};

/// Reads YAML. The core has no reader of its own; callers bring theirs.
pub type Yaml = fn(&str) -> Result<Value, String>;

/// Names of ConfigMaps that facts are made of, beside those that hold a `Corefile`.
const NAMES: [&str; 5] =
    ["cilium-config", "cluster-info", "kube-proxy", "kubeadm-config", "kubelet-config"];

/// A ConfigMap that facts are made of. Not redacted: it is no fact itself.
#[derive(Clone, PartialEq, Eq)]
pub struct ConfigMap {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    data: BTreeMap<String, String>,
    changed_at: Option<String>,
}

impl FromApi for ConfigMap {
    const KIND: &'static str = "ConfigMap";

    fn from_api(object: &Object<'_>) -> Result<Option<Self>, DecodeError> {
        #[derive(Deserialize)]
        struct Raw {
            metadata: Metadata,
            #[serde(default, deserialize_with = "nullable")]
            data: BTreeMap<String, String>,
        }
        let Raw { metadata, data } = object.read()?;
        let is_of_interest =
            NAMES.contains(&metadata.name.as_str()) || data.contains_key("Corefile");
        Ok(is_of_interest.then(|| Self {
            changed_at: metadata.changed_at(),
            namespace: metadata.namespace,
            name: metadata.name,
            data,
        }))
    }
}

impl ConfigMap {
    /// Whether it is Cilium's configuration. Every chart calls it so, in any namespace.
    pub fn is_cilium_config(&self) -> bool {
        self.name == "cilium-config"
    }

    /// Cilium's configuration, normalised, with what the agents' DaemonSet adds to it.
    ///
    /// # Errors
    /// When a number or a boolean cannot be read; the error names the key.
    pub fn cilium_config(&self, agent: Option<&Workload>) -> Result<CiliumConfig, DecodeError> {
        agent_config::of_agents(self.data.clone(), &self.namespace, agent)
    }

    /// Cilium's configuration as it was written, redacted.
    pub fn config_data(&self) -> ConfigData {
        let mut data = self.data.clone();
        redaction::map(&mut data);
        ConfigData { namespace: self.namespace.clone(), data, changed_at: self.changed_at.clone() }
    }

    /// The `Corefile` that it holds, redacted.
    pub fn corefile(&self) -> Option<Corefile> {
        let text = self.data.get("Corefile")?;
        Some(Corefile {
            namespace: self.namespace.clone(),
            name: self.name.clone(),
            text: redaction::directives(text),
        })
    }

    /// Of `kube-system/kubeadm-config`.
    ///
    /// # Errors
    /// When `ClusterConfiguration` is missing or no mapping.
    pub fn kubeadm(&self, yaml: Yaml) -> Result<Kubeadm, DecodeError> {
        let document = self.document("ClusterConfiguration", yaml)?;
        let text = |path| scalar(&document, path);
        Ok(Kubeadm {
            pod_subnet: text("/networking/podSubnet"),
            service_subnet: text("/networking/serviceSubnet"),
            dns_domain: text("/networking/dnsDomain"),
            control_plane_endpoint: text("/controlPlaneEndpoint"),
            kubernetes_version: text("/kubernetesVersion"),
            cluster_name: text("/clusterName"),
            kube_proxy_disabled: text("/proxy/disabled") == "true",
        })
    }

    /// Of `kube-public/cluster-info`.
    ///
    /// # Errors
    /// When `kubeconfig` is missing or no mapping.
    pub fn cluster_info(&self, yaml: Yaml) -> Result<ClusterInfo, DecodeError> {
        let document = self.document("kubeconfig", yaml)?;
        Ok(ClusterInfo { server: scalar(&document, "/clusters/0/cluster/server") })
    }

    /// Of `kube-system/kube-proxy`.
    ///
    /// # Errors
    /// When `config.conf` is missing or no mapping.
    pub fn kube_proxy(&self, yaml: Yaml) -> Result<KubeProxyConfig, DecodeError> {
        let document = self.document("config.conf", yaml)?;
        Ok(KubeProxyConfig {
            mode: scalar(&document, "/mode"),
            cluster_cidr: scalar(&document, "/clusterCIDR"),
            detect_local_mode: scalar(&document, "/detectLocalMode"),
        })
    }

    /// Of `kube-system/kubelet-config`.
    ///
    /// # Errors
    /// When `kubelet` is missing or no mapping.
    pub fn kubelet(&self, yaml: Yaml) -> Result<KubeletConfig, DecodeError> {
        let document = self.document("kubelet", yaml)?;
        let servers = document.get("clusterDNS").and_then(Value::as_array);
        let servers = servers.into_iter().flatten().filter_map(Value::as_str);
        Ok(KubeletConfig {
            cluster_dns: servers.map(str::to_owned).collect(),
            cluster_domain: scalar(&document, "/clusterDomain"),
            resolv_conf: scalar(&document, "/resolvConf"),
        })
    }

    /// The YAML mapping under a key.
    fn document(&self, key: &str, yaml: Yaml) -> Result<Value, DecodeError> {
        let error = |why: &str| {
            let Self { namespace, name, .. } = self;
            DecodeError::new(format!("ConfigMap {namespace}/{name}: key `{key}`: {why}"))
        };
        let text = self.data.get(key).ok_or_else(|| error("is missing"))?;
        let document = yaml(text).map_err(|why| error(&why))?;
        if document.is_object() { Ok(document) } else { Err(error("is not a mapping")) }
    }
}

/// A scalar as text; empty where there is none.
fn scalar(document: &Value, path: &str) -> String {
    match document.pointer(path) {
        Some(Value::String(text)) => text.clone(),
        Some(value @ (Value::Bool(_) | Value::Number(_))) => value.to_string(),
        _ => String::new(),
    }
}

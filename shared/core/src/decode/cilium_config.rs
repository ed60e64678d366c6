//! The live configuration: keys of the ConfigMap `cilium-config`.
//!
//! Every value is a string, and an absent key means the default of that version, not "off".
//! `routing-mode` and `tunnel-protocol` exist since 1.14; before, `tunnel` said both.

use std::collections::BTreeMap;

use semver::Version;

use super::DecodeError;
use crate::facts::{
    ApiServer, CiliumConfig, Encryption, IpamMode, LoadBalancer, LoadBalancerMode,
    MasqueradeOptions, PolicyEnforcement, RoutingMode, TunnelProtocol,
};

/// Normalises the ConfigMap's data.
///
/// # Errors
/// When a number or a boolean cannot be read; the error names the key.
pub fn from_config_map(
    data: &BTreeMap<String, String>,
    namespace: &str,
    version: Option<Version>,
) -> Result<CiliumConfig, DecodeError> {
    let keys = Keys(data);
    Ok(CiliumConfig {
        origin: format!("ConfigMap {namespace}/cilium-config"),
        namespace: namespace.to_owned(),
        version,
        ipam: IpamMode::from(keys.text("ipam").unwrap_or("cluster-pool").to_owned()),
        pool_v4: keys.list("cluster-pool-ipv4-cidr"),
        pool_v6: keys.list("cluster-pool-ipv6-cidr"),
        node_mask_v4: keys
            .number("cluster-pool-ipv4-mask-size", CiliumConfig::DEFAULT_NODE_MASK_V4)?,
        node_mask_v6: keys
            .number("cluster-pool-ipv6-mask-size", CiliumConfig::DEFAULT_NODE_MASK_V6)?,
        routing: keys.routing(),
        tunnel_protocol: keys.owned("tunnel-protocol"),
        // 0 is the protocol's own, as agents read it.
        tunnel_port: Some(keys.number("tunnel-port", 0)?).filter(|port| *port != 0),
        auto_direct_node_routes: keys.switch("auto-direct-node-routes", false)?,
        skip_unreachable_nodes: keys.switch("direct-routing-skip-unreachable", false)?,
        masquerade_v4: keys.switch("enable-ipv4-masquerade", true)?,
        masquerade_v6: keys.switch("enable-ipv6-masquerade", true)?,
        masquerading: MasqueradeOptions {
            bpf: keys.switch("enable-bpf-masquerade", false)?,
            interfaces: keys.list("egress-masquerade-interfaces"),
            route_source: keys.switch("enable-masquerade-to-route-source", false)?,
            ip_masq_agent: keys.switch("enable-ip-masq-agent", false)?,
        },
        native_routing_cidr_v4: keys.owned("ipv4-native-routing-cidr"),
        native_routing_cidr_v6: keys.owned("ipv6-native-routing-cidr"),
        kube_proxy_replacement: keys.owned("kube-proxy-replacement").unwrap_or_default().into(),
        node_port: keys.switch("enable-node-port", false)?,
        load_balancer: LoadBalancer {
            mode: keys.load_balancer_mode(),
            dsr_dispatch: keys.owned("bpf-lb-dsr-dispatch"),
            socket_of_host_only: keys.switch("bpf-lb-sock-hostns-only", false)?,
            node_port_range: keys.owned("node-port-range"),
            leaves_node_ports_open: !keys.switch("enable-auto-protect-node-port-range", true)?,
        },
        devices: keys.list("devices"),
        // Mostly the ConfigMap does not say, but the environment of the agents.
        api_server: keys.api_server(),
        local_redirect_policy: keys.switch("enable-local-redirect-policy", false)?,
        host_legacy_routing: keys.switch("enable-host-legacy-routing", false)?,
        endpoint_routes: keys.switch("enable-endpoint-routes", false)?,
        local_router_v4: keys.owned("local-router-ipv4"),
        chaining_mode: keys.owned("cni-chaining-mode").filter(|mode| mode != "none"),
        cluster_name: keys.owned("cluster-name").unwrap_or_else(|| "default".into()),
        cluster_id: keys.number("cluster-id", 0)?,
        encryption: keys.encryption()?,
        host_firewall: keys.switch("enable-host-firewall", false)?,
        policy_enforcement: keys.policy_enforcement(),
        policy_audit: keys.switch("policy-audit-mode", false)?,
        iptables_rules: keys.switch("install-iptables-rules", true)?,
        no_conntrack_rules: keys.switch("install-no-conntrack-iptables-rules", false)?,
        l7_proxy: keys.switch("enable-l7-proxy", true)?,
        ingress_controller: keys.switch("enable-ingress-controller", false)?,
        gateway_api: keys.switch("enable-gateway-api", false)?,
        envoy_config: keys.switch("enable-envoy-config", false)?,
        bgp_control_plane: keys.switch("enable-bgp-control-plane", false)?,
        // Until 1.17 the key named the family.
        egress_gateway: keys.switch("enable-egress-gateway", false)?
            || keys.switch("enable-ipv4-egress-gateway", false)?,
        ipv4: keys.switch("enable-ipv4", true)?,
        ipv6: keys.switch("enable-ipv6", false)?,
    })
}

struct Keys<'a>(&'a BTreeMap<String, String>);

impl Keys<'_> {
    fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    fn owned(&self, key: &str) -> Option<String> {
        self.text(key).map(str::to_owned)
    }

    /// The chart joins lists with spaces; people who edit the map by hand use commas.
    fn list(&self, key: &str) -> Vec<String> {
        self.text(key)
            .unwrap_or_default()
            .split(|c: char| c == ',' || c.is_ascii_whitespace())
            .filter(|element| !element.is_empty())
            .map(str::to_owned)
            .collect()
    }

    fn number<T: std::str::FromStr>(&self, key: &str, default: T) -> Result<T, DecodeError> {
        self.text(key).map_or(Ok(default), |text| {
            text.parse().map_err(|_| {
                DecodeError::new(format!("key `{key}`: `{text}` is not a number in its range"))
            })
        })
    }

    /// Booleans as Go's `strconv.ParseBool` reads them.
    fn switch(&self, key: &str, default: bool) -> Result<bool, DecodeError> {
        match self.text(key) {
            None => Ok(default),
            Some("1" | "t" | "T" | "true" | "TRUE" | "True") => Ok(true),
            Some("0" | "f" | "F" | "false" | "FALSE" | "False") => Ok(false),
            Some(text) => {
                Err(DecodeError::new(format!("key `{key}`: `{text}` is neither true nor false")))
            }
        }
    }

    /// The first of `k8s-api-server-urls` (since 1.18); agents go on to the next when it is down.
    fn api_server(&self) -> Option<ApiServer> {
        let urls = self.list("k8s-api-server-urls");
        let url = urls.first()?;
        let usual = if url.starts_with("http://") { "80" } else { "443" };
        Some(ApiServer::of_url(url, usual))
    }

    fn routing(&self) -> RoutingMode {
        let tunnel = self.text("tunnel");
        let protocol = || match self.text("tunnel-protocol").or(tunnel) {
            None | Some("vxlan") => TunnelProtocol::Vxlan,
            Some("geneve") => TunnelProtocol::Geneve,
            Some(other) => TunnelProtocol::Unknown(other.to_owned()),
        };
        match (self.text("routing-mode"), tunnel) {
            (Some("native"), _) | (None, Some("disabled")) => RoutingMode::Native,
            (Some("tunnel") | None, _) => RoutingMode::Tunnel(protocol()),
            (Some(other), _) => RoutingMode::Unknown(other.to_owned()),
        }
    }

    fn load_balancer_mode(&self) -> LoadBalancerMode {
        match self.text("bpf-lb-mode").or(self.text("node-port-mode")) {
            None | Some("snat") => LoadBalancerMode::Snat,
            Some("dsr") => LoadBalancerMode::Dsr,
            Some("hybrid") => LoadBalancerMode::Hybrid,
            Some(other) => LoadBalancerMode::Unknown(other.to_owned()),
        }
    }

    fn encryption(&self) -> Result<Encryption, DecodeError> {
        Ok(if self.switch("enable-ipsec", false)? {
            Encryption::Ipsec
        } else if self.switch("enable-wireguard", false)? {
            Encryption::WireGuard
        } else {
            Encryption::None
        })
    }

    fn policy_enforcement(&self) -> PolicyEnforcement {
        match self.text("enable-policy") {
            None | Some("default") => PolicyEnforcement::Default,
            Some("always") => PolicyEnforcement::Always,
            Some("never") => PolicyEnforcement::Never,
            Some(other) => PolicyEnforcement::Unknown(other.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::from_config_map;
    use crate::facts::{CiliumConfig, IpamMode, RoutingMode, TunnelProtocol};

    fn config(pairs: &[(&str, &str)]) -> Result<CiliumConfig, String> {
        let data: BTreeMap<String, String> =
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        from_config_map(&data, "kube-system", None).map_err(|error| error.to_string())
    }

    #[test]
    fn old_and_new_spelling_of_the_routing_mode_agree() {
        let native = |pairs| config(pairs).unwrap().routing;
        assert_eq!(native(&[("routing-mode", "native")]), RoutingMode::Native);
        assert_eq!(native(&[("tunnel", "disabled")]), RoutingMode::Native);
        assert_eq!(native(&[("tunnel", "geneve")]), RoutingMode::Tunnel(TunnelProtocol::Geneve));
        assert_eq!(native(&[]), RoutingMode::Tunnel(TunnelProtocol::Vxlan));
        assert_eq!(native(&[("routing-mode", "direct")]), RoutingMode::Unknown("direct".into()));
    }

    #[test]
    fn pools_may_be_joined_by_spaces_or_commas() {
        let config = config(&[("cluster-pool-ipv4-cidr", "10.1.0.0/16  10.2.0.0/16,10.3.0.0/16")]);
        let config = config.unwrap();
        assert_eq!(config.pool_v4, ["10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"]);
        assert_eq!(config.ipam, IpamMode::ClusterPool);
        assert_eq!(config.node_mask_v4, 24);
    }

    #[test]
    fn the_first_url_says_where_the_api_server_is() {
        let server = |urls| {
            let server = config(&[("k8s-api-server-urls", urls)]).unwrap().api_server?;
            Some(format!("{} {}", server.host, server.port))
        };
        assert_eq!(server("https://10.24.0.2:6443 https://b").as_deref(), Some("10.24.0.2 6443"));
        assert_eq!(server("https://[fd00::2]:6443/").as_deref(), Some("fd00::2 6443"));
        assert_eq!(server("https://[fd00::2]").as_deref(), Some("fd00::2 443"));
        assert_eq!(server("https://me:secret@[fd00::2]").as_deref(), Some("fd00::2 443"));
        assert_eq!(server("http://api.example").as_deref(), Some("api.example 80"));
        assert_eq!(server(""), None);
    }

    #[test]
    fn unreadable_values_name_their_key() {
        let error = config(&[("enable-ipv4", "yes")]).unwrap_err();
        assert_eq!(error, "key `enable-ipv4`: `yes` is neither true nor false");
        let error = config(&[("cluster-pool-ipv4-mask-size", "big")]).unwrap_err();
        assert!(error.contains("cluster-pool-ipv4-mask-size"), "{error}");
    }
}

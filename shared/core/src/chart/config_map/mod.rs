//! The ConfigMap `cilium-config` that a chart makes of values.

mod compatibility;
mod ipam;
mod printed;
mod routing;

use std::collections::BTreeMap;

use printed::{Printed, scalar, unfit};
use serde_json::Value;

use super::{
    ChartValues, ChartVersion,
    span::{EVER, Numbers},
};
use crate::decode::DecodeError;

type Data = BTreeMap<String, String>;

/// How a template prints a value.
#[derive(Clone, Copy)]
enum Print {
    /// As it is. Where it is null, nothing or `""`, which an agent takes for its own default too.
    Text,
    /// The same where `if` takes it for true.
    TextIfTrue,
    /// In lower case.
    Lower,
    /// Elements, joined by spaces.
    List,
    /// `"true"` where `if` takes it for true.
    True,
    /// `"true"` where `if` takes it for true, else `"false"`.
    TrueOrFalse,
}

/// A key of the ConfigMap that is made of one value.
struct Row {
    key: &'static str,
    value: &'static str,
    print: Print,
    /// Charts whose templates print it so: from the first version up to, but not with, the second.
    /// That a chart does not have the value, the table of its keys says.
    charts: (Numbers, Numbers),
}

const ALL: (Numbers, Numbers) = ((0, 0, 0), EVER);

const fn row(key: &'static str, value: &'static str, print: Print) -> Row {
    Row { key, value, print, charts: ALL }
}

impl Row {
    const fn since(mut self, first: Numbers) -> Self {
        self.charts.0 = first;
        self
    }

    const fn before(mut self, end: Numbers) -> Self {
        self.charts.1 = end;
        self
    }
}

/// From `templates/cilium-configmap.yaml` of the charts; what takes more than one value stands in
/// the modules below.
const ROWS: &[Row] = &[
    row("auto-direct-node-routes", "autoDirectNodeRoutes", Print::Text),
    row("bpf-lb-dsr-dispatch", "loadBalancer.dsrDispatch", Print::Text),
    row("bpf-lb-mode", "loadBalancer.mode", Print::Text),
    row("cluster-id", "cluster.id", Print::Text),
    row("cluster-name", "cluster.name", Print::Text),
    row("devices", "devices", Print::List),
    row("direct-routing-skip-unreachable", "directRoutingSkipUnreachable", Print::Text),
    row("egress-masquerade-interfaces", "egressMasqueradeInterfaces", Print::Text),
    row("enable-bgp-control-plane", "bgpControlPlane.enabled", Print::TrueOrFalse)
        .before((1, 16, 0)),
    row("enable-bgp-control-plane", "bgpControlPlane.enabled", Print::True).since((1, 16, 0)),
    row("enable-egress-gateway", "egressGateway.enabled", Print::True).since((1, 18, 0)),
    row("enable-gateway-api", "gatewayAPI.enabled", Print::True),
    row("enable-host-firewall", "hostFirewall.enabled", Print::TextIfTrue).before((1, 19, 0)),
    row("enable-host-firewall", "hostFirewall.enabled", Print::Text).since((1, 19, 0)),
    row("enable-ingress-controller", "ingressController.enabled", Print::True),
    row("enable-ip-masq-agent", "ipMasqAgent.enabled", Print::True),
    row("enable-ipv4", "ipv4.enabled", Print::Text),
    row("enable-ipv4-egress-gateway", "egressGateway.enabled", Print::True).before((1, 18, 0)),
    row("enable-ipv6", "ipv6.enabled", Print::Text),
    row("enable-ipv6-masquerade", "enableIPv6Masquerade", Print::Text),
    row("enable-l7-proxy", "l7Proxy", Print::Text),
    row("enable-masquerade-to-route-source", "enableMasqueradeRouteSource", Print::Text),
    row("enable-policy", "policyEnforcementMode", Print::Lower),
    row("install-iptables-rules", "installIptablesRules", Print::Text),
    row("ipv4-native-routing-cidr", "ipv4NativeRoutingCIDR", Print::TextIfTrue),
    row("ipv6-native-routing-cidr", "ipv6NativeRoutingCIDR", Print::TextIfTrue),
    row("k8s-api-server-urls", "k8s.apiServerURLs", Print::Text),
    row("policy-audit-mode", "policyAuditMode", Print::Text),
    row("tunnel-port", "tunnelPort", Print::TextIfTrue),
];

impl ChartValues<'_> {
    /// The ConfigMap `cilium-config` that the chart makes of the values: the keys that
    /// [`decode::cilium_config`](crate::decode::cilium_config) reads, and those of `extraConfig`.
    /// What Helm refuses to render is rendered here as if it took no notice: saying so is for
    /// [`advice`](super::advice) and for the rules.
    ///
    /// # Errors
    /// When a list or a map stands where the chart takes a single value, or the other way round;
    /// the error names the value.
    pub fn config_map(&self) -> Result<BTreeMap<String, String>, DecodeError> {
        if !matches!(self.all_given(), Value::Object(_) | Value::Null) {
            return Err(DecodeError::new("the values are no map"));
        }
        let values = Printed(self);
        let mut data = Data::new();
        for row in ROWS {
            let (first, end) = row.charts;
            if values.is_at_least(first) && !values.is_at_least(end) {
                set(&mut data, row.key, print(&values, row)?);
            }
        }
        encryption(&values, &mut data)?;
        envoy_config(&values, &mut data)?;
        compatibility::defaults(&values, &mut data)?;
        node_port(&values, &mut data)?;
        routing::routing(&values, &mut data)?;
        routing::beside_others(&values, &mut data)?;
        ipam::ipam(&values, &mut data)?;
        extra(&values, &mut data)?;
        Ok(data)
    }
}

fn set(data: &mut Data, key: &str, value: Option<String>) {
    if let Some(value) = value {
        data.insert(key.to_owned(), value);
    }
}

fn print(values: &Printed<'_>, row: &Row) -> Result<Option<String>, DecodeError> {
    let key = row.value;
    Ok(match row.print {
        Print::Text => values.text(key)?,
        Print::TextIfTrue => values.text_if_true(key)?,
        Print::Lower => values.text(key)?.map(|text| text.to_lowercase()),
        Print::List => values.list(key)?.map(|elements| elements.join(" ")),
        Print::True => values.is_true(key)?.then(|| "true".to_owned()),
        Print::TrueOrFalse => Some(values.is_true(key)?.to_string()),
    })
}

fn encryption(values: &Printed<'_>, data: &mut Data) -> Result<(), DecodeError> {
    if let Some(enabled) = values.text_if_true("encryption.enabled")? {
        match values.text("encryption.type")?.as_deref() {
            Some("ipsec") => set(data, "enable-ipsec", Some(enabled)),
            Some("wireguard") => set(data, "enable-wireguard", Some(enabled)),
            _ => {}
        }
    }
    Ok(())
}

/// Ingress and Gateway API are built on CiliumEnvoyConfigs, and so is L7 load balancing.
fn envoy_config(values: &Printed<'_>, data: &mut Data) -> Result<(), DecodeError> {
    let is_on = values.is_true("envoyConfig.enabled")?
        || values.is_true("ingressController.enabled")?
        || values.is_true("gatewayAPI.enabled")?
        || values.text("loadBalancer.l7.backend")?.as_deref() == Some("envoy");
    set(data, "enable-envoy-config", is_on.then(|| "true".to_owned()));
    Ok(())
}

/// `nodePort.enabled` counts where Cilium does part of kube-proxy's work; in the charts 1.14 to 1.18
/// where it does none, too.
fn node_port(values: &Printed<'_>, data: &mut Data) -> Result<(), DecodeError> {
    let counts = match data.get("kube-proxy-replacement").map(String::as_str) {
        Some("partial") => true,
        Some("false") => values.is_at_least((1, 14, 0)),
        _ => false,
    };
    if counts && !values.is_at_least((1, 19, 0)) {
        set(data, "enable-node-port", values.text("nodePort.enabled")?);
    }
    Ok(())
}

/// `extraConfig` stands at the end of the ConfigMap: its keys override those of the chart.
fn extra(values: &Printed<'_>, data: &mut Data) -> Result<(), DecodeError> {
    const KEY: &str = "extraConfig";
    let Some(value) = values.value(KEY)?.filter(|_| values.0.is_truthy(KEY)) else {
        return Ok(());
    };
    let Value::Object(map) = value.as_ref() else { return Err(unfit(KEY, &value, "a map")) };
    for (key, value) in map {
        let text = match value {
            // The API server reads it as an empty text.
            Value::Null => String::new(),
            value => scalar(&format!("{KEY}.{key}"), value)?,
        };
        data.insert(key.clone(), text);
    }
    Ok(())
}

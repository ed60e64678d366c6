//! How packets get from node to node, and beside whom.

use super::{Data, Printed, set};
use crate::decode::DecodeError;

pub(super) fn routing(values: &Printed<'_>, data: &mut Data) -> Result<(), DecodeError> {
    let (mode, protocol) = if !values.is_at_least((1, 14, 0)) {
        set(data, "tunnel", tunnel(values)?);
        return Ok(());
    } else if values.is_at_least((1, 17, 0)) {
        since_1_17(values)?
    } else {
        until_1_16(values)?
    };
    set(data, "routing-mode", Some(mode));
    set(data, "tunnel-protocol", protocol);
    Ok(())
}

/// Until 1.13.
fn tunnel(values: &Printed<'_>) -> Result<Option<String>, DecodeError> {
    if values.is_true("gke.enabled")? {
        Ok(Some("disabled".into()))
    } else if values.is_true("aksbyocni.enabled")? {
        Ok(Some("vxlan".into()))
    } else {
        values.text("tunnel")
    }
}

type Mode = (String, Option<String>);

/// Native routing had no `tunnel-protocol` yet. `tunnel` is a value of 1.14 alone: the charts
/// 1.15.0 to 1.15.7, 1.16.0 and 1.16.1 take no notice of it, later ones fail.
fn until_1_16(values: &Printed<'_>) -> Result<Mode, DecodeError> {
    let (mode, protocol) = if values.is_true("gke.enabled")? {
        ("native".to_owned(), None)
    } else if values.is_true("aksbyocni.enabled")? {
        ("tunnel".to_owned(), Some("vxlan".to_owned()))
    } else if let Some(mode) = values.text_if_true("routingMode")? {
        (mode, None)
    } else {
        match values.text_if_true("tunnel")? {
            Some(tunnel) if tunnel == "disabled" => ("native".to_owned(), None),
            tunnel => ("tunnel".to_owned(), Some(tunnel.unwrap_or_else(|| "vxlan".to_owned()))),
        }
    };
    Ok((mode, values.text_if_true("tunnelProtocol")?.or(protocol)))
}

fn since_1_17(values: &Printed<'_>) -> Result<Mode, DecodeError> {
    let mode = match values.text_if_true("routingMode")? {
        Some(mode) => mode,
        None if routes_by_cloud(values)? => "native".to_owned(),
        None => "tunnel".to_owned(),
    };
    let protocol = values.text_if_true("tunnelProtocol")?;
    Ok((mode, Some(protocol.unwrap_or_else(|| "vxlan".to_owned()))))
}

fn routes_by_cloud(values: &Printed<'_>) -> Result<bool, DecodeError> {
    // In ENI mode only since 1.19.
    Ok(values.is_true("gke.enabled")?
        || (values.is_at_least((1, 19, 0)) && values.is_true("eni.enabled")?))
}

/// What changes where a cloud or another CNI plugin does part of the work.
pub(super) fn beside_others(values: &Printed<'_>, data: &mut Data) -> Result<(), DecodeError> {
    let chaining = chaining(values)?;
    let is_in_cloud = values.is_true("eni.enabled")?
        || values.is_true("azure.enabled")?
        || values.is_true("gke.enabled")?;
    let has_routes_of_endpoints = is_in_cloud || values.is_true("alibabacloud.enabled")?;
    let endpoint_routes = values.text_if_true("endpointRoutes.enabled")?;
    let endpoint_routes =
        endpoint_routes.or_else(|| has_routes_of_endpoints.then(|| "true".to_owned()));
    set(data, "enable-endpoint-routes", endpoint_routes);

    let legacy = values.text("bpf.hostLegacyRouting")?;
    let legacy = legacy.or_else(|| chaining.is_some().then(|| "true".to_owned()));
    set(data, "enable-host-legacy-routing", legacy);

    let no_conntrack = if is_in_cloud || chaining.is_some() {
        Some("false".to_owned())
    } else {
        values.text("installNoConntrackIptablesRules")?
    };
    set(data, "install-no-conntrack-iptables-rules", no_conntrack);
    set(data, "cni-chaining-mode", chaining);
    Ok(())
}

/// The plugin that Cilium is chained to. A target without a mode is one with veth pairs.
fn chaining(values: &Printed<'_>) -> Result<Option<String>, DecodeError> {
    let mode = match values.text("cni.chainingMode")? {
        Some(mode) => Some(mode),
        None => values.value("cni.chainingTarget")?.map(|_| "generic-veth".to_owned()),
    };
    Ok(mode.filter(|mode| mode != "none"))
}

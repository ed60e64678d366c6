//! Where pod addresses come from.

use super::{Data, Printed, set};
use crate::decode::DecodeError;

/// A family's values and keys.
struct Family {
    enabled: &'static str,
    /// One pool, until 1.13.
    single: &'static str,
    list: &'static str,
    mask: &'static str,
    pool_key: &'static str,
    mask_key: &'static str,
    native_key: &'static str,
}

const FAMILIES: [Family; 2] = [
    Family {
        enabled: "ipv4.enabled",
        single: "ipam.operator.clusterPoolIPv4PodCIDR",
        list: "ipam.operator.clusterPoolIPv4PodCIDRList",
        mask: "ipam.operator.clusterPoolIPv4MaskSize",
        pool_key: "cluster-pool-ipv4-cidr",
        mask_key: "cluster-pool-ipv4-mask-size",
        native_key: "ipv4-native-routing-cidr",
    },
    Family {
        enabled: "ipv6.enabled",
        single: "ipam.operator.clusterPoolIPv6PodCIDR",
        list: "ipam.operator.clusterPoolIPv6PodCIDRList",
        mask: "ipam.operator.clusterPoolIPv6MaskSize",
        pool_key: "cluster-pool-ipv6-cidr",
        mask_key: "cluster-pool-ipv6-mask-size",
        native_key: "ipv6-native-routing-cidr",
    },
];

pub(super) fn ipam(values: &Printed<'_>, data: &mut Data) -> Result<(), DecodeError> {
    let mode = mode(values)?;
    set(data, "ipam", written_mode(values, &mode)?);
    if !matches!(mode.as_str(), "cluster-pool" | "cluster-pool-v2beta") {
        return Ok(());
    }
    for family in &FAMILIES {
        if values.is_true(family.enabled)? {
            pool(values, family, data)?;
        }
    }
    Ok(())
}

fn mode(values: &Printed<'_>) -> Result<String, DecodeError> {
    if values.is_at_least((1, 19, 0)) && values.is_true("eni.enabled")? {
        return Ok("eni".to_owned());
    }
    Ok(values.text_if_true("ipam.mode")?.unwrap_or_else(|| "cluster-pool".to_owned()))
}

/// On AKS without its own CNI, only Cilium's pools work. The pools themselves go by the mode that
/// was asked for.
fn written_mode(values: &Printed<'_>, mode: &str) -> Result<Option<String>, DecodeError> {
    if !values.is_true("aksbyocni.enabled")? {
        return Ok(Some(mode.to_owned()));
    }
    Ok(match mode {
        _ if !values.is_at_least((1, 18, 0)) => Some("cluster-pool".to_owned()),
        "cluster-pool" | "multi-pool" => Some(mode.to_owned()),
        _ => None,
    })
}

fn pool(values: &Printed<'_>, family: &Family, data: &mut Data) -> Result<(), DecodeError> {
    let list = values.list(family.list)?.unwrap_or_default();
    let list =
        if list.is_empty() { values.text(family.single)?.into_iter().collect() } else { list };
    set(data, family.pool_key, Some(list.join(" ")));
    set(data, family.mask_key, values.text(family.mask)?);
    if let [pool] = &list[..]
        && values.is_true("nativeRoutingCIDRFromClusterPool")?
    {
        data.entry(family.native_key.to_owned()).or_insert_with(|| pool.clone());
    }
    Ok(())
}

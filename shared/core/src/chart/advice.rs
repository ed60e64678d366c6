//! What became of old keys: from which chart on they do nothing or fail, and what to write instead.

use super::ChartVersion;

/// What a chart does with a key or value that it no longer takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: the value is silently without effect.
    Ignored,
    /// Rendering fails.
    Fails,
}

/// What is to be said of an old key in one version of the chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advice {
    /// The key.
    pub key: &'static str,
    /// What the chart does with it.
    pub effect: Effect,
    /// What to write instead.
    pub instead: &'static str,
}

type Numbers = (u64, u64, u64);

struct Removal {
    key: &'static str,
    /// The first chart that takes no notice of it.
    removed: Numbers,
    /// Charts that fail: from the first version up to, but not with, the second.
    fails: &'static [(Numbers, Numbers)],
    instead: &'static str,
}

const EVER: Numbers = (u64::MAX, 0, 0);

/// Charts that fail over what 1.15 removed: late patches of 1.15 and 1.16, all of 1.17 and later.
const CHECKED_1_15: &[(Numbers, Numbers)] = &[((1, 15, 8), (1, 16, 0)), ((1, 16, 2), EVER)];

/// Charts that fail over what 1.16 removed.
const CHECKED_1_16: &[(Numbers, Numbers)] = &[((1, 16, 2), EVER)];

const CHECKED_1_18: &[(Numbers, Numbers)] = &[((1, 18, 0), EVER)];

/// Once the charts knew the singular keys no more, they failed over them; 1.19 does so no longer.
const CHECKED_POOLS: &[(Numbers, Numbers)] = &[((1, 14, 0), (1, 19, 0))];

const TLS_CA: &str = "`tls.ca.cert` and `tls.ca.key`";

const REMOVALS: &[Removal] = &[
    removal(
        "ciliumEndpointSlice.sliceMode",
        (1, 18, 0),
        CHECKED_1_18,
        "nothing; there is one mode",
    ),
    removal("clustermesh.apiserver.tls.ca.cert", (1, 15, 0), CHECKED_1_15, TLS_CA),
    removal("clustermesh.apiserver.tls.ca.key", (1, 15, 0), CHECKED_1_15, TLS_CA),
    removal(
        "containerRuntime.integration",
        (1, 16, 0),
        CHECKED_1_16,
        "nothing; the container runtime is no longer asked",
    ),
    removal("enableCiliumEndpointSlice", (1, 18, 0), CHECKED_1_18, "`ciliumEndpointSlice.enabled`"),
    removal(
        "enableCnpStatusUpdates",
        (1, 15, 0),
        CHECKED_1_15,
        "nothing; there is no such feature",
    ),
    removal(
        "enableK8sEventHandover",
        (1, 15, 0),
        CHECKED_1_15,
        "nothing; there is no such feature",
    ),
    removal("encryption.interface", (1, 16, 0), CHECKED_1_16, "`encryption.ipsec.interface`"),
    removal("encryption.keyFile", (1, 16, 0), CHECKED_1_16, "`encryption.ipsec.keyFile`"),
    removal("encryption.mountPath", (1, 16, 0), CHECKED_1_16, "`encryption.ipsec.mountPath`"),
    removal("encryption.secretName", (1, 16, 0), CHECKED_1_16, "`encryption.ipsec.secretName`"),
    removal("endpointStatus", (1, 16, 0), CHECKED_1_16, "nothing; there is no such feature"),
    removal("etcd.managed", (1, 16, 0), CHECKED_1_16, "an etcd of your own, in `etcd.endpoints`"),
    removal(
        "ipam.operator.clusterPoolIPv4PodCIDR",
        (1, 14, 0),
        CHECKED_POOLS,
        "`ipam.operator.clusterPoolIPv4PodCIDRList`, a list",
    ),
    removal(
        "ipam.operator.clusterPoolIPv6PodCIDR",
        (1, 14, 0),
        CHECKED_POOLS,
        "`ipam.operator.clusterPoolIPv6PodCIDRList`, a list",
    ),
    removal("proxy.prometheus.enabled", (1, 16, 0), CHECKED_1_16, "`envoy.prometheus.enabled`"),
    removal("proxy.prometheus.port", (1, 16, 0), CHECKED_1_16, "`envoy.prometheus.port`"),
    removal("remoteNodeIdentity", (1, 16, 0), CHECKED_1_16, "nothing; it is always on"),
    removal("tunnel", (1, 15, 0), CHECKED_1_15, "`routingMode` and `tunnelProtocol`"),
];

const fn removal(
    key: &'static str,
    removed: Numbers,
    fails: &'static [(Numbers, Numbers)],
    instead: &'static str,
) -> Removal {
    Removal { key, removed, fails, instead }
}

/// What is to be said of a key, given as a path with dots, if the chart no longer takes it.
pub fn advice(key: &str, version: &ChartVersion) -> Option<Advice> {
    let removal = REMOVALS.iter().find(|removal| {
        key.strip_prefix(removal.key).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })?;
    if !version.is_at_least(removal.removed) {
        return None;
    }
    let fails = removal
        .fails
        .iter()
        .any(|(first, end)| version.is_at_least(*first) && !version.is_at_least(*end));
    let effect = if fails { Effect::Fails } else { Effect::Ignored };
    Some(Advice { key: removal.key, effect, instead: removal.instead })
}

/// The values of `kubeProxyReplacement` that a chart takes, the first of which is the best way to
/// say that it is on.
pub fn kube_proxy_replacement(version: &ChartVersion) -> &'static [&'static str] {
    if version.is_at_least((1, 16, 0)) {
        &["true", "false"]
    } else if version.is_at_least((1, 14, 0)) {
        &["true", "false", "strict", "partial", "disabled"]
    } else if version.is_at_least((1, 13, 0)) {
        &["strict", "partial", "disabled"]
    } else {
        &["strict", "partial", "probe", "disabled"]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effect(key: &str, version: &str) -> Option<Effect> {
        advice(key, &version.parse().unwrap()).map(|advice| advice.effect)
    }

    #[test]
    fn tunnel() {
        assert_eq!(effect("tunnel", "1.14.19"), None);
        assert_eq!(effect("tunnel", "1.15.7"), Some(Effect::Ignored));
        assert_eq!(effect("tunnel", "1.15.8"), Some(Effect::Fails));
        assert_eq!(effect("tunnel", "1.16.1"), Some(Effect::Ignored));
        assert_eq!(effect("tunnel", "1.16.2"), Some(Effect::Fails));
        assert_eq!(effect("tunnel", "1.20.0"), Some(Effect::Fails));
        assert_eq!(effect("tunnelPort", "1.20.0"), None);
    }

    #[test]
    fn pools() {
        let key = "ipam.operator.clusterPoolIPv4PodCIDR";
        assert_eq!(effect(key, "1.13.18"), None);
        assert_eq!(effect(key, "1.14.2"), Some(Effect::Fails));
        assert_eq!(effect(key, "1.19.0"), Some(Effect::Ignored));
    }

    #[test]
    fn what_is_below_a_removed_map_is_removed() {
        assert_eq!(effect("endpointStatus.enabled", "1.17.0"), Some(Effect::Fails));
        assert_eq!(effect("endpointStatusX", "1.17.0"), None);
    }

    #[test]
    fn kube_proxy_replacement_by_version() {
        let first = |text: &str| kube_proxy_replacement(&text.parse().unwrap())[0];
        assert_eq!(first("1.12.19"), "strict");
        assert_eq!(first("1.13.18"), "strict");
        assert_eq!(first("1.14.2"), "true");
        assert_eq!(first("1.16"), "true");
    }
}

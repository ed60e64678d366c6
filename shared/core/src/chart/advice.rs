//! What became of old keys: from which chart on they do nothing or fail, and what to write instead.

use super::{
    ChartVersion,
    span::{EVER, Numbers, Spans, contains},
};

/// What a chart does with a key or value that it no longer takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: the value is silently without effect.
    Ignored,
    /// Rendering fails.
    Fails,
    /// What it always did; a later chart will not.
    Deprecated,
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

struct Removal {
    key: &'static str,
    /// The first chart that takes no notice of it.
    removed: Numbers,
    /// Charts that fail: from the first version up to, but not with, the second.
    fails: Spans,
    instead: &'static str,
}

/// Charts that fail over what 1.15 removed: late patches of 1.15 and 1.16, all of 1.17 and later.
const CHECKED_1_15: Spans = &[((1, 15, 8), (1, 16, 0)), ((1, 16, 2), EVER)];

/// Charts that fail over what 1.16 removed.
const CHECKED_1_16: Spans = &[((1, 16, 2), EVER)];

const CHECKED_1_18: Spans = &[((1, 18, 0), EVER)];

/// Once the charts knew the singular keys no more, they failed over them; 1.19 does so no longer.
const CHECKED_POOLS: Spans = &[((1, 14, 0), (1, 19, 0))];

const REMOVALS: &[Removal] = &[
    ignored("bgp", (1, 17, 0), "`bgpControlPlane.enabled`, and its resources"),
    removal(
        "ciliumEndpointSlice.sliceMode",
        (1, 18, 0),
        CHECKED_1_18,
        "nothing; there is one mode",
    ),
    ignored("clustermesh.apiserver.tls.admin.cert", (1, 20, 0), SECRETS),
    ignored("clustermesh.apiserver.tls.admin.key", (1, 20, 0), SECRETS),
    removal("clustermesh.apiserver.tls.ca.cert", (1, 15, 0), CHECKED_1_15, TLS_CA),
    removal("clustermesh.apiserver.tls.ca.key", (1, 15, 0), CHECKED_1_15, TLS_CA),
    ignored("clustermesh.apiserver.tls.remote.cert", (1, 20, 0), SECRETS),
    ignored("clustermesh.apiserver.tls.remote.key", (1, 20, 0), SECRETS),
    ignored("clustermesh.apiserver.tls.server.cert", (1, 20, 0), SECRETS),
    ignored("clustermesh.apiserver.tls.server.key", (1, 20, 0), SECRETS),
    ignored("clustermesh.enableMCSAPISupport", (1, 20, 0), "`clustermesh.mcsapi.enabled`"),
    removal(
        "containerRuntime.integration",
        (1, 16, 0),
        CHECKED_1_16,
        "nothing; the container runtime is no longer asked",
    ),
    ignored("datapathMode", (1, 13, 0), "`bpf.datapathMode`"),
    removal("enableCiliumEndpointSlice", (1, 18, 0), CHECKED_1_18, "`ciliumEndpointSlice.enabled`"),
    removal("enableCnpStatusUpdates", (1, 15, 0), CHECKED_1_15, NO_SUCH_FEATURE),
    removal("enableK8sEventHandover", (1, 15, 0), CHECKED_1_15, NO_SUCH_FEATURE),
    ignored("enableInternalTrafficPolicy", (1, 19, 0), ALWAYS_ON),
    ignored("enableK8sTerminatingEndpoint", (1, 18, 0), ALWAYS_ON),
    ignored("enableRuntimeDeviceDetection", (1, 18, 0), ALWAYS_ON),
    removal("encryption.interface", (1, 16, 0), CHECKED_1_16, "`encryption.ipsec.interface`"),
    ignored("encryption.ipsec.encryptedOverlay", (1, 20, 0), NO_SUCH_FEATURE),
    ignored("encryption.ipsec.interface", (1, 20, 0), NO_SUCH_FEATURE),
    removal("encryption.keyFile", (1, 16, 0), CHECKED_1_16, "`encryption.ipsec.keyFile`"),
    removal("encryption.mountPath", (1, 16, 0), CHECKED_1_16, "`encryption.ipsec.mountPath`"),
    removal("encryption.secretName", (1, 16, 0), CHECKED_1_16, "`encryption.ipsec.secretName`"),
    ignored(
        "encryption.strictMode.allowRemoteNodeIdentities",
        (1, 20, 0),
        "`encryption.strictMode.egress.allowRemoteNodeIdentities`",
    ),
    ignored("encryption.strictMode.cidr", (1, 20, 0), "`encryption.strictMode.egress.cidr`"),
    ignored("encryption.strictMode.enabled", (1, 20, 0), "`encryption.strictMode.egress.enabled`"),
    ignored("encryption.wireguard.userspaceFallback", (1, 17, 0), "a kernel that has WireGuard"),
    removal("endpointStatus", (1, 16, 0), CHECKED_1_16, NO_SUCH_FEATURE),
    removal("etcd.managed", (1, 16, 0), CHECKED_1_16, "an etcd of your own, in `etcd.endpoints`"),
    ignored("externalIPs", (1, 17, 0), REPLACEMENT),
    ignored("externalWorkloads", (1, 18, 0), NO_SUCH_FEATURE),
    ignored("global.nativeRoutingCIDR", (1, 12, 0), "`ipv4NativeRoutingCIDR`"),
    ignored("highScaleIPcache", (1, 18, 0), NO_SUCH_FEATURE),
    ignored("hostPort", (1, 18, 0), REPLACEMENT),
    ignored("hostServices", (1, 12, 0), "`socketLB`"),
    ignored("hubble.redact.kafka.apiKey", (1, 20, 0), NO_SUCH_FEATURE),
    ignored("installIptablesRules", (1, 13, 0), "`extraConfig.install-iptables-rules`"),
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
    ignored("l2NeighDiscovery.refreshPeriod", (1, 18, 0), NO_SUCH_FEATURE),
    ignored("l2podAnnouncements.interface", (1, 19, 0), "`l2podAnnouncements.interfacePattern`"),
    ignored("nativeRoutingCIDR", (1, 12, 0), "`ipv4NativeRoutingCIDR`"),
    ignored("nodePort.enabled", (1, 19, 0), REPLACEMENT),
    ignored("preflight.tofqdnsPreCache", (1, 20, 0), NO_SUCH_FEATURE),
    removal("proxy.prometheus.enabled", (1, 16, 0), CHECKED_1_16, "`envoy.prometheus.enabled`"),
    removal("proxy.prometheus.port", (1, 16, 0), CHECKED_1_16, "`envoy.prometheus.port`"),
    removal("remoteNodeIdentity", (1, 16, 0), CHECKED_1_16, "nothing; it is always on"),
    ignored("sessionAffinity", (1, 19, 0), ALWAYS_ON),
    ignored("sockops", (1, 14, 0), NO_SUCH_FEATURE),
    ignored("svcSourceRangeCheck", (1, 19, 0), ALWAYS_ON),
    removal("tunnel", (1, 15, 0), CHECKED_1_15, ROUTING_MODE),
];

/// Keys that charts still take, from the version on in which they said that they will not.
const DEPRECATIONS: &[(&str, Numbers, &str)] = &[
    ("enableCiliumEndpointSlice", (1, 16, 0), "`ciliumEndpointSlice.enabled`"),
    ("localRedirectPolicy", (1, 18, 0), "`localRedirectPolicies.enabled`"),
    ("remoteNodeIdentity", (1, 15, 0), ALWAYS_ON),
    // Until 1.14.2 the newer keys come out twice in the ConfigMap: the old one is the right one.
    ("tunnel", (1, 14, 3), ROUTING_MODE),
];

/// Keys that older charts ignore, and what these have for them.
const TOO_NEW: &[(&str, Numbers, &str)] =
    &[("routingMode", (1, 14, 0), "`tunnel`"), ("tunnelProtocol", (1, 14, 0), "`tunnel`")];

const TLS_CA: &str = "`tls.ca.cert` and `tls.ca.key`";
const ROUTING_MODE: &str = "`routingMode` and `tunnelProtocol`";
const SECRETS: &str = "Secrets made beforehand, or `clustermesh.apiserver.tls.auto`";
const REPLACEMENT: &str = "`kubeProxyReplacement: true`";
const ALWAYS_ON: &str = "nothing; it is always on";
const NO_SUCH_FEATURE: &str = "nothing; there is no such feature any more";

const fn ignored(key: &'static str, removed: Numbers, instead: &'static str) -> Removal {
    removal(key, removed, &[], instead)
}

const fn removal(
    key: &'static str,
    removed: Numbers,
    fails: Spans,
    instead: &'static str,
) -> Removal {
    Removal { key, removed, fails, instead }
}

/// What is to be said of a key, given as a path with dots, if the chart no longer takes it, or not
/// yet, or will not for long.
pub fn advice(key: &str, version: &ChartVersion) -> Option<Advice> {
    let lies_in = |of: &str| {
        key.strip_prefix(of).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let said = |effect| move |&(key, _, instead): &(_, _, _)| Advice { key, effect, instead };
    let removed = REMOVALS
        .iter()
        .find(|removal| lies_in(removal.key) && version.is_at_least(removal.removed))
        .map(|&Removal { key, fails, instead, .. }| {
            let effect = if contains(fails, version) { Effect::Fails } else { Effect::Ignored };
            Advice { key, effect, instead }
        });
    let deprecated = || DEPRECATIONS.iter().find(|(of, ..)| lies_in(of));
    let too_new = || TOO_NEW.iter().find(|(of, ..)| lies_in(of));
    removed
        .or_else(|| {
            deprecated()
                .filter(|(_, since, _)| version.is_at_least(*since))
                .map(said(Effect::Deprecated))
        })
        .or_else(|| {
            too_new()
                .filter(|(_, since, _)| !version.is_at_least(*since))
                .map(said(Effect::Ignored))
        })
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
    use crate::chart::{Chart, known_versions};

    fn effect(key: &str, version: &str) -> Option<Effect> {
        advice(key, &version.parse().unwrap()).map(|advice| advice.effect)
    }

    #[test]
    fn tunnel() {
        assert_eq!(effect("tunnel", "1.13.18"), None);
        assert_eq!(effect("tunnel", "1.14.19"), Some(Effect::Deprecated));
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
    fn routing_mode_on_charts_that_do_not_know_it() {
        assert_eq!(effect("routingMode", "1.13.18"), Some(Effect::Ignored));
        assert_eq!(effect("routingMode", "1.14.2"), None);
    }

    /// Charts still list these among their values, and no template reads them.
    const LISTED: [&str; 2] = ["enableInternalTrafficPolicy", "encryption.ipsec.interface"];

    #[test]
    fn charts_have_none_of_the_removed_keys_and_all_of_the_deprecated() {
        for removal in REMOVALS {
            for version in known_versions() {
                let has_it = Chart::of(version).entry(removal.key).is_some();
                let is_gone = version.is_at_least(removal.removed);
                assert!(!(has_it && is_gone) || LISTED.contains(&removal.key), "{}", removal.key);
            }
        }
        for (key, since, _) in DEPRECATIONS {
            let version = ChartVersion::new(since.0, since.1, since.2);
            assert!(Chart::of(&version).entry(key).is_some(), "{key}");
        }
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

//! The agent, and what runs beside it.

use super::{PLAIN, Refusal, since};

pub(super) const REFUSALS: &[Refusal] = &[
    Refusal {
        message: "Both k8sServiceHostRef and k8sServiceHost are set. Please set only one of them.",
        charts: since!(18),
        keys: &["k8sServiceHost", "k8sServiceHostRef.name"],
        refuses: |values| {
            values.is_truthy("k8sServiceHostRef.name")
                && values.is_truthy("k8sServiceHostRef.key")
                && values.is_truthy("k8sServiceHost")
        },
        fix: "leave one of the two out",
        ..PLAIN
    },
    Refusal {
        message: "SPIRE integration requires .Values.authentication.enabled=true and \
                  .Values.authentication.mutual.spire.enabled=true",
        charts: since!(14),
        keys: &["authentication.enabled", "authentication.mutual.spire.enabled"],
        refuses: |values| {
            values.is_truthy("authentication.mutual.spire.enabled")
                && !values.is_truthy("authentication.enabled")
        },
        fix: "turn mutual authentication on",
        values: "authentication:\n  enabled: true\n",
        ..PLAIN
    },
    Refusal {
        message: "BGP was enabled, but no announcements were enabled. Please enable one or more \
                  announcements.",
        charts: &[((1, 12, 0), (1, 17, 0))],
        keys: &["bgp.announce", "bgp.enabled"],
        refuses: |values| {
            values.is_truthy("bgp.enabled")
                && !values.is_truthy("bgp.announce.loadbalancerIP")
                && !values.is_truthy("bgp.announce.podCIDR")
        },
        fix: "say what is to be announced, or use `bgpControlPlane.enabled`, which replaces it",
        values: "bgp:\n  announce:\n    loadbalancerIP: true\n",
        ..PLAIN
    },
    Refusal {
        message: "envoy.baseID must be an int. Supported values 0 - 4294967295",
        charts: since!(16),
        keys: &["envoy.baseID"],
        refuses: |values| !(0..=i64::from(u32::MAX)).contains(&values.integer("envoy.baseID")),
        fix: "leave it out; 0 is right unless another Envoy runs on the nodes",
        ..PLAIN
    },
    Refusal {
        message: "k8sClientExponentialBackoff cannot be enabled when extraEnv contains \
                  KUBE_CLIENT_BACKOFF_BASE or KUBE_CLIENT_BACKOFF_DURATION",
        charts: since!(18),
        keys: &["extraEnv", "k8sClientExponentialBackoff.enabled"],
        refuses: |values| {
            let variables = values.get("extraEnv");
            let mut variables = variables.iter().filter_map(|value| value.as_array()).flatten();
            values.is_truthy("k8sClientExponentialBackoff.enabled")
                && variables.any(|variable| {
                    let name = variable.get("name").and_then(|name| name.as_str());
                    matches!(
                        name,
                        Some("KUBE_CLIENT_BACKOFF_BASE" | "KUBE_CLIENT_BACKOFF_DURATION")
                    )
                })
        },
        fix: "leave the variables out; the chart sets them",
        ..PLAIN
    },
    Refusal {
        message: "standaloneDnsProxy requires dnsProxy.proxyPort to be explicitly set (e.g., \
                  10094)",
        charts: since!(19),
        keys: &["dnsProxy.proxyPort", "standaloneDnsProxy.enabled"],
        refuses: |values| {
            values.is_truthy("standaloneDnsProxy.enabled")
                && !values.is_truthy("dnsProxy.proxyPort")
        },
        fix: "both proxies need to know the port",
        values: "dnsProxy:\n  proxyPort: 10094\n",
        ..PLAIN
    },
    Refusal {
        message: "standaloneDnsProxy requires dnsProxy.proxyPort to be set to a non-zero value \
                  (e.g., 10094). The standalone DNS proxy uses the same DNS configuration as the \
                  agent.",
        charts: since!(19),
        keys: &["dnsProxy.proxyPort", "standaloneDnsProxy.enabled"],
        // Beyond the first check: a text such as "0" is something, and no port.
        refuses: |values| {
            values.is_truthy("standaloneDnsProxy.enabled")
                && values.is_truthy("dnsProxy.proxyPort")
                && values.integer("dnsProxy.proxyPort") == 0
        },
        fix: "both proxies need to know the port",
        values: "dnsProxy:\n  proxyPort: 10094\n",
        ..PLAIN
    },
    Refusal {
        message: ".Values.bpf.tproxy cannot be enabled with .Values.bpf.datapathMode=netkit or \
                  .Values.bpf.datapathMode=netkit-l2",
        charts: since!(19),
        keys: &["bpf.tproxy", "bpf.datapathMode"],
        refuses: |values| {
            let has_mode = |mode| values.is("bpf.datapathMode", mode);
            values.is_truthy("bpf.tproxy") && (has_mode("netkit") || has_mode("netkit-l2"))
        },
        fix: "leave `bpf.tproxy` off with netkit",
        values: "bpf:\n  tproxy: false\n",
        ..PLAIN
    },
    Refusal {
        message: ".Values.networkDriver.enabled requires kubernetes version 1.34 or greater",
        charts: since!(21),
        keys: &["networkDriver.enabled"],
        refuses: |values| values.is_truthy("networkDriver.enabled"),
        depends: Some("the version of Kubernetes"),
        fix: "leave it off before Kubernetes 1.34",
        ..PLAIN
    },
];

//! What Cilium calls its own: lists of names, because neither a group nor a word in a name tells.
//!
//! The group `cilium.io` is Tetragon's too, and other charts have "cilium" in their names.

/// Who writes the objects of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authorship {
    /// People: what is lost when they go.
    User,
    /// Agents and the operator, which make them anew.
    Cilium,
}

/// A definition that Cilium's operator makes when it starts. No chart lists them, so Helm leaves them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Definition {
    /// Plural name; the definition is called that with `.cilium.io`.
    pub plural: &'static str,
    /// Who writes its objects.
    pub authorship: Authorship,
}

const fn user(plural: &'static str) -> Definition {
    Definition { plural, authorship: Authorship::User }
}

const fn ciliums(plural: &'static str) -> Definition {
    Definition { plural, authorship: Authorship::Cilium }
}

/// All of 1.12 to 1.20.
pub const DEFINITIONS: [Definition; 26] = [
    user("ciliumbgpadvertisements"),
    user("ciliumbgpclusterconfigs"),
    user("ciliumbgploadbalancerippools"),
    user("ciliumbgpnodeconfigoverrides"),
    ciliums("ciliumbgpnodeconfigs"),
    user("ciliumbgppeerconfigs"),
    user("ciliumbgppeeringpolicies"),
    user("ciliumcidrgroups"),
    user("ciliumclusterwideenvoyconfigs"),
    user("ciliumclusterwidenetworkpolicies"),
    user("ciliumdatapathplugins"),
    user("ciliumegressgatewaypolicies"),
    user("ciliumegressnatpolicies"),
    ciliums("ciliumendpoints"),
    ciliums("ciliumendpointslices"),
    user("ciliumenvoyconfigs"),
    user("ciliumexternalworkloads"),
    user("ciliumgatewayclassconfigs"),
    ciliums("ciliumidentities"),
    user("ciliuml2announcementpolicies"),
    user("ciliumloadbalancerippools"),
    user("ciliumlocalredirectpolicies"),
    user("ciliumnetworkpolicies"),
    user("ciliumnodeconfigs"),
    ciliums("ciliumnodes"),
    user("ciliumpodippools"),
];

impl Definition {
    /// The definition of that full name, if it is one of Cilium's.
    pub fn named(name: &str) -> Option<Self> {
        let plural = name.strip_suffix(".cilium.io")?;
        DEFINITIONS.into_iter().find(|definition| definition.plural == plural)
    }

    /// Whether its objects are policies, which are enforced until they go.
    pub fn is_policy(self) -> bool {
        matches!(self.plural, "ciliumnetworkpolicies" | "ciliumclusterwidenetworkpolicies")
    }
}

/// How objects of a kind are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listing {
    /// It has no namespaces: all of them.
    Cluster,
    /// In Cilium's namespaces all, elsewhere those with the label.
    Namespaced,
}

/// A kind of which Cilium's charts, its programs or its command line make objects.
#[derive(Clone, Copy, Debug)]
pub struct KindOf {
    /// Group and version.
    pub api_version: &'static str,
    /// Kind.
    pub kind: &'static str,
    /// Plural name.
    pub plural: &'static str,
    /// How it is listed.
    pub listing: Listing,
    /// Names that are Cilium's in its namespace, whatever labels say.
    pub names: &'static [&'static str],
    /// Beginnings of such names.
    pub prefixes: &'static [&'static str],
}

impl KindOf {
    /// Whether Cilium uses this name.
    pub fn knows(&self, name: &str) -> bool {
        self.names.contains(&name) || self.prefixes.iter().any(|prefix| name.starts_with(prefix))
    }
}

const fn kind(
    api_version: &'static str,
    kind: &'static str,
    plural: &'static str,
    names: &'static [&'static str],
) -> KindOf {
    KindOf { api_version, kind, plural, listing: Listing::Namespaced, names, prefixes: &[] }
}

const fn cluster_kind(
    api_version: &'static str,
    kind: &'static str,
    plural: &'static str,
    names: &'static [&'static str],
) -> KindOf {
    KindOf { api_version, kind, plural, listing: Listing::Cluster, names, prefixes: &[] }
}

/// Secrets that Cilium's certificate generator makes, or a Helm hook of its chart.
const GENERATED_SECRETS: [&str; 14] = [
    "cilium-ca",
    "cilium-cli-helm-values",
    "clustermesh-apiserver-admin-cert",
    "clustermesh-apiserver-ca-cert",
    "clustermesh-apiserver-client-cert",
    "clustermesh-apiserver-local-cert",
    "clustermesh-apiserver-remote-cert",
    "clustermesh-apiserver-server-cert",
    "hubble-ca-secret",
    "hubble-metrics-server-certs",
    "hubble-relay-client-certs",
    "hubble-relay-server-certs",
    "hubble-server-certs",
    "hubble-ui-client-certs",
];

const CLUSTER_ROLES: &[&str] = &[
    "cilium",
    "cilium-coredns-mcsapi-autoconfig",
    "cilium-envoy-node-locality",
    "cilium-operator",
    "cilium-pre-flight",
    "clustermesh-apiserver",
    "hubble-generate-certs",
    "hubble-relay",
    "hubble-ui",
];

const ROLES: &[&str] = &[
    "cilium-bgp-control-plane-secrets",
    "cilium-config-agent",
    "cilium-envoy-config-secrets",
    "cilium-gateway-secrets",
    "cilium-ingress-secrets",
    "cilium-operator-gateway-secrets",
    "cilium-operator-ingress-secrets",
    "cilium-operator-secrets",
    "cilium-operator-tlsinterception-secrets",
    "cilium-operator-ztunnel",
    "cilium-secrets",
    "cilium-tlsinterception-secrets",
    "clustermesh-apiserver-generate-certs",
    "hubble-generate-certs",
];

/// All of them. Kinds that a server does not have it has no objects of.
pub const KINDS: [KindOf; 23] = [
    kind(
        "v1",
        "ConfigMap",
        "configmaps",
        &[
            "cilium-config",
            "cilium-envoy-config",
            "clustermesh-remote-users",
            "hubble-ca-cert",
            "hubble-relay-config",
            "hubble-ui-nginx",
            "standalone-dns-proxy-config",
        ],
    ),
    kind("v1", "Secret", "secrets", &GENERATED_SECRETS),
    kind(
        "v1",
        "ServiceAccount",
        "serviceaccounts",
        &[
            "cilium",
            "cilium-envoy",
            "cilium-nodeinit",
            "cilium-operator",
            "cilium-pre-flight",
            "clustermesh-apiserver",
            "clustermesh-apiserver-generate-certs",
            "hubble-generate-certs",
            "hubble-relay",
            "hubble-ui",
            "ztunnel-cilium",
        ],
    ),
    kind(
        "v1",
        "Service",
        "services",
        &[
            "cilium-agent",
            "cilium-envoy",
            "cilium-ingress",
            "cilium-operator",
            "clustermesh-apiserver",
            "clustermesh-apiserver-metrics",
            "hubble-metrics",
            "hubble-peer",
            "hubble-relay",
            "hubble-relay-metrics",
            "hubble-ui",
        ],
    ),
    kind(
        "v1",
        "ResourceQuota",
        "resourcequotas",
        &["cilium-operator-resource-quota", "cilium-resource-quota"],
    ),
    kind(
        "apps/v1",
        "DaemonSet",
        "daemonsets",
        &[
            "cilium",
            "cilium-envoy",
            "cilium-node-init",
            "cilium-pre-flight-check",
            "ztunnel-cilium",
        ],
    ),
    kind(
        "apps/v1",
        "Deployment",
        "deployments",
        &[
            "cilium-etcd-operator",
            "cilium-operator",
            "cilium-pre-flight-check",
            "clustermesh-apiserver",
            "hubble-relay",
            "hubble-ui",
        ],
    ),
    kind("apps/v1", "StatefulSet", "statefulsets", &[]),
    KindOf {
        prefixes: &["clustermesh-apiserver-generate-certs-", "hubble-generate-certs-"],
        ..kind(
            "batch/v1",
            "Job",
            "jobs",
            &[
                "cilium-coredns-mcsapi-autoconfig",
                "clustermesh-apiserver-generate-certs",
                "hubble-generate-certs",
            ],
        )
    },
    kind(
        "batch/v1",
        "CronJob",
        "cronjobs",
        &["clustermesh-apiserver-generate-certs", "hubble-generate-certs"],
    ),
    kind("rbac.authorization.k8s.io/v1", "Role", "roles", ROLES),
    kind("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings", ROLES),
    cluster_kind("rbac.authorization.k8s.io/v1", "ClusterRole", "clusterroles", CLUSTER_ROLES),
    cluster_kind(
        "rbac.authorization.k8s.io/v1",
        "ClusterRoleBinding",
        "clusterrolebindings",
        CLUSTER_ROLES,
    ),
    kind(
        "policy/v1",
        "PodDisruptionBudget",
        "poddisruptionbudgets",
        &[
            "cilium-operator",
            "cilium-pre-flight-check",
            "clustermesh-apiserver",
            "hubble-relay",
            "hubble-ui",
        ],
    ),
    kind("networking.k8s.io/v1", "Ingress", "ingresses", &[]),
    cluster_kind("networking.k8s.io/v1", "IngressClass", "ingressclasses", &[]),
    KindOf {
        prefixes: &["cilium-l2announce-"],
        ..kind("coordination.k8s.io/v1", "Lease", "leases", &["cilium-operator-resource-lock"])
    },
    cluster_kind("gateway.networking.k8s.io/v1", "GatewayClass", "gatewayclasses", &[]),
    kind("monitoring.coreos.com/v1", "ServiceMonitor", "servicemonitors", &[]),
    kind("cert-manager.io/v1", "Certificate", "certificates", &[]),
    cluster_kind(
        "admissionregistration.k8s.io/v1",
        "ValidatingAdmissionPolicy",
        "validatingadmissionpolicies",
        &[],
    ),
    cluster_kind(
        "admissionregistration.k8s.io/v1",
        "ValidatingAdmissionPolicyBinding",
        "validatingadmissionpolicybindings",
        &[],
    ),
];

/// The label of all that charts from 1.13 on make.
pub const PART_OF: (&str, &str) = ("app.kubernetes.io/part-of", "cilium");

/// Values of `endpointslice.kubernetes.io/managed-by` of slices that hold endpoints of other
/// clusters. kube-proxy goes on sending to them.
pub const SLICE_MANAGERS: [&str; 2] =
    ["endpointslice-mesh-controller.cilium.io", "endpointslice-local-mcsapi-controller.cilium.io"];

/// The taint that keeps pods off nodes until an agent runs. The operator adds it wherever none does.
pub const NODE_TAINT: &str = "node.cilium.io/agent-not-ready";

/// What a Secret is that people make for Cilium; none for other Secrets. These stay.
pub(super) fn user_secret(name: &str) -> Option<&'static str> {
    Some(match name {
        "cilium-ipsec-keys" => "keys of the encryption with IPsec",
        "cilium-etcd-secrets" => "certificates for an etcd of your own",
        "cilium-clustermesh" | "cilium-kvstoremesh" => {
            "how to reach the other clusters of the mesh"
        }
        "cilium-azure" | "cilium-aws" => "credentials of a cloud",
        name if name.starts_with("cilium-") && name.contains("bgp") => "passwords of BGP peers",
        _ => return None,
    })
}

/// Whether an annotation of a Node is Cilium's: `io.cilium.…` until 1.12, a domain of `cilium.io`
/// since. The older command line forgot the second kind.
pub fn is_node_annotation(key: &str) -> bool {
    if key.starts_with("io.cilium.") {
        return true;
    }
    let Some((domain, _)) = key.split_once('/') else { return false };
    let is_label =
        |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric());
    domain == "cilium.io"
        || domain.strip_suffix(".cilium.io").is_some_and(|rest| rest.split('.').all(is_label))
}

/// Whether a namespace has a name that `cilium connectivity test` gives: `cilium-test`,
/// `cilium-test-1`, `cilium-test-ccnp1`. People have namespaces such as `cilium-testing`.
pub fn is_test_namespace(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("cilium-test") else { return false };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    match rest.strip_prefix('-') {
        None => rest.is_empty(),
        Some(rest) => {
            is_number(rest)
                || rest.strip_prefix("ccnp").is_some_and(|it| it.len() == 1 && is_number(it))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Definition, is_node_annotation, is_test_namespace, user_secret};

    #[test]
    fn definitions_of_others_in_the_group_are_not_known() {
        assert!(Definition::named("ciliumnodes.cilium.io").is_some());
        for other in [
            "tracingpolicies.cilium.io",
            "tracingpoliciesnamespaced.cilium.io",
            "podinfo.cilium.io",
            "ciliumnodes.example.com",
            "gateways.gateway.networking.k8s.io",
        ] {
            assert_eq!(Definition::named(other), None, "{other}");
        }
    }

    #[test]
    fn test_namespaces_are_told_from_those_of_people() {
        for name in ["cilium-test", "cilium-test-1", "cilium-test-12", "cilium-test-ccnp2"] {
            assert!(is_test_namespace(name), "{name}");
        }
        for name in [
            "cilium-testing-prod",
            "cilium-test-",
            "cilium-test-prod",
            "cilium-test-1a",
            "cilium-test-ccnp",
            "cilium-test-ccnp12",
            "my-cilium-test",
            "cilium",
        ] {
            assert!(!is_test_namespace(name), "{name}");
        }
    }

    #[test]
    fn annotations_of_both_generations_are_known() {
        for key in [
            "io.cilium.network.ipv4-pod-cidr",
            "network.cilium.io/ipv4-pod-cidr",
            "cilium.io/bgp-virtual-router.64512",
        ] {
            assert!(is_node_annotation(key), "{key}");
        }
        for key in ["notcilium.io/x", "my-cilium.io/x", "cilium.io", "flannel.alpha.coreos.com/x"] {
            assert!(!is_node_annotation(key), "{key}");
        }
    }

    #[test]
    fn secrets_that_people_made_are_known() {
        assert!(user_secret("cilium-ipsec-keys").is_some());
        assert!(user_secret("cilium-ca").is_none());
    }
}

//! Cluster Mesh, and workloads outside Kubernetes.

use super::{EVER, PLAIN, Refusal, Spans, since};
use crate::chart::ChartValues;

/// Charts in which workloads outside Kubernetes had their checks.
const WITH_WORKLOADS: Spans = &[((1, 15, 0), (1, 18, 0))];

const SERVER: &str = "clustermesh.useAPIServer";
const WORKLOADS: &str = "externalWorkloads.enabled";
const IDENTITIES: &str = "identityAllocationMode";
const STORE: &str = "clustermesh.apiserver.kvstoremesh.enabled";
const STORE_MODE: &str = "clustermesh.apiserver.kvstoremesh.kvstoreMode";

pub(super) const REFUSALS: &[Refusal] = &[
    Refusal {
        message: "ClusterMesh TLS certgen method=certmanager requires user specify \
                  .Values.clustermesh.apiserver.tls.auto.certManagerIssuerRef",
        charts: &[((1, 12, 0), (1, 12, 6))],
        ..ISSUER_MISSING
    },
    Refusal {
        message: "ClusterMesh TLS certgen method=certmanager requires that user specifies \
                  .Values.clustermesh.apiserver.tls.auto.certManagerIssuerRef",
        charts: &[((1, 12, 9), (1, 13, 0)), ((1, 13, 2), (1, 14, 0)), ((1, 14, 0), EVER)],
        ..ISSUER_MISSING
    },
    Refusal {
        message: "The clustermesh-apiserver cannot be enabled in combination with \
                  .Values.identityAllocationMode=%s. To establish a Cluster Mesh, directly \
                  configure the parameters to access the remote kvstore through \
                  .Values.clustermesh.config",
        filled: &[IDENTITIES],
        charts: WITH_WORKLOADS,
        keys: &[IDENTITIES, SERVER],
        refuses: |values| values.is_truthy(SERVER) && !has_identity_crds(values),
        fix: "leave the API server of the mesh out, and name the clusters' etcds in \
              `clustermesh.config`",
        ..PLAIN
    },
    Refusal {
        message: "The clustermesh-apiserver cannot be enabled in combination with \
                  .Values.disableEndpointCRD=true",
        charts: since!(15),
        keys: &["disableEndpointCRD", SERVER],
        refuses: |values| {
            let is_asked = !values.version().is_at_least((1, 18, 0)) || has_identity_crds(values);
            is_asked && values.is_truthy(SERVER) && values.is_truthy("disableEndpointCRD")
        },
        fix: "leave CiliumEndpoints on: the mesh passes them on",
        values: "disableEndpointCRD: false\n",
        ..PLAIN
    },
    Refusal {
        message: "External workloads support cannot be enabled in combination with \
                  .Values.identityAllocationMode=%s",
        filled: &[IDENTITIES],
        charts: WITH_WORKLOADS,
        keys: &[IDENTITIES, WORKLOADS],
        refuses: |values| values.is_truthy(WORKLOADS) && !values.is(IDENTITIES, "crd"),
        fix: "keep identities in Kubernetes",
        values: "identityAllocationMode: crd\n",
        ..PLAIN
    },
    Refusal {
        message: "External workloads support cannot be enabled in combination with \
                  .Values.disableEndpointCRD=true",
        charts: WITH_WORKLOADS,
        keys: &["disableEndpointCRD", WORKLOADS],
        refuses: |values| values.is_truthy(WORKLOADS) && values.is_truthy("disableEndpointCRD"),
        fix: "leave CiliumEndpoints on",
        values: "disableEndpointCRD: false\n",
        ..PLAIN
    },
    Refusal {
        message: "max-connected-clusters must be set to 255 or 511",
        charts: since!(15),
        keys: &["clustermesh.maxConnectedClusters"],
        refuses: |values| !matches!(values.integer("clustermesh.maxConnectedClusters"), 255 | 511),
        fix: "write 255, or 511 in every cluster of the mesh",
        values: "clustermesh:\n  maxConnectedClusters: 255\n",
        ..PLAIN
    },
    Refusal {
        message: ".Values.clustermesh.apiserver.kvstoremesh.kvstoreMode must have the value of \
                  external or internal",
        charts: since!(18),
        keys: &[STORE_MODE],
        refuses: |values| !(values.is(STORE_MODE, "internal") || is_external(values)),
        fix: "leave it out: `internal` is the default",
        ..PLAIN
    },
    Refusal {
        message: "The kvstoremesh container cannot be disabled in combination with \
                  .Values.identityAllocationMode=%s. To establish a Cluster Mesh, directly \
                  configure the parameters to access the remote kvstores through \
                  .Values.clustermesh.config",
        filled: &[IDENTITIES],
        charts: since!(18),
        keys: &[STORE, IDENTITIES],
        refuses: |values| {
            values.is_truthy(SERVER) && !has_identity_crds(values) && !values.is_truthy(STORE)
        },
        fix: "leave KVStoreMesh on",
        values: "clustermesh:\n  apiserver:\n    kvstoremesh:\n      enabled: true\n",
        ..PLAIN
    },
    Refusal {
        message: "kvstoremesh.kvstoreMode=external can only be used with \
                  clustermesh.useAPIServer=true",
        charts: since!(18),
        keys: &[STORE_MODE, SERVER],
        refuses: |values| is_external(values) && !values.is_truthy(SERVER),
        fix: "turn the API server of the mesh on",
        values: "clustermesh:\n  useAPIServer: true\n",
        ..PLAIN
    },
    Refusal {
        message: "kvstoremesh.kvstoreMode=external can only be used with kvstoremesh.enabled=true",
        charts: since!(18),
        keys: &[STORE_MODE, STORE],
        refuses: |values| is_external(values) && !values.is_truthy(STORE),
        fix: "leave KVStoreMesh on",
        values: "clustermesh:\n  apiserver:\n    kvstoremesh:\n      enabled: true\n",
        ..PLAIN
    },
    Refusal {
        message: "Only single clustermesh-apiserver replica is allowed when kvstoreMode=external",
        charts: since!(18),
        keys: &["clustermesh.apiserver.replicas", STORE_MODE],
        refuses: |values| {
            is_external(values)
                && values.text("clustermesh.apiserver.replicas").as_deref() != Some("1")
        },
        fix: "one replica is enough for an etcd elsewhere",
        values: "clustermesh:\n  apiserver:\n    replicas: 1\n",
        ..PLAIN
    },
    Refusal {
        message: "KVStoreMesh with %s etcd cannot be enabled in combination with \
                  .Values.identityAllocationMode=%s",
        filled: &[STORE_MODE, IDENTITIES],
        charts: since!(18),
        keys: &[STORE_MODE, IDENTITIES],
        refuses: |values| {
            let modes = ["kvstore", "doublewrite-readkvstore", "doublewrite-readcrd"];
            is_external(values) && !modes.iter().any(|mode| values.is(IDENTITIES, mode))
        },
        fix: "use `internal`, unless identities are in an etcd",
        ..PLAIN
    },
    Refusal {
        message: "The support for providing Cluster Mesh certs and keys as helm values has been \
                  removed. You must enable auto-generation or pre-create the corresponding secrets",
        charts: since!(20),
        keys: GIVEN_CERTIFICATES,
        refuses: |values| {
            values.is_truthy(SERVER) && GIVEN_CERTIFICATES.iter().any(|key| values.is_truthy(key))
        },
        depends: Some("in which combinations the chart looks for them"),
        fix: "create the Secrets before, or let the chart make the certificates \
              (`clustermesh.apiserver.tls.auto.enabled`)",
        ..PLAIN
    },
];

const GIVEN_CERTIFICATES: &[&str] = &[
    "clustermesh.apiserver.tls.server.cert",
    "clustermesh.apiserver.tls.server.key",
    "clustermesh.apiserver.tls.admin.cert",
    "clustermesh.apiserver.tls.admin.key",
    "clustermesh.apiserver.tls.remote.cert",
    "clustermesh.apiserver.tls.remote.key",
];

const ISSUER_MISSING: Refusal = Refusal {
    keys: &[
        "clustermesh.apiserver.tls.auto.certManagerIssuerRef",
        "clustermesh.apiserver.tls.auto.method",
    ],
    refuses: |values| {
        // 1.18 has no workloads outside any more, and does not look for them.
        let has_workloads =
            values.chart().entry(WORKLOADS).is_some() && values.is_truthy(WORKLOADS);
        (has_workloads || values.is_truthy(SERVER))
            && values.is_truthy("clustermesh.apiserver.tls.auto.enabled")
            && values.is("clustermesh.apiserver.tls.auto.method", "certmanager")
            && !values.is_truthy("clustermesh.apiserver.tls.auto.certManagerIssuerRef")
    },
    fix: "name the issuer of cert-manager",
    values: "clustermesh:\n  apiserver:\n    tls:\n      auto:\n        \
             certManagerIssuerRef:\n          group: cert-manager.io\n          \
             kind: ClusterIssuer\n          name: NAME\n",
    ..PLAIN
};

/// Whether identities are in Kubernetes, perhaps also elsewhere. Modes that write both came with
/// 1.17.
fn has_identity_crds(values: &ChartValues<'_>) -> bool {
    let writes_both = values.is(IDENTITIES, "doublewrite-readkvstore")
        || values.is(IDENTITIES, "doublewrite-readcrd");
    values.is(IDENTITIES, "crd") || (values.version().is_at_least((1, 17, 0)) && writes_both)
}

fn is_external(values: &ChartValues<'_>) -> bool {
    values.is(STORE_MODE, "external")
}

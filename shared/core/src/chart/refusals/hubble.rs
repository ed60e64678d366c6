//! Hubble.

use semver::Version;

use super::{ALL, EVER, PLAIN, Refusal, Spans, since};
use crate::chart::ChartValues;

/// The check was worded anew in patch releases.
const ISSUER: Spans = &[((1, 12, 9), (1, 13, 0)), ((1, 13, 2), (1, 14, 0)), ((1, 14, 0), EVER)];
const ISSUER_BEFORE: Spans = &[((1, 12, 0), (1, 12, 6))];

pub(super) const REFUSALS: &[Refusal] = &[
    Refusal {
        message: "Hubble UI requires .Values.hubble.relay.enabled=true",
        charts: ALL,
        keys: &["hubble.ui.enabled", "hubble.relay.enabled"],
        refuses: |values| {
            values.is_truthy("hubble.ui.enabled")
                && !values.is_truthy("hubble.ui.standalone.enabled")
                && !values.is_truthy("hubble.relay.enabled")
        },
        fix: "turn Hubble Relay on, or the UI off",
        values: "hubble:\n  relay:\n    enabled: true\n",
        ..PLAIN
    },
    Refusal {
        message: "Hubble UI in standalone with Hubble Relay server TLS enabled requires providing \
                  .Values.hubble.ui.standalone.tls.certsVolume for mounting client certificates \
                  in the backend pod",
        charts: ALL,
        keys: &["hubble.ui.standalone.tls.certsVolume", "hubble.ui.standalone.enabled"],
        refuses: |values| {
            values.is_truthy("hubble.ui.enabled")
                && values.is_truthy("hubble.ui.standalone.enabled")
                && values.is_truthy("hubble.relay.tls.server.enabled")
                && !values.is_truthy("hubble.ui.standalone.tls.certsVolume")
        },
        fix: "name the volume with the client certificates in \
              `hubble.ui.standalone.tls.certsVolume`",
        ..PLAIN
    },
    Refusal {
        message: "Hubble Relay requires .Values.hubble.enabled=true",
        charts: ALL,
        keys: &["hubble.enabled", "hubble.relay.enabled"],
        refuses: |values| {
            values.is_truthy("hubble.relay.enabled") && !values.is_truthy("hubble.enabled")
        },
        fix: "turn Hubble on, or its relay off",
        values: "hubble:\n  enabled: true\n",
        ..PLAIN
    },
    Refusal {
        message: "Hubble TLS certgen method=certmanager requires user specify \
                  .Values.hubble.tls.auto.certManagerIssuerRef",
        charts: ISSUER_BEFORE,
        ..ISSUER_MISSING
    },
    Refusal {
        message: "Hubble TLS certgen method=certmanager requires that user specifies \
                  .Values.hubble.tls.auto.certManagerIssuerRef",
        charts: ISSUER,
        ..ISSUER_MISSING
    },
    Refusal {
        message: "Only one of .Values.hubble.redact.http.headers.allow, \
                  .Values.hubble.redact.http.headers.deny can be specified",
        charts: since!(15),
        keys: &["hubble.redact.http.headers.deny", "hubble.redact.http.headers.allow"],
        refuses: |values| {
            values.is_truthy("hubble.redact.http.headers.allow")
                && values.is_truthy("hubble.redact.http.headers.deny")
        },
        fix: "leave one of the two lists out",
        ..PLAIN
    },
    Refusal {
        message: "Hubble UI requires hubble.ui.backend.image.tag to be '>=v0.9.0'",
        keys: &[BACKEND_TAG],
        refuses: |values| is_old_ui(values, BACKEND_TAG),
        ..OLD_UI
    },
    Refusal {
        message: "Hubble UI requires hubble.ui.frontend.image.tag to be '>=v0.9.0'",
        keys: &[FRONTEND_TAG],
        refuses: |values| is_old_ui(values, FRONTEND_TAG),
        ..OLD_UI
    },
];

const BACKEND_TAG: &str = "hubble.ui.backend.image.tag";
const FRONTEND_TAG: &str = "hubble.ui.frontend.image.tag";

const OLD_UI: Refusal =
    Refusal { fix: "leave the tag out; the chart brings one that fits", ..PLAIN };

const ISSUER_MISSING: Refusal = Refusal {
    keys: &["hubble.tls.auto.certManagerIssuerRef", "hubble.tls.auto.method"],
    refuses: |values| {
        ["hubble.enabled", "hubble.tls.enabled", "hubble.tls.auto.enabled"]
            .iter()
            .all(|key| values.is_truthy(key))
            && values.is("hubble.tls.auto.method", "certmanager")
            && !values.is_truthy("hubble.tls.auto.certManagerIssuerRef")
    },
    fix: "name the issuer of cert-manager",
    values: "hubble:\n  tls:\n    auto:\n      certManagerIssuerRef:\n        \
             group: cert-manager.io\n        kind: ClusterIssuer\n        name: NAME\n",
    ..PLAIN
};

/// Charts of today ask for neither tag where one of them is `latest`, older ones look at each
/// alone; what a digest adds is cut off.
fn is_old_ui(values: &ChartValues<'_>, key: &str) -> bool {
    let tag = |key| values.text(key).unwrap_or_default();
    let is_free = if values.version().is_at_least((1, 13, 0)) {
        tag(BACKEND_TAG) == "latest" || tag(FRONTEND_TAG) == "latest"
    } else {
        tag(key) == "latest"
    };
    if !values.is_truthy("hubble.ui.enabled") || is_free {
        return false;
    }
    let tag = tag(key);
    let number = tag.split('@').next().unwrap_or_default();
    let number = number.strip_prefix('v').unwrap_or(number);
    number.parse::<Version>().is_ok_and(|version| version < Version::new(0, 9, 0))
}

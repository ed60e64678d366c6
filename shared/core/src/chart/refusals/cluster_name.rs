//! Name and number of the cluster.

use super::{EVER, PLAIN, Refusal, Spans, since};
use crate::chart::{ChartValues, refusals::kube_proxy};

const ONLY_1_16: Spans = &[((1, 16, 0), (1, 17, 0))];

pub(super) const REFUSALS: &[Refusal] = &[
    Refusal {
        message: "The cluster name is invalid: cannot be empty",
        charts: since!(16),
        refuses: |values| values.is("cluster.name", ""),
        ..NAME
    },
    Refusal {
        message: "The cluster name is invalid: must not be more than 32 characters. Configure \
                  'upgradeCompatibility' to 1.15 or earlier to temporarily skip this check at \
                  your own risk",
        charts: ONLY_1_16,
        refuses: |values| is_strict(values) && is_long(values),
        ..NAME
    },
    Refusal {
        message: "The cluster name is invalid: must consist of lower case alphanumeric characters \
                  and '-', and must start and end with an alphanumeric character. Configure \
                  'upgradeCompatibility' to 1.15 or earlier to temporarily skip this check at \
                  your own risk",
        charts: ONLY_1_16,
        refuses: |values| is_strict(values) && is_malformed(values),
        ..NAME
    },
    Refusal {
        message: "The cluster name is invalid: must not be more than 32 characters",
        charts: since!(17),
        refuses: is_long,
        ..NAME
    },
    Refusal {
        message: "The cluster name is invalid: must consist of lower case alphanumeric characters \
                  and '-', and must start and end with an alphanumeric character",
        charts: since!(17),
        refuses: is_malformed,
        ..NAME
    },
    Refusal {
        message: "The cluster name is invalid: cannot use default value with cluster.id != 0",
        charts: since!(16),
        keys: &["cluster.name", "cluster.id"],
        refuses: |values| values.is("cluster.name", "default") && values.integer("cluster.id") != 0,
        fix: "give the cluster a name of its own; each one in a mesh needs one",
        ..PLAIN
    },
    Refusal {
        message: "Cilium is currently affected by a bug that causes traffic matched by network \
                  policies to be incorrectly dropped when running in either ENI mode (both AWS \
                  and AlibabaCloud) or AWS VPC CNI chaining mode, if the cluster ID is 128-255 \
                  (and 384-511 when maxConnectedClusters=511). Please refer to \
                  https://github.com/cilium/cilium/issues/21330 for additional details.",
        charts: &[((1, 16, 4), EVER)],
        keys: &["cluster.id"],
        refuses: |values| {
            !values.is("extraConfig.allow-unsafe-policy-skb-usage", "true")
                && matches!(values.integer("cluster.id"), 128..=255 | 384..=511)
                && (values.is_truthy("eni.enabled")
                    || values.is_truthy("alibabacloud.enabled")
                    || values.is("cni.chainingMode", "aws-cni"))
        },
        fix: "choose a number below 128",
        ..PLAIN
    },
];

const NAME: Refusal = Refusal {
    keys: &["cluster.name"],
    fix: "use at most 32 lower case letters, digits and dashes; agents of a mesh and their \
          certificates know the cluster by this name",
    ..PLAIN
};

/// The check of 1.16 is left out for installations that say that they began earlier.
fn is_strict(values: &ChartValues<'_>) -> bool {
    kube_proxy::first_release(values) >= (1, 16)
}

fn is_long(values: &ChartValues<'_>) -> bool {
    values.text("cluster.name").is_some_and(|name| name.len() > 32)
}

/// Not `^([a-z0-9][-a-z0-9]*)?[a-z0-9]$`; that it is empty was said before.
fn is_malformed(values: &ChartValues<'_>) -> bool {
    let Some(name) = values.text("cluster.name") else { return false };
    let is_alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = name.as_bytes();
    let ends = [bytes.first(), bytes.last()];
    let is_well_formed = bytes.iter().all(|byte| is_alphanumeric(*byte) || *byte == b'-')
        && ends.iter().all(|end| end.is_some_and(|byte| is_alphanumeric(*byte)));
    !(name.is_empty() || is_well_formed)
}

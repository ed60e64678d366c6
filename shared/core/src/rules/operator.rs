//! Cilium's operator.

use super::{Judgement, premise};
use crate::{
    facts::{Component, Lease, Workload},
    view::View,
};

/// Seconds after which a lease that is renewed every few seconds is stale; the clock of whoever read
/// it may be off by some.
const PATIENCE: i64 = 120;

/// Whether the cluster has an operator.
pub(super) enum Operator<'a> {
    /// There are agents, and no operator.
    Absent,
    /// Its Deployment.
    There(&'a Workload),
}

/// The operator of a cluster that has agents.
pub(super) fn find<'a>(view: &View<'a>, out: &mut Judgement) -> Option<Operator<'a>> {
    premise::agents(view, out)?;
    let deployments = premise::known(view, &view.facts.cluster.deployments, "deployments", out)?;
    let operator = deployments.iter().find(|it| it.component == Component::Operator);
    Some(operator.map_or(Operator::Absent, Operator::There))
}

/// The lease that its leader holds. Those of features (`cilium-l2announce-…`) are others.
pub(super) fn lease<'a>(view: &View<'a>) -> Option<&'a Lease> {
    let leases = view.facts.cluster.leases.items().iter();
    leases.into_iter().find(|lease| lease.name == "cilium-operator-resource-lock")
}

/// Seconds since its leader showed that it lives.
pub(super) fn silence(view: &View<'_>) -> Option<i64> {
    view.seconds_since(lease(view)?.renewed.as_deref())
}

/// Whether the lease is one that nobody renews.
pub(super) fn is_stale(silence: i64) -> bool {
    silence >= PATIENCE
}

/// Whether some leader has lately renewed the lease: counts of pods lag behind.
pub(super) fn renews(view: &View<'_>) -> bool {
    silence(view).is_some_and(|silence| !is_stale(silence))
}

use super::{Basis, Evidence, Finding, Judgement, Remedy, Severity, premise, rule};
use crate::{
    chart::ChartVersion,
    facts::{CiliumConfig, Family, IpamMode},
    view::View,
};

rule! {
    /// ## What it checks
    /// Values that are about to be installed, held against what is installed: whether the chart is
    /// at most one minor version away, and whether something changes that a running cluster does
    /// not take: the IPAM mode, existing elements of the pool and their mask, name and number of
    /// the cluster, tunnel or native routing.
    ///
    /// ## Why it hurts
    /// Upstream tests upgrades and rollbacks between neighbouring minor versions only. Another
    /// IPAM mode or pool does not move the pods that run: old and new addresses live side by side,
    /// and those of the old kind lose their routes. While agents restart one by one, nodes with
    /// a tunnel and nodes without do not reach each other's pods.
    ///
    /// ## Fix
    /// Go version by version. Keep what must not change; add elements to the pool instead of
    /// changing them. To change the rest, plan for an interruption, or for a migration node by
    /// node. Away from the default pool 10.0.0.0/8, which swallows LANs, is a warning only: there
    /// the move is the cure.
    ///
    /// ## References
    /// - Cilium documentation, "Upgrade Guide"; "Cluster Scope": expanding the cluster pool
    "VAL-08", Block, Configuration, "an upgrade that a running cluster does not take", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(values) = premise::proposed_values(view, out) else { return };
    let Some(proposal) = view.proposal() else { return };
    if let Some(live) = live_version(view) {
        judge_path(&live, values.version(), out);
    }
    match view.facts.cluster.config.get() {
        Ok(live) => {
            for change in changes(live, &proposal.config) {
                out.found(change.finding(live));
            }
        }
        Err(_) if view.installation() == crate::view::Installation::NotSeen => {
            out.not_applicable("nothing is installed");
        }
        Err(why) => out.missing("installed configuration", why),
    }
}

/// What is installed, as the release says it, else the agents' image.
fn live_version(view: &View<'_>) -> Option<ChartVersion> {
    let of_release = view.release().and_then(|release| {
        let is_own = release.chart == "cilium";
        let version = if is_own { &release.chart_version } else { &release.app_version };
        version.parse().ok()
    });
    let config = view.facts.cluster.config.known();
    of_release.or_else(|| config?.version.as_ref()?.to_string().parse().ok())
}

fn judge_path(live: &ChartVersion, coming: &ChartVersion, out: &mut Judgement) {
    let is_near = live.major() == coming.major() && live.minor().abs_diff(coming.minor()) <= 1;
    if is_near {
        return;
    }
    let way = if coming > live { "upgrade" } else { "rollback" };
    let next = if coming > live { live.minor() + 1 } else { live.minor().saturating_sub(1) };
    out.found(Finding {
        code: RULE.code,
        severity: Severity::Warn,
        basis: Basis::Observed,
        subject: "version".into(),
        nodes: Vec::new(),
        summary: format!("{live} to {coming} is more than one minor version"),
        evidence: vec![Evidence::new("installed", live.to_string())],
        impact: format!("nobody tested this {way}; pods may lose their network on the way"),
        remedy: Remedy::text(format!(
            "go to the latest patch release of {}.{next} first, and from there on",
            live.major()
        )),
    });
}

/// Something that changes.
struct Change {
    subject: &'static str,
    severity: Severity,
    from: String,
    to: String,
    impact: &'static str,
    fix: &'static str,
}

impl Change {
    fn finding(self, live: &CiliumConfig) -> Finding {
        Finding {
            code: RULE.code,
            severity: self.severity,
            basis: Basis::Observed,
            subject: self.subject.into(),
            nodes: Vec::new(),
            summary: format!("{} changes from {} to {}", self.subject, self.from, self.to),
            evidence: vec![Evidence::new(live.origin.clone(), self.from)],
            impact: self.impact.into(),
            remedy: Remedy::text(self.fix),
        }
    }
}

/// How to move all pods to other networks.
const MOVE: &str = "plan an outage of all pods: after the upgrade delete the CiliumNodes, restart the \
                    agents, and recreate every pod (`kubectl cilium-doctor` says how where the \
                    pool clashes); else keep it as it is";

/// Whether pods have to leave the pool anyway.
fn is_better_left(live: &CiliumConfig) -> bool {
    live.ipam == IpamMode::ClusterPool && live.pool_v4 == [CiliumConfig::DEFAULT_POOL_V4]
}

fn changes(live: &CiliumConfig, coming: &CiliumConfig) -> Vec<Change> {
    let mut changes = Vec::new();
    if live.ipam != coming.ipam {
        let (severity, fix) = if is_better_left(live) {
            (Severity::Warn, MOVE)
        } else {
            let fix = "keep the mode; another one takes a new cluster, or a migration node by node";
            (Severity::Block, fix)
        };
        changes.push(Change {
            subject: "ipam.mode",
            severity,
            from: live.ipam.to_string(),
            to: coming.ipam.to_string(),
            impact: "pods that run keep addresses that nobody manages any more, and lose their \
                     routes",
            fix,
        });
    } else if live.ipam == IpamMode::ClusterPool {
        changes.extend(
            [Family::V4, Family::V6].iter().flat_map(|family| pool_changes(live, coming, *family)),
        );
    }
    if live.cluster_name != coming.cluster_name {
        changes.push(Change {
            subject: "cluster.name",
            severity: Severity::Warn,
            from: live.cluster_name.clone(),
            to: coming.cluster_name.clone(),
            impact: "identities and certificates are made anew; connections and policies break \
                     until every agent has restarted",
            fix: "keep the name, or plan for an interruption",
        });
    }
    if live.cluster_id != coming.cluster_id {
        changes.push(Change {
            subject: "cluster.id",
            severity: Severity::Warn,
            from: live.cluster_id.to_string(),
            to: coming.cluster_id.to_string(),
            impact: "identities are made anew; connections and policies break until every pod has \
                     restarted",
            fix: "keep the number, or plan for an interruption",
        });
    }
    if live.routing != coming.routing {
        changes.push(Change {
            subject: "routingMode",
            severity: Severity::Warn,
            from: live.routing.to_string(),
            to: coming.routing.to_string(),
            impact: "until every agent has restarted, nodes of the two kinds do not reach each \
                     other's pods",
            fix: "keep the mode, or plan for an interruption and restart all agents at once",
        });
    }
    changes
}

/// A pool may grow at its end; the blocks that nodes have must stay in it.
fn pool_changes(live: &CiliumConfig, coming: &CiliumConfig, family: Family) -> Vec<Change> {
    let (list, length, is_on) = match family {
        Family::V4 => (
            "ipam.operator.clusterPoolIPv4PodCIDRList",
            "ipam.operator.clusterPoolIPv4MaskSize",
            live.ipv4 && coming.ipv4,
        ),
        Family::V6 => (
            "ipam.operator.clusterPoolIPv6PodCIDRList",
            "ipam.operator.clusterPoolIPv6MaskSize",
            live.ipv6 && coming.ipv6,
        ),
    };
    let ((old, old_mask), (new, new_mask)) = (live.pool(family), coming.pool(family));
    let mut changes = Vec::new();
    if is_on && !new.starts_with(old) {
        let (severity, fix) = if family == Family::V4 && is_better_left(live) {
            (Severity::Warn, MOVE)
        } else {
            let fix =
                "keep the elements that are there, in their order, and add new ones after them";
            (Severity::Block, fix)
        };
        changes.push(Change {
            subject: list,
            severity,
            from: old.join(", "),
            to: new.join(", "),
            impact: "nodes keep blocks that are not in the pool any more; the operator may hand \
                     out the same addresses again",
            fix,
        });
    }
    if is_on && old_mask != new_mask {
        changes.push(Change {
            subject: length,
            severity: Severity::Block,
            from: format!("/{old_mask}"),
            to: format!("/{new_mask}"),
            impact: "nodes keep blocks of the old length, and the operator does not start with \
                     them",
            fix: "keep the mask of an existing pool",
        });
    }
    changes
}

use super::{Finding, Judgement, Remedy, Severity, premise, rule};
use crate::{
    facts::{CiliumConfig, PolicyEnforcement},
    view::View,
};

rule! {
    /// ## What it checks
    /// Switches that turn all network policies on or off: `policyEnforcementMode`,
    /// `policyAuditMode`, `hostFirewall.enabled`.
    ///
    /// ## Why it hurts
    /// With `always`, what no policy allows is dropped, cluster DNS and Cilium's own health checks
    /// too. With `never`, which migrations from other plugins need, and in audit mode, policies are
    /// decoration. The host firewall can lock administrators out of nodes.
    ///
    /// ## Fix
    /// Turn them back once what they were for is done.
    ///
    /// ## References
    /// - Cilium documentation, "Policy Enforcement Modes", "Creating Policies from Verdicts", "Host
    ///   Firewall", "Migrating a cluster to Cilium"
    "CFG-29", Warn, Configuration, "a switch decides about all network policies", judge
}

const ENFORCEMENT: &str = "policyEnforcementMode";

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::config(view, out) else { return };
    // Without policies, switching them off changes nothing yet.
    let has_policies = has_policies(view);
    let if_useless = if has_policies { Severity::Warn } else { Severity::Info };
    match &config.policy_enforcement {
        PolicyEnforcement::Default => {}
        PolicyEnforcement::Always => {
            // Whoever has policies had to allow what is needed.
            let severity = if has_policies { Severity::Info } else { Severity::Warn };
            out.found(
                finding(config, severity, ENFORCEMENT, "enable-policy always")
                    .saying(
                        "policies are enforced for all pods, whether or not one selects them",
                        "what no policy allows is dropped, cluster DNS and health checks too",
                    )
                    .mended_by(enforce_by_default()),
            );
        }
        PolicyEnforcement::Never => out.found(
            finding(config, if_useless, ENFORCEMENT, "enable-policy never")
                .saying(
                    "no network policy is enforced",
                    "packets that policies forbid pass; migrations need it, but only while they \
                     last",
                )
                .mended_by(enforce_by_default()),
        ),
        PolicyEnforcement::Unknown(word) => {
            out.unknown(ENFORCEMENT, format!("what `{word}` means is not known"));
        }
    }
    if config.policy_audit {
        out.found(
            finding(config, if_useless, "policyAuditMode", "policy-audit-mode true")
                .saying(
                    "what network policies forbid is logged, and passes",
                    "policies protect nothing",
                )
                .mended_by(
                    Remedy::text("turn it off once the log shows nothing unexpected")
                        .with_values("policyAuditMode: false\n"),
                ),
        );
    }
    if config.host_firewall {
        out.found(
            finding(config, Severity::Info, "hostFirewall.enabled", "enable-host-firewall true")
                .saying(
                    "policies with a node selector apply to the hosts themselves",
                    "the first policy that selects a node drops what it does not allow: SSH, the \
                     API server, etcd, the tunnel",
                )
                .mended_by(Remedy::text(
                    "try policies for hosts in audit mode first, and allow what nodes depend on",
                )),
        );
    }
}

fn has_policies(view: &View<'_>) -> bool {
    view.facts.cluster.policies().iter().any(|policies| !policies.items().is_empty())
}

fn enforce_by_default() -> Remedy {
    Remedy::text("enforce policies for the pods that they select")
        .with_values("policyEnforcementMode: default\n")
}

fn finding(config: &CiliumConfig, severity: Severity, key: &str, fact: &str) -> Finding {
    Finding::about(RULE.code, severity, key).seen(config.origin.clone(), fact)
}

use super::{Finding, Judgement, Remedy, Severity, command::quoted, premise, rule};
use crate::{
    facts::{NetworkPolicy, NetworkPolicyKind},
    view::View,
};

rule! {
    /// ## What it checks
    /// Policies that allow egress to names (`toFQDNs`) while none for the same pods lets Cilium see
    /// answers of the DNS (`toPorts` with `rules.dns`). Whether two policies select the same pods is
    /// not worked out: one in the same namespace, or clusterwide, is taken to do it.
    ///
    /// ## Why it hurts
    /// Cilium learns the addresses of a name from the answers that pass its DNS proxy. With no rule
    /// that sends questions there, a name has no address, and everything to it is dropped.
    ///
    /// ## Fix
    /// Add a rule that allows port 53 to the cluster's DNS with `rules.dns`.
    ///
    /// ## References
    /// - Cilium documentation, "Locking Down External Access with DNS-Based Policies"
    "DNS-08", Error, State, "a policy names FQDNs, and nothing looks into DNS", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let cluster = &view.facts.cluster;
    let mut all: Vec<&NetworkPolicy> = Vec::new();
    let kinds = [
        (&cluster.cilium_network_policies, "CiliumNetworkPolicies"),
        (&cluster.cilium_clusterwide_network_policies, "CiliumClusterwideNetworkPolicies"),
    ];
    let mut is_complete = true;
    for (policies, what) in kinds {
        match premise::known(view, policies, what, out) {
            Some(policies) => all.extend(policies),
            None => is_complete = false,
        }
    }
    let inspects = |policy: &NetworkPolicy| {
        all.iter().any(|other| {
            other.inspects_dns
                && (other.namespace == policy.namespace
                    || policy.namespace.is_empty()
                    || other.kind == NetworkPolicyKind::CiliumClusterwideNetworkPolicy)
        })
    };
    // Where one kind could not be read, it may hold the rule.
    if !is_complete {
        return;
    }
    let names: Vec<&&NetworkPolicy> = all.iter().filter(|policy| policy.names_fqdns).collect();
    if names.is_empty() {
        out.not_applicable("no policy names FQDNs");
    }
    for policy in names.into_iter().filter(|policy| !inspects(policy)) {
        out.found(finding(policy));
    }
}

fn finding(policy: &NetworkPolicy) -> Finding {
    let (subject, command) = match policy.namespace.as_str() {
        "" => (
            policy.name.clone(),
            format!("kubectl edit ciliumclusterwidenetworkpolicy {}", quoted(&policy.name)),
        ),
        namespace => (
            format!("{namespace}/{}", policy.name),
            format!(
                "kubectl -n {} edit ciliumnetworkpolicy {}",
                quoted(namespace),
                quoted(&policy.name)
            ),
        ),
    };
    let rule = "# add to spec.egress:\n#   - toEndpoints: [{matchLabels: {k8s:io.kubernetes.pod.namespace: kube-system, \
                k8s:k8s-app: kube-dns}}]\n#     toPorts: [{ports: [{port: \"53\", protocol: ANY}], rules: {dns: \
                [{matchPattern: \"*\"}]}}]";
    Finding::about(RULE.code, Severity::Error, subject.clone())
        .saying(
            format!("{} {subject} names FQDNs, and no policy looks into DNS", policy.kind),
            "Cilium never learns the addresses of these names, and drops packets to them",
        )
        .seen(format!("{} {subject}", policy.kind), "toFQDNs, without rules.dns")
        .mended_by(
            Remedy::text("let Cilium's DNS proxy see what these pods ask")
                .with_commands(std::iter::once(command).chain(rule.lines().map(str::to_owned))),
        )
}

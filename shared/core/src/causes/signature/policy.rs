//! A policy refuses what pods send.
//!
//! Which policies select a pod, and what all of them together let through, takes an agent to say. What
//! decides is that the same packets come through once a policy of ours lets them.

use std::collections::BTreeSet;

use super::{Check, Decisive, Sign, Signature, Site, in_agent};
use crate::{
    causes::Confidence,
    facts::{NetworkPolicy, PolicyEnforcement},
    probe::matrix::Destination,
    rules::{Evidence, Remedy},
};

const CODE: &str = "C-POLICY";
const BECAUSE: &str = "a pod that some policy for egress selects may send only what policies allow";
const BROKEN: &[&str] = &["what no policy allows, for the pods that it selects"];
const STILL_WORKS: &[&str] = &["other pods"];
const CAUTIONS: &[&str] = &[
    "Probes start in a namespace of their own: of policies only clusterwide ones select them, and what is made in \
     each new namespace.",
];
const WAYS: &[Sign] = &[
    Sign::Pod(Destination::Gateway),
    Sign::Pod(Destination::Lan),
    Sign::Pod(Destination::Resolver),
    Sign::Pod(Destination::InternetByName),
    Sign::Pod(Destination::OtherNode),
    Sign::Pod(Destination::PodOtherNode),
    Sign::Pod(Destination::ClusterDns),
    Sign::Pod(Destination::ApiService),
];

/// The same packets were sent with a policy and without.
pub(super) static TRIED: Signature = Signature {
    code: CODE,
    title: |site| match &candidates(site)[..] {
        [] => "a policy refuses what pods send out".into(),
        [one] => format!("{} refuses what pods send out", one.name),
        [first, others @ ..] => {
            format!("{} and {} more refuse what pods send out", first.name, others.len())
        }
    },
    breaks: &[],
    may_break: &[],
    spares: &[],
    decisive: tried,
    explains: |_| false,
    because: BECAUSE,
    broken: BROKEN,
    still_works: STILL_WORKS,
    cautions: CAUTIONS,
    fix: |site| {
        let unknown = Remedy::text(
            "No policy that is known does it: look for what makes one in each new namespace (Kyverno, an \
             operator, a template).",
        );
        let unknown = unknown.with_commands([
            "kubectl get ciliumclusterwidenetworkpolicies",
            "kubectl get networkpolicies,ciliumnetworkpolicies --all-namespaces",
        ]);
        let is_unknown = candidates(site).is_empty();
        fix().into_iter().chain(is_unknown.then_some(unknown)).collect()
    },
    verify,
};

/// Nobody tried.
pub(super) static POLICY: Signature = Signature {
    code: CODE,
    title: |_| "a policy refuses what pods send out".into(),
    breaks: &[Sign::Pod(Destination::InternetByAddress)],
    may_break: WAYS,
    spares: &[],
    decisive: |site| {
        let is_tried = site.readings.is_tried_with_policy();
        let known = policies(site);
        // What is denied stays lost when another policy allows it.
        let matters =
            |policy: &NetworkPolicy| policy.denies_egress || !is_tried && policy.isolates_egress;
        let is_enforced_always = !is_tried && enforcement(site) == Some(&PolicyEnforcement::Always);
        let is_ruled_out = known.is_some_and(|known| !known.into_iter().any(matters));
        if (is_ruled_out && !is_enforced_always)
            || enforcement(site) == Some(&PolicyEnforcement::Never)
        {
            return Decisive::RuledOut;
        }
        Decisive::Unseen(Some(if is_tried {
            denials(site)
        } else {
            Check::new(
                "kubectl cilium-doctor --probe --allow-policy",
                "that the same packets come through with a policy that allows them, if it is this",
            )
        }))
    },
    explains: |_| false,
    because: BECAUSE,
    broken: BROKEN,
    still_works: STILL_WORKS,
    cautions: CAUTIONS,
    fix: |_| fix(),
    verify,
};

fn fix() -> Vec<Remedy> {
    vec![Remedy::text("Allow what the pods need, DNS included, in a policy of their namespace.")]
}

fn verify(site: &Site<'_>) -> Vec<Check> {
    vec![Check::new(denials(site).command, "nothing of these pods")]
}

fn denials(site: &Site<'_>) -> Check {
    Check::new(
        in_agent(site, "hubble observe --verdict DROPPED --last 50"),
        "`Policy denied` for the pod's packets, if it is this",
    )
}

fn tried(site: &Site<'_>) -> Decisive {
    let lifted = site.readings.lifted();
    let Some(first) = lifted.values().flatten().next() else { return Decisive::RuledOut };
    let number: usize = lifted.values().map(Vec::len).sum();
    let others = if number > 1 { " and others" } else { "" };
    let fact = format!(
        "with a policy that allows everything, {number} of the lost probes come through: {}{others}",
        first.target
    );
    let mut evidence = vec![Evidence::new(format!("probes of {}", site.place()), fact)];
    let found = candidates(site);
    let is_unexplained = found.is_empty() && policies(site).is_some();
    evidence.extend(found.into_iter().map(|it| Evidence::new(it.name, it.fact)));
    Decisive::Shown {
        evidence,
        effects: lifted.keys().copied().collect::<BTreeSet<_>>(),
        // Packets may get lost by chance as well.
        confidence: if is_unexplained { Confidence::Likely } else { Confidence::Confirmed },
    }
}

/// What may select a pod of any namespace.
struct Candidate {
    name: String,
    fact: &'static str,
}

/// Clusterwide policies for egress, those for all pods first; at most three.
fn candidates(site: &Site<'_>) -> Vec<Candidate> {
    let of_config = (enforcement(site) == Some(&PolicyEnforcement::Always)).then(|| Candidate {
        name: "enable-policy: always".into(),
        fact: "pods that no policy selects may send nothing",
    });
    let clusterwide = site.view.facts.cluster.cilium_clusterwide_network_policies.items();
    let for_egress = |policy: &&NetworkPolicy| policy.isolates_egress && !policy.selects_nodes;
    let mut policies: Vec<&NetworkPolicy> = clusterwide.iter().filter(for_egress).collect();
    policies.sort_by_key(|policy| (!policy.selects_all, &policy.name));
    policies.dedup_by_key(|policy| &policy.name);
    let policies = policies.into_iter().map(|policy| Candidate {
        name: format!("{} {}", policy.kind, policy.name),
        fact: if policy.selects_all {
            "it is for all pods, and what it does not allow is dropped"
        } else {
            "it is for some pods, and what it does not allow them is dropped"
        },
    });
    of_config.into_iter().chain(policies).take(3).collect()
}

/// All policies; none where some may not be read.
fn policies<'c>(site: &Site<'c>) -> Option<Vec<&'c NetworkPolicy>> {
    let known = site.view.facts.cluster.policies().into_iter().map(|list| list.known());
    Some(known.collect::<Option<Vec<_>>>()?.into_iter().flatten().collect())
}

fn enforcement<'s>(site: &'s Site<'_>) -> Option<&'s PolicyEnforcement> {
    Some(&site.config.as_ref()?.policy_enforcement)
}

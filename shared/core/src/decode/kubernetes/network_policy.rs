//! NetworkPolicies, CiliumNetworkPolicies and CiliumClusterwideNetworkPolicies.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    list::{FromApi, Object},
    metadata::{Metadata, nullable},
};
use crate::{
    decode::DecodeError,
    facts::{LabelSelector, NetworkPolicy, NetworkPolicyKind},
};

type Rule = Map<String, Value>;

#[derive(Deserialize)]
struct Raw {
    metadata: Metadata,
    #[serde(default)]
    spec: Option<Spec>,
    #[serde(default, deserialize_with = "nullable")]
    specs: Vec<Spec>,
}

/// Of all three kinds.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    /// Kubernetes' own policies always have it, Cilium's never.
    pod_selector: Option<LabelSelector>,
    policy_types: Vec<String>,
    endpoint_selector: Option<LabelSelector>,
    node_selector: Option<LabelSelector>,
    #[serde(deserialize_with = "nullable")]
    ingress: Vec<Rule>,
    #[serde(deserialize_with = "nullable")]
    egress: Vec<Rule>,
    #[serde(deserialize_with = "nullable")]
    ingress_deny: Vec<Rule>,
    #[serde(deserialize_with = "nullable")]
    egress_deny: Vec<Rule>,
    #[serde(deserialize_with = "nullable")]
    enable_default_deny: DefaultDeny,
}

/// Since 1.16 a policy may allow without isolating.
#[derive(Default, Deserialize)]
#[serde(default)]
struct DefaultDeny {
    ingress: Option<bool>,
    egress: Option<bool>,
}

impl FromApi for Vec<NetworkPolicy> {
    const KIND: &'static str = "network policy";

    fn from_api(object: &Object<'_>) -> Result<Option<Self>, DecodeError> {
        let Raw { metadata, spec, specs } = object.read()?;
        let policies = spec.into_iter().chain(specs).map(|spec| match spec.pod_selector {
            Some(_) => kubernetes(&metadata, &spec),
            None => cilium(&metadata, &spec),
        });
        Ok(Some(policies.collect()))
    }
}

/// An empty rule lets everything through.
fn kubernetes(metadata: &Metadata, spec: &Spec) -> NetworkPolicy {
    let is_for = |direction: &str| spec.policy_types.iter().any(|it| it == direction);
    NetworkPolicy {
        kind: NetworkPolicyKind::NetworkPolicy,
        namespace: metadata.namespace.clone(),
        name: metadata.name.clone(),
        selects_all: spec.pod_selector.as_ref().is_some_and(LabelSelector::is_empty),
        selects_nodes: false,
        isolates_ingress: is_for("Ingress"),
        isolates_egress: is_for("Egress"),
        allows_egress: !spec.egress.is_empty(),
        denies_egress: false,
        names_fqdns: false,
        inspects_dns: false,
    }
}

/// An empty rule lets nothing through, and isolates.
fn cilium(metadata: &Metadata, spec: &Spec) -> NetworkPolicy {
    let isolates = |said: Option<bool>, allow: &[Rule], deny: &[Rule]| {
        said.unwrap_or(!allow.is_empty() || !deny.is_empty())
    };
    let deny = &spec.enable_default_deny;
    let ports = spec.egress.iter().filter_map(|rule| rule.get("toPorts")?.as_array()).flatten();
    let mut dns = ports.filter_map(|ports| ports.pointer("/rules/dns"));
    NetworkPolicy {
        kind: match metadata.namespace.as_str() {
            "" => NetworkPolicyKind::CiliumClusterwideNetworkPolicy,
            _ => NetworkPolicyKind::CiliumNetworkPolicy,
        },
        namespace: metadata.namespace.clone(),
        name: metadata.name.clone(),
        selects_all: spec.endpoint_selector.as_ref().is_some_and(LabelSelector::is_empty),
        selects_nodes: spec.node_selector.is_some(),
        isolates_ingress: isolates(deny.ingress, &spec.ingress, &spec.ingress_deny),
        isolates_egress: isolates(deny.egress, &spec.egress, &spec.egress_deny),
        allows_egress: spec.egress.iter().any(|rule| !rule.is_empty()),
        denies_egress: spec.egress_deny.iter().any(|rule| !rule.is_empty()),
        names_fqdns: spec.egress.iter().any(|rule| rule.contains_key("toFQDNs")),
        inspects_dns: dns.any(|rules| !rules.is_null()),
    }
}

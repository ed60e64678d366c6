//! What breaks when Cilium goes.

use serde::{Deserialize, Serialize};

use super::{
    inventory::Inventory,
    plan::{Fate, Options},
};
use crate::facts::{Encryption, ProxyReplacement};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// Something stops working for everybody.
    Breaks,
    /// Something is lost, or works less.
    Loses,
    /// Something is to be done afterwards.
    Note,
}

/// One consequence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Impact {
    /// How bad it is.
    pub weight: Weight,
    /// What happens.
    pub what: String,
    /// What helps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// Kinds with which people have Cilium do something that stops: plural, and what stops.
const SERVICES: [(&[&str], &str); 5] = [
    (
        &["ciliumegressgatewaypolicies", "ciliumegressnatpolicies"],
        "egress gateway policies: pods \
      leave the cluster with other addresses",
    ),
    (
        &[
            "ciliumloadbalancerippools",
            "ciliumbgploadbalancerippools",
            "ciliuml2announcementpolicies",
        ],
        "load balancer pools and announcements: Services of type LoadBalancer are not reached any more",
    ),
    (
        &["ciliumbgpclusterconfigs", "ciliumbgppeeringpolicies"],
        "BGP peerings: routers lose their \
      routes to pods and Services",
    ),
    (
        &["ciliumlocalredirectpolicies"],
        "local redirect policies: traffic goes to its Services again",
    ),
    (
        &["ciliumenvoyconfigs", "ciliumclusterwideenvoyconfigs"],
        "Envoy configurations: what they \
      balance and rewrite is served plainly, or not at all",
    ),
];

/// All consequences, the worst first.
pub(super) fn of(inventory: &Inventory, options: Options) -> Vec<Impact> {
    let mut all = Impacts { inventory, found: Vec::new() };
    if inventory.releases_left().next().is_some()
        || inventory.objects.iter().any(|it| it.object.kind == "DaemonSet")
    {
        all.services();
        all.networks();
        all.features();
        if !options.scope.has_nodes() {
            all.nodes();
        }
    }
    all.policies(options.definitions == Fate::Keep);
    all.resources();
    all.found.sort_by_key(|impact| impact.weight);
    all.found
}

struct Impacts<'a> {
    inventory: &'a Inventory,
    found: Vec<Impact>,
}

impl Impacts<'_> {
    fn add(&mut self, weight: Weight, what: impl Into<String>, remedy: Option<&str>) {
        let (what, remedy) = (what.into(), remedy.map(str::to_owned));
        self.found.push(Impact { weight, what, remedy });
    }

    fn services(&mut self) {
        let around = &self.inventory.surroundings;
        let replaces = around.config.as_ref().map(|config| &config.kube_proxy_replacement);
        match (around.kube_proxy, replaces) {
            (Some(true), _) => {}
            (Some(false), Some(ProxyReplacement::Off)) => self.add(
                Weight::Note,
                "No DaemonSet kube-proxy is there, and Cilium does not replace it: something else \
                 answers Services, or kube-proxy runs outside of pods.",
                None,
            ),
            (Some(false), _) => self.add(
                Weight::Breaks,
                "There is no kube-proxy: every Service is dead afterwards, ClusterIPs and cluster \
                 DNS among them.",
                Some("install kube-proxy first: kubeadm init phase addon kube-proxy"),
            ),
            (None, _) => self.add(
                Weight::Breaks,
                "Whether kube-proxy runs could not be seen: without it every Service is dead \
                 afterwards.",
                None,
            ),
        }
    }

    fn networks(&mut self) {
        let around = &self.inventory.surroundings;
        let mode = around.config.as_ref().and_then(|config| config.chaining_mode.as_deref());
        match (around.other_networks.as_deref(), mode) {
            (_, Some(mode)) => {
                let what = format!("Cilium is chained to another plugin ({mode}), which remains.");
                self.add(Weight::Note, what, None);
            }
            (Some([]), None) => self.add(
                Weight::Breaks,
                "There is no other network plugin: no pod starts afterwards, but those in the \
                 host's network.",
                Some("have the manifest of the next plugin ready"),
            ),
            (None, None) => self.add(
                Weight::Breaks,
                "Whether another network plugin is there could not be seen: without one no pod \
                 starts afterwards.",
                None,
            ),
            (Some(others), None) => {
                let what = format!("Other network plugins are here: {}.", others.join(", "));
                self.add(Weight::Note, what, None);
            }
        }
    }

    fn features(&mut self) {
        let around = &self.inventory.surroundings;
        if let Some(config) = &around.config {
            if config.encryption != Encryption::None {
                self.add(Weight::Breaks, "Traffic between nodes is not encrypted any more.", None);
            }
            if config.ingress_controller || config.gateway_api {
                self.add(
                    Weight::Loses,
                    "Nobody answers for Ingresses and Gateways of class cilium any more. Their \
                     Services stay, and load balancers of clouds with them.",
                    None,
                );
            }
            if config.cluster_id != 0 {
                self.add(
                    Weight::Loses,
                    "This cluster is in a mesh: the others go on sending to it for a while.",
                    Some("disconnect them first: cilium clustermesh disconnect"),
                );
            }
        }
        if let Some(count @ 1..) = around.network_policies {
            let what = format!(
                "{} is enforced only if the next plugin does that.",
                counted(count, "NetworkPolicy stays, and", "NetworkPolicies stay, and each")
            );
            self.add(Weight::Loses, what, None);
        }
    }

    fn nodes(&mut self) {
        self.add(
            Weight::Note,
            "On the nodes everything stays: interfaces, rules, BPF programs and CNI files.",
            Some("on each node, as root: kubectl-cilium_uninstall verify --local"),
        );
    }

    fn policies(&mut self, are_kept: bool) {
        let count = |count| counted(count, "Cilium network policy", "Cilium network policies");
        match self.inventory.policies() {
            Some(0) => {}
            Some(number) if are_kept => {
                let what = format!("Nothing enforces {} any more.", count(number));
                self.add(Weight::Breaks, what, None);
            }
            Some(number) => {
                let what = format!(
                    "Deleted, and not enforced any more: {}. What they forbid is possible then.",
                    count(number)
                );
                self.add(Weight::Breaks, what, None);
            }
            None => self.add(
                Weight::Breaks,
                "Policies could not be counted; none of them is enforced any more.",
                None,
            ),
        }
    }

    fn resources(&mut self) {
        for (plurals, what) in SERVICES {
            let count: u64 = plurals.iter().map(|plural| self.inventory.count(plural)).sum();
            if count > 0 {
                self.add(Weight::Loses, format!("{count} {what}."), None);
            }
        }
        let pods = self.inventory.count("ciliumendpoints");
        if pods > 0 {
            let what = format!(
                "To be restarted once another plugin is there: {}, with interfaces and addresses \
                 of Cilium's.",
                counted(pods, "pod", "pods")
            );
            self.add(Weight::Note, what, None);
        }
    }
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

use ipnet::IpNet;

use super::{Evidence, Finding, Judgement, Remedy, Severity, premise, rule};
use crate::{facts::CiliumConfig, prefix::GivenPrefix, view::View};

rule! {
    /// ## What it checks
    /// Whether the cluster pool is the chart's default, `10.0.0.0/8`. Every chart from 1.12 on has
    /// it, and installs it without a word.
    ///
    /// ## Why it hurts
    /// It is a whole eighth of what homes and companies use. Where a node, a gateway or a DNS
    /// server has an address in 10.0.0.0/8, some block of the pool will contain it: at once, or
    /// when the cluster grows.
    ///
    /// ## Fix
    /// Set `ipam.operator.clusterPoolIPv4PodCIDRList`, even where nothing clashes today.
    ///
    /// ## References
    /// - Cilium documentation, "Cluster Scope": default of `clusterPoolIPv4PodCIDRList`
    "CIDR-04", Block, Configuration, "the default pool 10.0.0.0/8 is in use", judge
}

/// Addresses in the pool that are quoted.
const SHOWN: usize = 3;

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some((config, basis)) = premise::cluster_pool(view, out) else { return };
    let Some(default) = default_pool(&config) else { return };
    let inside: Vec<Evidence> = lan_inside(view, default).take(SHOWN).collect();
    // Only what the next nodes will meet is bad today; CIDR-03 knows.
    let is_near = || {
        let judgement = super::cidr_03_predicted_blocks_hit_lan::RULE.judge(view);
        judgement.findings().iter().any(|finding| finding.severity == Severity::Block)
    };
    let mut evidence = vec![Evidence::new(config.origin.clone(), "pool 10.0.0.0/8")];
    evidence.extend(inside.iter().cloned());
    out.found(Finding {
        code: RULE.code,
        severity: if !inside.is_empty() && is_near() { Severity::Block } else { Severity::Warn },
        basis,
        subject: CiliumConfig::DEFAULT_POOL_V4.into(),
        nodes: Vec::new(),
        summary: if inside.is_empty() {
            "the pool is the default 10.0.0.0/8".into()
        } else {
            "the pool is the default 10.0.0.0/8, and the LAN lies in it".into()
        },
        evidence,
        impact:
            "some node's block will contain addresses of the LAN, now or when the cluster grows"
                .into(),
        remedy: Remedy::text("set the pool explicitly (see CIDR-12)"),
    });
}

fn default_pool(config: &CiliumConfig) -> Option<IpNet> {
    config
        .pool_v4
        .iter()
        .filter_map(|text| text.parse::<GivenPrefix>().ok())
        .map(|given| given.prefix())
        .find(|prefix| prefix.to_string() == CiliumConfig::DEFAULT_POOL_V4)
}

/// What of the LAN lies in the pool: what nodes depend on, then their own addresses.
fn lan_inside(view: &View<'_>, pool: IpNet) -> impl Iterator<Item = Evidence> {
    let protected = view
        .protected()
        .filter(move |(_, protected)| pool.contains(&protected.address))
        .map(|(node, protected)| {
            (node, format!("{} ({})", protected.address, protected.roles_in_words()))
        });
    let own = view.nodes().iter().flat_map(move |node| {
        let addresses = node.facts.addresses.items().iter();
        addresses
            .filter(move |own| !own.link.leads_into_cilium() && pool.contains(&own.address))
            .map(move |own| (node, format!("{} on {}", own.address, own.link)))
    });
    protected
        .chain(own)
        .map(|(node, what)| Evidence::new(node.name().as_str(), format!("{what} lies in it")))
}

use ipnet::IpNet;

use super::{Basis, Evidence, Finding, Judgement, Remedy, Severity, premise, rule};
use crate::{
    prefix::{GivenPrefix, PrefixIndex, is_globally_routable},
    view::View,
};

rule! {
    /// ## What it checks
    /// Pod CIDRs, the cluster pool and service CIDRs must lie in space that nobody on the internet
    /// owns: RFC 1918, RFC 6598 (100.64.0.0/10), unique local addresses of IPv6.
    ///
    /// ## Why it hurts
    /// The real owners of those addresses cannot be reached from the cluster. Often it is a typing
    /// error: 192.169.0.0/16, 172.32.0.0/16.
    ///
    /// ## Fix
    /// Choose private space (CIDR-12), or ignore this rule with `--ignore CIDR-17` where the space
    /// is yours.
    ///
    /// ## References
    /// - RFC 1918, RFC 6598, RFC 4193
    "CIDR-17", Warn, Configuration, "address space of the internet is used inside", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let mut prefixes: Vec<(String, IpNet)> = Vec::new();
    if let Some(config) = view.config() {
        let pool = config.pool_v4.iter().chain(&config.pool_v6);
        prefixes.extend(
            pool.filter_map(|text| text.parse::<GivenPrefix>().ok())
                .map(|given| (format!("{}, pool", config.origin), given.prefix())),
        );
    }
    if let Ok(services) = view.service_cidrs() {
        prefixes.extend(
            services.into_iter().flatten().map(|given| ("service CIDR".into(), given.prefix())),
        );
    }
    let written = PrefixIndex::new(prefixes.iter().map(|(_, prefix)| *prefix));
    // A block of a pool is mentioned with the pool.
    let claims = view.pod_cidrs().iter();
    let claims = claims.filter(|claim| written.around(claim.prefix).next().is_none());
    prefixes.extend(claims.map(|claim| {
        (claim.sources.first().map_or_else(String::new, ToString::to_string), claim.prefix)
    }));
    if prefixes.is_empty() {
        premise::no_cluster_network(view, out);
        return;
    }
    for (source, prefix) in prefixes.into_iter().filter(|(_, prefix)| is_globally_routable(*prefix))
    {
        out.found(Finding {
            code: RULE.code,
            severity: Severity::Warn,
            basis: Basis::Observed,
            subject: prefix.to_string(),
            nodes: Vec::new(),
            summary: format!("{prefix} is address space of the internet"),
            evidence: vec![Evidence::new(source, prefix.to_string())],
            impact: "hosts on the internet with these addresses cannot be reached from the cluster"
                .into(),
            remedy: Remedy::text("use private space (see CIDR-12)"),
        });
    }
}

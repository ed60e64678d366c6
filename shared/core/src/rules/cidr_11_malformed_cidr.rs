use super::{Basis, Evidence, Finding, Judgement, Remedy, Severity, rule};
use crate::{
    facts::Family,
    prefix::{GivenPrefix, overlap},
    view::View,
};

rule! {
    /// ## What it checks
    /// Every CIDR that somebody wrote: elements of the cluster pool, `ipv4NativeRoutingCIDR`,
    /// service CIDRs, `--pod-cidr` and `--service-cidr`. It must parse, its host bits must be zero, it
    /// must be of the family that its place is for,
    /// and the elements of a pool must not overlap each other.
    ///
    /// ## Why it hurts
    /// Host bits vanish silently: `10.20.0.0/8` *is* 10.0.0.0/8, and `172.20.0.0/12` contains
    /// docker's 172.17.0.0/16. A pool element that does not parse stops the operator, and the
    /// agents wait for a pod CIDR for ever.
    ///
    /// ## Fix
    /// Write the network that you mean.
    ///
    /// ## References
    /// - cilium/cilium issues 13955, 21188
    "CIDR-11", Block, Configuration, "malformed CIDR", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let texts = texts(view);
    if texts.is_empty() {
        match view.facts.cluster.config.get() {
            Err(why) if view.coming_config().is_none() => out.missing("configuration", why),
            _ => out.not_applicable("nobody wrote a CIDR"),
        }
        return;
    }
    for (origin, text) in &texts {
        match text.parse::<GivenPrefix>() {
            Err(error) => out.found(finding(
                Severity::Block,
                text,
                origin,
                error.to_string(),
                "the operator stops, and agents wait for a pod CIDR for ever",
                "write it as ADDRESS/LENGTH",
            )),
            Ok(given) if given.has_host_bits() => out.found(finding(
                Severity::Error,
                text,
                origin,
                format!("{} means {}: the host bits are ignored", given.text(), given.prefix()),
                "Cilium uses another network than the one that was written",
                "write the network that you mean; with this prefix length, or a longer one",
            )),
            Ok(_) => {}
        }
    }
    wrong_family(view, out);
    overlapping_elements(view, out);
}

fn texts<'a>(view: &View<'a>) -> Vec<(String, &'a str)> {
    let mut texts: Vec<(String, &str)> = Vec::new();
    let declared = &view.facts.declared;
    texts.extend(declared.pod_cidrs.iter().map(|text| ("--pod-cidr".into(), text.as_str())));
    texts
        .extend(declared.service_cidrs.iter().map(|text| ("--service-cidr".into(), text.as_str())));
    let services = view.facts.cluster.service_cidrs.items();
    texts.extend(services.iter().map(|text| ("service CIDR".into(), text.as_str())));
    if let Some(config) = view.config() {
        let pool = config.pool_v4.iter().chain(&config.pool_v6);
        texts.extend(pool.map(|text| (format!("{}, pool", config.origin), text.as_str())));
        let native = config.native_routing_cidr_v4.as_deref();
        texts.extend(native.map(|text| (format!("{}, native routing CIDR", config.origin), text)));
    }
    texts
}

/// Networks that stand where those of the other family belong.
fn wrong_family(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = view.config() else { return };
    let lists: [(Family, &str, &[String], &str); 4] = [
        (
            Family::V4,
            "pool",
            &config.pool_v4,
            "the operator stops: it takes one family in each list",
        ),
        (
            Family::V6,
            "pool",
            &config.pool_v6,
            "the operator stops: it takes one family in each list",
        ),
        (
            Family::V4,
            "native routing CIDR",
            config.native_routing_cidr_v4.as_slice(),
            "no agent starts",
        ),
        (
            Family::V6,
            "native routing CIDR",
            config.native_routing_cidr_v6.as_slice(),
            "no agent starts",
        ),
    ];
    for (family, what, texts, impact) in lists {
        for text in texts {
            let Ok(given) = text.parse::<GivenPrefix>() else { continue };
            let own = Family::of_prefix(given.prefix());
            if own != family {
                let summary = format!("{given} is of {own}, and stands in the {what} of {family}");
                let remedy =
                    format!("put it into the {what} of {own}, and a network of {family} here");
                let origin = format!("{}, {what}", config.origin);
                out.found(finding(Severity::Block, text, &origin, summary, impact, &remedy));
            }
        }
    }
}

fn overlapping_elements(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = view.config() else { return };
    let elements: Vec<GivenPrefix> =
        config.pool_v4.iter().chain(&config.pool_v6).filter_map(|text| text.parse().ok()).collect();
    for (index, a) in elements.iter().enumerate() {
        for b in &elements[index + 1..] {
            if overlap(a.prefix(), b.prefix()).is_some() {
                out.found(finding(
                    Severity::Block,
                    b.text(),
                    &config.origin,
                    format!("the pool elements {a} and {b} overlap"),
                    "the operator refuses the pool: the CIDR collides with another",
                    "keep one of the two, or choose networks that are apart",
                ));
            }
        }
    }
}

fn finding(
    severity: Severity,
    subject: &str,
    origin: &str,
    summary: String,
    impact: &str,
    remedy: &str,
) -> Finding {
    Finding {
        code: RULE.code,
        severity,
        basis: Basis::Observed,
        subject: if subject.is_empty() { "an empty text".into() } else { subject.to_owned() },
        nodes: Vec::new(),
        summary,
        evidence: vec![Evidence::new(origin, subject)],
        impact: impact.into(),
        remedy: Remedy::text(remedy),
    }
}

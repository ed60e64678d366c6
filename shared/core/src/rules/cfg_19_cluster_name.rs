use super::{Finding, Judgement, Remedy, Severity, premise, rule};
use crate::{chart::ChartVersion, facts::CiliumConfig, view::View};

rule! {
    /// ## What it checks
    /// Whether agents of the version take `cluster.name` and `cluster.id`: a name of lower case
    /// letters, digits and `-`, that begins and ends with a letter or digit, of at most 32
    /// characters; a number from 0 to 255 (511 where a mesh has so many clusters); and a name of
    /// its own for a cluster with a number.
    ///
    /// ## Why it hurts
    /// Agents since 1.17 do not start under another name; those of 1.16 complain. So
    /// a cluster that was called `cluster.local` by an old `cilium install` runs until it is
    /// upgraded. With a number, the name `default` stops the agents of every version.
    ///
    /// ## Fix
    /// A new installation takes another name. In a running cluster the name stands in the identities
    /// of pods: change it in a maintenance window, and restart agents and pods.
    ///
    /// ## References
    /// - Cilium documentation, "Upgrade Guide" to 1.16 and 1.17: cluster name
    /// - Cilium source: `pkg/clustermesh/types`
    "CFG-19", Block, Configuration, "agents do not take the cluster's name or number", judge
}

const NAME: &str = "cluster.name";
const ID: &str = "cluster.id";
const LONGEST: usize = 32;
/// Of meshes with `maxConnectedClusters: 511`.
const HIGHEST_ID: u32 = 511;
/// Agents that complain about a name, and those that do not start under it.
const COMPLAINS: (u64, u64, u64) = (1, 16, 0);
const REFUSES: (u64, u64, u64) = (1, 17, 0);

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::config(view, out) else { return };
    let (name, id) = (config.cluster_name.as_str(), config.cluster_id);
    if id > HIGHEST_ID {
        out.found(finding(
            config,
            ID,
            format!("the number of the cluster, {id}, is above {HIGHEST_ID}"),
            "no agent starts",
            Remedy::text("a number from 1 to 255; 0 for a cluster that is in no mesh")
                .with_values("cluster:\n  id: 0\n"),
        ));
    }
    if name == "default" && id != 0 {
        out.found(finding(
            config,
            NAME,
            format!("a cluster with a number ({id}) may not be called `default`"),
            "no agent starts: the default name cannot stand with a number",
            Remedy::text("give it a name of its own, or, outside a mesh, no number")
                .with_values(format!("cluster:\n  name: NAME\n  id: {id}\n")),
        ));
    }
    if let Some(why) = complaint(name)
        && let Some(version) = premise::version(config, out)
    {
        judge_name(config, &version, why, out);
    }
}

fn complaint(name: &str) -> Option<&'static str> {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_malformed = !name.bytes().all(is_inner) || name.starts_with('-') || name.ends_with('-');
    if name.is_empty() {
        Some("it is empty")
    } else if name.len() > LONGEST {
        Some("it has more than 32 characters")
    } else {
        is_malformed.then_some("only lower case letters, digits and `-` between them are allowed")
    }
}

fn judge_name(config: &CiliumConfig, version: &ChartVersion, why: &str, out: &mut Judgement) {
    let (severity, impact) = if version.is_at_least(REFUSES) {
        (Severity::Block, "no agent starts under it")
    } else if version.is_at_least(COMPLAINS) {
        (Severity::Warn, "agents complain; those of 1.17 do not start under it")
    } else {
        (Severity::Info, "agents since 1.17 do not start under it: an upgrade will fail")
    };
    let summary = format!("the cluster cannot be called `{}`: {why}", config.cluster_name);
    let remedy = Remedy::text(
        "take another name; in a running cluster it stands in the identities of pods, so change \
         it in a maintenance window, and restart agents and pods",
    )
    .with_values(format!("cluster:\n  name: {}\n", fit(&config.cluster_name)));
    out.found(Finding { severity, ..finding(config, NAME, summary, impact, remedy) });
}

/// A name that is taken, as like the old one as can be.
fn fit(name: &str) -> String {
    let fit = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let name: String = name.chars().map(fit).take(LONGEST).collect();
    match name.trim_matches('-') {
        "" => "NAME".to_owned(),
        name => name.to_owned(),
    }
}

fn finding(
    config: &CiliumConfig,
    key: &str,
    summary: String,
    impact: &str,
    remedy: Remedy,
) -> Finding {
    let (name, id) = (&config.cluster_name, config.cluster_id);
    Finding::about(RULE.code, Severity::Block, key)
        .saying(summary, impact)
        .seen(config.origin.clone(), format!("cluster-name {name}, cluster-id {id}"))
        .mended_by(remedy)
}

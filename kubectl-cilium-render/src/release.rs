//! The Helm release that the values are for.

use std::path::PathBuf;

use kcilium_core::facts::{ClusterFacts, Component, Fact, Release, Unavailable};

use crate::{args::Render, source::Cluster};

/// The release that the values are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Where the chart comes from.
    pub chart: ChartSource,
}

/// Where the chart comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChartSource {
    /// The repository of the released charts.
    Released,
    /// Another repository.
    Repository(String),
    /// A folder or an archive.
    Local(PathBuf),
}

impl ChartSource {
    fn of(args: &Render) -> Self {
        match (&args.chart_directory, &args.release.repository) {
            (Some(path), _) => Self::Local(path.clone()),
            (None, Some(repository)) => Self::Repository(repository.clone()),
            (None, None) => Self::Released,
        }
    }
}

impl Target {
    /// What the user says; else the namespace in which Cilium is, else the usual one.
    pub fn of(args: &Render, cluster: Option<&Cluster>) -> Self {
        let name = args.release.helm_release_name.clone();
        let of_release = |facts: &ClusterFacts| {
            let releases = facts.releases.items().iter();
            let newest = releases.filter(|it| it.name == name).max_by_key(|it| it.revision)?;
            Some(newest.namespace.clone())
        };
        let of_agents = |facts: &ClusterFacts| {
            facts.workloads(Component::Agent).next().map(|agents| agents.namespace.clone())
        };
        let facts = cluster.map(|cluster| &cluster.facts.cluster);
        let seen = || facts.and_then(|facts| of_release(facts).or_else(|| of_agents(facts)));
        let namespace = args.live.namespace.clone().or_else(seen);
        Self {
            namespace: namespace.unwrap_or_else(|| "kube-system".to_owned()),
            chart: ChartSource::of(args),
            name,
        }
    }
}

/// What is known of the release.
#[derive(Clone, Debug, PartialEq)]
pub enum Current {
    /// Nobody looked, or nobody was allowed to.
    Unknown(String),
    /// There is none.
    Absent,
    /// It is there; this is the revision that runs.
    Installed(Box<Release>),
}

impl Current {
    /// What a cluster says.
    pub fn of(cluster: Option<&Cluster>, target: &Target) -> Self {
        match cluster {
            Some(cluster) => Self::among(&cluster.facts.cluster.releases, target),
            None => Self::Unknown("no cluster was looked at".to_owned()),
        }
    }

    /// Picks the release out of all. The running revision is the one that was deployed last, and
    /// the newest where none was: Helm upgrades a failed release too.
    fn among(releases: &Fact<Vec<Release>>, target: &Target) -> Self {
        let releases = match releases {
            Fact::Known(releases) => releases,
            Fact::Unavailable(Unavailable { why, .. }) => return Self::Unknown(why.clone()),
        };
        let own = releases.iter().filter(|release| {
            release.name == target.name
                && release.namespace == target.namespace
                && release.status != "uninstalled"
        });
        let newest = own.max_by_key(|release| (release.status == "deployed", release.revision));
        newest.map_or(Self::Absent, |release| Self::Installed(Box::new(release.clone())))
    }
}

#[cfg(test)]
mod tests {
    use kcilium_core::facts::UnavailableKind;

    use super::*;

    fn release(revision: u32, status: &str) -> Release {
        Release {
            name: "cilium".to_owned(),
            namespace: "kube-system".to_owned(),
            revision,
            status: status.to_owned(),
            ..Release::default()
        }
    }

    fn target() -> Target {
        let (namespace, name) = ("kube-system".to_owned(), "cilium".to_owned());
        Target { namespace, name, chart: ChartSource::Released }
    }

    #[test]
    fn the_deployed_revision_is_taken() {
        let of =
            |releases: &[Release]| match Current::among(&Fact::Known(releases.to_vec()), &target())
            {
                Current::Installed(release) => release.revision,
                Current::Absent => 0,
                Current::Unknown(why) => panic!("{why}"),
            };
        assert_eq!(of(&[]), 0);
        assert_eq!(
            of(&[release(1, "superseded"), release(2, "deployed"), release(3, "failed")]),
            2
        );
        assert_eq!(of(&[release(1, "failed")]), 1);
        assert_eq!(of(&[release(1, "uninstalled")]), 0);
        let other = Release { namespace: "other".to_owned(), ..release(1, "deployed") };
        assert_eq!(of(&[other]), 0);
    }

    #[test]
    fn what_may_not_be_read_is_unknown() {
        let releases = Fact::Unavailable(Unavailable {
            what: "secrets".to_owned(),
            why: "forbidden".to_owned(),
            kind: UnavailableKind::default(),
        });
        let current = Current::among(&releases, &target());
        assert_eq!(current, Current::Unknown("forbidden".to_owned()));
    }
}

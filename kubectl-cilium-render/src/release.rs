//! The Helm release that the values are for.

use kcilium_core::facts::{Fact, Release, Unavailable};

use crate::args::Target;

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
    /// Picks the release out of all. The running revision is the one that was deployed last, and
    /// the newest where none was: Helm upgrades a failed release too.
    pub fn of(releases: &Fact<Vec<Release>>, target: &Target) -> Self {
        let releases = match releases {
            Fact::Known(releases) => releases,
            Fact::Unavailable(Unavailable { why, .. }) => return Self::Unknown(why.clone()),
        };
        let own = releases.iter().filter(|release| {
            release.name == target.helm_release_name
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

    #[test]
    fn the_deployed_revision_is_taken() {
        let of = |releases: &[Release]| match Current::of(
            &Fact::Known(releases.to_vec()),
            &Target::default(),
        ) {
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
        let current = Current::of(&releases, &Target::default());
        assert_eq!(current, Current::Unknown("forbidden".to_owned()));
    }
}

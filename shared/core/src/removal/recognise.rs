//! Whether an object is Cilium's.

use super::{
    catalogue::{KindOf, Listing, PART_OF, SLICE_MANAGERS, user_secret},
    inventory::Proof,
    object::Meta,
};

/// Whose an object is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Belonging {
    /// Cilium's.
    Ciliums(Proof),
    /// Of use to Cilium, and a person's: it stays.
    Users(&'static str),
    /// Somebody else's.
    Foreign,
}

/// What is known of installations before objects are looked at.
#[derive(Clone, Debug, Default)]
pub struct Owners {
    /// Namespaces and names of Cilium's releases.
    pub cilium: Vec<(String, String)>,
    /// Namespaces and names of other releases.
    pub others: Vec<(String, String)>,
    /// Namespaces that Cilium is in.
    pub homes: Vec<String>,
}

impl Owners {
    fn has(releases: &[(String, String)], (namespace, name): (&str, &str)) -> bool {
        releases.iter().any(|it| it.0 == namespace && it.1 == name)
    }
}

/// Says whose an object is. What a release says of itself counts more than a label, which anybody
/// may set, and a label more than a name, which counts in Cilium's own namespace only.
pub fn recognise(kind: &KindOf, meta: &Meta, owners: &Owners) -> Belonging {
    let manager = meta.label("endpointslice.kubernetes.io/managed-by");
    if SLICE_MANAGERS.contains(&manager) {
        return Belonging::Ciliums(Proof::ManagedBy { manager: manager.to_owned() });
    }
    if meta.is_owned {
        return Belonging::Foreign;
    }
    if kind.kind == "Secret"
        && let Some(what) = user_secret(&meta.name)
    {
        return Belonging::Users(what);
    }
    if let Some(release) = meta.release() {
        if Owners::has(&owners.cilium, release) {
            let (namespace, name) = (release.0.to_owned(), release.1.to_owned());
            return Belonging::Ciliums(Proof::Annotated { namespace, name });
        }
        if Owners::has(&owners.others, release) {
            return Belonging::Foreign;
        }
    }
    let part_of = meta.label(PART_OF.0);
    if !part_of.is_empty() && part_of != PART_OF.1 {
        return Belonging::Foreign;
    }
    let is_home = kind.listing == Listing::Cluster || owners.homes.contains(&meta.namespace);
    let is_known = is_home && kind.knows(&meta.name);
    match (part_of, is_known) {
        // People label what they make for Cilium, and a Secret is not made anew.
        (_, false) if kind.kind == "Secret" => Belonging::Foreign,
        ("", false) => Belonging::Foreign,
        ("", true) => Belonging::Ciliums(Proof::Name),
        _ => Belonging::Ciliums(Proof::Label),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::removal::KINDS;

    fn kind(kind: &str) -> &'static KindOf {
        KINDS.iter().find(|it| it.kind == kind).unwrap()
    }

    fn owners() -> Owners {
        Owners {
            cilium: vec![("kube-system".into(), "net".into())],
            others: vec![("kube-system".into(), "cilium-dashboards".into())],
            homes: vec!["kube-system".into()],
        }
    }

    fn meta(namespace: &str, name: &str) -> Meta {
        Meta { namespace: namespace.into(), name: name.into(), ..Meta::default() }
    }

    fn of_release(mut meta: Meta, name: &str) -> Meta {
        let mut annotate = |key: &str, value: &str| {
            meta.annotations.insert(format!("meta.helm.sh/{key}"), value.into())
        };
        annotate("release-namespace", "kube-system");
        annotate("release-name", name);
        meta
    }

    fn labelled(mut meta: Meta, part_of: &str) -> Meta {
        meta.labels.insert(PART_OF.0.into(), part_of.into());
        meta
    }

    #[test]
    fn a_release_of_another_chart_keeps_its_objects() {
        let there = of_release(meta("kube-system", "cilium-config"), "cilium-dashboards");
        let there = labelled(there, "cilium");
        assert_eq!(recognise(kind("ConfigMap"), &there, &owners()), Belonging::Foreign);
        let lost = of_release(there, "lost");
        let found = recognise(kind("ConfigMap"), &lost, &owners());
        assert_eq!(found, Belonging::Ciliums(Proof::Label));
    }

    #[test]
    fn a_name_counts_at_home_only() {
        let here = meta("kube-system", "hubble-ui-nginx");
        let found = recognise(kind("ConfigMap"), &here, &owners());
        assert_eq!(found, Belonging::Ciliums(Proof::Name));
        let elsewhere = meta("default", "hubble-ui-nginx");
        assert_eq!(recognise(kind("ConfigMap"), &elsewhere, &owners()), Belonging::Foreign);
    }

    #[test]
    fn tetragon_is_not_cilium() {
        let there = labelled(meta("kube-system", "cilium-operator"), "tetragon");
        assert_eq!(recognise(kind("Deployment"), &there, &owners()), Belonging::Foreign);
    }

    #[test]
    fn secrets_of_people_stay() {
        let keys = labelled(meta("kube-system", "cilium-ipsec-keys"), "cilium");
        assert!(matches!(recognise(kind("Secret"), &keys, &owners()), Belonging::Users(_)));
        let own = labelled(meta("kube-system", "my-certificate"), "cilium");
        assert_eq!(recognise(kind("Secret"), &own, &owners()), Belonging::Foreign);
        let made = meta("kube-system", "hubble-server-certs");
        let found = recognise(kind("Secret"), &made, &owners());
        assert_eq!(found, Belonging::Ciliums(Proof::Name));
    }

    #[test]
    fn what_a_controller_owns_goes_with_its_owner() {
        let owned = Meta { is_owned: true, ..labelled(meta("kube-system", "cilium"), "cilium") };
        assert_eq!(recognise(kind("DaemonSet"), &owned, &owners()), Belonging::Foreign);
    }
}

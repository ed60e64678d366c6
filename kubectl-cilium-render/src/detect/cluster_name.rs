//! `cluster.name`.

use super::{
    Subject,
    distribution::{Distribution, Recognised},
    finding::Findings,
};

const RUNNING: &str = "ConfigMap kube-system/cilium-config";

/// Longest name that charts take from 1.16 on; it is also matched with
/// `^([a-z0-9][-a-z0-9]*)?[a-z0-9]$`.
const LONGEST: usize = 32;

/// The name that Cilium runs with: identities and nodes of a renamed cluster are strangers to it.
/// Before an installation the name that the kubeconfig gives the cluster, as `cilium install` takes
/// it, else kubeadm's.
pub(super) fn find(subject: &Subject<'_>, recognised: &Recognised, findings: &mut Findings) {
    if subject.gives("cluster.name") {
        return;
    }
    if let Some(running) = running(subject) {
        let reason = "Cilium runs with it, and a cluster that is renamed loses its identities";
        findings.convention("cluster.name", running, RUNNING, reason);
        return;
    }
    let of_kubeconfig = subject.kubeconfig.cluster.as_deref();
    let of_kubeadm = subject.facts.cluster.kubeadm.known().map(|it| it.cluster_name.as_str());
    let (name, source) = match (of_kubeconfig, of_kubeadm) {
        (Some(name), _) if !name.is_empty() => (name, "kubeconfig"),
        (_, Some(name)) if !name.is_empty() => (name, "ConfigMap kube-system/kubeadm-config"),
        _ => {
            findings.remark(
                "the cluster's name is not known; add --set-string cluster.name=NAME unless it is \
                 to be `default`",
            );
            return;
        }
    };
    let is_strict = subject.version.is_at_least((1, 16, 0));
    let made =
        if is_strict { valid(&short(name, recognised)) } else { tame(&short(name, recognised)) };
    if made.is_empty() {
        findings.remark(format!(
            "the cluster is called `{name}`, of which no valid name can be made; add --set-string \
             cluster.name=NAME"
        ));
        return;
    }
    let reason = if made == name {
        "that is what the cluster is called there, and `cilium install` takes it too".to_owned()
    } else {
        let demand = if is_strict {
            "the chart takes lower-case letters, digits and inner dashes only, 32 at most"
        } else {
            "names of clusters are made of letters, digits and dashes"
        };
        findings.remark(format!(
            "cluster.name is `{made}`, made of `{name}`: {demand}; give another with --set-string \
             cluster.name=NAME"
        ));
        format!("the cluster is called `{name}` there, and {demand}")
    };
    findings.convention("cluster.name", made, source, &reason);
}

fn running<'a>(subject: &Subject<'a>) -> Option<&'a str> {
    let config = subject.facts.cluster.config_data.known()?;
    config.data.get("cluster-name").map(String::as_str).filter(|name| !name.is_empty())
}

/// Amazon's names hold more than a name: `arn:aws:eks:REGION:ACCOUNT:cluster/NAME`, and
/// `NAME.REGION.eksctl.io`. cilium-cli takes the name out since 0.16.24 and 0.18.5.
fn short(name: &str, recognised: &Recognised) -> String {
    if let Some((_, name)) = name.rsplit_once(":cluster/") {
        return name.to_owned();
    }
    match name.split_once('.') {
        Some((first, rest))
            if recognised.distribution == Distribution::Eks && rest.contains("eksctl.io") =>
        {
            first.to_owned()
        }
        _ => name.to_owned(),
    }
}

/// As `cilium install` does it, and a little more: it leaves slashes and other letters alone.
fn tame(name: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
    name.chars().map(|letter| if is_plain(letter) { letter } else { '-' }).collect()
}

/// A name that charts of 1.16 and later take; empty where there is none.
fn valid(name: &str) -> String {
    let name = tame(name).to_lowercase();
    // All of it is ASCII now.
    let name = name.trim_matches('-');
    name[..name.len().min(LONGEST)].trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::{tame, valid};

    #[test]
    fn names_become_valid() {
        for (name, made) in [
            ("kubernetes", "kubernetes"),
            ("Prod_A", "prod-a"),
            ("gke_project-with-a-name_europe-west1-b_cluster", "gke-project-with-a-name-europe-w"),
            ("api-foo-com:6443", "api-foo-com-6443"),
            ("123", "123"),
            ("-a-", "a"),
            ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa_b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
            ("Größe", "gr--e"),
            ("___", ""),
        ] {
            assert_eq!(valid(name), made, "{name}");
        }
        assert_eq!(tame("Prod_A.x"), "Prod-A-x");
    }
}

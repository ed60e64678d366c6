//! What the files of a sysdump are, by their names.
//!
//! ```text
//! k8s-nodes-<ts>.yaml       ciliumnodes-<ts>.yaml          cilium-configmap-<ts>.yaml
//! k8s-version-<ts>.txt      cilium-helm-values-<ts>.yaml   cilium-helm-metadata-<ts>.yaml
//! cniconf-<file>-<pod>-<ts>.txt                            cilium-bugtool-<pod>-<ts>/cmd/ip-a.md
//! logs-<pod>-<container>-<ts>.log                          logs-<pod>-<container>-<ts>-prev.log
//! ```
//!
//! `<ts>` is `20240131-120000`. All may stand in a folder of their own, as cilium-cli packs them.

use kcilium_core::{decode::cni_conf, facts::Run};

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// Objects of a resource, as kubectl calls it.
    Objects(&'static str),
    /// The version of Kubernetes.
    Version,
    /// What the user set of Cilium's chart.
    HelmValues,
    /// Name, version and status of Cilium's release.
    HelmMetadata,
    /// A CNI file of a node, by its name and its agent's pod.
    Cni(&'a str),
    /// What a container wrote: `POD-CONTAINER`, both of which may have dashes.
    Log(&'a str, Run),
    /// What a command printed in an agent's pod.
    Command {
        /// The pod.
        pod: &'a str,
        /// The command, with dashes for blanks and slashes.
        command: &'a str,
    },
}

/// What the file at a path holds; none for those that say nothing of what rules ask.
pub(super) fn part(path: &str) -> Option<Part<'_>> {
    let mut folders = path.rsplit('/');
    let file = folders.next()?;
    if folders.next() == Some("cmd") {
        let pod = folders.next()?.strip_prefix("cilium-bugtool-")?;
        let command = file.strip_suffix(".md").or_else(|| file.strip_suffix(".txt"))?;
        return super::bugtool::is_read(command)
            .then(|| Part::Command { pod: without_time(pod), command });
    }
    let (name, extension) = file.rsplit_once('.')?;
    if extension == "log" {
        let (name, run) = match name.strip_suffix("-prev") {
            Some(name) => (name, Run::Previous),
            None => (name, Run::Current),
        };
        return Some(Part::Log(without_time(name).strip_prefix("logs-")?, run));
    }
    let name = without_time(name);
    Some(match (name, extension) {
        ("k8s-version", "txt") => Part::Version,
        ("cilium-helm-values", "yaml") => Part::HelmValues,
        ("cilium-helm-metadata", "yaml") => Part::HelmMetadata,
        // Before cilium-cli 0.8 it was called by the object's name.
        ("cilium-configmap" | "cilium-config-configmap", "yaml") => Part::Objects("configmaps"),
        ("cilium-daemonset", "yaml") => Part::Objects("daemonsets"),
        ("k8s-nodes", "yaml") => Part::Objects("nodes"),
        ("k8s-pods", "yaml") => Part::Objects("pods"),
        ("k8s-services", "yaml") => Part::Objects("services"),
        ("k8s-events", "yaml") => Part::Objects("events"),
        ("k8s-leases", "yaml") => Part::Objects("leases"),
        ("k8s-endpointslices", "yaml") => Part::Objects("endpointslices"),
        ("k8s-networkpolicies", "yaml") => Part::Objects("networkpolicies"),
        ("ciliumnodes", "yaml") => Part::Objects("ciliumnodes"),
        ("ciliumnodeconfigs", "yaml") => Part::Objects("ciliumnodeconfigs"),
        ("ciliumendpoints", "yaml") => Part::Objects("ciliumendpoints"),
        ("ciliumnetworkpolicies", "yaml") => Part::Objects("ciliumnetworkpolicies"),
        ("ciliumclusterwidenetworkpolicies", "yaml") => {
            Part::Objects("ciliumclusterwidenetworkpolicies")
        }
        (name, "txt") => Part::Cni(name.strip_prefix("cniconf-")?),
        _ => return None,
    })
}

/// A name without the time at its end.
fn without_time(name: &str) -> &str {
    const TIME: &str = "-20240131-120000";
    let is_time = |text: &str| {
        text.chars().zip(TIME.chars()).all(|(c, model)| match model {
            '-' => c == '-',
            _ => c.is_ascii_digit(),
        })
    };
    match name.split_at_checked(name.len().wrapping_sub(TIME.len())) {
        Some((rest, time)) if is_time(time) => rest,
        _ => name,
    }
}

/// The pod and the file in the name of a copied CNI file.
pub(super) fn cni_file<'a, 'b>(
    name: &'a str,
    mut pods: impl Iterator<Item = &'b String>,
) -> Option<(&'b str, &'a str)> {
    pods.find_map(|pod| {
        let file = name.strip_suffix(pod.as_str())?.strip_suffix('-')?;
        cni_conf::is_cni_file_name(file).then_some((pod.as_str(), file))
    })
}

/// The version in `version.Info{Major:"1", Minor:"28", GitVersion:"v1.28.3", …}`, which is how Go
/// prints it.
pub(super) fn git_version(text: &str) -> Result<&str, String> {
    let after = text.split_once("GitVersion:\"").map(|(_, after)| after);
    let version = after.and_then(|after| after.split('"').next()).unwrap_or_else(|| text.trim());
    if version.starts_with('v') && !version.contains(char::is_whitespace) {
        Ok(version)
    } else {
        Err("it has no GitVersion".into())
    }
}

#[cfg(test)]
mod tests {
    use kcilium_core::facts::Run;

    use super::{Part, cni_file, git_version, part};

    #[test]
    fn files_are_told_by_their_names() {
        let time = "20240131-120000";
        let cases = [
            (format!("k8s-nodes-{time}.yaml"), Some(Part::Objects("nodes"))),
            (format!("cilium-sysdump-{time}/k8s-nodes-{time}.yaml"), Some(Part::Objects("nodes"))),
            ("k8s-nodes.yaml".into(), Some(Part::Objects("nodes"))),
            (format!("k8s-pods-{time}.txt"), None),
            (format!("cilium-envoy-configmap-{time}.yaml"), None),
            (format!("cilium-etcd-secrets-secret-{time}.yaml"), None),
            (
                format!("x/cilium-bugtool-cilium-abcde-{time}/cmd/ip--4-r.md"),
                Some(Part::Command { pod: "cilium-abcde", command: "ip--4-r" }),
            ),
            (format!("cilium-bugtool-cilium-abcde-{time}/cmd/ip-xfrm-policy.md"), None),
            (format!("cilium-bugtool-cilium-abcde-{time}/conf/ip-a.md"), None),
            (
                format!("cniconf-05-cilium.conflist-cilium-abcde-{time}.txt"),
                Some(Part::Cni("05-cilium.conflist-cilium-abcde")),
            ),
            (
                format!("logs-cilium-abcde-cilium-agent-{time}.log"),
                Some(Part::Log("cilium-abcde-cilium-agent", Run::Current)),
            ),
            (
                format!("logs-cilium-abcde-cilium-agent-{time}-prev.log"),
                Some(Part::Log("cilium-abcde-cilium-agent", Run::Previous)),
            ),
            ("cilium-sysdump.log".into(), None),
            (String::new(), None),
            ("cmd/ip-a.md".into(), None),
        ];
        for (path, expected) in &cases {
            assert_eq!(part(path).as_ref(), expected.as_ref(), "{path}");
        }
    }

    #[test]
    fn the_name_of_a_cni_file_ends_with_its_pod() {
        let pods = ["cilium-abcde".to_owned(), "abcde".to_owned()];
        let found = cni_file("05-cilium.conflist-cilium-abcde", pods.iter());
        assert_eq!(found, Some(("cilium-abcde", "05-cilium.conflist")));
        assert_eq!(cni_file("README-cilium-abcde", pods.iter()), None);
        assert_eq!(cni_file("05-cilium.conflist-other", pods.iter()), None);
    }

    #[test]
    fn go_s_notation_of_the_version_is_read() {
        let text = r#"version.Info{Major:"1", Minor:"28+", GitVersion:"v1.28.3-eks-4f4795d", Platform:"linux/amd64"}"#;
        assert_eq!(git_version(text), Ok("v1.28.3-eks-4f4795d"));
        assert_eq!(git_version("v1.20.2\n"), Ok("v1.20.2"));
        assert!(git_version("Error: no such host").is_err());
    }
}

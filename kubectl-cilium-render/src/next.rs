//! The command that puts the values to use.

use std::path::{Path, PathBuf};

use kcilium_core::{chart::ChartVersion, shell::quoted};

use crate::release::{ChartSource, Current, Target};

/// Stands for the name of the values file where it is not known.
const PLACEHOLDER: &str = "FILE";

/// The repository of the released charts.
const REPOSITORY: &str = "https://helm.cilium.io/";

/// The command, to be typed as it stands; `files` are the values files, in their order.
pub fn command(
    current: &Current,
    target: &Target,
    version: &ChartVersion,
    files: &[String],
) -> String {
    let verb: &[&str] = match current {
        Current::Installed(_) => &["upgrade"],
        Current::Absent => &["install"],
        // It does either.
        Current::Unknown(_) => &["upgrade", "--install"],
    };
    let chart: Vec<String> = match &target.chart {
        ChartSource::Released => vec!["cilium/cilium".to_owned()],
        ChartSource::Repository(oci) if oci.starts_with("oci://") => vec![chart_in_registry(oci)],
        ChartSource::Repository(url) => {
            vec!["cilium".to_owned(), "--repo".to_owned(), url.clone()]
        }
        ChartSource::Local(path) => vec![chart_on_disk(path)],
    };
    let mut words = vec!["helm".to_owned()];
    words.extend(verb.iter().map(|word| (*word).to_owned()));
    words.push(target.name.clone());
    words.extend(chart);
    // A chart on disk has one version.
    if !matches!(target.chart, ChartSource::Local(_)) {
        words.extend(["--version".to_owned(), version.to_string()]);
    }
    words.extend(["-n".to_owned(), target.namespace.clone()]);
    for file in files {
        words.extend(["-f".to_owned(), file.clone()]);
    }
    if files.is_empty() {
        words.extend(["-f".to_owned(), PLACEHOLDER.to_owned()]);
    }
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

/// What has to be done once before Helm knows the chart, if anything.
pub fn preparation(target: &Target) -> Option<String> {
    let needed = target.chart == ChartSource::Released;
    needed.then(|| format!("`helm repo add cilium {REPOSITORY}` makes the chart known to Helm"))
}

/// A registry is named with its chart or without.
fn chart_in_registry(repository: &str) -> String {
    let repository = repository.trim_end_matches('/');
    match repository.rsplit_once('/') {
        Some((_, "cilium")) if repository.matches('/').count() > 3 => repository.to_owned(),
        _ => format!("{repository}/cilium"),
    }
}

/// A path that is taken neither for a flag nor for a chart in a repository.
pub(crate) fn chart_on_disk(path: &Path) -> String {
    let name = path.display().to_string();
    let is_told = path.is_absolute() || name.starts_with("./") || name.starts_with("../");
    if is_told { name } else { format!("./{name}") }
}

/// The file that standard output goes to, as seen from here. Only Linux tells; and a name that
/// cannot be typed is no use.
pub fn standard_output() -> Option<String> {
    const STDOUT: &str = "/proc/self/fd/1";
    let behind = std::fs::metadata(STDOUT).ok()?;
    let path: PathBuf = std::fs::read_link(STDOUT).ok()?;
    // A deleted file has another name there, and `/dev/null` is no file.
    if !behind.is_file() || !path.is_file() {
        return None;
    }
    let here = std::env::current_dir().ok();
    let name = here.as_ref().and_then(|here| path.strip_prefix(here).ok()).unwrap_or(&path);
    let name = name.to_str().filter(|name| !name.chars().any(char::is_control))?;
    Some(if name.starts_with('-') { format!("./{name}") } else { name.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command_for(current: &Current, repository: Option<&str>, file: &str) -> String {
        let chart = repository.map_or(ChartSource::Released, |repository| {
            ChartSource::Repository(repository.to_owned())
        });
        let target =
            Target { namespace: "kube-system".to_owned(), name: "cilium".to_owned(), chart };
        command(current, &target, &ChartVersion::new(1, 16, 2), &[file.to_owned()])
    }

    #[test]
    fn verbs_and_repositories() {
        assert_eq!(
            command_for(&Current::Absent, None, "v.yaml"),
            "helm install cilium cilium/cilium --version 1.16.2 -n kube-system -f v.yaml"
        );
        let installed = Current::Installed(Box::default());
        assert_eq!(
            command_for(&installed, Some("https://charts.example"), "v.yaml"),
            "helm upgrade cilium cilium --repo https://charts.example --version 1.16.2 \
             -n kube-system -f v.yaml"
        );
        for repository in ["oci://quay.io/cilium/charts", "oci://quay.io/cilium/charts/cilium"] {
            assert_eq!(
                command_for(&Current::Unknown(String::new()), Some(repository), "v.yaml"),
                "helm upgrade --install cilium oci://quay.io/cilium/charts/cilium \
                 --version 1.16.2 -n kube-system -f v.yaml"
            );
        }
    }
}

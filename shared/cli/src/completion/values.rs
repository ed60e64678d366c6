//! Values that only the kubeconfig, the cluster or the catalogue know.
//!
//! Whatever cannot be had in a second is left out, without a word.

use std::{env, ffi::OsStr, time::Duration};

use clap::{Args as _, FromArgMatches as _};
use clap_complete::CompletionCandidate;
use kcilium_cluster::{
    Api, Limits,
    collect::{Resource, names},
    kubeconfig::{Environment, Names},
};
use kcilium_core::{chart::known_versions, rules::registry};
use tokio::time::Instant;

use crate::{KubernetesFlags, interrupt};

/// Who presses a key does not wait longer.
const PATIENCE: Duration = Duration::from_secs(1);

/// Contexts of the kubeconfig.
pub fn contexts(word: &OsStr) -> Vec<CompletionCandidate> {
    beginning(word, kubeconfig().contexts)
}

/// Clusters of the kubeconfig.
pub fn clusters(word: &OsStr) -> Vec<CompletionCandidate> {
    beginning(word, kubeconfig().clusters)
}

/// Users of the kubeconfig.
pub fn users(word: &OsStr) -> Vec<CompletionCandidate> {
    beginning(word, kubeconfig().users)
}

/// Namespaces of the cluster.
pub fn namespaces(word: &OsStr) -> Vec<CompletionCandidate> {
    beginning(word, ask(Resource::NAMESPACES, &[]))
}

/// Nodes of the cluster.
pub fn nodes(word: &OsStr) -> Vec<CompletionCandidate> {
    beginning(word, ask(Resource::NODES, &[]))
}

/// Helm releases that are deployed, in all namespaces.
pub fn releases(word: &OsStr) -> Vec<CompletionCandidate> {
    let revisions = ask(Resource::SECRETS, &[("labelSelector", "owner=helm,status=deployed")]);
    // Such as `sh.helm.release.v1.cilium.v3`.
    let release = |name: &String| {
        let name = name.strip_prefix("sh.helm.release.v1.")?;
        name.rsplit_once(".v").map(|(release, _)| release.to_owned())
    };
    beginning(word, revisions.iter().filter_map(release).collect())
}

/// Codes of rules, with what they are about.
pub fn codes(word: &OsStr) -> Vec<CompletionCandidate> {
    let word = word.to_string_lossy().to_uppercase();
    let rules = registry::RULES.iter().chain([&registry::SCHEMA]);
    rules
        .filter(|rule| rule.code.0.starts_with(&word))
        .map(|rule| CompletionCandidate::new(rule.code.0).help(Some(rule.title.into())))
        .collect()
}

/// Chart versions that are known here, newest first.
pub fn chart_versions(word: &OsStr) -> Vec<CompletionCandidate> {
    let word = word.to_string_lossy();
    let word = word.strip_prefix('v').unwrap_or(&word);
    let versions = known_versions().iter().rev().map(ToString::to_string);
    versions.filter(|it| it.starts_with(word)).map(CompletionCandidate::new).collect()
}

/// Those of some values that begin as the word does.
fn beginning(word: &OsStr, mut values: Vec<String>) -> Vec<CompletionCandidate> {
    let word = word.to_string_lossy();
    values.sort();
    values.dedup();
    values.retain(|value| value.starts_with(&*word));
    values.into_iter().map(CompletionCandidate::new).collect()
}

fn kubeconfig() -> Names {
    Names::read(&flags().flags(), &Environment::of_process()).unwrap_or_default()
}

/// Names of objects, if the server gives them in time.
fn ask(resource: Resource, query: &[(&str, &str)]) -> Vec<String> {
    let flags = flags();
    let asked = async {
        let connection = flags.connection().ok()?;
        let deadline = Instant::now() + PATIENCE;
        let limits = Limits { deadline, request: PATIENCE, concurrency: 1 };
        // A credential plugin knows nothing of the deadline.
        let connected = tokio::time::timeout_at(deadline, Api::connect(&connection, limits));
        let api = connected.await.ok()?.ok()?;
        names(&api, resource, None, query).await.ok()
    };
    interrupt::block_on(asked).ok().flatten().unwrap_or_default()
}

/// The flags in the command line so far that say which cluster. The command line is not whole yet,
/// so it is not read as one: what is no such flag is passed over.
fn flags() -> KubernetesFlags {
    let command = KubernetesFlags::augment_args(clap::Command::new("kubectl"));
    let takes_value = |name: &str| {
        let flag = command.get_arguments().find(|arg| arg.get_long() == Some(name));
        flag.map(|flag| !flag.is_require_equals_set())
    };
    let mut known = vec!["kubectl".to_owned()];
    let words: Vec<String> =
        env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    for (index, word) in words.iter().enumerate() {
        let Some(flag) = word.strip_prefix("--") else { continue };
        let name = flag.split('=').next().unwrap_or_default();
        match (takes_value(name), words.get(index + 1)) {
            (Some(_), _) if flag.contains('=') => known.push(word.clone()),
            (Some(true), Some(value)) if !value.is_empty() => {
                known.push(format!("{word}={value}"));
            }
            _ => {}
        }
    }
    let matches = command.try_get_matches_from(known).ok();
    matches.and_then(|matches| KubernetesFlags::from_arg_matches(&matches).ok()).unwrap_or_default()
}

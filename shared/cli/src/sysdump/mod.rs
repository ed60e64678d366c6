//! Archives that `cilium sysdump` writes.
//!
//! What is in them is put where a [recording](kcilium_core::decode::recorded) has it, and read as
//! one. Nothing is unpacked to disk, and names of entries are only compared, so that it does not
//! matter what they are.

mod archive;
mod bugtool;
mod error;
mod layout;
mod logs;
mod yaml;

use std::{collections::BTreeMap, path::Path};

use kcilium_core::{
    decode::recorded::{self, Files},
    facts::{Fact, Facts, Release, Run, Source, Unavailable},
    redaction,
};
use serde::Deserialize;
use serde_json::Value;

pub use archive::is_archive;
pub use error::SysdumpError;

use archive::Archive;
use bugtool::Bugtool;
use layout::Part;

/// Reads an archive.
///
/// # Errors
/// When it is none, is damaged or too large, or when one of the files that are read makes no sense.
/// Files that are missing are no error: the facts they would give are unavailable.
pub fn read(path: &Path) -> Result<Facts, SysdumpError> {
    let mut archive = Archive::open(path)?;
    let mut found = Found::default();
    let mut parts = 0_usize;
    for index in 0..archive.len() {
        let name = archive.name(index);
        let Some(part) = layout::part(&name) else { continue };
        match part {
            // Which are wanted the pods tell, when all are known.
            Part::Log(of, run) => {
                found.logs.insert((of.to_owned(), run), (index, name));
                continue;
            }
            Part::Command { pod, command } if bugtool::is_large(command) => {
                if let Some(text) = archive.spare_text(index, &name)? {
                    found.bugtools.entry(pod.to_owned()).or_default().take(command, text);
                }
                continue;
            }
            _ => parts += 1,
        }
        let text = archive.text(index, &name)?;
        found.take(part, text).map_err(|reason| archive.broken(&name, &reason))?;
    }
    if parts == 0 {
        return Err(SysdumpError::Foreign { path: path.into() });
    }
    for source in logs::wanted(&found.files) {
        let Some((index, name)) = found.logs.get(&logs::key(&source)) else { continue };
        if let Some(text) = archive.log_end(*index, name)? {
            found.files.insert(recorded::log_path(&source), logs::without_times(&text));
        }
    }
    Ok(found.facts())
}

/// What was read of an archive.
#[derive(Default)]
struct Found {
    files: Files,
    bugtools: BTreeMap<String, Bugtool>,
    /// CNI files; their names hold those of pods.
    cni: Vec<(String, String)>,
    release: Option<Release>,
    values: Option<Value>,
    /// Entries that are logs, by what their names say.
    logs: BTreeMap<(String, Run), (usize, String)>,
}

impl Found {
    fn take(&mut self, part: Part<'_>, text: String) -> Result<(), String> {
        match part {
            Part::Objects(resource) => {
                self.files.insert(format!("api/{resource}.json"), yaml::to_json(&text)?);
            }
            Part::Version => {
                let version = serde_json::json!({ "gitVersion": layout::git_version(&text)? });
                self.files.insert("api/version.json".into(), version.to_string());
            }
            Part::HelmValues => self.values = Some(parsed(&text)?),
            Part::HelmMetadata => self.release = Some(release(&text)?),
            Part::Cni(name) => self.cni.push((name.to_owned(), text)),
            Part::Log(..) => {}
            Part::Command { pod, command } => {
                self.bugtools.entry(pod.to_owned()).or_default().take(command, text);
            }
        }
        Ok(())
    }

    fn facts(mut self) -> Facts {
        let pods = self.pods();
        for (pod, bugtool) in self.bugtools {
            let of_pod = pods.get(&pod);
            let Some(node) = of_pod.map(|pod| &*pod.spec.node_name).or(bugtool.host_name()) else {
                continue;
            };
            let files = bugtool.recording(of_pod.is_some_and(AgentPod::has_resolvers_of_host));
            self.files.extend(files.map(|(name, text)| (format!("{node}/{name}"), text)));
        }
        for (name, text) in self.cni {
            if let Some((pod, file)) = layout::cni_file(&name, pods.keys()) {
                let node = &pods[pod].spec.node_name;
                self.files.insert(format!("{node}/cni/{file}"), text);
            }
        }
        let yaml = |text: &str| serde_saphyr::from_str(text).map_err(|error| error.to_string());
        let mut facts = recorded::facts(&self.files, yaml);
        facts.origin.source = Source::Sysdump;
        // Of these it has Cilium's own alone; that others are missing says nothing.
        let partial = |what| Unavailable::absent(what, "a sysdump has those of Cilium only");
        facts.cluster.daemon_sets = Fact::Unavailable(partial("daemonsets"));
        facts.cluster.corefiles = Fact::Unavailable(partial("configmaps"));
        if let Some(mut release) = self.release {
            release.values = self.values.unwrap_or_default();
            redaction::tree(&mut release.values);
            facts.cluster.releases = Fact::Known(vec![release]);
        }
        facts
    }

    /// Pods by their names. Two that share one are in different namespaces, and agents in none but
    /// one.
    fn pods(&self) -> BTreeMap<String, AgentPod> {
        #[derive(Deserialize)]
        struct Pods {
            items: Vec<AgentPod>,
        }
        // Where they cannot be read, the facts say so.
        let pods = self.files.get("api/pods.json").and_then(|json| serde_json::from_str(json).ok());
        let Pods { items } = pods.unwrap_or(Pods { items: Vec::new() });
        let is_placed = |pod: &AgentPod| {
            let name = &pod.spec.node_name;
            !name.is_empty() && !name.contains('/')
        };
        items.into_iter().filter(is_placed).map(|pod| (pod.metadata.name.clone(), pod)).collect()
    }
}

/// A pod, as far as it says whose the output of its agent is.
#[derive(Deserialize)]
struct AgentPod {
    metadata: Metadata,
    #[serde(default)]
    spec: Spec,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    node_name: String,
    host_network: bool,
    dns_policy: String,
}

impl AgentPod {
    /// Whether the kubelet wrote the host's DNS servers into the pod's `/etc/resolv.conf`.
    fn has_resolvers_of_host(&self) -> bool {
        let policy = self.spec.dns_policy.as_str();
        self.spec.host_network && matches!(policy, "" | "ClusterFirst" | "Default")
    }
}

fn parsed<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, String> {
    serde_json::from_str(&yaml::to_json(text)?).map_err(|error| error.to_string())
}

/// What `helm get metadata` prints.
fn release(text: &str) -> Result<Release, String> {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "camelCase")]
    struct Raw {
        name: String,
        namespace: String,
        revision: u32,
        status: String,
        chart: String,
        version: String,
        app_version: String,
        deployed_at: Option<String>,
    }
    let raw: Raw = parsed(text)?;
    Ok(Release {
        namespace: raw.namespace,
        name: raw.name,
        revision: raw.revision,
        status: raw.status,
        chart: raw.chart,
        chart_version: raw.version,
        app_version: raw.app_version,
        deployed: raw.deployed_at,
        ..Release::default()
    })
}

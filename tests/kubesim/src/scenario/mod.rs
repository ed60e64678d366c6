//! Clusters in a certain state, kept as readable files under `scenarios/`.
//!
//! A scenario file says which object files a cluster is made of and what differs from them; see
//! [`compose`] for the format. Everything is composed when a scenario is asked for, so what is
//! loaded can be printed and read in full.

mod compose;
mod fleet;
mod network;
mod release;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use ipnet::Ipv4Net;
use serde_json::Value;

use crate::{
    fleet::Fleet,
    load,
    object::{meta, text},
};

pub use network::{Cilium, Network, Topology};

const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios");

/// An object and the file it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The object.
    pub object: Value,
    /// The file, relative to `scenarios/` if it lies there.
    pub file: String,
}

impl Item {
    /// File, kind and name, for messages.
    pub fn describe(&self) -> String {
        format!("{}: {}", self.file, Identity::of(&self.object))
    }
}

/// Apiversion, kind, namespace and name: what two files mean the same object by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity([String; 4]);

impl Identity {
    /// The object's.
    pub(crate) fn of(object: &Value) -> Self {
        Self(
            [
                text(object, &["apiVersion"]),
                text(object, &["kind"]),
                meta(object, "namespace"),
                meta(object, "name"),
            ]
            .map(str::to_owned),
        )
    }
}

impl std::fmt::Display for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self([_, kind, namespace, name]) = self;
        let slash = if namespace.is_empty() { "" } else { "/" };
        write!(f, "{kind} {namespace}{slash}{name}")
    }
}

/// A cluster in a certain state.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// What it is asked for by.
    pub name: String,
    /// What has happened, in one line.
    pub story: String,
    /// The version of Kubernetes.
    pub kubernetes: String,
    /// The range of ClusterIPs.
    pub services: Ipv4Net,
    /// What nodes see of the network, where the scenario says it.
    pub network: Option<Network>,
    /// What images hold: directories that are laid over a node's file system.
    pub images: BTreeMap<String, PathBuf>,
    /// Every object that a file describes.
    pub objects: Vec<Item>,
    /// What is generated besides.
    pub fleet: Option<Fleet>,
}

impl Scenario {
    /// A new cluster with nothing in it.
    pub fn empty() -> Self {
        Self {
            name: "empty".to_owned(),
            story: "A new cluster.".to_owned(),
            kubernetes: crate::Config::default().version,
            services: crate::Config::default().services,
            network: None,
            images: BTreeMap::new(),
            objects: Vec::new(),
            fleet: None,
        }
    }

    /// The scenario of that name: a file's, or `fleet(NODES,PODS)`.
    pub fn named(name: &str) -> Result<Self> {
        if let Some(fleet) = fleet::parse(name)? {
            return Ok(fleet::scenario(fleet));
        }
        let directory = Path::new(DIRECTORY);
        let known = names(directory)?;
        if !known.iter().any(|known| known == name) {
            bail!(
                "there is no scenario `{name}`; there are {}, and fleet(NODES,PODS)",
                known.join(", ")
            );
        }
        compose::read(directory, name).with_context(|| format!("scenario {name}"))
    }

    /// Every scenario that has a file, in the order of their names.
    pub fn all() -> Result<Vec<Self>> {
        names(Path::new(DIRECTORY))?.iter().map(|name| Self::named(name)).collect()
    }

    /// Adds the objects of a YAML or JSON text.
    pub fn add(&mut self, text: &str, file: &str) -> Result<()> {
        let objects = load::read(text)?;
        self.objects
            .extend(objects.into_iter().map(|object| Item { object, file: file.to_owned() }));
        Ok(())
    }

    /// All of it as one YAML text: first what it is, then the objects.
    pub fn to_yaml(&self) -> Result<String> {
        let mut head = vec![
            format!("{}: {}", self.name, self.story),
            format!("Kubernetes {}, services in {}", self.kubernetes, self.services),
        ];
        head.extend(self.network.iter().map(|network| format!("network: {network}")));
        let images = self.images.iter();
        head.extend(images.map(|(image, root)| format!("image {image}: {}", root.display())));
        let mut out: String = head.iter().flat_map(|line| ["# ", line, "\n"]).collect();
        for item in &self.objects {
            let object = serde_saphyr::to_string(&item.object)?;
            out.extend(["---\n# ", &item.file, "\n", object.trim_end(), "\n"]);
        }
        Ok(out)
    }
}

fn names(directory: &Path) -> Result<Vec<String>> {
    let entries =
        fs::read_dir(directory).with_context(|| format!("read {}", directory.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
    }
    names.sort_unstable();
    Ok(names)
}

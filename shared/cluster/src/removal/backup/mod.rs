//! What cannot be had again, written down before anything is deleted.
//!
//! In a folder that only its owner reads: the values and the manifest of each release, what people
//! wrote as objects that can be applied again, and what agents wrote as rows, which is evidence and
//! never applied. `backup.json` is written last: a folder without it is of a run that was killed.

mod clean;
mod evidence;
mod file;

use std::{
    io,
    path::{Path, PathBuf},
};

use kcilium_core::{
    decode::kubernetes::ReleaseContents,
    removal::{Authorship, CustomResources, Kept, NodeMarks},
};
use serde::{Deserialize, Serialize};

use super::Survey;
use crate::{Api, ApiError, Form, PageSize, Pages};
use file::File;

/// The name of the index.
pub(super) const INDEX: &str = "backup.json";

/// Where objects are that can be applied again.
pub(super) const RESOURCES: &str = "resources";

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The disk.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What was read back is not what was written.
    #[error("{}: what was read back is not what was written", path.display())]
    Differs {
        /// Which file.
        path: PathBuf,
    },
    /// The API server did not give what is to be kept.
    #[error("cannot read {what}")]
    Unread {
        /// What.
        what: String,
        /// Why.
        source: ApiError,
    },
    /// It is of another cluster.
    #[error("{} is the backup of another cluster", path.display())]
    OtherCluster {
        /// Which folder.
        path: PathBuf,
    },
}

/// What `backup.json` says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Index {
    /// The API server.
    pub server: String,
    /// Uid of the namespace kube-system.
    pub cluster_uid: String,
    /// When, by the server's clock.
    pub taken_at: String,
    /// Releases.
    pub releases: Vec<SavedRelease>,
    /// Files with what people wrote, and how many objects each has.
    pub resources: Vec<(String, u64)>,
    /// Files with what agents wrote, and how many rows each has.
    pub evidence: Vec<(String, u64)>,
    /// What was on nodes.
    pub nodes: Vec<NodeMarks>,
    /// What stays in the cluster.
    pub kept: Vec<Kept>,
}

/// A release, and the file with its values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SavedRelease {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Name of the chart.
    pub chart: String,
    /// Version of the chart.
    pub chart_version: String,
    /// The file with the user's values.
    pub values: String,
}

/// A backup that is complete.
#[derive(Clone, Debug, PartialEq)]
pub struct Backup {
    /// Its folder.
    pub folder: PathBuf,
    /// What is in it.
    pub index: Index,
}

impl Backup {
    /// How many objects of people's are in it.
    pub fn objects(&self) -> u64 {
        self.index.resources.iter().map(|(_, count)| count).sum()
    }
}

/// Writes a backup into a folder, beside those of earlier runs if there are any.
///
/// # Errors
/// When the disk does not take it, or when something cannot be read that is to be kept.
pub async fn write(api: &Api, folder: &Path, survey: &Survey) -> Result<Backup, BackupError> {
    let inventory = &survey.inventory;
    let cluster_uid = inventory.surroundings.cluster_uid.clone();
    for earlier in read(folder)? {
        if earlier.index.cluster_uid != cluster_uid {
            return Err(BackupError::OtherCluster { path: earlier.folder });
        }
    }
    let folder = file::free_folder(folder)?;
    let mut index = Index {
        server: api.server().to_owned(),
        cluster_uid,
        taken_at: api.server_time().to_string(),
        nodes: inventory.nodes.clone(),
        kept: inventory.kept.clone(),
        ..Index::default()
    };
    for contents in &survey.contents {
        index.releases.push(release(&folder, contents)?);
    }
    for resources in &inventory.custom_resources {
        let Some(definition) = resources.known() else { continue };
        if resources.count == Some(0) || resources.api_version.is_empty() {
            continue;
        }
        match definition.authorship {
            Authorship::User => index.resources.extend(objects(api, &folder, resources).await?),
            Authorship::Cilium => {
                index.evidence.push(evidence::write(api, &folder, resources).await?);
            }
        }
    }
    let mut file = File::create(&folder, INDEX)?;
    let text = serde_json::to_vec_pretty(&index).map_err(|error| file.error(error.into()))?;
    file.write(&text)?;
    file.finish()?;
    Ok(Backup { folder, index })
}

/// Reads the complete backups in a folder, oldest first; none if there is no such folder.
///
/// # Errors
/// When an index cannot be read.
pub fn read(folder: &Path) -> Result<Vec<Backup>, BackupError> {
    let mut found = Vec::new();
    for folder in file::folders(folder) {
        let path = folder.join(INDEX);
        let error = |source| BackupError::Io { path: path.clone(), source };
        match std::fs::read(&path) {
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(error(source)),
            Ok(text) => {
                let index = serde_json::from_slice(&text).map_err(|it| error(it.into()))?;
                found.push(Backup { folder, index });
            }
        }
    }
    Ok(found)
}

/// The user's values and the manifest.
fn release(folder: &Path, contents: &ReleaseContents) -> Result<SavedRelease, BackupError> {
    let ReleaseContents { release, values, manifest, .. } = contents;
    let stem = format!("releases/{}.{}", plain(&release.namespace), plain(&release.name));
    let name = format!("{stem}.values.yaml");
    let mut file = File::create(folder, &name)?;
    file.write(file.yaml(values)?.as_bytes())?;
    file.finish()?;
    let mut file = File::create(folder, &format!("{stem}.manifest.yaml"))?;
    file.write(manifest.as_bytes())?;
    file.finish()?;
    Ok(SavedRelease {
        namespace: release.namespace.clone(),
        name: release.name.clone(),
        chart: release.chart.clone(),
        chart_version: release.chart_version.clone(),
        values: name,
    })
}

/// A name as that of a file: a release says its own, and anybody may have written it.
fn plain(name: &str) -> String {
    let is_plain = |it: char| it.is_ascii_alphanumeric() || it == '-';
    name.chars().map(|it| if is_plain(it) { it } else { '_' }).collect()
}

/// What people wrote of one kind; nothing if all of it is made of something else.
async fn objects(
    api: &Api,
    folder: &Path,
    resources: &CustomResources,
) -> Result<Option<(String, u64)>, BackupError> {
    #[derive(Deserialize)]
    struct List {
        items: Vec<serde_json::Value>,
        #[serde(default)]
        metadata: Metadata,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Metadata {
        #[serde(rename = "continue")]
        resume: String,
    }
    let name = format!("{RESOURCES}/{}.yaml", resources.plural);
    let mut file = File::create(folder, &name)?;
    let mut trouble = None;
    let path = format!("/apis/{}/{}", resources.api_version, resources.plural);
    let pages = Pages { path: &path, query: &[], form: Form::Json, size: PageSize::Objects };
    let written = api.list(&pages, |json| {
        let unreadable = |reason: String| ApiError::Unreadable { reason };
        let page: List =
            serde_json::from_slice(json).map_err(|error| unreadable(error.to_string()))?;
        let mut written = Vec::new();
        for mut object in page.items {
            if !clean::clean(&mut object, &resources.api_version, &resources.kind) {
                continue;
            }
            let outcome =
                file.yaml(&object).and_then(|yaml| file.write(format!("---\n{yaml}").as_bytes()));
            if let Err(error) = outcome {
                let reason = error.to_string();
                trouble = Some(error);
                return Err(unreadable(reason));
            }
            written.push(());
        }
        Ok((written, Some(page.metadata.resume)))
    });
    let written = written.await;
    if let Some(trouble) = trouble {
        return Err(trouble);
    }
    let what = resources.definition.name.clone();
    let count = written.map_err(|source| BackupError::Unread { what, source })?.len() as u64;
    file.finish()?;
    Ok(Some((name, count)))
}

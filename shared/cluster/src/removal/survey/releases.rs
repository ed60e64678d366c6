//! Releases of Cilium's chart, whatever they are called and whatever became of them.

use std::collections::BTreeMap;

use futures_util::{StreamExt as _, stream};
use kcilium_core::{
    decode::kubernetes::ReleaseContents,
    facts::Unavailable,
    removal::{Guardian, ObjectRef, ReleaseFound},
};

use super::Surveyor;
use crate::{Form, collect::Resource};

/// Names of the chart.
const CHARTS: [&str; 2] = ["cilium", "rke2-cilium"];

/// How many releases are read at once.
const AT_ONCE: usize = 4;

/// The revisions of a release, oldest first.
type Revisions = BTreeMap<u32, ObjectRef>;

impl Surveyor<'_> {
    /// Finds the releases, by what the newest revision says of its chart. A cluster may have hundreds
    /// of others, so that no more than one revision of each is read.
    pub(super) async fn releases(&mut self) -> Vec<ReleaseContents> {
        let mut releases: BTreeMap<(&str, String, String), Revisions> = BTreeMap::new();
        // Helm keeps releases in Secrets, unless HELM_DRIVER says configmap.
        for (resource, kind) in
            [(Resource::SECRETS, "Secret"), (Resource::CONFIG_MAPS, "ConfigMap")]
        {
            for record in self.metas(resource, None, "owner=helm").await.unwrap_or_default() {
                let key = (kind, record.namespace.clone(), record.label("name").to_owned());
                let revision = record.label("version").parse().unwrap_or(0);
                let object = ObjectRef {
                    api_version: "v1".into(),
                    kind: kind.into(),
                    plural: resource.plural.into(),
                    namespace: record.namespace,
                    name: record.name,
                    uid: record.uid,
                };
                releases.entry(key).or_default().insert(revision, object);
            }
        }
        let reader = self.reader;
        let read = releases.into_iter().map(|((_, namespace, name), revisions)| async move {
            let newest = revisions.last_key_value().map(|(_, object)| object.path());
            let path = newest.unwrap_or_default();
            let contents = reader.one::<ReleaseContents>(&path, Form::Json).await;
            (namespace, name, revisions, contents)
        });
        let read: Vec<_> = stream::iter(read).buffered(AT_ONCE).collect().await;
        let mut found = Vec::new();
        for (namespace, name, revisions, contents) in read {
            match contents {
                Ok(Some(contents)) if self.is_wanted(&contents) => {
                    let release = &contents.release;
                    self.owners.cilium.push((namespace.clone(), name.clone()));
                    self.inventory.releases.push(ReleaseFound {
                        chart_version: release.chart_version.clone(),
                        status: release.status.clone(),
                        revision: release.revision,
                        records: revisions.into_values().collect(),
                        namespace,
                        name,
                    });
                    found.push(contents);
                }
                Ok(Some(contents)) => {
                    if CHARTS.contains(&&*contents.release.chart) {
                        self.inventory.guardians.push(Guardian::new(
                            format!("another release of Cilium, {namespace}/{name},"),
                            "it is not the one of --release",
                            "leave out --release: definitions and nodes are of all releases",
                        ));
                    }
                    self.owners.others.push((namespace, name));
                }
                // Deleted meanwhile.
                Ok(None) => {}
                Err(error) => {
                    let what = format!("Helm release {namespace}/{name}");
                    self.unknown(error.unavailable(&what, "get secrets and configmaps"));
                    self.damaged(namespace, name, revisions);
                }
            }
        }
        found
    }

    fn is_wanted(&self, contents: &ReleaseContents) -> bool {
        CHARTS.contains(&&*contents.release.chart)
            && self.wish.release.as_ref().is_none_or(|wanted| *wanted == contents.release.name)
    }

    /// A release that cannot be read is Cilium's where the user says so: its objects are then known
    /// by what they say of themselves.
    fn damaged(&mut self, namespace: String, name: String, revisions: Revisions) {
        if self.wish.release.as_ref() != Some(&name) {
            let what = format!("chart of Helm release {namespace}/{name}");
            let why = format!("if it is Cilium's, say --release {name}");
            return self.unknown(Unavailable::failed(what, why));
        }
        self.owners.cilium.push((namespace.clone(), name.clone()));
        self.inventory.releases.push(ReleaseFound {
            namespace,
            name,
            status: "unreadable".into(),
            records: revisions.into_values().collect(),
            ..ReleaseFound::default()
        });
    }
}

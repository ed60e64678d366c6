//! Helm releases: what helm keeps of them in a Secret, made from what a scenario says of them.
//!
//! In a file a release is an object of kind `HelmRelease` (`kubesim.test/v1`), so that scenarios can
//! change it as they change any other. Its manifest is not written there: it is made of the objects
//! that carry the release's annotations, as helm puts them on whatever it installs.

use std::io::Write as _;

use anyhow::{Context as _, Result};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

use super::Item;
use crate::object::{meta, number, text};

const API_VERSION: &str = "kubesim.test/v1";

/// What helm and the controllers write on objects of a release.
const ADDED_ANNOTATIONS: &[&str] = &[
    "meta.helm.sh/release-name",
    "meta.helm.sh/release-namespace",
    "deployment.kubernetes.io/revision",
    "deprecated.daemonset.template.generation",
];

/// Makes each release the Secret that helm would keep.
pub(super) fn wrap(objects: &mut [Item]) -> Result<()> {
    for place in 0..objects.len() {
        if text(&objects[place].object, &["apiVersion"]) == API_VERSION {
            let item = &objects[place];
            let secret = secret(&item.object, objects).with_context(|| item.describe())?;
            objects[place].object = secret;
        }
    }
    Ok(())
}

fn secret(release: &Value, objects: &[Item]) -> Result<Value> {
    let (name, namespace) = (meta(release, "name"), meta(release, "namespace"));
    let (created, status) =
        (meta(release, "creationTimestamp"), text(release, &["spec", "status"]));
    let revision = number(release, &["spec", "revision"]);
    let spec = &release["spec"];
    let record = json!({
        "name": name,
        "info": {
            "first_deployed": created,
            "last_deployed": created,
            "deleted": "",
            "description": spec["description"],
            "status": status,
            "notes": spec["notes"],
        },
        "chart": {
            "metadata": spec["chart"],
            "lock": null,
            "templates": [],
            "values": {},
            "schema": null,
            "files": null,
        },
        "config": spec["values"],
        "manifest": manifest(name, namespace, text(spec, &["chart", "name"]), objects)?,
        "version": revision,
        "namespace": namespace,
    });
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&serde_json::to_vec(&record)?)?;
    // Twice: once by helm, once because a Secret's data always is.
    let data = STANDARD.encode(STANDARD.encode(gzip.finish()?));
    Ok(json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": format!("sh.helm.release.v1.{name}.v{revision}"),
            "namespace": namespace,
            "creationTimestamp": created,
            "labels": {
                "name": name,
                "owner": "helm",
                "status": status,
                "version": revision.to_string(),
            },
        },
        "type": "helm.sh/release.v1",
        "data": {"release": data},
    }))
}

/// The objects of the release as the chart's templates would have them: without what the server,
/// the controllers and helm itself add.
fn manifest(name: &str, namespace: &str, chart: &str, objects: &[Item]) -> Result<String> {
    let mut text = String::new();
    for Item { object, .. } in objects {
        let annotations = &object["metadata"]["annotations"];
        if annotations["meta.helm.sh/release-name"] != name
            || annotations["meta.helm.sh/release-namespace"] != namespace
        {
            continue;
        }
        let mut object = object.clone();
        let metadata = &mut object["metadata"];
        remove(metadata.pointer_mut("/annotations"), ADDED_ANNOTATIONS);
        remove(metadata.pointer_mut("/labels"), &["app.kubernetes.io/managed-by"]);
        remove(Some(metadata), &["uid", "creationTimestamp"]);
        remove(object.pointer_mut("/spec"), &["clusterIP", "clusterIPs"]);
        remove(Some(&mut object), &["status"]);
        let kind = object["kind"].as_str().unwrap_or_default().to_lowercase();
        let yaml = serde_saphyr::to_string(&object)?;
        let yaml = yaml.trim_end();
        text.extend(["---\n# Source: ", chart, "/templates/", &kind, ".yaml\n", yaml, "\n"]);
    }
    Ok(text)
}

fn remove(map: Option<&mut Value>, keys: &[&str]) {
    if let Some(map) = map.and_then(Value::as_object_mut) {
        map.retain(|key, _| !keys.contains(&key.as_str()));
    }
}

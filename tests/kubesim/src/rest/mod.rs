//! Putting objects into any API server over its REST API, in an order that it takes.
//!
//! Servers give objects uids and times of their own; references between objects are rewritten to
//! those. What the server made itself (its namespaces, the `kubernetes` Service) is patched.

mod client;
mod kinds;
mod order;

use std::{collections::HashMap, time::Duration};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

pub(crate) use client::Client;

use crate::{
    kubeconfig::Access,
    object::{meta, text},
    scenario::{Item, Scenario},
};
use client::Answer;
use kinds::{Kind, Kinds};

const PATIENCE: Duration = Duration::from_secs(30);

/// Puts all objects of a scenario into the server.
pub async fn load(access: &Access, scenario: &Scenario) -> Result<()> {
    if scenario.fleet.is_some() {
        bail!("scenario {}: fleets go into kubesim's own store only", scenario.name);
    }
    let mut loader = Loader {
        client: Client::connect(access).await?,
        kinds: Kinds::default(),
        uids: HashMap::new(),
    };
    loader.load(&scenario.objects).await.with_context(|| format!("scenario {}", scenario.name))
}

struct Loader {
    client: Client,
    kinds: Kinds,
    /// From the uids in the files to those that the server gave.
    uids: HashMap<String, String>,
}

impl Loader {
    async fn load(&mut self, items: &[Item]) -> Result<()> {
        for namespace in order::namespaces(items) {
            let object =
                json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
            self.put(&object).await.with_context(|| format!("Namespace {namespace}"))?;
        }
        for step in order::steps(items)? {
            for item in &step {
                self.put(&item.object).await.with_context(|| item.describe())?;
            }
            for item in step.iter().filter(|item| order::is_definition(item)) {
                self.established(&item.object).await.with_context(|| item.describe())?;
            }
        }
        Ok(())
    }

    /// Creates the object, or patches it if there is one, and then its status.
    async fn put(&mut self, object: &Value) -> Result<()> {
        let kind = self.kinds.of(&self.client, object).await?;
        let mut sent = object.clone();
        sent["apiVersion"] = json!(kind.api_version);
        order::translate(&mut sent, &self.uids);
        let metadata = sent["metadata"].as_object_mut().context("an object has metadata")?;
        for field in [
            "creationTimestamp",
            "generation",
            "managedFields",
            "resourceVersion",
            "selfLink",
            "uid",
        ] {
            metadata.remove(field);
        }
        let mut made = self.client.call("POST", &kind.collection(object), Some(&sent)).await?;
        if made.code == 409 && text(&made.body, &["reason"]) == "AlreadyExists" {
            made = self.client.call("PATCH", &kind.path(object), Some(&sent)).await?;
        }
        let made = made.ok()?;
        let (old, new) = (meta(object, "uid"), meta(&made, "uid"));
        if !old.is_empty() {
            self.uids.insert(old.to_owned(), new.to_owned());
        }
        // The status of a definition is the server's own business.
        if object["status"].is_object() && kind.status && kind.name != "CustomResourceDefinition" {
            let path = format!("{}/status", kind.path(object));
            let status = json!({"status": sent["status"]});
            self.client.call("PATCH", &path, Some(&status)).await?.ok().context("its status")?;
        }
        Ok(())
    }

    /// Waits until the kinds of a definition are served.
    async fn established(&mut self, definition: &Value) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let kind = self.kinds.of(&self.client, definition).await?;
        while !self.serves(&kind, definition).await? {
            if Instant::now() > deadline {
                bail!("not established after {} s", PATIENCE.as_secs());
            }
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    async fn serves(&self, kind: &Kind, definition: &Value) -> Result<bool> {
        let current: Value = self.client.call("GET", &kind.path(definition), None).await?.ok()?;
        let conditions = current["status"]["conditions"].as_array();
        let established = conditions
            .into_iter()
            .flatten()
            .any(|condition| condition["type"] == "Established" && condition["status"] == "True");
        if !established {
            return Ok(false);
        }
        // Discovery is a moment behind.
        let (group, plural) =
            (text(definition, &["spec", "group"]), text(definition, &["spec", "names", "plural"]));
        for version in definition["spec"]["versions"].as_array().into_iter().flatten() {
            let path = format!("/apis/{group}/{}", text(version, &["name"]));
            let Answer { code, body } = self.client.call("GET", &path, None).await?;
            let listed = body["resources"].as_array().into_iter().flatten();
            if code != 200 || !listed.into_iter().any(|resource| resource["name"] == plural) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

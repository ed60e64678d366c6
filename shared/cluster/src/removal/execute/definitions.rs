//! Definitions and their objects. The server deletes the objects of a definition itself: one request
//! for a hundred thousand of them.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use kcilium_core::removal::{CustomResources, Meta};
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::{AT_ONCE, Event, Failure, PAUSE, Work, options, words};
use crate::{ApiError, Patch, collect::Resource, removal::read::Reader};

/// How long the owners of finalizers have to do what they are there for.
const GRACE: Duration = Duration::from_secs(5);

/// How long a definition may take to go. A server deletes some hundreds of objects in a second.
const END: Duration = Duration::from_mins(10);

impl Work<'_> {
    /// Deletes a definition, and waits until it is gone.
    pub(super) async fn definition(&self, resources: &CustomResources) -> Result<(), Failure> {
        self.delete(&resources.definition).await?;
        let begun = Instant::now();
        let mut is_free = false;
        loop {
            if !self.is_there(&resources.definition).await {
                return Ok(());
            }
            if self.is_stopped() {
                return Err("interrupted; the server goes on deleting it".into());
            }
            if !is_free && begun.elapsed() >= GRACE {
                // Objects of Cilium's have none, and of the others there may be some thousands.
                self.free(resources).await?;
                is_free = true;
            }
            if begun.elapsed() >= END.min(self.api.deadline().duration_since(begun)) {
                return Err("it is still there; the server goes on deleting it".into());
            }
            (self.tell)(&Event::Waiting { what: format!("the end of {}", resources.definition) });
            sleep(PAUSE).await;
        }
    }

    /// Takes the finalizers off objects that are being deleted and whose owners have not done so.
    /// Never off the definition: what is left of it in etcd could not be reached any more.
    async fn free(&self, resources: &CustomResources) -> Result<(), Failure> {
        if resources.api_version.is_empty() {
            return Ok(());
        }
        let path = format!("/apis/{}/{}", resources.api_version, resources.plural);
        let metas = Reader { api: self.api }.metas(&path, "").await.map_err(|it| words(&it))?;
        let held = metas.into_iter().filter(|it| it.is_terminating && !it.finalizers.is_empty());
        let freed = held.map(|meta| async move {
            match self.strip(resources, &meta).await {
                Ok(()) | Err(ApiError::NotFound { .. }) => None,
                Err(error) => Some(format!("{}: {}", meta.name, words(&error))),
            }
        });
        let failures: Vec<_> = stream::iter(freed).buffer_unordered(AT_ONCE).collect().await;
        match failures.into_iter().flatten().next() {
            None => Ok(()),
            Some(why) => Err(format!("cannot take a finalizer off {why}")),
        }
    }

    async fn strip(&self, resources: &CustomResources, meta: &Meta) -> Result<(), ApiError> {
        let within = match &*meta.namespace {
            "" => String::new(),
            namespace => format!("/namespaces/{namespace}"),
        };
        let (version, plural, name) = (&resources.api_version, &resources.plural, &meta.name);
        let path = format!("/apis/{version}{within}/{plural}/{name}");
        let freed = json!({"metadata": {"uid": meta.uid, "finalizers": null}});
        self.api.patch(&path, Patch::Merge, &freed).await?;
        Ok(())
    }

    /// Deletes the objects of a definition that stays: in each namespace at once, because a server
    /// does not take it for all namespaces.
    pub(super) async fn objects(&self, resources: &CustomResources) -> Result<(), Failure> {
        if resources.api_version.is_empty() {
            return Err("the server does not serve it".into());
        }
        let mut namespaces = vec![String::new()];
        if resources.namespaced {
            let path = Resource::NAMESPACES.path(None);
            let all = Reader { api: self.api }.metas(&path, "").await.map_err(|it| words(&it))?;
            namespaces = all.into_iter().map(|it| format!("/namespaces/{}", it.name)).collect();
        }
        let (version, plural) = (&resources.api_version, &resources.plural);
        let deleted = namespaces.into_iter().map(|within| async move {
            let path = format!("/apis/{version}{within}/{plural}");
            self.api.delete(&path, &options(None, None)).await.map_err(|it| words(&it))
        });
        let outcomes: Vec<_> = stream::iter(deleted).buffer_unordered(AT_ONCE).collect().await;
        outcomes.into_iter().collect()
    }
}

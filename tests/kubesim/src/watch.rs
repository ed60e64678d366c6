//! Watching: what happened since, and what happens, line by line.

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt as _, channel::Channel};
use hyper::{Response, header};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use crate::{
    packed::Object,
    read::{Filter, parse_version, shape},
    reply::Body,
    request::{Form, Query},
    resource::{Resource, ServedVersion},
    server::Shared,
    status::{ApiError, ApiResult, Cause, Subject},
    store::Event,
};

/// A watch that was asked for.
pub(crate) struct Watch {
    /// The kind.
    pub resource: Arc<Resource>,
    /// The version in which objects are given.
    pub version: ServedVersion,
    /// What is watched.
    pub filter: Filter,
    /// The form of the objects.
    pub form: Form,
}

type Sender = http_body_util::channel::Sender<Bytes, io::Error>;

/// The marker at the end of what was there at the beginning.
const INITIAL_END: &str = "k8s.io/initial-events-end";

impl Watch {
    /// Begins the watch; its events follow as they come.
    pub(crate) fn start(self, shared: Arc<Shared>, query: &Query) -> ApiResult<Response<Body>> {
        let wish = query.get("sendInitialEvents");
        if wish == "true" && query.get("resourceVersionMatch") != "NotOlderThan" {
            let subject = Subject { group: "meta.k8s.io", resource: "ListOptions", name: "" };
            return Err(ApiError::invalid(
                &subject,
                &[Cause::forbidden(
                    "resourceVersionMatch",
                    "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
                )],
            ));
        }
        let from = match query.get("resourceVersion") {
            "" | "0" => None,
            text => Some(parse_version(text)?),
        };
        let initial = wish == "true" || (wish.is_empty() && from.is_none());
        // Upstream picks a random half hour to hour.
        let seconds = query.number("timeoutSeconds")?.filter(|n| *n > 0).unwrap_or(2400);
        let end = Instant::now() + Duration::from_secs(u64::try_from(seconds).unwrap_or(2400));
        let bookmarks = query.flag("allowWatchBookmarks");
        let (sender, body) = Channel::<Bytes, io::Error>::new(16);
        let mut stream = Stream {
            watch: self,
            shared,
            sender,
            first: true,
            bookmarks,
            marked: wish == "true" && bookmarks,
        };
        tokio::spawn(async move {
            // A reader that went away is the usual end of a watch.
            let _ = stream.run(initial, from, end).await;
        });
        let mut response = Response::new(body.boxed());
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
        headers
            .insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-cache, private"));
        Ok(response)
    }
}

struct Stream {
    watch: Watch,
    shared: Arc<Shared>,
    sender: Sender,
    first: bool,
    bookmarks: bool,
    marked: bool,
}

/// The reader went away.
struct Gone;

impl Stream {
    async fn run(&mut self, initial: bool, from: Option<u64>, end: Instant) -> Result<(), Gone> {
        let (mut changes, existing, mut seen) = {
            let store = self.shared.store();
            let existing: Vec<Object> = if initial {
                store
                    .all(&self.watch.resource.id)
                    .filter(|(key, object)| self.watch.filter.matches(key, object))
                    .map(|(_, object)| object.clone())
                    .collect()
            } else {
                Vec::new()
            };
            let seen = if initial { store.version() } else { from.unwrap_or(store.version()) };
            (store.changes(), existing, seen)
        };
        for object in &existing {
            self.send("ADDED", object).await?;
        }
        if self.marked {
            self.bookmark(seen, true).await?;
        }
        let mut mark = Instant::now() + self.shared.config.bookmarks;
        let mut stop = self.shared.stopping();
        loop {
            changes.borrow_and_update();
            let found: ApiResult<(Vec<Event>, u64)> = {
                let store = self.shared.store();
                let events = store.since(seen).map(|events| {
                    events.filter(|event| event.id == self.watch.resource.id).cloned().collect()
                });
                events.map(|events| (events, store.version().max(seen)))
            };
            match found {
                Ok((events, version)) => {
                    for event in &events {
                        if event.version > seen {
                            self.event(event).await?;
                        }
                    }
                    seen = version;
                }
                Err(error) => {
                    let line = json!({"type": "ERROR", "object": error.to_status()});
                    return self.line(&line).await;
                }
            }
            tokio::select! {
                told = changes.changed() => if told.is_err() { return Ok(()) },
                () = sleep_until(mark), if self.bookmarks => {
                    self.bookmark(seen, false).await?;
                    mark = Instant::now() + self.shared.config.bookmarks;
                }
                () = sleep_until(end) => return Ok(()),
                _ = stop.changed() => return Ok(()),
            }
        }
    }

    async fn event(&mut self, event: &Event) -> Result<(), Gone> {
        let filter = &self.watch.filter;
        let before = event.old.as_ref().is_some_and(|old| filter.matches(&event.key, old));
        let after = !event.deleted && filter.matches(&event.key, &event.new);
        let kind = match (before, after) {
            (false, true) => "ADDED",
            (true, true) => "MODIFIED",
            (true, false) => "DELETED",
            (false, false) => return Ok(()),
        };
        // What leaves the selection is shown as it last was in it, under the new version.
        let object = match (&event.old, before && !after && !event.deleted) {
            (Some(old), true) => old.at_version(event.version),
            _ => event.new.clone(),
        };
        self.send(kind, &object).await
    }

    async fn send(&mut self, kind: &str, object: &Object) -> Result<(), Gone> {
        let body = shape(object, &self.watch.resource, &self.watch.version, self.watch.form);
        if !matches!(self.watch.form, Form::Table(_)) || std::mem::take(&mut self.first) {
            return self.write(format!("{{\"type\":\"{kind}\",\"object\":{body}}}\n")).await;
        }
        // The columns come with the first row only.
        let mut table: Value = serde_json::from_str(&body).unwrap_or_default();
        table["columnDefinitions"] = Value::Null;
        self.line(&json!({"type": kind, "object": table})).await
    }

    async fn bookmark(&mut self, version: u64, end: bool) -> Result<(), Gone> {
        let mut object = json!({
            "kind": self.watch.resource.kind,
            "apiVersion": self.watch.resource.api_version(&self.watch.version.name),
            "metadata": {"resourceVersion": version.to_string(), "creationTimestamp": null},
        });
        if end {
            object["metadata"]["annotations"] = json!({INITIAL_END: "true"});
        }
        self.line(&json!({"type": "BOOKMARK", "object": object})).await
    }

    async fn line(&mut self, line: &Value) -> Result<(), Gone> {
        self.write(format!("{line}\n")).await
    }

    async fn write(&mut self, text: String) -> Result<(), Gone> {
        self.sender.send_data(Bytes::from(text)).await.map_err(|_| Gone)
    }
}

//! Events: what a kubelet tells people about its pods.

use std::collections::HashMap;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::{
    Api, Client,
    api::{Patch, PatchParams, PostParams},
};
use serde_json::json;
use tokio::sync::mpsc;

use super::{Pause, within};

/// Whether an event is good news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// As planned.
    Normal,
    /// Something to look at.
    Warning,
}

/// Where events are handed in; they are sent in their order, when the server takes them.
#[derive(Clone, Debug)]
pub(crate) struct Events(mpsc::UnboundedSender<Event>);

impl Events {
    /// Events of that node; the future sends them.
    pub(crate) fn new(client: Client, node: &str) -> (Self, impl Future<Output = ()> + use<>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), send(client, node.to_owned(), receiver))
    }

    /// Tells about a pod, or the container that `field` is the path of.
    pub(crate) fn tell(
        &self,
        pod: &Pod,
        field: Option<&str>,
        kind: Kind,
        reason: &str,
        message: &str,
    ) {
        let meta = &pod.metadata;
        let now = Timestamp::now();
        let event = Event {
            metadata: ObjectMeta {
                // As client-go's recorder does it: the time in nanoseconds, in hex.
                name: meta.name.as_ref().map(|name| format!("{name}.{:x}", now.as_nanosecond())),
                namespace: meta.namespace.clone(),
                ..ObjectMeta::default()
            },
            involved_object: ObjectReference {
                api_version: Some("v1".to_owned()),
                kind: Some("Pod".to_owned()),
                name: meta.name.clone(),
                namespace: meta.namespace.clone(),
                uid: meta.uid.clone(),
                resource_version: meta.resource_version.clone(),
                field_path: field.map(str::to_owned),
            },
            type_: Some(format!("{kind:?}")),
            reason: Some(reason.to_owned()),
            message: Some(message.to_owned()),
            first_timestamp: Some(Time(now)),
            last_timestamp: Some(Time(now)),
            count: Some(1),
            ..Event::default()
        };
        // Nobody listens any more when the node ends.
        let _ = self.0.send(event);
    }
}

/// What makes two events the same, of which the second is only counted.
fn key(event: &Event) -> [String; 4] {
    let object = &event.involved_object;
    [&object.uid, &object.field_path, &event.reason, &event.message]
        .map(|part| part.clone().unwrap_or_default())
}

async fn send(client: Client, node: String, mut events: mpsc::UnboundedReceiver<Event>) {
    let mut known: HashMap<[String; 4], (String, i32)> = HashMap::new();
    while let Some(mut event) = events.recv().await {
        let namespace = event.metadata.namespace.clone().unwrap_or_default();
        let api: Api<Event> = Api::namespaced(client.clone(), &namespace);
        event.source =
            Some(EventSource { component: Some("kubelet".to_owned()), host: Some(node.clone()) });
        event.reporting_component = Some("kubelet".to_owned());
        event.reporting_instance = Some(node.clone());
        let key = key(&event);
        if let Some((name, count)) = known.get_mut(&key) {
            *count += 1;
            let again = json!({"count": count, "lastTimestamp": event.last_timestamp});
            let patch = Patch::Strategic(again);
            if within(api.patch(name, &PatchParams::default(), &patch)).await.is_ok() {
                continue;
            }
        }
        let name = event.metadata.name.clone().unwrap_or_default();
        if post(&api, &event).await {
            known.insert(key, (name, event.count.unwrap_or(1)));
        }
    }
}

/// Whether the server took it. As with a real kubelet it is lost after some tries.
async fn post(api: &Api<Event>, event: &Event) -> bool {
    let mut pause = Pause::new();
    for _ in 0..6 {
        match within(api.create(&PostParams::default(), event)).await {
            Ok(_) => return true,
            // A namespace that ends takes no events.
            Err(super::RequestError::Kube(kube::Error::Api(status))) if status.code < 429 => {
                return false;
            }
            Err(_) => pause.wait().await,
        }
    }
    false
}

//! Pods in trouble, with what is said about each of them.

use std::collections::HashMap;

use crate::facts::{Component, Event, Facts, PodDetail, PodRow, Pods};

/// A pod that is not well.
pub(crate) struct Trouble<'a> {
    /// Its row.
    pub(crate) row: &'a PodRow,
    /// More about it; only of some where many are in trouble.
    pub(crate) detail: Option<&'a PodDetail>,
    /// What was reported about it, the latest first.
    pub(crate) events: Vec<&'a Event>,
}

/// All pods that are not well.
pub(super) fn all(facts: &Facts) -> Vec<Trouble<'_>> {
    let cluster = &facts.cluster;
    let details: HashMap<(&str, &str), &PodDetail> = cluster
        .troubled_pods
        .items()
        .iter()
        .map(|pod| ((pod.namespace.as_str(), pod.name.as_str()), pod))
        .collect();
    let mut events: HashMap<(&str, &str), Vec<&Event>> = HashMap::new();
    for event in cluster.events.items().iter().filter(|event| event.object.kind == "Pod") {
        let object = &event.object;
        events.entry((&object.namespace, &object.name)).or_default().push(event);
    }
    let rows = cluster.pods.known().into_iter().flat_map(Pods::rows);
    let troubles = rows.filter(|row| !row.is_well()).map(|row| {
        let name = (&*row.namespace, &*row.name);
        let mut events = events.remove(&name).unwrap_or_default();
        events.sort_by(|a, b| b.last_seen.cmp(&a.last_seen));
        Trouble { row, detail: details.get(&name).copied(), events }
    });
    troubles.collect()
}

impl<'a> Trouble<'a> {
    /// What it is.
    pub(crate) fn component(&self) -> Component {
        self.detail.map_or(Component::Other, |detail| detail.component)
    }

    /// Messages of its events with this reason, the latest first.
    pub(crate) fn messages(&self, reason: &'static str) -> impl Iterator<Item = &'a str> + '_ {
        let events = self.events.iter().filter(move |event| event.reason == reason);
        events.map(|event| event.message.as_str())
    }

    /// The latest message about its sandbox that was not made, while it still waits for one.
    pub(crate) fn sandbox_failure(&self) -> Option<&'a str> {
        self.waits_for_sandbox().then(|| self.messages("FailedCreatePodSandBox").next()).flatten()
    }

    /// Whether it is bound to a node, and none of its containers has run.
    pub(crate) fn waits_for_sandbox(&self) -> bool {
        let status = &*self.row.status;
        let waits = matches!(status, "ContainerCreating" | "Pending" | "PodInitializing")
            || status.starts_with("Init:0/");
        waits && self.row.node.is_some()
    }

    /// Why its containers wait, and how they ended.
    pub(crate) fn words(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let containers = self.detail.into_iter().flat_map(|detail| &detail.containers);
        containers.flat_map(|container| {
            let waiting = container.waiting.iter().map(|it| it.message.as_str());
            let ends = [&container.terminated, &container.last_terminated];
            let ends = ends.into_iter().flatten().map(|end| end.message.as_str());
            waiting.chain(ends).filter(|message| !message.is_empty())
        })
    }
}
